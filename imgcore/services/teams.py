"""Care teams: who looks after a patient, and the way to a patient in an emergency."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, func, or_, select

from imgcore.db.journal import Event
from imgcore.db.tables import CareTeam, Patient, User
from imgcore.domain import records
from imgcore.domain.access import Action, Actor, Role
from imgcore.domain.records import Colleague, Emergency, Member, Team
from imgcore.errors import Conflict, Forbidden, Invalid, NotFound, TooManyTries
from imgcore.services import rows, sight
from imgcore.services.work import Service, Work, performs
from imgcore.texts import _

EMERGENCY_HOURS = 24
SHORTEST_REASON = 10
WRONG_TRIES = 10
TRIES_MINUTES = 15
STAFF = (Role.ADMIN, Role.CLINICIAN)


class Teams(Service):
    """Keeps the care team of each patient, in a clinic that works in teams."""

    @performs(Action.TEAM_SEE)
    def of_patient(self, actor: Actor, ref: UUID | str) -> Team:
        """Return who looks after a patient, past emergencies included, and who could join."""
        self._require_teams()
        with self._ledger.read(actor) as work:
            patient = sight.patient(work, ref, Action.TEAM_SEE)
            seen = {"patient_id": patient.id, "entity": "patient", "entity_ids": [patient.id]}
            work.record(Action.TEAM_SEE, once=True, **seen)
            return _team(work, patient.id)

    @performs(Action.TEAM_SEE)
    def emergencies(self, actor: Actor, ref: UUID | str) -> tuple[Member, ...]:
        """Return who has emergency access to a patient now; nobody where the clinic has no teams."""
        if self._settings.access != "care_team":
            return ()
        with self._ledger.read(actor) as work:
            patient = sight.patient(work, ref, Action.TEAM_SEE)
            members = _members(work, patient.id)
            return tuple(each for each in members if each.is_break_glass and each.is_active)

    @performs(Action.TEAM_EDIT)
    def add(self, actor: Actor, ref: UUID | str, user_id: UUID) -> Team:
        """Let a colleague look after a patient, for good."""
        self._require_teams()
        with self._ledger.write(actor) as work:
            patient = sight.patient(work, ref, Action.TEAM_EDIT)
            _require_member(work, patient.id)
            user = work.session.get(User, user_id)
            if user is None or not user.is_active or user.role not in STAFF:
                raise NotFound(_("Nobody who can be in a care team has this id."))
            _join(work, CareTeam(patient_id=patient.id, user_id=user.id, joined_at=work.at))
            _record(work, patient.id, user.id, "joined_at")
            return _team(work, patient.id)

    @performs(Action.TEAM_EDIT)
    def remove(self, actor: Actor, ref: UUID | str, user_id: UUID) -> None:
        """Take somebody out of a patient's team at once; ``Conflict`` for the last who looks after them.

        An emergency access is ended, and stays in sight.
        """
        self._require_teams()
        with self._ledger.write(actor) as work:
            patient = sight.patient(work, ref, Action.TEAM_EDIT)
            if user_id != actor.user_id:
                _require_member(work, patient.id)
            row = work.session.get(CareTeam, (patient.id, user_id))
            if row is None:
                raise NotFound(_("This person is not in the care team."))
            if row.is_break_glass:
                row.ends_at = min(row.ends_at or work.at, work.at)
            else:
                if not _lasting(work, patient.id) - {user_id}:
                    raise Conflict(
                        _("Somebody has to look after this patient."), hint=_("Add a colleague first.")
                    )
                work.session.delete(row)
            work.session.flush()
            _record(work, patient.id, user_id, "ends_at")

    @performs(Action.TEAM_BREAK_GLASS)
    def break_glass(self, actor: Actor, ref: str, reason: str) -> Emergency:
        """Join the team of the patient with exactly this MRN, external id or id, for a day.

        Every try is in the audit; ``TooManyTries`` after ten wrong numbers within 15 minutes.
        """
        self._require_teams()
        number, why = " ".join(ref.split()), reason.strip()
        with self._ledger.write(actor) as work:
            _lock(work)
            refusal, found = self._try(work, number, why)
            if refusal is None and found is not None:
                return found
        raise refusal or NotFound(_("Nobody has exactly this number."))

    def _try(
        self, work: Work, number: str, why: str
    ) -> tuple[Invalid | Conflict | TooManyTries | None, Emergency | None]:
        """Record a try and what came of it; a refusal is returned, so that its line is kept."""
        refused = {"outcome": "refused", "entity": "patient"}
        if len(why) < SHORTEST_REASON:
            work.record(Action.TEAM_BREAK_GLASS, outcome="refused", field_names=["reason"])
            text = _("Please say why, in at least {count} characters.").format(count=SHORTEST_REASON)
            return Invalid(text), None
        if _wrong_tries(work) >= WRONG_TRIES:
            work.record(Action.TEAM_BREAK_GLASS, outcome="refused", field_names=["tries"])
            return _too_many(), None
        patient = _exactly(work, number)
        if patient is None:
            work.record(Action.TEAM_BREAK_GLASS, **refused)
            return None, None
        if work.actor.user_id in _lasting(work, patient.id):
            work.record(Action.TEAM_BREAK_GLASS, patient_id=patient.id, entity_ids=[patient.id], **refused)
            hint = _("Find the patient as usual.")
            return Conflict(_("You are in the care team of this patient already."), hint=hint), None
        return None, _enter(work, patient, why)

    def _require_teams(self) -> None:
        if self._settings.access != "care_team":
            raise Conflict(
                _("This clinic does not work in care teams."),
                hint=_("Everybody who works here sees every patient."),
            )


def _enter(work: Work, patient: Patient, why: str) -> Emergency:
    """Make the person a member for a day."""
    if work.actor.user_id is None:
        raise Forbidden(_("Only a person can have emergency access."))
    ends_at = work.at + timedelta(hours=EMERGENCY_HOURS)
    row = CareTeam(patient_id=patient.id, user_id=work.actor.user_id, joined_at=work.at, ends_at=ends_at,
                   reason=why[:1000], is_break_glass=True)  # fmt: skip
    _join(work, row)
    work.record(Action.TEAM_BREAK_GLASS, patient_id=patient.id, entity="patient", entity_ids=[patient.id])
    return Emergency(rows.patient(patient), ends_at)


def _exactly(work: Work, number: str) -> Patient | None:
    """Return the one patient with this number, whoever looks after them; none from the trash."""
    by = [col(Patient.mrn) == number, col(Patient.external_id) == number]
    with suppress(ValueError):
        by.insert(0, col(Patient.id) == UUID(number))
    for condition in by:
        wanted = select(Patient).where(condition, col(Patient.trashed_at).is_(None)).with_for_update()
        if number and (patient := work.session.exec(wanted).first()):
            return patient
    return None


def _lock(work: Work) -> None:
    """Let tries of one person wait for each other, so that none is left out of the count."""
    work.session.exec(select(User.id).where(User.id == work.actor.user_id).with_for_update()).all()


def _wrong_tries(work: Work) -> int:
    since = work.at - timedelta(minutes=TRIES_MINUTES)
    wrong = select(func.count()).select_from(Event).where(
        Event.actor_id == work.actor.user_id, Event.at > since, Event.action == Action.TEAM_BREAK_GLASS,
        Event.outcome == "refused", Event.entity == "patient", col(Event.patient_id).is_(None),
    )  # fmt: skip
    return work.session.exec(wrong).one()


def _too_many() -> TooManyTries:
    return TooManyTries(
        _("Too many wrong numbers."),
        hint=_("Please wait {minutes} minutes, or ask somebody of the team.").format(minutes=TRIES_MINUTES),
        retry_after=TRIES_MINUTES * 60,
    )


def _join(work: Work, row: CareTeam) -> None:
    work.session.merge(row)
    work.session.flush()


def _record(work: Work, patient_id: UUID, user_id: UUID, field: str) -> None:
    named = {"entity": "user", "entity_ids": [user_id], "field_names": [field]}
    work.record(Action.TEAM_EDIT, patient_id=patient_id, **named)


def _lasting(work: Work, patient_id: UUID) -> set[UUID]:
    """Return the people who look after a patient for good, and can sign in."""
    wanted = select(CareTeam.user_id).join(User, col(CareTeam.user_id) == col(User.id))
    wanted = wanted.where(
        CareTeam.patient_id == patient_id, col(User.is_active), col(User.role).in_(STAFF), _going_on(work.at)
    )
    return set(work.session.exec(wanted.where(col(CareTeam.is_break_glass).is_(False))))


def _going_on(at: datetime) -> sa.ColumnElement[bool]:
    return or_(col(CareTeam.ends_at).is_(None), col(CareTeam.ends_at) > at)


def _require_member(work: Work, patient_id: UUID) -> None:
    """Refuse who is here only for an emergency, unless nobody is left who looks after the patient."""
    lasting = _lasting(work, patient_id)
    if lasting and work.actor.user_id not in lasting and not work.actor.is_system:
        raise Forbidden(
            _("Emergency access does not change the care team."), hint=_("Ask somebody of the team.")
        )


def _members(work: Work, patient_id: UUID) -> tuple[Member, ...]:
    wanted = sa.select(CareTeam, User).join(User, col(CareTeam.user_id) == col(User.id))
    wanted = wanted.where(col(CareTeam.patient_id) == patient_id)
    wanted = wanted.order_by(col(CareTeam.is_break_glass), col(User.name), col(User.id))
    found = work.session.execute(wanted).all()
    return tuple(_member(row, user, work.at) for row, user in found)


def _member(row: CareTeam, user: User, at: datetime) -> Member:
    return Member(
        user_id=user.id,
        name=user.name,
        joined_at=row.joined_at,
        ends_at=row.ends_at,
        reason=row.reason,
        is_break_glass=row.is_break_glass,
        is_active=user.is_active and (row.ends_at is None or row.ends_at > at),
    )


def _team(work: Work, patient_id: UUID) -> records.Team:
    members = _members(work, patient_id)
    there = {each.user_id for each in members if not each.is_break_glass}
    staff = select(User).where(col(User.is_active), col(User.role).in_(STAFF))
    others = [each for each in work.session.exec(staff.order_by(User.name, col(User.id)))
              if each.id not in there]  # fmt: skip
    return Team(patient_id, members, tuple(Colleague(each.id, each.name, Role(each.role)) for each in others))
