from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlmodel import select

from imgcore.db.journal import Change, Event
from imgcore.db.tables import Patient
from imgcore.domain.access import TABLE, Action, Actor, Role, visitor
from imgcore.domain.values import NewPatient
from imgcore.errors import Forbidden, NotFound, Unauthenticated
from imgcore.services import sight
from imgcore.services.work import Ledger, Service, performs
from tests.services.clinics import House, Opens
from tests.services.databases import on_both


def all_services() -> Iterator[type[Service]]:
    """Yield every service of the product."""
    waiting = Service.__subclasses__()
    while waiting:
        service = waiting.pop()
        waiting += service.__subclasses__()
        if service.__module__.startswith("imgcore.services"):
            yield service


def public_methods(service: type[Service]) -> Iterator[tuple[str, object]]:
    """Yield the methods that pages and routes can call."""
    for name, member in vars(service).items():
        if callable(member) and not name.startswith("_"):
            yield name, member


def without_action(service: type[Service]) -> list[str]:
    """Return the public methods that check no permission."""
    marked = {
        name
        for name, method in public_methods(service)
        if isinstance(getattr(method, "action", None), Action)
    }
    return [name for name, _method in public_methods(service) if name not in marked]


def test_every_method_of_every_service_names_its_action() -> None:
    found = {service.__name__: without_action(service) for service in all_services()}
    assert len(found) >= 12
    assert {name: methods for name, methods in found.items() if methods} == {}


def test_a_method_without_an_action_is_noticed() -> None:
    class Doors(Service):
        @performs(Action.PATIENT_SEE)
        def front(self, actor: Actor) -> None: ...

        def back(self, actor: Actor) -> None: ...

    assert without_action(Doors) == ["back"]


def test_every_action_has_a_cell_for_every_role_and_a_method() -> None:
    assert set(TABLE) == set(Action)
    assert all(set(cells) == set(Role) for cells in TABLE.values())
    used = {
        getattr(method, "action", None) for service in all_services() for _, method in public_methods(service)
    }
    assert used == set(Action)


def ledger_of(clinic: House) -> Ledger:
    return clinic.services.patients._ledger


@on_both
def test_a_change_without_an_audit_line_is_not_kept(clinic: House) -> None:
    patient = clinic.patient()
    with pytest.raises(RuntimeError), ledger_of(clinic).write(clinic.admin) as work:
        sight.patient(work, patient.id, Action.PATIENT_EDIT).name = "Changed"
    assert clinic.rows(Patient)[0].name == "Ada Novak"


@on_both
def test_change_event_and_rows_stand_or_fall_together(clinic: House) -> None:
    patient, lines = clinic.patient(), len(clinic.events())
    with pytest.raises(KeyError), ledger_of(clinic).write(clinic.admin) as work:
        row = sight.patient(work, patient.id, Action.PATIENT_EDIT)
        row.name = "Changed"
        work.record(Action.PATIENT_EDIT, patient_id=row.id)
        work.remember(Action.PATIENT_EDIT, [], row.id)
        work.session.flush()
        raise KeyError
    assert (clinic.rows(Patient)[0].name, len(clinic.events()), clinic.rows(Change)) == (
        "Ada Novak",
        lines,
        [],
    )


@on_both
def test_looking_leaves_its_line_though_it_changes_nothing(clinic: House) -> None:
    patient = clinic.patient()
    with ledger_of(clinic).read(clinic.admin) as work:
        work.record(Action.PATIENT_SEE, patient_id=patient.id, entity="patient", entity_ids=[patient.id])
        work.session.exec(select(Patient)).all()
    line = clinic.events()[-1]
    assert (line.action, line.outcome, line.patient_id) == ("patient.see", "done", patient.id)
    assert (line.entity_ids, line.count) == ([str(patient.id)], 1)
    assert (line.actor_id, line.address, line.request_id) == (clinic.admin.user_id, "192.0.2.7", "req-1")


def test_looking_waits_for_nobody_who_writes(clinic: House) -> None:
    """A reader must not ask for the write lock before its audit line is due."""
    patient = clinic.patient()
    with ledger_of(clinic).read(clinic.admin) as work:
        work.record(Action.PATIENT_SEE, patient_id=patient.id)
        work.session.exec(select(Patient)).all()
        clinic.patient("Bo Lind")


@on_both
def test_what_is_refused_is_noted_even_though_nothing_is_kept(open_clinic: Opens) -> None:
    clinic = open_clinic(access="care_team")
    patient, stranger = clinic.patient(), clinic.person(Role.CLINICIAN)
    with pytest.raises(NotFound), ledger_of(clinic).write(stranger) as work:
        sight.patient(work, patient.id, Action.PATIENT_EDIT)
    line = clinic.events()[-1]
    assert (line.action, line.outcome, line.actor_id) == ("patient.edit", "refused", stranger.user_id)
    assert line.patient_id == patient.id


def test_a_role_that_may_not_is_told_and_noted(clinic: House) -> None:
    reviewer = clinic.person(Role.REVIEWER)
    with pytest.raises(Forbidden):
        clinic.services.patients.create(reviewer, NewPatient(name="X"))
    line = clinic.events()[-1]
    assert (line.action, line.outcome, line.actor_id) == ("patient.create", "refused", reviewer.user_id)


def test_a_visitor_is_asked_to_sign_in_and_leaves_no_trace(clinic: House) -> None:
    lines = len(clinic.events())
    with pytest.raises(Unauthenticated):
        clinic.services.patients.create(visitor(), NewPatient(name="X"))
    assert len(clinic.events()) == lines


def test_every_line_of_one_change_bears_one_moment(clinic: House) -> None:
    patient = clinic.patient()
    clinic.services.trash.patient(clinic.admin, patient.id)
    change, line = clinic.changes()[-1], clinic.events(Event.action == "patient.trash")[-1]
    assert change.at == line.at == clinic.rows(Patient)[0].trashed_at
