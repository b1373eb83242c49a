"""What a check of the whole clinic can find, and how it is told."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

from imgcore.texts import _

Kind = Literal[
    "missing",
    "changed",
    "foreign",
    "rendition_missing",
    "rendition_changed",
    "stray_rendition",
    "stray_image",
    "unfinished",
    "database",
    "audit",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong; ``names`` stays empty unless names of people were asked for."""

    kind: Kind
    key: str = ""
    image_id: UUID | None = None
    patient_id: UUID | None = None
    names: str = ""
    detail: str = ""
    is_mended: bool = False

    @property
    def text(self) -> str:
        """The finding in a line: what, of which image and patient, and whether it was mended."""
        parts = [
            _texts()[self.kind],
            self.detail,
            self.image_id and _("image {id}").format(id=self.image_id),
            self.patient_id and _("patient {id}").format(id=self.patient_id),
            self.key,
            self.names,
            self.is_mended and _("mended"),
        ]
        return " · ".join(str(part) for part in parts if part)


@dataclass
class Tally:
    """What one check went through and found; ``mended`` counts those findings that are no more."""

    images: int = 0
    renditions: int = 0
    objects: int = 0
    found: Counter[str] = field(default_factory=Counter)
    mended: int = 0

    def count(self, finding: Finding) -> None:
        """Add a finding."""
        self.found[finding.kind] += 1
        self.mended += finding.is_mended

    @property
    def left(self) -> int:
        """How many things are still wrong."""
        return self.found.total() - self.mended


@dataclass(frozen=True)
class LastCheck:
    """The last check that came to its end; a quick one looked at sizes only."""

    at: datetime
    is_quick: bool
    tally: Tally

    def kept(self) -> dict[str, Any]:
        """Return it as plain values."""
        tally = vars(self.tally) | {"found": dict(self.tally.found)}
        return {"at": self.at.isoformat(), "is_quick": self.is_quick, "tally": tally}

    @classmethod
    def of(cls, kept: dict[str, Any]) -> LastCheck:
        """Return what was kept."""
        tally = kept["tally"]
        found = Counter(tally["found"])
        at = datetime.fromisoformat(kept["at"])
        return cls(at, kept["is_quick"], Tally(**(tally | {"found": found})))


def _texts() -> dict[Kind, str]:
    return {
        "missing": _("the file is missing"),
        "changed": _("the file was changed"),
        "foreign": _("a file that belongs to no image"),
        "rendition_missing": _("a copy of an image is missing"),
        "rendition_changed": _("a copy of an image was changed"),
        "stray_rendition": _("a copy of an image that does not exist"),
        "stray_image": _("an image without a batch or patient"),
        "unfinished": _("an upload that never ended"),
        "database": _("the database"),
        "audit": _("the audit"),
    }
