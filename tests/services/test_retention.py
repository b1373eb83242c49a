from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from functools import partial
from uuid import UUID

import pytest

from imgcore.db.journal import Change, Event
from imgcore.db.tables import Batch, Image, Patient
from imgcore.domain import records
from imgcore.domain.access import Role, system
from imgcore.domain.failpoints import InjectedFault
from imgcore.domain.retention import (
    Due,
    KeptYears,
    NewHold,
    NewRule,
    Report,
    RuleFields,
    due_on,
    earliest_last_visit,
)
from imgcore.domain.values import ImageFields, NewBatch, NewVisit
from imgcore.errors import Conflict, Invalid, NotFound
from tests.services.clinics import House, Opens, photo
from tests.services.databases import on_both


def rule(clinic: House, years: int, category: str | None = None) -> UUID:
    return clinic.services.retention.add(clinic.admin, NewRule(category=category, years=years)).id


def due(clinic: House) -> tuple[Due, ...]:
    return clinic.services.retention.due(clinic.admin).due


def pass_years(clinic: House, years: int) -> None:
    """Let so many years go by, and a day less: what follows is due tomorrow."""
    today = clinic.clock.later().astimezone().date()
    clinic.clock.forward(days=(due_on(today, years) - today).days - 1)


def pictured(clinic: House, name: str = "Ada Novak", *categories: str) -> records.Patient:
    """Add a patient with an image of each category, taken in today."""
    patient = clinic.patient(name)
    batch = clinic.batch(patient)
    for seed, category in enumerate(categories or ("other",)):
        clinic.image(batch.id, seed, category=category)
    return patient


def test_without_rules_nothing_is_ever_due(clinic: House) -> None:
    pictured(clinic)
    clinic.clock.forward(days=60_000)
    assert clinic.services.retention.due(clinic.admin) == Report(clinic.clock().astimezone().date(), ())
    assert clinic.services.retention.run(clinic.admin).changes == {}


@on_both
def test_a_record_is_due_on_the_day_its_years_are_over(clinic: House) -> None:
    patient = pictured(clinic)
    last = clinic.clock().astimezone().date()
    rule(clinic, 10)
    pass_years(clinic, 10)
    assert due(clinic) == ()
    clinic.clock.forward(days=1)
    (found,) = due(clinic)
    assert (found.patient_id, found.last_visit_on, found.since) == (patient.id, last, due_on(last, 10))
    assert (found.is_whole, found.batches, found.images, found.categories) == (True, 1, 1, {"other": 1})
    assert found.file_size == len(photo(0))


@on_both
@pytest.mark.parametrize("sign", ["visit", "batch", "upload", "trashed"])
def test_whatever_shows_the_patient_was_there_counts_as_a_visit(clinic: House, sign: str) -> None:
    patient = pictured(clinic)
    rule(clinic, 10)
    clinic.clock.forward(days=3000)
    day = clinic.clock().astimezone().date()
    services, who = clinic.services, clinic.admin
    if sign == "visit":
        services.visits.create(who, patient.id, NewVisit())
        with clinic.clinic.database.write() as session:
            session.connection().exec_driver_sql(f"UPDATE visit SET visited_on = '{day.isoformat()}'")
    elif sign == "batch":
        services.batches.create(who, patient.id, NewBatch(name="later"))
    elif sign == "upload":
        clinic.image(clinic.rows(Batch)[0].id, 7)
    else:
        services.trash.batch(who, services.batches.create(who, patient.id, NewBatch(name="later")).id)
    pass_years(clinic, 10)
    assert due(clinic) == ()
    clinic.clock.forward(days=1)
    assert [each.last_visit_on for each in due(clinic)] == [day]


@on_both
def test_a_patient_without_anything_goes_by_the_day_they_were_added(clinic: House) -> None:
    patient = clinic.patient()
    rule(clinic, 3, "casts")
    clinic.clock.forward(days=2000)
    assert due(clinic) == ()
    rule(clinic, 4)
    (found,) = due(clinic)
    assert (found.patient_id, found.is_whole, found.images) == (patient.id, True, 0)


@on_both
def test_a_rule_of_a_category_takes_its_images_alone(clinic: House) -> None:
    patient = pictured(clinic, "Ada Novak", "casts", "other", "casts", "x_ray")
    rule(clinic, 3, "casts")
    rule(clinic, 10)
    rule(clinic, 30, "x_ray")
    clinic.clock.forward(days=3 * 366)
    (found,) = due(clinic)
    assert (found.categories, found.images, found.is_whole, found.years) == ({"casts": 2}, 2, False, 3)
    clinic.services.retention.run(clinic.admin)
    kept = {row.category for row in clinic.rows(Image) if row.trashed_at is None}
    assert kept == {"other", "x_ray"}
    clinic.clock.forward(days=8 * 366)
    (found,) = due(clinic)
    assert (found.categories, found.is_whole) == ({"other": 1}, False)
    clinic.clock.forward(days=20 * 366)
    (found,) = due(clinic)
    assert (found.patient_id, found.categories, found.is_whole) == (
        patient.id,
        {"other": 1, "x_ray": 1},
        True,
    )


@on_both
def test_a_patients_own_years_count_instead(clinic: House) -> None:
    longer, shorter = pictured(clinic, "Longer"), pictured(clinic, "Shorter")
    services, who = clinic.services, clinic.admin
    services.retention.keep(who, longer.id, KeptYears(years=30))
    services.retention.keep(who, shorter.id, KeptYears(years=1))
    assert services.patients.get(who, longer.id).retention_years == 30
    clinic.clock.forward(days=400)
    assert [(each.patient_name, each.has_own_years) for each in due(clinic)] == [("Shorter", True)]
    rule(clinic, 2)
    clinic.clock.forward(days=4000)
    assert [each.patient_name for each in due(clinic)] == ["Shorter"]
    services.retention.keep(who, longer.id, KeptYears())
    assert [each.patient_name for each in due(clinic)] == ["Longer", "Shorter"]


@on_both
def test_a_run_is_one_change_a_patient_and_is_taken_back(clinic: House) -> None:
    whole, part = pictured(clinic, "Whole"), pictured(clinic, "Part", "casts", "casts", "x_ray")
    rule(clinic, 10)
    rule(clinic, 30, "x_ray")
    clinic.clock.forward(days=4000)
    run = clinic.services.retention.run(clinic.admin)
    assert (set(run.changes), run.images) == ({whole.id, part.id}, 3)
    changes = clinic.rows(Change, Change.action == "retention.run")
    assert {(row.id, row.patient_id, row.reason) for row in changes} == {
        (run.changes[each.id], each.id, "retention") for each in (whole, part)
    }
    assert {row.patient_id for row in clinic.events(Event.action == "retention.run")} == {whole.id, part.id}
    assert [each.id for each in clinic.services.trash.list(clinic.admin, "patient").items] == [whole.id]
    assert due(clinic) == ()
    for change_id in run.changes.values():
        clinic.services.history.undo(clinic.admin, change_id)
    assert [row for row in clinic.rows(Image) if row.trashed_at] == []
    assert len(due(clinic)) == 2
    clinic.services.retention.run(clinic.admin, [whole.id])
    clinic.clock.forward(days=31)
    clinic.services.sweeps.run(system())
    assert [row.id for row in clinic.rows(Patient)] == [part.id]


@on_both
def test_each_patient_is_judged_anew_when_the_run_comes_to_them(clinic: House) -> None:
    first, held, used = (pictured(clinic, name) for name in ("A", "B", "C"))
    rule(clinic, 10)
    clinic.clock.forward(days=4000)

    def meanwhile(number: int, _total: int) -> None:
        if number == 1:
            clinic.services.holds.set(clinic.admin, held.id, NewHold(reason="claim"))
            clinic.image(clinic.rows(Batch, Batch.patient_id == used.id)[0].id, 5)

    run = clinic.services.retention.run(clinic.admin, progress=meanwhile)
    assert set(run.changes) == {first.id}
    kept = {row.patient_id for row in clinic.rows(Batch) if row.trashed_at is None}
    assert kept == {held.id, used.id}


@on_both
def test_a_run_that_was_cut_off_is_gone_on_with(clinic: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("A", "B", "C"):
        pictured(clinic, name)
    rule(clinic, 10)
    clinic.clock.forward(days=4000)
    with monkeypatch.context() as patch:
        patch.setenv("IMGCORE_FAILPOINT", "retention.trashed:raise")
        with pytest.raises(InjectedFault):
            clinic.services.retention.run(clinic.admin)
    assert len(clinic.rows(Change, Change.action == "retention.run")) == 1
    assert len(clinic.services.retention.run(clinic.admin).changes) == 2


@on_both
def test_what_is_held_is_told_and_stays(clinic: House) -> None:
    patient = pictured(clinic)
    rule(clinic, 10)
    clinic.services.holds.set(clinic.admin, patient.id, NewHold(reason="claim"))
    clinic.clock.forward(days=4000)
    report = clinic.services.retention.due(clinic.admin)
    assert ([each.is_held for each in report.due], report.going) == ([True], ())
    assert clinic.services.retention.run(clinic.admin).changes == {}
    assert clinic.rows(Patient)[0].trashed_at is None


def test_by_itself_it_runs_only_where_the_settings_say_so_and_once_a_day(open_clinic: Opens) -> None:
    for folder, mode, expected in (("manual", "manual", 0), ("automatic", "automatic", 1)):
        clinic = open_clinic(folder, retention=mode)
        pictured(clinic, "First")
        rule(clinic, 10)
        clinic.clock.forward(days=4000)
        run = clinic.services.retention.daily(system())
        assert (run is not None) is bool(expected)
        assert len([row for row in clinic.rows(Patient) if row.trashed_at]) == expected
        clinic.clock.forward(hours=19)
        assert clinic.services.retention.daily(system()) is None
        clinic.clock.forward(hours=1)
        assert (clinic.services.retention.daily(system()) is not None) is bool(expected)


def test_rules_are_kept_one_for_each_category(clinic: House) -> None:
    services, who = clinic.services.retention, clinic.admin
    everything, casts = rule(clinic, 10), rule(clinic, 5, "casts")
    assert [(each.category, each.years) for each in services.rules(who)] == [(None, 10), ("casts", 5)]
    for category in (None, "casts"):
        with pytest.raises(Conflict):
            services.add(who, NewRule(category=category, years=1))
    with pytest.raises(Invalid):
        services.add(who, NewRule(category="no_such", years=1))
    assert services.change(who, casts, RuleFields(years=7)).years == 7
    services.remove(who, everything)
    for act in (partial(services.remove, who, everything),
                partial(services.change, who, everything, RuleFields(years=1))):  # fmt: skip
        with pytest.raises(NotFound):
            act()
    lines = clinic.events(Event.action == "retention.edit")
    assert [UUID(row.entity_ids[0]) for row in lines] == [everything, casts, casts, everything]


def test_the_table_says_what_goes_and_why(clinic: House) -> None:
    pictured(clinic, "=Ada Novak", "casts", "casts")
    rule(clinic, 2, "casts")
    clinic.clock.forward(days=1000)
    sheet = clinic.services.retention.table(clinic.admin)
    (line,) = csv.DictReader(io.StringIO(b"".join(sheet.chunks).decode("utf-8-sig"), newline=""))
    assert line["Patient"] == "'=Ada Novak"
    assert (line["What goes"], line["Images"], line["Years"], line["Categories"]) == (
        "images", "2", "2", "Casts: 2"
    )  # fmt: skip


def test_in_teams_an_administrator_is_told_of_their_own_patients_and_how_many_more(
    open_clinic: Opens,
) -> None:
    clinic = open_clinic(access="care_team")
    own = pictured(clinic, "Own")
    doctor = clinic.person(Role.CLINICIAN)
    foreign = clinic.patient("Foreign", doctor)
    rule(clinic, 10)
    clinic.clock.forward(days=4000)
    report = clinic.services.retention.due(clinic.admin)
    assert ([each.patient_id for each in report.due], report.elsewhere) == ([own.id], 1)
    with pytest.raises(NotFound):
        clinic.services.retention.run(clinic.admin, [foreign.id])
    assert set(clinic.services.retention.run(clinic.admin).changes) == {own.id}
    assert set(clinic.services.retention.run(system()).changes) == {foreign.id}


def test_the_end_of_a_leap_day_is_the_first_of_march() -> None:
    leap = date(2024, 2, 29)
    assert (due_on(leap, 1), due_on(leap, 4)) == (date(2025, 3, 1), date(2028, 2, 29))
    assert due_on(date(9990, 1, 1), 150) == date.max
    for today in (date(2025, 2, 28), date(2025, 3, 1), date(2024, 2, 29), date(2028, 2, 29)):
        for years in range(1, 9):
            last = earliest_last_visit(today, years)
            assert due_on(last, years) <= today
            for later in range(1, 4):
                newer = last + timedelta(days=later)
                assert due_on(newer, years) > today or newer <= last


def test_what_people_type_of_an_image_says_nothing_about_its_time(clinic: House) -> None:
    """A day that somebody typed far in the future must not keep a record, nor one in the past end it."""
    image = clinic.image()
    clinic.services.images.edit(clinic.admin, image.id, ImageFields(date_taken=date(1990, 1, 1)))
    rule(clinic, 10)
    assert due(clinic) == ()
