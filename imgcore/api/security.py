"""What every answer tells the browser: the content security policy and its companions."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgcore.api.frontend import filmstrip_script_hashes, page_script_hashes

FILMSTRIP = "/component/streamlit_image_select"
NEVER_KEPT = "private, no-store"
FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    # Without a referrer of its own, a browser sends no origin with a form either.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(self), clipboard-read=(self), clipboard-write=(self), fullscreen=(self), "
        "display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), usb=()"
    ),
}
TWO_YEARS = "max-age=63072000; includeSubDomains"


class SecurityHeaders:
    """Middleware that adds the headers; a route's own policy and caching stand."""

    def __init__(self, app: ASGIApp, https_only: Callable[[], bool]) -> None:
        self._app = app
        self._https_only = https_only
        hashes = page_script_hashes()
        self._policy = _policy(hashes)
        self._filmstrip_policy = _policy([*hashes, *filmstrip_script_hashes()])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add the headers to what comes back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), scope["path"])
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _add(self, headers: MutableHeaders, path: str) -> None:
        for name, value in FIXED.items():
            headers.setdefault(name, value)
        policy = self._filmstrip_policy if path.startswith(FILMSTRIP) else self._policy
        headers.setdefault("Content-Security-Policy", policy)
        if self._https_only():
            headers.setdefault("Strict-Transport-Security", TWO_YEARS)
        is_page = headers.get("content-type", "").startswith("text/html")
        # Streamlit lets browsers keep its pages, as long as they ask again before they show one.
        if "cache-control" not in headers or (is_page and headers["cache-control"] == "no-cache"):
            headers["Cache-Control"] = NEVER_KEPT


def _policy(script_hashes: list[str]) -> str:
    return "; ".join(
        [
            "default-src 'self'",
            " ".join(["script-src 'self' blob:", *script_hashes]),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "frame-src 'self'",
            "frame-ancestors 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "object-src 'none'",
        ]
    )
