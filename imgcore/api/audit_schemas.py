"""What the interface answers about the record of access."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from imgcore.api.examples import AT, PATIENT_ID, USER_ID, example
from imgcore.api.schemas import Answer

_CHAIN = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_VERA = {"kind": "person", "id": USER_ID, "name": "Vera Lang", "email": "vera@clinic.example"}
_LOOK = {"id": 7, "at": AT, "person": _VERA, "action": "image.see", "outcome": "done"}


class Person(Answer):
    """Who did something; without an account it is a visitor, or the program itself."""

    model_config = example(**_VERA)

    kind: Literal["person", "visitor", "program"]
    id: UUID | None
    name: str
    email: str


class AuditLine(Answer):
    """One line of the audit, with the names that go with its ids."""

    model_config = example(
        **_LOOK, patient_id=PATIENT_ID, patient_name="Ada Novak", is_patient_gone=False, entity="image",
        entity_ids=["c2a4e7f8-5b0e-4f59-b1c7-3d9a8e6f0b32"], field_names=[], count=1, address="192.0.2.7",
        request_id="9c0f6a52c5d74b0c8f4e7b1d2a3c4e5f", seal=7, chain=_CHAIN,
    )  # fmt: skip

    id: int
    at: datetime
    person: Person
    action: str
    outcome: str = Field(description="done, refused, duplicate, late or failed.")
    patient_id: UUID | None
    patient_name: str | None = Field(description="null for a patient whom the caller may not see.")
    is_patient_gone: bool = Field(description="Whether the patient was removed for good.")
    entity: str = Field(description="What kind of thing `entity_ids` name.")
    entity_ids: list[str]
    field_names: list[str]
    count: int
    address: str
    request_id: str
    seal: int | None = Field(description="Place in the chain; null for a second or so.")
    chain: str | None = Field(description="SHA-256 over the line and the hash before it.")


class Finding(Answer):
    """Something that is wrong with the audit; `first` and `last` are places in the chain."""

    model_config = example(kind="removed", first=12, last=14, text="Lines 12 to 14 were removed.")

    kind: Literal["altered", "removed", "tail", "replaced", "unsealed", "unreadable"]
    first: int
    last: int
    text: str


class Head(Answer):
    """The newest line of the chain."""

    seal: int
    chain: str


class Verdict(Answer):
    """Whether the audit is whole; `findings` names the first faults of `found`."""

    model_config = example(
        holds=True, text=f"All 8120 lines hold; head 8120 {_CHAIN}.", lines=8120,
        head={"seal": 8120, "chain": _CHAIN}, heads_compared=31, found=0, findings=[],
    )  # fmt: skip

    holds: bool
    text: str
    lines: int
    head: Head | None
    heads_compared: int = Field(description="How many hashes that were kept outside the database agree.")
    found: int
    findings: list[Finding]


class Look(Answer):
    """What somebody did with a patient's record."""

    model_config = example(**_LOOK, pictures=12, what="viewed 12 pictures")

    id: int
    at: datetime
    person: Person
    action: str
    outcome: str
    pictures: int | None
    what: str = Field(description="In words, to stand behind the person's name.")
