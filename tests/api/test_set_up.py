"""The first visit makes the administrator, and nobody from elsewhere can be first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient

from imgcore.api.set_up import CodeCheck, is_loopback, is_of_this_machine, set_up_code
from imgcore.config import load_settings
from imgcore.errors import Forbidden, TooManyTries
from tests.api.guarded import OURS, PASSWORD, House, open_house_with_pages

FIELDS = {"name": "Anna", "email": "Anna@Clinic.example", "password": PASSWORD, "again": PASSWORD}
ASKS_CODE = 'name="code"'


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house_with_pages(tmp_path) as house:
        yield house


def here(house: House, **headers: str) -> TestClient:
    """Return a client at the machine itself."""
    client = TestClient(
        house.app, "http://127.0.0.1:8501", client=("127.0.0.1", 50000), follow_redirects=False
    )
    client.headers.update({**OURS, **headers})
    return client


def elsewhere(house: House) -> TestClient:
    """Return a client on another machine."""
    client = TestClient(house.app, "http://clinic.lan", client=("192.168.1.7", 50000), follow_redirects=False)
    client.headers.update(OURS)
    return client


def set_up(client: TestClient, **fields: str) -> httpx2.Response:
    """Send the set-up form."""
    answer: httpx2.Response = client.post("/auth/setup", data={**FIELDS, **fields})
    return answer


def test_the_first_visit_makes_the_administrator_and_signs_in(house: House) -> None:
    client = here(house)
    assert client.get("/auth/login").headers["location"] == "/auth/setup"
    assert ASKS_CODE not in client.get("/auth/setup").text
    answer = set_up(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    session = client.get("/auth/session").json()
    assert session.items() >= {"name": "Anna", "email": "anna@clinic.example", "role": "admin"}.items()


def test_there_is_no_second_set_up(house: House) -> None:
    set_up(here(house))
    late = here(house)
    assert late.get("/auth/setup").headers["location"] == "/auth/login"
    assert set_up(late, email="eve@evil.example").headers["location"] == "/auth/login"
    assert late.get("/auth/session").status_code == 401


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"password": "short", "again": "short"}, "at least 10 characters"),
        ({"again": "something else"}, "not the same"),
        ({"email": "anna"}, "e-mail"),
        ({"name": " "}, "Name"),
    ],
)
def test_what_will_not_do_is_said_and_nothing_is_made(
    house: House, fields: dict[str, str], said: str
) -> None:
    client = here(house)
    answer = set_up(client, **fields)
    assert answer.status_code == 422
    assert said in answer.text
    assert client.get("/auth/login").headers["location"] == "/auth/setup"


def test_from_another_machine_the_code_is_needed(house: House) -> None:
    client = elsewhere(house)
    assert ASKS_CODE in client.get("/auth/setup").text
    for code in ["", "wrong", "ABCD-EFGH-IJKL-MNOP", "é"]:
        assert set_up(client, code=code).status_code == 403
    code = set_up_code(house.clinic.services.settings)
    assert set_up(client, code=f" {code.lower().replace('-', ' ')} ").status_code == 303


def test_a_guesser_is_stopped_with_the_right_code_too(house: House) -> None:
    client = elsewhere(house)
    for _ in range(10):
        assert set_up(client, code="wrong").status_code == 403
    answer = set_up(client, code=set_up_code(house.clinic.services.settings))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "900")


def test_a_server_that_others_can_reach_asks_everybody(tmp_path: Path) -> None:
    with open_house_with_pages(tmp_path, is_local=False) as house:
        assert ASKS_CODE in here(house).get("/auth/setup").text


def test_a_server_behind_https_asks_everybody(tmp_path: Path) -> None:
    with open_house_with_pages(tmp_path, secure_cookies=True) as house:
        assert ASKS_CODE in here(house).get("/auth/setup").text


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Proto": "https"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "127.0.0.1"},
        # A foreign page can give its own name the address of this machine.
        {"Host": "evil.example"},
        {"Host": ""},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "[::1"},
        {"Origin": "https://clinic.example"},
        {"Origin": "null"},
    ],
)
def test_the_code_is_needed_when_the_request_may_come_from_elsewhere(
    house: House, headers: dict[str, str]
) -> None:
    client = here(house, **headers)
    assert set_up(client).status_code == 403
    assert ASKS_CODE in set_up(client).text


@pytest.mark.parametrize("server", ["192.168.1.2", "0.0.0.0", None])
def test_a_request_that_came_in_over_the_network_is_not_local(server: str | None) -> None:
    scope = {"type": "http", "client": ("127.0.0.1", 1), "headers": [(b"host", b"localhost")]}
    assert not is_of_this_machine(HTTPConnection({**scope, "server": (server, 80) if server else None}))
    assert is_of_this_machine(HTTPConnection({**scope, "server": ("::1", 80)}))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.2", False),
        ("clinic.lan", False),
        ("", False),
        (None, False),
    ],
)
def test_what_only_this_machine_answers_to(name: str | None, wanted: bool) -> None:
    assert is_loopback(name) is wanted


def test_every_server_of_a_clinic_has_the_same_code_and_no_other_clinic(tmp_path: Path) -> None:
    one = load_settings(data_dir=tmp_path / "one")
    same = load_settings(data_dir=tmp_path / "one")
    other = load_settings(data_dir=tmp_path / "other")
    assert set_up_code(one) == set_up_code(same) != set_up_code(other)
    assert len(set_up_code(one).replace("-", "")) == 16


def test_after_a_while_one_may_try_again(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)
    now = [datetime(2025, 1, 1, tzinfo=UTC)]
    check = CodeCheck(lambda: now[0])
    for _ in range(10):
        with pytest.raises(Forbidden):
            check.check(settings, "wrong")
    with pytest.raises(TooManyTries):
        check.check(settings, set_up_code(settings))
    now[0] += timedelta(minutes=15)
    check.check(settings, set_up_code(settings))
