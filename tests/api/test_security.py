"""The headers of every answer, and the policy that lets only our own scripts run."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import importlib.util
import re
from pathlib import Path

from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from imgcore.api.frontend import asset_paths, filmstrip_script_hashes, page_script_hashes
from imgcore.api.security import SecurityHeaders

FILMSTRIP = "/component/streamlit_image_select.streamlit_image_select/index.html"


def headers_of(answer: ASGIApp, path: str = "/", *, https: bool = False) -> dict[str, str]:
    """Return the headers of an answer, by their names in small letters."""
    client = TestClient(SecurityHeaders(answer, https_only=lambda: https))
    return {name.lower(): value for name, value in client.get(path).headers.items()}


def directive(headers: dict[str, str], name: str) -> list[str]:
    """Return the sources that a directive of the policy allows."""
    parts = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    return parts[name].split()


def installed(package: str) -> Path:
    """Return the folder of a package."""
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def test_every_answer_carries_the_headers() -> None:
    for status in (200, 303, 404, 500):
        headers = headers_of(Response(status_code=status))
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert headers["referrer-policy"] == "same-origin"
        assert "geolocation=()" in headers["permissions-policy"]
        assert directive(headers, "default-src") == ["'self'"]
        assert directive(headers, "object-src") == ["'none'"]
        assert "strict-transport-security" not in headers


def test_https_is_kept_where_it_is_set() -> None:
    assert headers_of(Response(), https=True)["strict-transport-security"].startswith("max-age=")


def test_a_route_may_say_more_strictly_what_it_needs() -> None:
    own = {"Content-Security-Policy": "default-src 'none'", "X-Frame-Options": "DENY"}
    headers = headers_of(Response(headers=own))
    assert headers["content-security-policy"] == "default-src 'none'"
    assert headers["x-frame-options"] == "DENY"


def test_nothing_is_kept_unless_a_route_says_so() -> None:
    assert headers_of(PlainTextResponse("x"))["cache-control"] == "private, no-store"
    kept = {"Cache-Control": "public, immutable"}
    assert headers_of(PlainTextResponse("x", headers=kept))["cache-control"] == "public, immutable"
    assert headers_of(HTMLResponse("x", headers=kept))["cache-control"] == "public, immutable"
    # What Streamlit says of its page.
    page = HTMLResponse("x", headers={"Cache-Control": "no-cache"})
    assert headers_of(page)["cache-control"] == "private, no-store"


def test_only_the_scripts_that_the_packages_brought_may_stand_in_a_page() -> None:
    page = (installed("streamlit") / "static" / "index.html").read_text()
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert page_script_hashes() == [f"'sha256-{digest}'"]
    everywhere = directive(headers_of(Response()), "script-src")
    assert everywhere == ["'self'", "blob:", f"'sha256-{digest}'"]
    assert directive(headers_of(Response(), FILMSTRIP), "script-src") == [
        *everywhere,
        *filmstrip_script_hashes(),
    ]
    assert len(filmstrip_script_hashes()) == 1


def test_assets_are_files_and_never_the_page() -> None:
    root = installed("streamlit") / "static"
    assert all((root / path[1:]).is_file() for path in asset_paths())
    assert "/static/index.html" not in asset_paths()
    assert not any(path.endswith(".html") for path in asset_paths())


def test_other_scopes_pass_untouched() -> None:
    seen = []

    async def app(scope: object, receive: object, send: object) -> None:
        seen.append(scope)

    async def nothing(*_: object) -> dict[str, str]:
        return {}

    scope = {"type": "lifespan"}
    asyncio.run(SecurityHeaders(app, https_only=lambda: False)(scope, nothing, nothing))  # type: ignore[arg-type]
    assert seen == [scope]
