"""Every way to read a patient's records as tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from imgcore.domain.access import Actor
from imgcore.domain.datasets import Name, Part
from imgcore.services.datasets import Extract

if TYPE_CHECKING:
    from tests.services.scenes import Scene

Call = Callable[["Scene", Actor], Any]


def rows(extract: Extract) -> tuple[tuple[Any, ...], ...]:
    """Return every row of a table."""
    return tuple(row for lot in extract.lots for row in zip(*lot, strict=True))


def _some(name: Name, part: Callable[[Scene], Part] = lambda _scene: Part()) -> Call:
    return lambda s, a: rows(s.house.services.datasets.extract(a, name, part(s), "csv"))


# The methods that are called in one of these ways; a test walks all methods by their names.
SEEING: dict[str, Call] = {
    "datasets.extract": _some("images", lambda s: Part(patient_ref=str(s.patient.id))),
}
SEARCHING: dict[str, Call] = {"datasets.extract": _some("images")}
OTHERS: dict[str, Call] = {
    "datasets.events": lambda s, a: rows(s.house.services.datasets.events(a, Part(), "csv"))
}
