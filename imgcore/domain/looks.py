"""The record of access as people read it: who did what, and with how many pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from imgcore.domain.access import Action
from imgcore.texts import _, ngettext

NOT_SIGNED_IN = "visitor"
THE_PROGRAM = "program"
PERSON = "person"


@dataclass(frozen=True)
class Person:
    """Who an audit line is about: somebody with an account, nobody signed in, or the program itself."""

    kind: str
    id: UUID | None = None
    name: str = ""
    email: str = ""

    @property
    def shown(self) -> str:
        """How the person is called."""
        if self.kind == PERSON:
            return self.name or self.email or _("a closed account")
        return _("Imgcore itself") if self.kind == THE_PROGRAM else _("Somebody without an account")


@dataclass(frozen=True)
class AuditLine:
    """One audit line with the names that go with its ids.

    ``patient_name`` is None without a patient, for one that was removed for good (``is_patient_gone``),
    and for one of another care team.
    """

    id: int
    at: datetime
    person: Person
    action: str
    outcome: str
    patient_id: UUID | None
    patient_name: str | None
    is_patient_gone: bool
    entity: str
    entity_ids: tuple[str, ...]
    field_names: tuple[str, ...]
    count: int
    address: str
    request_id: str
    seal: int | None
    chain: str | None


def shown_patient(line: AuditLine, name: Callable[[str], str] = str) -> str:
    """Return what stands for the patient of a line, "" when it has none; ``name`` shortens the name."""
    if line.patient_name is not None:
        return name(line.patient_name)
    if line.patient_id is None:
        return ""
    return _("removed patient") if line.is_patient_gone else _("patient of another team")


@dataclass(frozen=True)
class Look:
    """What somebody did with a patient's record; ``pictures`` is how many, where it was about those."""

    id: int
    at: datetime
    person: Person
    action: str
    outcome: str
    pictures: int | None
    what: str


def told(action: str, outcome: str, count: int) -> str:
    """Return what was done, to stand behind a name: "viewed 12 pictures"."""
    if outcome == "refused":
        if action == Action.IMAGE_UPLOAD:
            return ngettext(
                "sent {count} file that was not kept", "sent {count} files that were not kept", count
            )
        return _("asked for this patient’s record and was refused")
    if outcome == "duplicate":
        return _("sent a picture that was already there")
    if outcome == "late":
        return _("sent a picture that came too late to be kept")
    counted = _counted().get(action)
    return counted(count) if counted is not None else _others().get(action, action)


def _counted() -> dict[str, Callable[[int], str]]:
    return _with_pictures() | _with_sets() | _with_batches()


def _with_pictures() -> dict[str, Callable[[int], str]]:
    return {
        Action.IMAGE_SEE: lambda n: ngettext("viewed {count} picture", "viewed {count} pictures", n),
        Action.IMAGE_DOWNLOAD: lambda n: ngettext(
            "downloaded {count} picture", "downloaded {count} pictures", n
        ),
        Action.BATCH_DOWNLOAD: lambda n: ngettext(
            "downloaded {count} picture in a ZIP", "downloaded {count} pictures in a ZIP", n
        ),
        Action.IMAGE_UPLOAD: lambda n: ngettext("added {count} picture", "added {count} pictures", n),
        Action.IMAGE_EDIT: lambda n: ngettext(
            "changed what is noted of {count} picture", "changed what is noted of {count} pictures", n
        ),
        Action.IMAGE_MOVE: lambda n: ngettext("moved {count} picture", "moved {count} pictures", n),
        Action.IMAGE_TRASH: lambda n: ngettext(
            "put {count} picture into the trash", "put {count} pictures into the trash", n
        ),
        Action.IMAGE_RESTORE: lambda n: ngettext(
            "took {count} picture out of the trash", "took {count} pictures out of the trash", n
        ),
    }


def _with_sets() -> dict[str, Callable[[int], str]]:
    return {
        Action.SET_CREATE: lambda n: ngettext(
            "put {count} picture into an image set", "put {count} pictures into an image set", n
        ),
        Action.SET_SEE: lambda n: ngettext(
            "viewed {count} picture of an image set", "viewed {count} pictures of an image set", n
        ),
        Action.SET_EDIT: lambda n: ngettext(
            "gave or shared an image set with {count} picture",
            "gave or shared an image set with {count} pictures",
            n,
        ),
        Action.SET_DOWNLOAD: lambda n: ngettext(
            "downloaded {count} picture of an image set", "downloaded {count} pictures of an image set", n
        ),
        Action.SHARE_OPEN: lambda n: ngettext(
            "viewed {count} picture through a shared link", "viewed {count} pictures through a shared link", n
        ),
    }


def _with_batches() -> dict[str, Callable[[int], str]]:
    return {
        Action.BATCH_SEE: lambda n: ngettext(
            "looked at the list of batches ({count})", "looked at the list of batches ({count})", n
        ),
        Action.TRASH_SEE: lambda n: ngettext(
            "looked into the trash ({count} entry)", "looked into the trash ({count} entries)", n
        ),
    }


def _others() -> dict[str, str]:
    return {
        Action.PATIENT_SEE: _("opened the record"),
        Action.PATIENT_CREATE: _("added the patient"),
        Action.PATIENT_EDIT: _("changed the patient’s data"),
        Action.PATIENT_TRASH: _("put the patient into the trash"),
        Action.PATIENT_RESTORE: _("took the patient out of the trash"),
        Action.BATCH_CREATE: _("added a batch"),
        Action.BATCH_EDIT: _("changed a batch"),
        Action.BATCH_MOVE: _("moved a batch to the right patient"),
        Action.BATCH_TRASH: _("put a batch into the trash"),
        Action.BATCH_RESTORE: _("took a batch out of the trash"),
        Action.TRASH_PURGE: _("removed something for good"),
        Action.CHANGE_UNDO: _("took back a change"),
        Action.VISIT_SEE: _("read about visits"),
        Action.VISIT_CREATE: _("added a visit"),
        Action.VISIT_EDIT: _("changed a visit"),
        Action.SHARE_ANSWER: _("answered to a shared link"),
        Action.TEAM_SEE: _("looked at the care team"),
        Action.TEAM_EDIT: _("changed the care team"),
        Action.TEAM_BREAK_GLASS: _("used emergency access"),
        Action.TABLE_DOWNLOAD: _("took the record along as a table"),
        Action.DASHBOARD_SEE: _("looked at figures on the dashboard"),
        Action.RESULT_SEE: _("looked at results"),
        Action.RESULT_RUN: _("let a model look at pictures"),
        Action.RESULT_IMPORT: _("took in results from elsewhere"),
        Action.RESULT_RELEASE: _("released a result to the patient"),
        Action.IMPRESSION_SEE: _("looked at impressions"),
        Action.IMPRESSION_ADD: _("recorded an impression"),
        Action.RETENTION_EDIT: _("changed how long the pictures are kept"),
        Action.RETENTION_RUN: _("put what is past its time into the trash"),
        Action.PATIENT_ERASE: _("erased the patient for good"),
        Action.LOOKS_SEE: _("looked up who looked"),
        Action.AUDIT_SEE: _("looked at the audit"),
    }


def pictures_of(action: str, entity: str, count: int) -> int | None:
    """Return how many pictures a line is about, or None when it is about something else."""
    return count if entity == "image" or action in _with_pictures() | _with_sets() else None
