"""The audit as administrators read it: filtered, paged, with names, as a table."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from uuid import uuid4

import pytest

from imgcore.db.journal import Event
from imgcore.domain.access import Role, system
from imgcore.domain.looks import AuditLine, shown_patient
from imgcore.errors import Forbidden, NotFound
from imgcore.services import audit
from imgcore.services.audit import Asked
from imgcore.services.pages import Turn
from tests.services.clinics import House, Opens
from tests.services.databases import on_both


def listed(clinic: House, **asked: object) -> list[AuditLine]:
    page = clinic.services.audit.list(clinic.admin, Asked(**asked), Turn(page_size=100))  # type: ignore[arg-type]
    return list(page.items)


@on_both
def test_lines_come_newest_first_with_their_names(clinic: House) -> None:
    anna = clinic.person(Role.CLINICIAN, name="Anna Meyer")
    patient = clinic.patient("Ada Novak", anna)
    line = listed(clinic)[0]
    assert (line.person.name, line.action, line.patient_name) == ("Anna Meyer", "patient.create", "Ada Novak")
    assert [each.at for each in listed(clinic)] == sorted((each.at for each in listed(clinic)), reverse=True)
    assert shown_patient(line) == "Ada Novak"
    assert line.patient_id == patient.id
    assert {each.person.shown for each in listed(clinic)} >= {"Anna Meyer", "Imgcore itself"}


@on_both
def test_every_filter_narrows_the_list(clinic: House) -> None:
    anna = clinic.person(Role.CLINICIAN)
    start = clinic.clock()
    first, second = clinic.patient(actor=anna, external_id="his-1"), clinic.patient()
    with pytest.raises(Forbidden):
        clinic.services.accounts.all(anna)
    end = clinic.clock()
    clinic.patient(actor=anna)
    within = {"from_at": start, "to_at": end}
    assert len(listed(clinic, **within)) == 3
    assert {each.person.id for each in listed(clinic, person_id=anna.user_id, **within)} == {anna.user_id}
    for ref in (str(first.id), "his-1"):
        assert {each.patient_id for each in listed(clinic, patient_ref=ref, **within)} == {first.id}
    assert [each.action for each in listed(clinic, outcome="refused", **within)] == ["user.see"]
    assert {each.patient_id for each in listed(clinic, action="patient.create", **within)} == {
        first.id, second.id
    }  # fmt: skip
    assert listed(clinic, person_id=uuid4()) == []
    with pytest.raises(NotFound):
        listed(clinic, patient_ref="nobody")


@on_both
def test_looking_at_the_audit_is_one_line(clinic: House) -> None:
    patient = clinic.patient()
    before = len(clinic.events())
    for _ in range(3):
        listed(clinic)
        listed(clinic, action="sign_in")
        clinic.services.audit.people(clinic.admin)
    listed(clinic, patient_ref=str(patient.id))
    new = clinic.events()[before:]
    assert [(line.action, line.patient_id) for line in new] == [
        ("audit.see", None),
        ("audit.see", patient.id),
    ]
    b"".join(clinic.services.audit.table(clinic.admin, Asked()).chunks)
    assert clinic.events()[-1].field_names == ["csv"]


def test_names_of_what_is_gone_are_not_kept(clinic: House) -> None:
    patient = clinic.patient("Zebulon Zack")
    clinic.services.trash.patient(clinic.admin, patient.id)
    clinic.clock.forward(days=31)
    clinic.services.sweeps.run(system())
    lines = listed(clinic, patient_ref=str(patient.id))
    assert len(lines) == 3
    assert {shown_patient(line) for line in lines} == {"removed patient"}


def test_in_care_teams_the_names_of_other_teams_stay_hidden(open_clinic: Opens) -> None:
    clinic = open_clinic(access="care_team")
    doctor = clinic.person(Role.CLINICIAN)
    patient = clinic.patient("Zebulon Zack", doctor)
    (line,) = listed(clinic, patient_ref=str(patient.id))
    assert (line.patient_name, line.is_patient_gone) == (None, False)
    assert shown_patient(line) == "patient of another team"


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.REVIEWER])
def test_the_whole_audit_is_for_administrators(clinic: House, role: Role) -> None:
    who, services = clinic.person(role), clinic.services
    for ask in (
        lambda: services.audit.list(who, Asked()),
        lambda: services.audit.table(who, Asked()),
        lambda: services.audit.people(who),
        lambda: services.audit.verify(who),
        lambda: services.seals.run(who),
    ):
        with pytest.raises(Forbidden):
            ask()


@on_both
def test_the_table_holds_every_line_and_runs_no_formula(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "LOT", 3)
    clinic.patient('=cmd|"/c calc"!A1')
    clinic.services.seals.run(system())
    for _ in range(7):
        clinic.patient("Привет 王")
    sent = clinic.services.audit.table(clinic.admin, Asked())
    content = b"".join(sent.chunks).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    assert len(rows) == len(clinic.events())
    assert rows[0]["Action"] == "audit.see"
    assert {row["Patient"] for row in rows} == {"", "Привет 王", '\'=cmd|"/c calc"!A1'}
    sealed = [row for row in rows if row["Line"]]
    assert sealed[-1]["Hash"] == clinic.events()[0].chain
    assert [row["Time (UTC)"] for row in rows] == sorted((row["Time (UTC)"] for row in rows), reverse=True)


def test_deep_pages_are_reached_by_the_cursor(clinic: House) -> None:
    for _ in range(5):
        clinic.patient()
    first = clinic.services.audit.list(clinic.admin, Asked(), Turn(page_size=2))
    second = clinic.services.audit.list(clinic.admin, Asked(), Turn(page_size=2, cursor=first.next_cursor))
    assert first.items[-1].at > second.items[0].at
    assert first.total >= 5
    oldest = min(line.at for line in clinic.events(Event.action == "patient.create"))
    asked = Asked(from_at=oldest - timedelta(seconds=1), action="patient.create")
    assert clinic.services.audit.list(clinic.admin, asked).total == 5
