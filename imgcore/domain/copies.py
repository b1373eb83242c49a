"""A copy of the whole clinic that other programs and other databases can read: its parts and their names.

A backup has them one after the other in a tar file, an export in a folder. The last part lists the
others with their SHA-256; a copy without it is not whole.
"""

from __future__ import annotations

import json
import string
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal, Self

from imgcore.domain.names import safe_file_name, same_name
from imgcore.errors import Invalid
from imgcore.texts import _

FORMAT = 1
README = "README.txt"
ABOUT = "format.json"
INDEX = "files.jsonl"
MANIFEST = "manifest.json"
FOLDER_BYTES = 100
_HEX = frozenset(string.hexdigits.lower())

Kind = Literal["backup", "export"]


@dataclass(frozen=True)
class About:
    """What a copy is; ``schema`` is the migration that its rows are shaped by, ``tables`` has their order."""

    id: str
    kind: Kind
    product: str
    schema: str
    made_at: str
    tables: list[str]
    format: int = FORMAT

    def written(self) -> bytes:
        """Return the part that says so."""
        return _written(asdict(self))

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Return what such a part says; ``Invalid`` when it cannot be understood."""
        found = _read(content)
        if found.get("format") != FORMAT:
            raise Invalid(
                _("This copy was written in a format that this version of Imgcore does not know."),
                hint=_("Use the version of Imgcore that made it, or a newer one."),
            )
        texts = {name: found.get(name) for name in ("id", "kind", "product", "schema", "made_at")}
        tables = found.get("tables")
        if not all(isinstance(text, str) for text in texts.values()) or not isinstance(tables, list):
            raise no_copy()
        if not all(isinstance(name, str) and name.isidentifier() for name in tables):
            raise no_copy()
        return cls(tables=tables, **texts)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Entry:
    """One image of a copy: where its file stands there, and the object that it is."""

    path: str
    id: str
    key: str
    mime_type: str
    size: int
    sha256: str

    def written(self) -> bytes:
        """Return the line of the index."""
        return _line(asdict(self))

    @classmethod
    def read(cls, line: bytes) -> Self:
        """Return what a line of the index says; ``Invalid`` when its path leads astray."""
        try:
            entry = cls(**json.loads(line))
        except (ValueError, TypeError):
            raise no_copy() from None
        parts = entry.path.split("/")
        if len(parts) != 4 or any(part != safe_file_name(part) for part in parts):
            raise no_copy()
        if len(entry.sha256) != 64 or not _HEX.issuperset(entry.sha256):
            raise no_copy()
        return entry


@dataclass(frozen=True)
class Fault:
    """An image whose file was missing when the copy was made, or changed; then ``sha256`` is what it has."""

    id: str
    key: str
    sha256: str | None = None


@dataclass
class Manifest:
    """What a whole copy holds; ``parts`` has the SHA-256 of each part, ``faults`` what was damaged before."""

    id: str
    counts: dict[str, int] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def written(self) -> bytes:
        """Return the last part, with the mark that nothing follows."""
        return _written(asdict(self) | {"is_whole": True})

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Return what the last part says."""
        found = _read(content)
        try:
            if found.pop("is_whole") is not True:
                raise cut_off()
            faults = [Fault(**each) for each in found.pop("faults")]
            return cls(faults=faults, **found)
        except (KeyError, TypeError):
            raise no_copy() from None


def table_part(name: str) -> str:
    """Return the name of the part with a table's rows."""
    return f"tables/{name}.jsonl"


def row_line(row: Mapping[str, Any]) -> bytes:
    """Return the line of a table for a row of plain values."""
    return _line(row)


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"


def _written(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=1).encode("ascii") + b"\n"


def _read(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        raise no_copy() from None
    if not isinstance(found, dict):
        raise no_copy()
    return found


class Places:
    """Gives each image its place in a copy; they come patient by patient, and batch by batch there."""

    def __init__(self) -> None:
        self._patients: set[str] = set()
        self._batches: set[str] = set()
        self._numbers: Counter[str] = Counter()
        self._last: tuple[object, object] = (None, None)
        self._patient = self._batch = ""

    def patient(self, patient_id: object, name: str, mrn: str | None) -> None:
        """Go to the next patient, or stay with the same one."""
        if self._last[0] == patient_id:
            return
        self._last = (patient_id, None)
        self._batches.clear()
        self._patient = _unique(f"{name} {mrn or ''}", str(patient_id), self._patients)

    def batch(self, batch_id: object, taken_on: date, name: str) -> None:
        """Go to the patient's next batch, or stay with the same one."""
        if self._last[1] == batch_id:
            return
        self._last = (self._last[0], batch_id)
        self._numbers.clear()
        self._batch = _unique(f"{taken_on.isoformat()} {name}", str(batch_id), self._batches)

    def image(self, day: date | None, label: str, extension: str, *, in_trash: bool) -> str:
        """Return the path of the batch's next image, such as ``images/Ada/2025-11-06/..._01.jpg``."""
        top = "trash" if in_trash else "images"
        stem = safe_file_name(f"{day.isoformat() if day else 'undated'}_{label}", FOLDER_BYTES)
        self._numbers[same_name(stem)] += 1
        name = safe_file_name(f"{stem}_{self._numbers[same_name(stem)]:02}.{extension}")
        return f"{top}/{self._patient}/{self._batch}/{name}"


def _unique(text: str, identity: str, taken: set[str]) -> str:
    """Return a folder name that no other one is equal to, on any computer; the id makes the difference."""
    plain = safe_file_name(text, FOLDER_BYTES).replace(".", "_")
    for ending in ("", f" ({identity[:8]})", f" ({identity})"):
        name = plain + ending
        if same_name(name) not in taken:
            break
    taken.add(same_name(name))
    return name


def no_copy() -> Invalid:
    """Return the error for what is no backup and no export."""
    return Invalid(_("This is no backup and no export of Imgcore, or it was changed; nothing was restored."))


def cut_off() -> Invalid:
    """Return the error for a copy that is not whole."""
    return Invalid(
        _("This backup or export is not whole; nothing was restored."),
        hint=_("Use another one: this one was cut off while it was made or copied."),
    )
