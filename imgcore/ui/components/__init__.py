"""Components of our own, where a native widget would be too slow or cannot do it.

Each is a folder with its script, its style and the wrapper that gives it data and texts. The
scripts share ``shared/dom.js``; they are joined into one module, since Streamlit takes contents.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from imgcore.domain.categories import CategorySet

FOLDER = Path(__file__).parent
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) )", re.MULTILINE)


@cache
def script(*files: str) -> str:
    """Return several scripts as one module, in this order; only the last keeps its default export."""
    parts = ["shared/dom.js", *files]
    return "\n".join(_EXPORT.sub("", (FOLDER / part).read_text(encoding="utf-8")) for part in parts)


@cache
def style(*files: str) -> str:
    """Return several styles as one."""
    parts = ["shared/shared.css", *files]
    return "\n".join((FOLDER / part).read_text(encoding="utf-8") for part in parts)


def groups(categories: CategorySet) -> list[dict[str, Any]]:
    """Return the categories as the scripts want them: by group, with label and key."""
    return [
        {
            "title": title,
            "items": [
                {"code": each.code, "label": each.label, "shortcut": (each.shortcut or "").lower()}
                for each in members
            ],
        }
        for title, members in categories.groups().items()
    ]


def labels(categories: CategorySet) -> list[tuple[str, str]]:
    """Return the label of every code, inactive ones too."""
    return [(each.code, each.label) for each in categories.categories]
