from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy.pool import QueuePool

from imgcore import bootstrap
from imgcore.bootstrap import Clinic, build, in_use, use
from imgcore.config import load_settings
from imgcore.domain.access import Actor, Role, system, visitor
from imgcore.domain.values import NewPatient
from imgcore.errors import ConfigError, DatabaseUnavailable, ImgcoreError, StoreUnavailable, Unauthenticated
from imgcore.services import credentials
from imgcore.services.sweeps import Swept

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Spare the tests what is slow on purpose, and leave no clinic in use."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(credentials, "_hasher", lambda: hasher)
    yield
    use(None)


def opened(folder: Path, *, serving: bool = False, **settings: Any) -> Clinic:
    return build(load_settings(data_dir=folder, **settings), serving=serving)


def test_a_clinic_comes_back_as_it_was_left(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as clinic:
        assert clinic.services.accounts.needs_set_up(visitor())
    about: dict[str, Any] = {"admin_email": "Ines@x.y", "admin_password": PASSWORD}
    for _start in range(2):
        with closing(opened(tmp_path, **about)) as clinic:
            (user,) = clinic.services.accounts.all(system()).items
            assert (user.email, user.role) == ("ines@x.y", Role.ADMIN)
            assert clinic.services.sign_in.open(visitor(), "ines@x.y", PASSWORD).actor.user_id == user.id


def test_a_clinic_that_is_closed_twice_opens_nothing_again(tmp_path: Path) -> None:
    clinic = opened(tmp_path)
    clinic.close()
    clinic.close()
    pool = clinic.database.engine.pool
    assert isinstance(pool, QueuePool)
    assert pool.checkedin() == 0


def test_an_administrator_who_is_there_is_not_overwritten(tmp_path: Path) -> None:
    opened(tmp_path, admin_email="a@x.y", admin_password=PASSWORD).close()
    with closing(opened(tmp_path, admin_email="b@x.y", admin_password=PASSWORD + "2")) as clinic:
        assert [user.email for user in clinic.services.accounts.all(system()).items] == ["a@x.y"]
        with pytest.raises(Unauthenticated):
            clinic.services.sign_in.open(visitor(), "a@x.y", PASSWORD + "2")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"admin_email": "a@x.y"}, "IMGCORE_ADMIN_PASSWORD"),
        ({"admin_email": "nobody", "admin_password": PASSWORD}, "IMGCORE_ADMIN_EMAIL"),
        ({"category_set": "no_such"}, "no_such"),
        ({"storage_url": "ftp://somewhere"}, "IMGCORE_STORAGE_URL"),
        ({"database_url": "mysql://somewhere"}, "IMGCORE_DATABASE_URL"),
    ],
)
def test_a_start_that_fails_names_the_setting_and_holds_nothing(
    tmp_path: Path, settings: dict[str, str], named: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        opened(tmp_path, serving=True, **settings)
    assert named in caught.value.message
    with closing(opened(tmp_path, serving=True)) as clinic:
        assert clinic.services.accounts.needs_set_up(visitor())


def test_a_second_server_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with closing(opened(tmp_path, serving=True)):
        with pytest.raises(ConfigError) as caught:
            opened(tmp_path, serving=True)
        assert "IMGCORE_DATA_DIR" in caught.value.hint
        with closing(opened(tmp_path)) as beside:
            assert beside.lock is None
    opened(tmp_path, serving=True).close()


def test_a_server_can_be_closed_by_another_thread(tmp_path: Path) -> None:
    clinic = opened(tmp_path, serving=True)
    closer = threading.Thread(target=clinic.close)
    closer.start()
    closer.join()
    opened(tmp_path, serving=True).close()


def test_servers_on_postgresql_share_a_folder(tmp_path: Path, postgres_url: str) -> None:
    about = {"database_url": postgres_url, "admin_email": "a@x.y", "admin_password": PASSWORD}
    started: list[Clinic] = []
    threads = [
        threading.Thread(target=lambda: started.append(opened(tmp_path, serving=True, **about)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with ExitStack() as stack:
        for clinic in started:
            stack.callback(clinic.close)
        assert len(started) == 3
        assert started[0].services.accounts.all(system()).total == 1


def test_a_database_that_is_away_is_no_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        opened(tmp_path, database_url=f"postgresql+psycopg://nobody@/none?host={tmp_path}")


@pytest.mark.parametrize("fault", [StoreUnavailable("away"), RuntimeError("a fault of ours")])
def test_sweeping_goes_on_after_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    monkeypatch.setattr(bootstrap, "SWEEP_SECONDS", 0.01)
    rounds: list[object] = []
    with closing(opened(tmp_path, serving=True)) as clinic:

        def run(_actor: object, *, started_at: object) -> Swept:
            rounds.append(started_at)
            raise fault

        monkeypatch.setattr(clinic.services.sweeps, "run", run)
        clinic.start_sweeping()
        _wait_until(lambda: len(rounds) >= 3)
        assert set(rounds) == {clinic.built_at}
    after = len(rounds)
    time.sleep(0.05)
    assert len(rounds) == after


def test_a_store_that_cannot_work_is_told_once_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(opened(tmp_path, serving=True)) as clinic:

        def check() -> None:
            raise StoreUnavailable("There is no bucket.", hint="Create it.")

        monkeypatch.setattr(clinic.store, "check", check)
        clinic.start_sweeping()
        _wait_until(lambda: "There is no bucket. Create it." in caplog.text)
        assert caplog.text.count("There is no bucket") == 1


def test_audit_lines_are_sealed_every_second_and_after_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bootstrap, "SEAL_SECONDS", 0.01)
    faults: list[Exception] = [RuntimeError("a fault of ours"), DatabaseUnavailable("away")]
    with closing(opened(tmp_path, serving=True)) as clinic:
        run = clinic.services.seals.run

        def fail_first(actor: Actor) -> int:
            if faults:
                raise faults.pop()
            return run(actor)

        monkeypatch.setattr(clinic.services.seals, "run", fail_first)
        clinic.services.patients.create(system(), NewPatient(name="Ada Novak"))
        clinic.start_sealing()
        _wait_until(clinic.services.settings.heads_file.exists)
        verdict = clinic.services.audit.verify(system())
        assert (verdict.holds, verdict.lines) == (True, 1)
    assert caplog.text.count("could not be sealed") == 1


def test_who_shares_a_database_takes_nothing_back_at_once(tmp_path: Path) -> None:
    seen: list[object] = []
    with closing(opened(tmp_path)) as clinic:
        clinic.services.sweeps.run = lambda _actor, *, started_at: seen.append(started_at)  # type: ignore[method-assign, assignment, misc]
        clinic.start_sweeping()
        _wait_until(lambda: bool(seen))
    assert seen == [None]


def test_the_clinic_in_use_is_known_everywhere(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        in_use()
    with closing(opened(tmp_path)) as clinic:
        use(clinic)
        assert in_use() is clinic
        use(None)
    with pytest.raises(ImgcoreError):
        in_use()


def _wait_until(true: Any) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)
