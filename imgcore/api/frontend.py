"""What the installed packages bring to the browser: Streamlit's files, and scripts inside HTML."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import re
from functools import lru_cache
from pathlib import Path

_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


@lru_cache(maxsize=1)
def asset_paths() -> frozenset[str]:
    """Return the URL paths of Streamlit's scripts, styles and fonts, and of its icon: no page of the app."""
    root = _package("streamlit") / "static"
    files = (path for path in (root / "static").rglob("*") if path.is_file())
    return frozenset(f"/{path.relative_to(root).as_posix()}" for path in [*files, root / "favicon.png"])


def page_script_hashes() -> list[str]:
    """Return what a content security policy must name for Streamlit's page to start."""
    return _script_hashes(_package("streamlit") / "static" / "index.html")


def filmstrip_script_hashes() -> list[str]:
    """Return what a content security policy must name for streamlit-image-select to start."""
    return _script_hashes(_package("streamlit_image_select") / "frontend" / "build" / "index.html")


def _package(name: str) -> Path:
    """Find a package without importing it."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(name)
    return Path(found.origin).parent


def _script_hashes(html: Path) -> list[str]:
    scripts = _INLINE_SCRIPT.findall(html.read_text(encoding="utf-8"))
    return [f"'sha256-{_sha256(script)}'" for script in scripts]


def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
