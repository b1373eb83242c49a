"""The pages that work without Streamlit and without any script: one shell, one policy."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from pathlib import Path
from string import Template

from starlette.responses import HTMLResponse

from imgcore.texts import language

_MARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="7" fill="#2f6fde"/>'
    '<g fill="none" stroke="#fff" stroke-width="2.4" stroke-linejoin="round" stroke-linecap="round">'
    '<rect x="6" y="8" width="20" height="16" rx="2.5"/><path d="M8 22l5.5-5 3.5 3 4-4.5 4 4.5"/></g>'
    '<circle cx="12" cy="13.5" r="1.9" fill="#fff"/></svg>'
)
_ICON = "data:image/svg+xml;base64," + base64.b64encode(_MARK.encode()).decode()
_PAGE = Template(
    """<!DOCTYPE html>
<html lang="$lang">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>$title · Imgcore</title>
<link rel="icon" href="$icon">
<style>$style</style>
</head>
<body>
<header>$mark<span>Imgcore</span></header>
<main>
$body
</main>
</body>
</html>
"""
)


class Shell:
    """What stands around such pages; ``sheets`` are the style sheets beside this file."""

    def __init__(self, *sheets: str) -> None:
        folder = Path(__file__).parent
        self._style = "".join((folder / sheet).read_text(encoding="utf-8") for sheet in sheets)
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self._policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self' data:; "
            "form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
        )

    def page(self, title: str, body: str, status: int) -> HTMLResponse:
        """Return a page; ``body`` is HTML, and no browser keeps it."""
        html = _PAGE.substitute(
            lang=escape(language()),
            title=escape(title),
            icon=_ICON,
            style=self._style,
            mark=_MARK.replace("<svg", '<svg aria-hidden="true"', 1),
            body=body,
        )
        headers = {"Content-Security-Policy": self._policy, "Cache-Control": "no-store"}
        return HTMLResponse(html, status, headers)
