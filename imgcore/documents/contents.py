"""A walk through a copy of the clinic, part by part, that compares all it meets with what must be there."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from imgcore.documents.containers import Source, content
from imgcore.domain.copies import (
    ABOUT,
    INDEX,
    MANIFEST,
    README,
    About,
    Entry,
    Manifest,
    cut_off,
    no_copy,
    table_part,
)


class Contents:
    """What a copy holds, to be asked for in this order: ``about``, ``tables``, ``images``, ``finish``.

    ``folder`` takes a nameless file meanwhile. All that is yielded must be read to its end.
    """

    def __init__(self, source: Source, folder: Path) -> None:
        self._source = source
        self._folder = folder
        self._parts: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._faults: dict[str, str | None] = {}
        self._small(README)
        self.about = About.read(self._small(ABOUT))

    def tables(self) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
        """Yield the name and the rows of each table."""
        for name in self.about.tables:
            self._counts[name] = 0
            yield name, self._rows(name)

    def images(self) -> Iterator[tuple[Entry, Iterator[bytes] | None]]:
        """Yield each image with its bytes; None when the copy was made without them."""
        self._counts["files"] = 0
        with tempfile.TemporaryFile(dir=self._folder) as index:
            for chunk in self._part(INDEX):
                index.write(chunk)
            index.seek(0)
            for line in index:
                entry = Entry.read(line)
                self._counts["files"] += 1
                chunks = self._source.part(entry.path)
                if chunks is None:
                    self._faults[entry.id] = None
                    yield entry, None
                else:
                    yield entry, self._file(entry, chunks)

    def finish(self) -> Manifest:
        """Return the last part, once everything before it was found to be as it says."""
        manifest = Manifest.read(content(self._source, MANIFEST))
        self._source.end()
        faults = {fault.id: fault.sha256 for fault in manifest.faults}
        found = (self.about.id, self._parts, self._counts, self._faults)
        if found != (manifest.id, manifest.parts, manifest.counts, faults):
            raise no_copy()
        return manifest

    def _small(self, name: str) -> bytes:
        found = content(self._source, name)
        self._parts[name] = hashlib.sha256(found).hexdigest()
        return found

    def _part(self, name: str) -> Iterator[bytes]:
        chunks = self._source.part(name)
        if chunks is None:
            raise cut_off()
        digest = hashlib.sha256()
        for chunk in chunks:
            digest.update(chunk)
            yield chunk
        self._parts[name] = digest.hexdigest()

    def _rows(self, name: str) -> Iterator[dict[str, Any]]:
        rest = b""
        for chunk in self._part(table_part(name)):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._counts[name] += 1
                yield _row(line)
        if rest:
            raise no_copy()

    def _file(self, entry: Entry, chunks: Iterator[bytes]) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for chunk in chunks:
            digest.update(chunk)
            yield chunk
        if digest.hexdigest() != entry.sha256:
            self._faults[entry.id] = digest.hexdigest()


def _row(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        raise no_copy() from None
    if not isinstance(found, dict):
        raise no_copy()
    return found
