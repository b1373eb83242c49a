"""Where a request comes from: proof that our own page sent it, and programs of other origins."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
PREFLIGHT_SECONDS = 600
_ANSWERS = "Accept-Ranges, Content-Disposition, Content-Range, ETag, Retry-After, X-Change-ID, X-Request-ID"
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Range"
    ),
    "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
}


def is_from_our_page(headers: Headers) -> bool:
    """Tell whether a page of this server sent the request; without any proof it did not.

    The browser's own verdict counts first, then its origin beside the host that it asked.
    """
    verdict = headers.get("sec-fetch-site")
    return verdict == "same-origin" if verdict else has_own_origin(headers)


def has_own_origin(headers: Headers) -> bool:
    """Tell whether the origin is this host; the scheme may differ, since a proxy may end HTTPS."""
    origin = urlsplit(headers.get("origin", ""))
    return bool(origin.netloc) and _place(origin.netloc, origin.scheme) == _place(
        headers.get("host", ""), origin.scheme
    )


def _place(netloc: str, scheme: str) -> tuple[str, int | None]:
    """Split host and port; a port that is not named is the usual one of the scheme."""
    place = urlsplit(f"//{netloc}")
    try:
        port = place.port
    except ValueError:
        return netloc, -1
    return place.hostname or "", port or {"http": 80, "https": 443}.get(scheme)


def is_preflight(method: str, headers: Headers) -> bool:
    """Tell whether a browser asks if another origin's page may send a request."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def preflight_answer() -> Response:
    """Return what a page of an allowed origin may send; ``allow`` adds the origin."""
    return Response(status_code=204, headers=_PREFLIGHT)


def allow(headers: MutableHeaders, origin: str, allowed: Collection[str]) -> None:
    """Let a page of an allowed origin read an answer; never one that a cookie asked for."""
    headers.add_vary_header("Origin")
    if origin in allowed:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = _ANSWERS
