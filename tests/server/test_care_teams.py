"""Two care teams in one clinic: what one team keeps does not exist for anybody of the other.

Each of them, and an administrator of neither team, sends every request of the OpenAPI document
with another team's id at each place where an id can stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from imgcore.db.tables import metadata
from imgcore.domain.access import Role
from tests.api.desks import Desk, open_desk, problem
from tests.api.hurries import in_a_hurry
from tests.server.doctors import Doctor, browser, make_doctor, send
from tests.server.operations import Operation, filled, operations, unknown

# What grows by being refused.
BOOKKEEPING = {"event", "event_image", "sign_in_try"}
# A filter that finds nothing, as one does with an id that nothing has.
FILTERS = {("/api/patients/{patient_id}/looks/", "query image_id")}
# The audit and the accounts are an administrator's by their office, with ids, and without a patient's name.
OFFICE = ("/api/audit/", "/api/users/", "/api/data/events.")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with in_a_hurry(), open_desk(tmp_path_factory.mktemp("clinic"), access="care_team") as desk:
        yield desk


@pytest.fixture(scope="module")
def doctors(desk: Desk) -> Iterator[tuple[Doctor, Doctor]]:
    first, second = make_doctor(desk, "Zebulon"), make_doctor(desk, "Quirinia")
    with first.client, second.client:  # one event loop for all their requests
        yield first, second


@pytest.fixture(scope="module")
def every(desk: Desk) -> list[Operation]:
    return operations(desk.admin.get("/api/openapi.json").json())


def _kept(desk: Desk) -> dict[str, list[Any]]:
    """Return all rows as they are stored, and the keys of the store."""
    with desk.clinic.database.read() as session:
        rows: dict[str, list[Any]] = {
            name: sorted(map(repr, session.execute(sa.select(*_columns(table))).all()))
            for name, table in metadata.tables.items()
            if name not in BOOKKEEPING
        }
    return rows | {"store": sorted(each.key for each in desk.clinic.store.walk())}


def _columns(table: sa.Table) -> list[sa.Column[Any]]:
    """Return all columns but the one that moves with every look of who is signed in."""
    return [each for each in table.columns if each.name != "seen_at"]


def _lets_in(client: TestClient, operation: Operation, own: Doctor) -> bool:
    """Tell whether this person's role may make this call at all."""
    return bool(send(client, next(filled(operation, own.folder))[1]).status_code != 403)


def test_of_every_id_it_is_known_what_it_names(every: list[Operation]) -> None:
    assert unknown(every) == []
    assert len([each for each in every if each.slots]) > 40


def test_nothing_of_another_team_is_told_or_changed(
    desk: Desk, doctors: tuple[Doctor, Doctor], every: list[Operation]
) -> None:
    first, second = doctors
    wrong: list[str] = []
    tried = 0
    admin = Doctor(browser(desk, Role.ADMIN)[0], first.folder, ())
    before = _kept(desk)
    for who, own, foreign in (("first", first, second), ("second", second, first), ("admin", admin, second)):
        for operation in every:
            if who == "admin" and operation.path.startswith(OFFICE):
                continue
            for place, request in filled(operation, own.folder, foreign.folder):
                if not operation.slots:
                    continue
                answer = send(own.client, request)
                tried += 1
                expected = {401} if operation.path.startswith("/files/") else {404}
                if (operation.path, place) in FILTERS and answer.json().get("items") == []:
                    continue
                refused = answer.status_code == 403 and not _lets_in(own.client, operation, own)
                if not refused and answer.status_code not in expected:
                    wrong.append(f"{who} {operation}, {place}: {answer.status_code} {answer.text[:200]}")
                else:
                    problem(answer)
                if told := [each for each in foreign.secrets if each in answer.text]:
                    wrong.append(f"{who} {operation}, {place}: tells {told}")
            # Once for each operation: what any of its requests has changed is still so.
            if operation.slots and (after := _kept(desk)) != before:
                changed = [name for name in before if before[name] != after[name]]
                wrong.append(f"{who} {operation}: changes {changed}")
                before = after
    assert not wrong, "\n".join(wrong)
    assert tried > 300


def test_no_list_names_another_team(
    desk: Desk, doctors: tuple[Doctor, Doctor], every: list[Operation]
) -> None:
    first, second = doctors
    for client, own, foreign in (
        (first.client, first, second),
        (second.client, second, first),
        (desk.admin, None, first),
    ):
        for operation in every:
            is_office = operation.path.startswith(OFFICE)
            if operation.method != "GET" or (own is None and operation.slots and not is_office):
                continue
            for query in ({"page_size": 100}, {"q": foreign.secrets[0]}):
                if not operation.queries.issuperset(query) and "q" in query:
                    continue
                request = next(filled(operation, (own or foreign).folder))[1]
                request.query |= query
                answer = send(client, request)
                secrets = foreign.secrets[:1] if is_office else foreign.secrets
                found = [each for each in secrets if each in answer.text]
                assert found == [], (str(operation), query)


def test_each_team_reaches_its_own(doctors: tuple[Doctor, Doctor], every: list[Operation]) -> None:
    """Otherwise everything above would pass in a clinic that answers 404 to all."""
    for doctor in doctors:
        for operation in every:
            if operation.method in ("GET", "PATCH") and operation.slots:
                answer = send(doctor.client, next(filled(operation, doctor.folder))[1])
                allowed = {200, 403, 409} | ({401} if operation.path.startswith("/files/") else set())
                assert answer.status_code in allowed, (str(operation), answer.text)
