"""Scripts that pages import from packages, served from here so that no other host is asked."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

LEAFLET = "leaflet-src.esm.js"


@cache
def _leaflet() -> Path:
    spec = find_spec("xstatic.pkg.leaflet")
    return Path(spec.origin or "").parent / "data" / LEAFLET if spec else Path(LEAFLET)


def _send_leaflet(_request: Request) -> Response:
    headers = {"Cache-Control": "public, max-age=86400"}
    return FileResponse(_leaflet(), media_type="text/javascript", headers=headers)


def routes() -> list[BaseRoute]:
    """Return the routes of the scripts."""
    return [Route(f"/assets/leaflet/{LEAFLET}", _send_leaflet, methods=["GET"])]
