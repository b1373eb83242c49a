"""The clinic's records as pandas DataFrames, for notebooks and scripts, with or without a running server.

Records are only read; what is asked for stands in the audit. See docs/data.md.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, cast
from uuid import UUID

from imgcore import bootstrap
from imgcore.bootstrap import Clinic
from imgcore.config import load_settings, read_settings
from imgcore.db import schema
from imgcore.documents.parquets import arrow_table
from imgcore.domain.access import Actor, system, visitor
from imgcore.domain.datasets import Column, Lot, Name, Part
from imgcore.errors import Invalid
from imgcore.imaging import Limits
from imgcore.services.datasets import Extract
from imgcore.texts import _

if TYPE_CHECKING:
    from pandas import DataFrame
    from PIL.Image import Image

PART_ROWS = 50_000
_ASKING = "frames"


class Wanted(TypedDict, total=False):
    """Which rows and columns are wanted; days are dates or texts like "2026-01-31", and both count in."""

    patient: str | UUID | None
    batch: str | UUID | None
    category: str | None
    image_set: str | UUID | None
    from_on: date | str | None
    to_on: date | str | None
    columns: Sequence[str]


# What each table can be narrowed by; any other word is a mistake that must not pass for "everything".
_KNOWN: dict[Name, frozenset[str]] = {
    "images": frozenset(Wanted.__annotations__),
    "batches": frozenset({"patient", "from_on", "to_on", "columns"}),
    "patients": frozenset({"from_on", "to_on", "columns"}),
    "analyses": frozenset(Wanted.__annotations__),
    "events": frozenset({"patient", "from_on", "to_on", "columns"}),
}


def open(*, token: str | None = None, **settings: Any) -> Frames:
    """Open the clinic of the environment; settings can be named instead: ``data_dir="/srv/clinic"``.

    Whoever may run programs in the data folder sees everything, as on the command line. With the access
    ``token`` of a person, it is what that person may see. ``ConfigError`` unless there is a clinic that
    this version has worked in: nothing is made or upgraded here.
    """
    schema.require(read_settings(**settings).database)
    return Frames(bootstrap.build(load_settings(**settings)), token)


class Frames:
    """Tables of one clinic as DataFrames, and the pictures of their rows; to be closed at the end."""

    def __init__(self, clinic: Clinic, token: str | None = None) -> None:
        self._clinic = clinic
        self._token = token

    def images(self, **wanted: Unpack[Wanted]) -> DataFrame:
        """Return images; with ``image_set`` those that are shown of a set, in their order."""
        return self._whole("images", wanted)

    def batches(self, **wanted: Unpack[Wanted]) -> DataFrame:
        """Return batches."""
        return self._whole("batches", wanted)

    def patients(self, **wanted: Unpack[Wanted]) -> DataFrame:
        """Return patients."""
        return self._whole("patients", wanted)

    def analyses(self, **wanted: Unpack[Wanted]) -> DataFrame:
        """Return results of analyses, also of those that failed."""
        return self._whole("analyses", wanted)

    def events(self, **wanted: Unpack[Wanted]) -> DataFrame:
        """Return lines of the audit."""
        return self._whole("events", wanted)

    def parts(self, name: Name, **wanted: Unpack[Wanted]) -> Iterator[DataFrame]:
        """Yield a table in DataFrames of some 50,000 rows, for one that memory cannot hold as a whole."""
        extract = self._extract(name, wanted)
        waiting: list[Lot] = []
        for lot in extract.lots:
            waiting.append(lot)
            if sum(len(each[0]) for each in waiting) >= PART_ROWS:
                yield _frame(extract.columns, waiting)
                waiting.clear()
        if waiting:
            yield _frame(extract.columns, waiting)

    def load(self, row: Any, kind: Literal["original", "thumbnail"] = "original") -> Image:
        """Return the picture of a row, or of an image's id: upright, RGB, without any metadata.

        Reviewers get the copy that is passed on, whose pixels went through a JPEG.
        """
        from imgcore.imaging import pixels

        services, actor = self._clinic.services, self._actor()
        image_id, set_id = _id(row, "image_id"), _id(row, "set_id")
        if image_id is not None:
            files = services.files
            file = (files.original if kind == "original" else files.thumbnail)(actor, image_id)
        elif set_id is not None:
            sets, place = services.set_files, int(row["place"])
            file = (sets.picture if kind == "original" else sets.thumbnail)(actor, set_id, place)
        else:
            raise Invalid(
                _("This row names no image."), hint=_("Load the columns image_id, or set_id and place.")
            )
        with tempfile.NamedTemporaryFile(dir=services.settings.temporary_dir) as draft:
            draft.writelines(file.read())
            draft.flush()
            return pixels.load(Path(draft.name), Limits(max_pixels=services.settings.max_pixels))

    def close(self) -> None:
        """Let go of database and store."""
        self._clinic.close()

    def __enter__(self) -> Frames:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _actor(self) -> Actor:
        """Return who asks; a token is looked at each time, so that one that was revoked gives nothing."""
        if self._token is None:
            return system(_ASKING)
        return self._clinic.services.sign_in.by_bearer(visitor(request_id=_ASKING), self._token)

    def _whole(self, name: Name, wanted: Wanted) -> DataFrame:
        extract = self._extract(name, wanted)
        return _frame(extract.columns, extract.lots)

    def _extract(self, name: Name, wanted: Wanted) -> Extract:
        if strange := set(wanted) - _KNOWN[name]:
            raise Invalid(
                _("{table} cannot be chosen by: {names}.").format(
                    table=name, names=", ".join(sorted(strange))
                )
            )
        part = Part(
            patient_ref=_text(wanted.get("patient")),
            batch_id=_uuid(wanted.get("batch")),
            category=wanted.get("category"),
            from_on=_day(wanted.get("from_on")),
            to_on=_day(wanted.get("to_on")),
            set_id=_uuid(wanted.get("image_set")),
        )
        datasets, columns = self._clinic.services.datasets, wanted.get("columns", ())
        if name == "events":
            return datasets.events(self._actor(), part, "frame", columns)
        return datasets.extract(self._actor(), name, part, "frame", columns)


def _frame(columns: Sequence[Column], lots: Iterable[Lot]) -> DataFrame:
    """Return rows with the types that docs/data.md tells: whole numbers and flags can be empty too."""
    import pandas

    empty = {"int64": pandas.Int64Dtype(), "bool": pandas.BooleanDtype()}
    made = arrow_table(columns, lots).to_pandas(
        types_mapper=lambda kind: empty.get(str(kind)), date_as_object=False, self_destruct=True
    )
    return cast("DataFrame", made)


def _cell(row: Any, name: str) -> Any:
    """Return what stands in a row, or None when it has no such column or nothing in it."""
    try:
        value = row[name]
    except (KeyError, IndexError, TypeError):
        return None
    return value if value == value else None  # pandas says NaN for nothing


def _id(row: Any, name: str) -> UUID | None:
    if isinstance(row, str | UUID):
        return _uuid(row) if name == "image_id" else None
    return _uuid(_cell(row, name))


def _uuid(value: str | UUID | None) -> UUID | None:
    if value is None or isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except ValueError:
        raise Invalid(_("This is no id: {text}.").format(text=value)) from None


def _text(value: str | UUID | None) -> str | None:
    return None if value is None else str(value)


def _day(value: date | str | None) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise Invalid(_("This is no day: {text}. Write it like 2026-01-31.").format(text=value)) from None
