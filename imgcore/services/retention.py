"""Retention: how long records are kept, what is past its time, and its way into the trash."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlmodel import col, select

from imgcore.db.tables import Image, Patient, RetentionRule
from imgcore.domain import failpoints
from imgcore.domain.access import Action, Actor
from imgcore.domain.categories import CategorySet
from imgcore.domain.failpoints import FailPoint
from imgcore.domain.progress import Progress, nothing
from imgcore.domain.retention import REASON, Due, KeptYears, NewRule, Report, Rule, RuleFields, Run
from imgcore.errors import Conflict, Invalid, NotFound
from imgcore.services import due, rounds, sight
from imgcore.services.audit import Sheet, table_of
from imgcore.services.trash import discard
from imgcore.services.work import Ledger, Line, Service, Work, performs
from imgcore.texts import _

_RAN = "retention_ran"
_DAY = timedelta(hours=20)  # a little less than a day, so that it stays at the same time of day


class Retention(Service):
    """Keeps the rules, says what is due under them, and puts it into the trash when it is told to."""

    def __init__(self, ledger: Ledger, categories: CategorySet) -> None:
        super().__init__(ledger)
        self._categories = categories

    @performs(Action.RETENTION_SEE)
    def rules(self, actor: Actor) -> tuple[Rule, ...]:
        """Return the rules: the one for every other image first, then by category."""
        with self._ledger.read(actor) as work:
            rows = work.session.exec(select(RetentionRule)).all()
            work.record(Action.RETENTION_SEE, entity="retention_rule", once=True)
            return tuple(_rule(row) for row in sorted(rows, key=lambda row: row.category or ""))

    @performs(Action.RETENTION_EDIT)
    def add(self, actor: Actor, new: NewRule) -> Rule:
        """Add a rule; ``Conflict`` when there is one for this category."""
        if new.category not in {None, *(each.code for each in self._categories.categories)}:
            raise Invalid(_("There is no such category."))
        with self._ledger.write(actor) as work:
            same = select(RetentionRule).where(RetentionRule.category == new.category)
            if work.session.exec(same).first() is not None:
                raise Conflict(_("There is a rule for this already."), hint=_("Change that one instead."))
            row = RetentionRule(
                category=new.category, years=new.years, created_at=work.at, created_by=actor.user_id
            )
            work.session.add(row)
            work.session.flush()
            _note(work, row.id)
            return _rule(row)

    @performs(Action.RETENTION_EDIT)
    def change(self, actor: Actor, rule_id: UUID, fields: RuleFields) -> Rule:
        """Change how many years a rule gives."""
        with self._ledger.write(actor) as work:
            row = _found(work, rule_id)
            row.years = fields.years
            _note(work, row.id)
            return _rule(row)

    @performs(Action.RETENTION_EDIT)
    def remove(self, actor: Actor, rule_id: UUID) -> None:
        """Remove a rule; what it was for is kept as the other rules say, or for ever."""
        with self._ledger.write(actor) as work:
            row = _found(work, rule_id)
            _note(work, row.id)
            work.session.delete(row)

    @performs(Action.RETENTION_EDIT)
    def keep(self, actor: Actor, ref: UUID | str, kept: KeptYears) -> None:
        """Keep one patient's record for so many years instead of what the rules say; None: as they say."""
        with self._ledger.write(actor) as work:
            row = sight.patient(work, ref, Action.RETENTION_EDIT)
            row.retention_years = kept.years
            named = {"entity": "patient", "entity_ids": [row.id], "field_names": ["retention_years"]}
            work.record(Action.RETENTION_EDIT, patient_id=row.id, **named)

    @performs(Action.RETENTION_SEE)
    def due(self, actor: Actor) -> Report:
        """Return what is past its time today, by name; nothing is changed."""
        with self._ledger.read(actor) as work:
            report = due.report(work, Action.RETENTION_SEE)
            seen = [each.patient_id for each in report.due]
            work.record(Action.RETENTION_SEE, entity="patient", entity_ids=seen, once=True)
            return report

    @performs(Action.RETENTION_SEE)
    def table(self, actor: Actor) -> Sheet:
        """Return what is due as a CSV file."""
        report = self.due(actor)
        self._ledger.note(actor, Line(Action.RETENTION_SEE, field_names=["csv"]))
        name = f"{_('due for removal')} {report.on:%Y-%m-%d}.csv"
        rows = (due.cells(each, self._categories) for each in report.due)
        return table_of(name, due.header(), rows)

    @performs(Action.RETENTION_RUN)
    def run(
        self, actor: Actor, refs: Collection[UUID | str] | None = None, progress: Progress = nothing
    ) -> Run:
        """Put what is due into the trash, of these patients or of all; one change for each patient.

        Each is judged anew in the moment it goes, so that nothing goes that was used or held since the
        report. Broken off, the next run goes on. ``NotFound`` when one of them is out of sight.
        """
        with self._ledger.read(actor) as work:
            named = {sight.patient_in_any_state(work, ref, Action.RETENTION_RUN).id for ref in refs or ()}
            going = [each.patient_id for each in due.report(work, Action.RETENTION_RUN).going]
        chosen = [each for each in going if refs is None or each in named]
        changes, images = dict[UUID, UUID](), 0
        for number, patient_id in enumerate(chosen):
            progress(number, len(chosen))
            made = self._discard(actor, patient_id)
            if made is not None:
                changes[patient_id] = made[0]
                images += made[1].images
            failpoints.reach(FailPoint.RETENTION_TRASHED)
        progress(len(chosen), len(chosen))
        return Run(changes, images)

    @performs(Action.RETENTION_RUN)
    def daily(self, actor: Actor) -> Run | None:
        """Run once a day where the settings say that this happens by itself; otherwise do nothing."""
        automatic = self._settings.retention == "automatic"
        if not automatic or not rounds.take(self._ledger, actor, _RAN, self._ledger.clock() - _DAY):
            return None
        return self.run(actor)

    def _discard(self, actor: Actor, patient_id: UUID) -> tuple[UUID, Due] | None:
        with self._ledger.draft(actor) as work:
            patient = select(Patient).where(Patient.id == patient_id, col(Patient.trashed_at).is_(None))
            row = work.session.exec(patient.with_for_update()).first()
            if row is None:
                return None
            due.lock_batches(work, patient_id)  # an upload that ends now comes before, or is refused
            found = due.of_patient(work, row)
            if found is None or found.is_held:
                return None
            if found.is_whole:
                return discard(work, Action.RETENTION_RUN, [row], reason=REASON), found
            images = work.session.exec(select(Image).where(due.images(found))).all()
            return discard(work, Action.RETENTION_RUN, images, reason=REASON), found


def _found(work: Work, rule_id: UUID) -> RetentionRule:
    row = work.session.get(RetentionRule, rule_id, with_for_update=True)
    if row is None:
        raise NotFound(_("This rule does not exist."))
    return row


def _note(work: Work, rule_id: UUID) -> None:
    work.record(Action.RETENTION_EDIT, entity="retention_rule", entity_ids=[rule_id])


def _rule(row: RetentionRule) -> Rule:
    return Rule(row.id, row.category, row.years, row.created_at)
