"""The matrix of who may call what: every route of the real server x everybody who may come along."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient

from imgcore.domain.access import Role, system, visitor
from imgcore.domain.accounts import NewToken
from imgcore.domain.links import derived_key
from imgcore.domain.values import NewUser, StaffRole
from imgcore.services.credentials import Bearer, make_bearer
from tests.api.desks import PASSWORD, Desk, open_desk, problem
from tests.api.hurries import in_a_hurry
from tests.server.doctors import browser, send
from tests.server.operations import NOTHING, Operation, filled, operations
from tests.server.rights import ANYONE, RIGHTS, SIGNED_IN, name, names
from tests.server.routes import Found, found_in, real_routes
from tests.server.visits import OURS, WITH_ADMIN, Visits, beside
from tests.servers.imgcore_server import ImgcoreServer

pytestmark = pytest.mark.xdist_group("routes")

REFUSED = "Your role does not allow this."


def test_every_route_of_the_server_stands_in_the_table() -> None:
    there = names(real_routes())
    assert {each for each in there if each not in RIGHTS} == set(), "say in rights.py whom it is for"
    assert set(RIGHTS) - there == set(), "no such route any more"


def test_a_route_that_nobody_classified_is_found() -> None:
    async def new(*_: object) -> None: ...

    added: list[Route | WebSocketRoute | Mount] = [
        Route("/api/patients/{patient_id}/secrets/", new, methods=["GET"]),
        Route("/api/patients/", new, methods=["DELETE"]),
        WebSocketRoute("/_stcore/stream2", new),
        Mount("/pictures", new),
    ]
    found = names([*real_routes(), *found_in(added)]) - set(RIGHTS) - names(real_routes())
    assert found == {
        "GET /api/patients/{patient_id}/secrets",
        "DELETE /api/patients",
        "WEBSOCKET /_stcore/stream2",
        "GET /pictures",
    }


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with in_a_hurry(), open_desk(tmp_path_factory.mktemp("clinic")) as desk:
        yield desk


def _person(desk: Desk, role: Role) -> TestClient:
    return browser(desk, role, patient_id=desk.patient()["id"] if role is Role.PATIENT else None)[0]


def _all(desk: Desk) -> list[Operation]:
    return operations(desk.admin.get("/api/openapi.json").json())


@pytest.mark.parametrize("role", SIGNED_IN)
def test_each_role_calls_what_is_for_it_and_nothing_else(desk: Desk, role: Role) -> None:
    wrong = {}
    person = _person(desk, role)
    for operation in _all(desk):
        who = RIGHTS[name(operation.method, operation.path)]
        request = next(filled(operation, NOTHING))[1]
        answer = send(person, request)
        if operation.method != "GET" and answer.status_code < 400:
            person = _person(desk, role)  # it may have ended the session, or changed the account
        refused = answer.status_code == 403 and problem(answer)["message"] == REFUSED
        unknown = answer.status_code == 401 and who != ANYONE
        if refused is (who == ANYONE or role in who) or unknown or answer.status_code >= 500:
            wrong[str(operation)] = answer.status_code
    assert wrong == {}


def _void_tokens(desk: Desk) -> dict[str, str]:
    """Return tokens that were good once, or look as if they were."""
    email = "programs@clinic.example"
    new = NewUser(email=email, name="Programs", role=Role.ADMIN, password=PASSWORD)
    services = desk.clinic.services
    user, _link = services.accounts.create(system(), new)
    secret = services.settings.secret_key.get_secret_value()
    long_ago = datetime.now(UTC) - timedelta(days=1)
    person = Bearer(user.id, 1)
    actor = services.sign_in.open(visitor(), email, PASSWORD).actor
    own, revoked = services.account.add_token(
        actor, NewToken.model_validate({"name": "x", "scopes": ["admin"]})
    )
    services.account.revoke_token(actor, own.id)
    return {
        "nothing": "",
        "wrong": "w" * 43,
        "expired": make_bearer(derived_key(secret, "tokens"), person, long_ago),
        "of another clinic": make_bearer(b"k" * 32, person, datetime.now(UTC)),
        "of an older version": make_bearer(
            derived_key(secret, "tokens"), Bearer(user.id, 0), datetime.now(UTC)
        ),
        "revoked": revoked,
    }


def test_no_token_that_is_void_opens_anything(desk: Desk) -> None:
    for kind, token in _void_tokens(desk).items():
        client = TestClient(desk.app, headers={"Authorization": f"Bearer {token}"} if token else {})
        for operation in _all(desk):
            if RIGHTS[name(operation.method, operation.path)] == ANYONE:
                continue
            answer = send(client, next(filled(operation, NOTHING))[1])
            assert (kind, str(operation), answer.status_code) == (kind, str(operation), 401)
            problem(answer)


def test_a_token_that_only_reads_changes_nothing(desk: Desk) -> None:
    email = "reader@clinic.example"
    new = NewUser(email=email, name="Reader", role=Role.ADMIN, password=PASSWORD)
    services = desk.clinic.services
    services.accounts.create(system(), new)
    actor = services.sign_in.open(visitor(), email, PASSWORD).actor
    scopes = NewToken.model_validate({"name": "x", "scopes": ["read"]})
    client = TestClient(
        desk.app, headers={"Authorization": f"Bearer {services.account.add_token(actor, scopes)[1]}"}
    )
    for operation in _all(desk):
        if operation.method != "GET" and not operation.path.startswith("/api/v1/auth/"):
            status = send(client, next(filled(operation, NOTHING))[1]).status_code
            allowed = {200, 403, 404} if operation.path.endswith("/url/") else {403}
            assert status in allowed, str(operation)
    assert client.get("/api/patients/").status_code == 200
    assert client.get("/api/audit/").status_code == 403


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visits]:
    folder = tmp_path_factory.mktemp("server")
    with ImgcoreServer(folder, env=WITH_ADMIN) as server, beside(server) as visits:
        yield visits


def _beside_rest() -> list[Found]:
    rest = ("/api/", "/files/", "/healthz", "/readyz")
    return [each for each in real_routes() if not each.template.startswith(rest) and each.methods]


def test_the_servers_own_paths_take_no_programs_token(visits: Visits) -> None:
    """Screens and Streamlit's endpoints are for browsers, whatever token a program brings."""
    token = visits.clinic.services.sign_in.token(
        system(), WITH_ADMIN["IMGCORE_ADMIN_EMAIL"], WITH_ADMIN["IMGCORE_ADMIN_PASSWORD"]
    )
    headers = {**OURS, "Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=visits.server.url, headers=headers, timeout=60) as client:
        for route in _beside_rest():
            for method in set(route.methods) - {"HEAD", "OPTIONS"}:
                if RIGHTS[name(method, route.template)] != ANYONE:
                    assert client.request(method, route.path).status_code == 401, (method, route)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.CLINICIAN])
def test_streamlits_endpoints_fail_for_nobody_and_tell_nothing(visits: Visits, role: StaffRole) -> None:
    """A role without many screens is still not shown another's upload, picture or file by its address."""
    email = f"{role}@clinic.example"
    visits.add(email, role)
    with visits.client(visits.session(email)) as client:
        for route in _beside_rest():
            for method in set(route.methods) - {"HEAD", "OPTIONS"}:
                if RIGHTS[name(method, route.template)] == SIGNED_IN and route.template != "/auth/password":
                    status = client.request(method, route.path).status_code
                    assert status < 500 or status == 501, (method, route, status)
                    if "{" in route.template:
                        assert status in (400, 403, 404), (method, route, status)
