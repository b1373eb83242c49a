"""What people may type: the value types of every form and every request, with their limits."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from imgcore.domain.access import Role
from imgcore.errors import Invalid
from imgcore.texts import _

PASSWORD_LENGTH = 10
EARLIEST = date(1850, 1, 1)
V = TypeVar("V", bound=BaseModel)


def _tidy(value: Any) -> Any:
    """Normalise typed text: one form of each letter, no control characters but line breaks."""
    if not isinstance(value, str):
        return value
    text = unicodedata.normalize("NFC", value)
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs")).strip()


def _one_line(value: Any) -> Any:
    tidy = _tidy(value)
    return " ".join(tidy.split()) if isinstance(tidy, str) else tidy


def _none_if_empty(value: Any) -> Any:
    line = _one_line(value)
    return None if line == "" else line


def _email(value: str) -> str:
    name, at, domain = value.casefold().partition("@")
    if not (name and at and domain) or any(c.isspace() for c in value) or "@" in domain:
        raise ValueError(_("this is not an e-mail address"))
    return value.casefold()


def _past(value: date) -> date:
    if not EARLIEST <= value <= date(datetime.now(UTC).year + 1, 12, 31):
        raise ValueError(_("this date cannot be right"))
    return value


Line = Annotated[str, BeforeValidator(_one_line)]
Prose = Annotated[str, BeforeValidator(_tidy)]
Name = Annotated[Line, Field(min_length=1, max_length=255)]
Code = Annotated[Annotated[str, Field(max_length=64)] | None, BeforeValidator(_none_if_empty)]
Short = Annotated[Line, Field(max_length=100)]
Text = Annotated[Prose, Field(max_length=20_000)]
Caption = Annotated[Prose, Field(max_length=2_000)]
Email = Annotated[Line, Field(max_length=254), AfterValidator(_email)]
Password = Annotated[str, Field(min_length=PASSWORD_LENGTH, max_length=200)]
Day = Annotated[date, AfterValidator(_past)]
Sex = Literal["male", "female", "other", "unknown"]
Laterality = Literal["L", "R", "B", "U"]
StaffRole = Literal[Role.ADMIN, Role.CLINICIAN, Role.REVIEWER, Role.PATIENT]


class Value(BaseModel):
    """What all typed input shares: frozen, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ConsentFields(Value):
    """Days on which a consent was given and withdrawn."""

    given_on: Day | None = None
    withdrawn_on: Day | None = None


class PatientFields(Value):
    """A change to a patient; fields that are not named stay as they are."""

    name: Name = ""
    mrn: Code = None
    external_id: Code = None
    birth_on: Day | None = None
    sex: Sex = "unknown"
    notes: Text = ""
    consent_record: ConsentFields = ConsentFields()
    consent_teaching: ConsentFields = ConsentFields()
    consent_publication: ConsentFields = ConsentFields()


class NewPatient(PatientFields):
    """A patient to add; only the name is required."""

    name: Name


class NewBatch(Value):
    """A batch to add; without a name it is called by its day, and without a day it is today's."""

    name: Name | None = None
    taken_on: Day | None = None
    visit_id: UUID | None = None


class BatchFields(Value):
    """A change to a batch; fields that are not named stay as they are, an empty visit is left."""

    name: Name = ""
    taken_on: Day | None = None
    visit_id: UUID | None = None


class NewVisit(Value):
    """A visit to add; without a day it is today's, without a clinician that of who adds it."""

    visited_on: Day | None = None
    note: Annotated[Text, Field(description="Markdown.")] = ""
    clinician_id: UUID | None = None


class VisitFields(Value):
    """A change to a visit; fields that are not named stay as they are."""

    visited_on: Day | None = None
    note: Annotated[Text, Field(description="Markdown.")] = ""
    clinician_id: UUID | None = None


class ImageFields(Value):
    """A change to an image; fields that are not named stay as they are."""

    category: Annotated[str, Field(max_length=64)] = "other"
    caption: Caption = ""
    date_taken: Day | None = None
    image_type: Short = ""
    body_location: Short = ""
    laterality: Laterality | None = None
    description: Text = ""
    is_primary: bool = False
    order: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class NewUser(Value):
    """A person to let in; without a password they get a one-time link."""

    email: Email
    name: Name
    role: StaffRole
    password: Password | None = None
    patient_id: str | None = None


class UserFields(Value):
    """A change to a person's account; fields that are not named stay as they are."""

    name: Name = ""
    role: StaffRole = Role.CLINICIAN
    is_active: bool = True
    patient_id: str | None = None
    password: Password | None = None


class NewPassword(Value):
    """A password that somebody chose for their own account."""

    password: Password


def parse(kind: type[V], **fields: Any) -> V:
    """Build a value from typed fields; ``Invalid`` says in one sentence what is wrong."""
    try:
        return kind(**fields)
    except ValidationError as error:
        raise Invalid(explain(list(error.errors()))) from None


def explain(problems: list[Any]) -> str:
    """Say what the first of pydantic's problems is, in one sentence."""
    first = problems[0]
    place = " ".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    reason = str(first["msg"]).removeprefix("Value error, ")
    if not place:
        return _("What was sent cannot be read: {reason}.").format(reason=reason)
    return _("{field}: {reason}.").format(field=place.replace("_", " ").capitalize(), reason=reason)
