from __future__ import annotations

import shutil

import pytest

from imgcore import bootstrap
from imgcore.config import load_settings
from imgcore.domain.access import visitor
from imgcore.errors import ConfigError
from imgcore.services import health, intake
from imgcore.services.health import check_secret
from imgcore.services.work import Ledger
from tests.services.clinics import House, open_house
from tests.services.databases import on_both


def test_a_disk_without_room_for_uploads_is_told(clinic: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "KEPT_FREE", 2 * shutil.disk_usage(clinic.folder).total)
    found = clinic.services.health.readiness(visitor())
    assert (found.is_ready, found.database, found.store) == (False, "", "")
    assert "no space left" in found.disk


@on_both
def test_a_clinic_that_works_is_ready(clinic: House) -> None:
    found = clinic.services.health.readiness(visitor())
    assert (found.is_ready, found.database, found.store) == (True, "", "")
    assert clinic.stored_keys() == set()


def test_a_store_that_is_away_is_told_and_comes_back(clinic: House) -> None:
    objects = clinic.folder / "objects"
    objects.rename(clinic.folder / "unplugged")
    found = clinic.services.health.readiness(visitor())
    assert (found.is_ready, found.database) == (False, "")
    assert found.store
    (clinic.folder / "unplugged").rename(objects)
    assert not clinic.services.health.readiness(visitor()).is_ready
    clinic.clock.forward(seconds=5)
    assert clinic.services.health.readiness(visitor()).is_ready


def test_a_database_that_cannot_be_written_is_told(clinic: House) -> None:
    with clinic.clinic.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
    found = clinic.services.health.readiness(visitor())
    assert not found.is_ready
    assert (found.store, bool(found.database)) == ("", True)


@on_both
def test_another_secret_key_is_refused(clinic: House) -> None:
    other = load_settings(data_dir=clinic.folder, database_url=clinic.url, secret_key="x" * 40)
    with pytest.raises(ConfigError):
        bootstrap.build(other)
    with open_house(clinic.folder, clinic.url) as again:
        assert again.folder == clinic.folder


@on_both
def test_of_two_keys_at_the_first_start_the_first_is_kept(
    clinic: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second server looked before the first one wrote."""
    other = load_settings(data_dir=clinic.folder, secret_key="x" * 40)
    look, seen = health._fingerprint, iter([None])
    monkeypatch.setattr(health, "_fingerprint", lambda ledger: next(seen, look(ledger)))
    with pytest.raises(ConfigError):
        check_secret(Ledger(clinic.clinic.database, other))
    check_secret(Ledger(clinic.clinic.database, clinic.services.settings))
