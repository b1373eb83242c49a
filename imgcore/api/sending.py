"""Files on their way out: whole or in part, kept by browsers or asked for again, never guessed at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from urllib.parse import quote

from anyio import CancelScope
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from imgcore.errors import StoreUnavailable
from imgcore.services.audit import Sheet
from imgcore.services.files import File
from imgcore.texts import _

FOR_EVER = "private, max-age=31536000, immutable"
ASK_AGAIN = "private, no-cache"
_HELD_BYTES = 1024 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Streamed(StreamingResponse):
    """Sends chunks as a thread reads them, and lets go of their source, however it ends."""

    def __init__(
        self, chunks: Iterator[bytes], status_code: int, headers: dict[str, str], first: bytes = b""
    ) -> None:
        super().__init__(chain((first,), chunks), status_code, headers)
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send; a fault on the way is raised, so that the connection is cut and the answer is short."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await run_in_threadpool(_close, self._chunks)


def send_file(request: Request, file: File, *, keep: str = ASK_AGAIN, attachment: bool = False) -> Response:
    """Return the answer that gives a file, or the part of it that was asked for.

    What the store cannot give is raised here, before the first byte.
    """
    headers = {"ETag": file.etag, "Cache-Control": keep, "X-Content-Type-Options": "nosniff"}
    if _is_known(request.headers.get("if-none-match", ""), file.etag):
        return Response(status_code=304, headers=headers)
    asked = _asked(request, file)
    start, stop = asked or (0, file.size)
    headers["Content-Type"] = file.mime_type
    headers["Content-Disposition"] = disposition(file.name, attachment=attachment)
    headers["Accept-Ranges"] = "bytes"
    headers["Content-Length"] = str(stop - start)
    if asked:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{file.size}"
    status = 206 if asked else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    chunks = file.read(start, stop)
    if stop - start > _HELD_BYTES:
        return Streamed(chunks, status, headers, first=next(chunks))
    return Response(_whole(chunks, stop - start), status, headers)


def send_archive(name: str, length: int, chunks: Iterator[bytes]) -> Response:
    """Return the answer that gives a ZIP while it is being made."""
    headers = {
        "Content-Type": "application/zip",
        "Content-Length": str(length),
        "Content-Disposition": disposition(name, attachment=True),
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Streamed(chunks, 200, headers)


def send_sheet(sheet: Sheet) -> Response:
    """Return the answer that gives a table or a document while it is being made."""
    headers = {
        "Content-Type": sheet.mime_type,
        "Content-Disposition": disposition(sheet.name, attachment=True),
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Streamed(sheet.chunks, 200, headers)


def disposition(name: str, *, attachment: bool) -> str:
    """Return how a file is called and whether it is to be saved, for old clients in ASCII too."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in name)
    kind = "attachment" if attachment else "inline"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _is_known(known: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
    return etag in tags or "*" in tags


def _asked(request: Request, file: File) -> tuple[int, int] | None:
    """Return the part that is asked for, from its first byte up to, not including, the second number.

    A range that is not understood, or of several parts, counts as none.
    """
    wanted = _RANGE.fullmatch(request.headers.get("range", "").strip().lower())
    if wanted is None or request.headers.get("if-range", file.etag) != file.etag:
        return None
    first, last = wanted.groups()
    if not (first or last) or (first and last and int(first) > int(last)):
        return None
    start = int(first) if first else max(0, file.size - int(last))
    stop = min(file.size, int(last) + 1) if first and last else file.size
    if start >= file.size:
        raise HTTPException(416, headers={"Content-Range": f"bytes */{file.size}"})
    return start, stop


def _whole(chunks: Iterator[bytes], length: int) -> bytes:
    content = b"".join(chunks)
    if len(content) != length:
        raise StoreUnavailable(_("The file in the store has another size than the one that was stored."))
    return content


def _close(chunks: Iterator[bytes]) -> None:
    if close := getattr(chunks, "close", None):
        close()
