"""The clinic's records as pandas DataFrames, for notebooks and scripts, with or without a running server.

Records are only read; what is asked for stands in the audit. See docs/data.md.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, cast, get_args
from uuid import UUID

from imgcore import bootstrap
from imgcore.bootstrap import Clinic
from imgcore.config import load_settings, read_settings
from imgcore.db import schema
from imgcore.documents.parquets import arrow_table
from imgcore.domain.access import Actor, system, visitor
from imgcore.domain.datasets import NAMES, Column, Lot, Name, Part
from imgcore.errors import Invalid
from imgcore.imaging import Limits
from imgcore.services.datasets import Extract
from imgcore.texts import _

if TYPE_CHECKING:
    from pandas import DataFrame
    from PIL.Image import Image

Picture = Literal["original", "thumbnail"]
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
    columns: Iterable[str]


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
        """Return a table in DataFrames of some 50,000 rows, for one that memory cannot hold as a whole."""
        return _parts(self._extract(name, wanted))

    def load(self, row: Any, kind: Picture = "original") -> Image:
        """Return the picture of a row, or of an image's id: upright, RGB, without any metadata.

        A row is one of ``iterrows`` or ``itertuples``, or what ``iloc`` gives. Reviewers get the copy that
        is passed on, whose pixels went through a JPEG.
        """
        from imgcore.imaging import pixels

        if kind not in get_args(Picture):
            raise Invalid(_("A picture is loaded as one of: {names}.").format(names=_listed(Picture)))
        services, actor = self._clinic.services, self._actor()
        image_id, set_id = _id(row, "image_id"), _id(row, "set_id")
        if image_id is not None:
            files = services.files
            file = (files.original if kind == "original" else files.thumbnail)(actor, image_id)
        elif set_id is not None:
            sets, place = services.set_files, int(_cell(row, "place") or 0)
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
        if name not in NAMES:
            raise Invalid(_("The tables are: {names}.").format(names=_listed(Name)))
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
        datasets, named = self._clinic.services.datasets, wanted.get("columns")
        columns = (named,) if isinstance(named, str) else () if named is None else tuple(named)
        if name == "events":
            return datasets.events(self._actor(), part, "frame", columns)
        return datasets.extract(self._actor(), name, part, "frame", columns)


def _parts(extract: Extract) -> Iterator[DataFrame]:
    waiting: list[Lot] = []
    for lot in extract.lots:
        waiting.append(lot)
        if sum(len(each[0]) for each in waiting) >= PART_ROWS:
            yield _frame(extract.columns, waiting)
            waiting.clear()
    if waiting:
        yield _frame(extract.columns, waiting)


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
    from pandas import isna
    from pandas.api.types import is_scalar

    try:
        value = row[name]
    except (KeyError, IndexError, TypeError, ValueError):
        value = getattr(row, name, None)  # of itertuples
    return value if isinstance(value, UUID) or (is_scalar(value) and not isna(value)) else None


def _id(row: Any, name: str) -> UUID | None:
    if isinstance(row, str | UUID):
        return _uuid(row) if name == "image_id" else None
    return _uuid(_cell(row, name))


def _uuid(value: object) -> UUID | None:
    if value is None or isinstance(value, UUID):
        return value
    try:
        return UUID(str(value))
    except ValueError:
        raise Invalid(_("This is no id: {text}.").format(text=value)) from None


def _listed(names: Any) -> str:
    return ", ".join(get_args(names))


def _text(value: str | UUID | None) -> str | None:
    return None if value is None else str(value)


def _day(value: object) -> date | None:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else value
        day = day.date() if isinstance(day, datetime) else day
    except ValueError:
        day = value
    if day is None:
        return None
    if isinstance(day, date) and day == day:  # pandas says NaT for no day
        return day
    raise Invalid(_("This is no day: {text}. Write it like 2026-01-31.").format(text=value))
