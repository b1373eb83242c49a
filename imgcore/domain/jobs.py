"""Jobs: work that goes on after the request that asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class JobState(StrEnum):
    """How a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


GOING_ON = frozenset({JobState.WAITING, JobState.RUNNING})
CAN_RETRY = frozenset({JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True)
class Job:
    """One job; ``progress`` of ``total`` is done, ``total`` 0 while it is not known.

    ``ids`` is what it works on and ``result`` what came of it, as its kind names them; in a clinic of
    teams only who started it is shown these. ``error`` is a sentence for people; a waiting job has one
    when it was broken off and is tried again.
    """

    id: UUID
    kind: str
    title: str
    ids: Mapping[str, Any]
    state: JobState
    progress: int
    total: int
    attempts: int
    is_cancelling: bool
    result: Mapping[str, Any] | None
    error: str | None
    created_by: UUID | None
    created_by_name: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def is_going_on(self) -> bool:
        """Whether it has not ended yet."""
        return self.state in GOING_ON
