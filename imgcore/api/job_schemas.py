"""What the interface takes and answers about jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Body
from pydantic import Field

from imgcore.api.examples import AT, PATIENT_ID, USER_ID, example
from imgcore.api.schemas import Answer
from imgcore.domain.values import Value

JOB_ID = "7d9f1f0e-52b4-4b0e-8c53-5f7f9f6a2b11"
_BATCH_ID = "1f2e3d4c-5b6a-4798-8a9b-0c1d2e3f4a5b"
_IDS = {"folder": "2025/november", "batch_id": _BATCH_ID, "patient_id": PATIENT_ID, "after": 0}


class NewJob(Value):
    """A job to be started; what its options are depends on its kind."""

    kind: Annotated[str, Field(max_length=40)]
    options: Annotated[dict[str, Any], Field(default_factory=dict)]


_FOLDER = {"folder": "2025/november", "patient": "4471", "batch": "Check-up"}
NewJobBody = Annotated[
    NewJob,
    Body(openapi_examples={
        "copies": {"value": {"kind": "renditions", "options": {"again": True}}},
        "analyses": {"value": {"kind": "analyses", "options": {"batch_id": _BATCH_ID}}},
        "folder": {"value": {"kind": "import_folder", "options": _FOLDER}},
        "check": {"value": {"kind": "check", "options": {"repair": True}}},
    }),
]  # fmt: skip


class Job(Answer):
    """How a job stands; `ids` is what it works on, `result` what came of it."""

    model_config = example(
        id=JOB_ID, kind="import_folder", title="Import of a folder", ids=_IDS, state="running", progress=120,
        total=400, attempts=1, is_cancelling=False, result=None, error=None, created_by=USER_ID,
        created_by_name="Vera Lang", created_at=AT, started_at=AT, ended_at=None,
    )  # fmt: skip

    id: UUID
    kind: str
    title: str
    ids: dict[str, Any]
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    progress: int
    total: int = Field(description="0 while it is not known.")
    attempts: int
    is_cancelling: bool = Field(description="Whether it was cancelled and ends with its next step.")
    result: dict[str, Any] | None
    error: str | None = Field(description="A sentence that says why it failed, or why it is tried again.")
    created_by: UUID | None
    created_by_name: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
