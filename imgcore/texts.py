"""Every text for people passes through here, so that a clinic can read it in its own language."""

from __future__ import annotations

import gettext
import os
from functools import lru_cache
from pathlib import Path

LOCALE_DIR = Path(__file__).parent / "locale"


@lru_cache(maxsize=1)
def _translations() -> gettext.NullTranslations:
    language = os.environ.get("IMGCORE_LANGUAGE", "en")
    return gettext.translation("imgcore", LOCALE_DIR, languages=[language], fallback=True)


def _(text: str) -> str:
    """Return ``text`` in the clinic's language, or as it stands when there is no translation."""
    return _translations().gettext(text)


def ngettext(one: str, many: str, count: int) -> str:
    """Return the form of a counted text that fits ``count``, with ``{count}`` filled in: "9,949"."""
    return _translations().ngettext(one, many, count).format(count=f"{count:,}")


def language() -> str:
    """Return the language that the texts are in, as HTML names it."""
    return _translations().info().get("language", "en").replace("_", "-")
