"""Who may do what: the one table of roles, actions and how far each reaches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What a person is to the clinic."""

    ADMIN = "admin"
    CLINICIAN = "clinician"
    REVIEWER = "reviewer"
    PATIENT = "patient"
    VISITOR = "visitor"  # nobody is signed in


class Reach(StrEnum):
    """How far a permission reaches."""

    NONE = "-"
    CLINIC = "clinic"  # every patient; the patients of one's care teams where the clinic works in teams
    GIVEN = "given"  # image sets that were given to the person
    OWN = "own"  # the person's own record
    SELF = "self"  # the person's own account


class Action(StrEnum):
    """Everything that a service does for somebody; the audit uses the same words."""

    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    SESSION_USE = "session.use"
    USER_SEE = "user.see"
    USER_MANAGE = "user.manage"
    PATIENT_SEE = "patient.see"
    PATIENT_CREATE = "patient.create"
    PATIENT_EDIT = "patient.edit"
    PATIENT_TRASH = "patient.trash"
    PATIENT_RESTORE = "patient.restore"
    BATCH_SEE = "batch.see"
    BATCH_CREATE = "batch.create"
    BATCH_EDIT = "batch.edit"
    BATCH_TRASH = "batch.trash"
    BATCH_RESTORE = "batch.restore"
    BATCH_MOVE = "batch.move"
    BATCH_DOWNLOAD = "batch.download"
    IMAGE_SEE = "image.see"
    IMAGE_UPLOAD = "image.upload"
    IMAGE_EDIT = "image.edit"
    IMAGE_MOVE = "image.move"
    IMAGE_TRASH = "image.trash"
    IMAGE_RESTORE = "image.restore"
    IMAGE_DOWNLOAD = "image.download"
    TRASH_SEE = "trash.see"
    TRASH_PURGE = "trash.purge"
    CHANGE_UNDO = "change.undo"
    VISIT_SEE = "visit.see"
    VISIT_CREATE = "visit.create"
    VISIT_EDIT = "visit.edit"
    SET_SEE = "set.see"
    SET_CREATE = "set.create"
    SET_EDIT = "set.edit"  # give it, take it back, share it
    SET_DOWNLOAD = "set.download"
    SHARE_OPEN = "share.open"
    SHARE_ANSWER = "share.answer"
    TEAM_SEE = "team.see"
    TEAM_EDIT = "team.edit"
    TEAM_BREAK_GLASS = "team.break_glass"
    TABLE_DOWNLOAD = "table.download"  # records as tables for programs
    RESULT_SEE = "result.see"
    RESULT_RUN = "result.run"
    RESULT_IMPORT = "result.import"  # records that were kept elsewhere before
    RESULT_RELEASE = "result.release"
    IMPRESSION_SEE = "impression.see"
    IMPRESSION_ADD = "impression.add"
    DASHBOARD_SEE = "dashboard.see"  # figures of pictures, storage and results
    LOOKS_SEE = "looks.see"  # who looked at a patient's pictures
    AUDIT_SEE = "audit.see"
    AUDIT_VERIFY = "audit.verify"
    OPERATIONS_SEE = "operations.see"  # how database, store, disk and jobs stand
    DATA_CHECK = "data.check"  # compare every stored byte with what is known of it
    DATA_EXPORT = "data.export"  # the whole clinic: backups and exports
    DATA_IMPORT = "data.import"
    RETENTION_SEE = "retention.see"
    RETENTION_EDIT = "retention.edit"  # rules and legal holds
    RETENTION_RUN = "retention.run"
    PATIENT_ERASE = "patient.erase"  # for good and at once
    JOB_SEE = "job.see"
    JOB_MANAGE = "job.manage"
    ACCOUNT_SEE = "account.see"  # one's own: sessions and tokens
    ACCOUNT_EDIT = "account.edit"


_COLUMNS = (Role.ADMIN, Role.CLINICIAN, Role.REVIEWER, Role.PATIENT, Role.VISITOR)
_ROWS: dict[Action, str] = {
    Action.SIGN_IN: "self self self self self",
    Action.SIGN_OUT: "self self self self -",
    Action.SESSION_USE: "self self self self self",
    Action.USER_SEE: "clinic - - - -",
    Action.USER_MANAGE: "clinic - - - -",
    Action.PATIENT_SEE: "clinic clinic - own -",
    Action.PATIENT_CREATE: "clinic clinic - - -",
    Action.PATIENT_EDIT: "clinic clinic - - -",
    Action.PATIENT_TRASH: "clinic clinic - - -",
    Action.PATIENT_RESTORE: "clinic clinic - - -",
    Action.BATCH_SEE: "clinic clinic - own -",
    Action.BATCH_CREATE: "clinic clinic - - -",
    Action.BATCH_EDIT: "clinic clinic - - -",
    Action.BATCH_TRASH: "clinic clinic - - -",
    Action.BATCH_RESTORE: "clinic clinic - - -",
    Action.BATCH_MOVE: "clinic clinic - - -",
    Action.BATCH_DOWNLOAD: "clinic clinic given own -",
    Action.IMAGE_SEE: "clinic clinic given own -",
    Action.IMAGE_UPLOAD: "clinic clinic - - -",
    Action.IMAGE_EDIT: "clinic clinic - - -",
    Action.IMAGE_MOVE: "clinic clinic - - -",
    Action.IMAGE_TRASH: "clinic clinic - - -",
    Action.IMAGE_RESTORE: "clinic clinic - - -",
    Action.IMAGE_DOWNLOAD: "clinic clinic given own -",
    Action.TRASH_SEE: "clinic clinic - - -",
    Action.TRASH_PURGE: "clinic - - - -",
    Action.CHANGE_UNDO: "clinic clinic - - -",
    Action.VISIT_SEE: "clinic clinic given own -",
    Action.VISIT_CREATE: "clinic clinic - - -",
    Action.VISIT_EDIT: "clinic clinic - - -",
    Action.SET_SEE: "clinic clinic given - -",
    Action.SET_CREATE: "clinic clinic - - -",
    Action.SET_EDIT: "clinic clinic - - -",
    Action.SET_DOWNLOAD: "clinic clinic given - -",
    Action.SHARE_OPEN: "self self self self self",
    Action.SHARE_ANSWER: "self self self self self",
    Action.TEAM_SEE: "clinic clinic - - -",
    Action.TEAM_EDIT: "clinic clinic - - -",
    Action.TEAM_BREAK_GLASS: "clinic clinic - - -",
    Action.TABLE_DOWNLOAD: "clinic clinic given - -",
    Action.RESULT_SEE: "clinic clinic given own -",
    Action.RESULT_RUN: "clinic clinic - - -",
    Action.RESULT_IMPORT: "clinic clinic - - -",
    Action.RESULT_RELEASE: "clinic clinic - - -",
    Action.IMPRESSION_SEE: "clinic clinic - - -",
    Action.IMPRESSION_ADD: "clinic clinic - - -",
    Action.DASHBOARD_SEE: "clinic clinic given - -",
    Action.LOOKS_SEE: "clinic clinic - - -",
    Action.AUDIT_SEE: "clinic - - - -",
    Action.AUDIT_VERIFY: "clinic - - - -",
    Action.OPERATIONS_SEE: "clinic - - - -",
    Action.DATA_CHECK: "clinic - - - -",
    Action.DATA_EXPORT: "clinic - - - -",
    Action.DATA_IMPORT: "clinic - - - -",
    Action.RETENTION_SEE: "clinic - - - -",
    Action.RETENTION_EDIT: "clinic - - - -",
    Action.RETENTION_RUN: "clinic - - - -",
    Action.PATIENT_ERASE: "clinic - - - -",
    Action.JOB_SEE: "clinic self - - -",
    Action.JOB_MANAGE: "clinic self - - -",
    Action.ACCOUNT_SEE: "self self self self -",
    Action.ACCOUNT_EDIT: "self self self self -",
}
TABLE: dict[Action, dict[Role, Reach]] = {
    action: dict(zip(_COLUMNS, map(Reach, cells.split()), strict=True)) for action, cells in _ROWS.items()
}


class Scope(StrEnum):
    """What a program's token may be used for; a token never does more than its owner may."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


_READS = frozenset({"see", "download"})
_ADMINISTERS = frozenset({"user", "audit", "operations", "data", "retention"})
_NEVER_BY_TOKEN = frozenset({"account", "share"})


def scope_of(action: Action) -> Scope | None:
    """Return the scope that a token needs for an action; None when no token may do it."""
    if action in (Action.SESSION_USE, Action.SIGN_OUT):
        return Scope.READ
    subject, _dot, verb = action.partition(".")
    if subject in _NEVER_BY_TOKEN or action is Action.SIGN_IN:
        return None
    if subject in _ADMINISTERS or action is Action.PATIENT_ERASE:
        return Scope.ADMIN
    return Scope.READ if verb in _READS else Scope.WRITE


@dataclass(frozen=True)
class Actor:
    """Who asks: the person, what they are, and where the request came from.

    ``user_id`` is None for a visitor who has not signed in, and for the program itself
    (``is_system``), which reaches everything: the sweeper and the server's own command line.
    ``scopes`` limits a program that came with a personal access token; None limits nothing.
    """

    user_id: UUID | None
    role: Role
    email: str = ""
    name: str = ""
    patient_id: UUID | None = None
    session_id: UUID | None = None
    address: str = ""
    request_id: str = ""
    scopes: frozenset[Scope] | None = None
    token_id: UUID | None = None

    @property
    def is_system(self) -> bool:
        """Whether the program acts for itself."""
        return self.user_id is None and self.role is Role.ADMIN


def system(request_id: str = "") -> Actor:
    """Return the actor that the program itself is."""
    return Actor(user_id=None, role=Role.ADMIN, name="Imgcore", request_id=request_id)


def visitor(address: str = "", request_id: str = "") -> Actor:
    """Return the actor for a request with which nobody is signed in."""
    return Actor(user_id=None, role=Role.VISITOR, address=address, request_id=request_id)


def reach(actor: Actor, action: Action) -> Reach:
    """Return how far ``action`` reaches for this actor; ``Reach.NONE`` when it may not."""
    if actor.scopes is not None and scope_of(action) not in actor.scopes:
        return Reach.NONE
    return TABLE[action][actor.role]
