"""The reference of the interface: the OpenAPI document, and a page that shows it without any other host."""

from __future__ import annotations

from importlib import resources
from typing import Literal

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from imgcore.api.sections import section

router = section("Reference")

DOCUMENT = "/api/openapi.json"
PAGE = "/api/docs"
DAY = "private, max-age=86400"
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Imgcore: REST interface</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{PAGE}/swagger-ui.css">
</head>
<body>
<main id="reference"></main>
<script src="{PAGE}/swagger-ui-bundle.js"></script>
<script src="{PAGE}/start.js"></script>
</body>
</html>
"""
# A script of its own, since the content security policy takes none inside the page.
_START = f"""SwaggerUIBundle({{
  url: "{DOCUMENT}",
  dom_id: "#reference",
  deepLinking: true,
  validatorUrl: null,
}});
"""


@router.get(DOCUMENT, include_in_schema=False)
def get_document(request: Request) -> JSONResponse:
    """The OpenAPI document."""
    return JSONResponse(request.app.openapi())


@router.get(PAGE, include_in_schema=False)
async def get_page() -> HTMLResponse:
    """The page."""
    return HTMLResponse(_PAGE)


@router.get(PAGE + "/start.js", include_in_schema=False)
async def get_start() -> Response:
    """What starts the page."""
    return Response(_START, media_type="text/javascript")


@router.get(PAGE + "/{name}", include_in_schema=False)
def get_asset(name: Literal["swagger-ui-bundle.js", "swagger-ui.css"]) -> Response:
    """The files of Swagger UI, as the installed package brings them."""
    content = resources.files("fastapi_offline").joinpath("static", name).read_bytes()
    kind = "text/css" if name.endswith(".css") else "text/javascript"
    return Response(content, media_type=kind, headers={"Cache-Control": DAY})
