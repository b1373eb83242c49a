"""What the interface answers about how the clinic stands."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from imgcore.api.examples import AT, example
from imgcore.api.schemas import Answer

_COUNTS = {
    "at": AT, "patients": 212, "batches": 1040, "image_bytes": 81_204_113_408, "sessions": 4,
    "images": {"kept": 24113, "trashed": 12, "unfinished": 0, "leaving": 0, "damaged": 0},
    "jobs": {"done": 3}, "oldest_unsealed": None,
}  # fmt: skip
_TALLY = {"images": 24113, "renditions": 24300, "objects": 48413, "found": {}, "mended": 0, "left": 0}


class Parts(Answer):
    """What keeps each part from working, as a sentence; empty while it works."""

    database: str
    store: str
    disk: str


class Tally(Answer):
    """What a check went through, and what it found by kind; `left` was not mended."""

    images: int
    renditions: int
    objects: int
    found: dict[str, int]
    mended: int
    left: int


class LastCheck(Answer):
    """The last check that came to its end."""

    at: datetime
    is_quick: bool = Field(description="Whether it looked at sizes only.")
    tally: Tally


class LastBackup(Answer):
    """The last backup that was made; `faults` of its images were damaged before."""

    at: datetime
    images: int
    faults: int
    is_encrypted: bool


class ClinicCounts(Answer):
    """How many there are, counted once a minute."""

    at: datetime
    patients: int
    batches: int
    images: dict[str, int]
    image_bytes: int = Field(description="Of all originals.")
    jobs: dict[str, int]
    sessions: int
    oldest_unsealed: datetime | None = Field(description="An audit line that still waits for its seal.")


class Standing(Answer):
    """How the clinic stands; what only the database knows is null while it is away."""

    model_config = example(
        readiness={"database": "", "store": "", "disk": ""}, store_name="local folder",
        database_name="SQLite", disk_free=412_000_000_000, disk_total=500_000_000_000,
        last_check={"at": AT, "is_quick": False, "tally": _TALLY},
        last_backup={"at": AT, "images": 24113, "faults": 0, "is_encrypted": True}, counts=_COUNTS,
    )  # fmt: skip

    readiness: Parts
    store_name: str
    database_name: str
    disk_free: int = Field(description="Bytes.")
    disk_total: int = Field(description="Bytes.")
    last_check: LastCheck | None
    last_backup: LastBackup | None
    counts: ClinicCounts | None
