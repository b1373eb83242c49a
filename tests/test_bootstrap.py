"""Opening a clinic: what is made, what is checked, and what is refused in a sentence."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from imgcore import bootstrap
from imgcore.config import load_settings
from imgcore.domain.access import Role, system, visitor
from imgcore.errors import ConfigError


def test_an_empty_folder_becomes_a_clinic_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "clinic"
    clinic = bootstrap.build(load_settings(data_dir=folder))
    try:
        assert clinic.services.accounts.needs_set_up(visitor())
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "secret.key").stat().st_mode) == 0o600
    finally:
        clinic.close()


def test_the_secret_key_is_made_once(tmp_path: Path) -> None:
    first, second = load_settings(data_dir=tmp_path), load_settings(data_dir=tmp_path)

    assert len(first.secret_key.get_secret_value()) >= 43
    assert first.secret_key == second.secret_key


def test_another_secret_key_is_refused(tmp_path: Path) -> None:
    bootstrap.build(load_settings(data_dir=tmp_path, secret_key="a" * 40)).close()

    with pytest.raises(ConfigError, match="secret key"):
        bootstrap.build(load_settings(data_dir=tmp_path, secret_key="b" * 40))


def test_a_second_server_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)
    first = bootstrap.build(settings, serving=True)
    try:
        with pytest.raises(ConfigError, match="already working in this data folder"):
            bootstrap.build(settings, serving=True)
    finally:
        first.close()

    bootstrap.build(settings, serving=True).close()


def test_the_first_administrator_comes_from_the_environment_once(tmp_path: Path) -> None:
    named = {"admin_email": "Boss@Clinic.example", "admin_password": "a long password"}
    bootstrap.build(load_settings(data_dir=tmp_path, **named)).close()
    other = {"admin_email": "other@clinic.example", "admin_password": "a long password"}
    clinic = bootstrap.build(load_settings(data_dir=tmp_path, **other))
    try:
        people = clinic.services.accounts.all(system()).items
        assert [(each.email, each.role) for each in people] == [("boss@clinic.example", Role.ADMIN)]
        assert clinic.services.sign_in.open(visitor(), "boss@clinic.example", "a long password").token
    finally:
        clinic.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [("MAX_FILE_BYTES", "many"), ("ACCESS", "everybody"), ("DECODERS", "0"), ("TRASH_DAYS", "-1")],
)
def test_a_setting_that_is_wrong_is_named(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMGCORE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv(f"IMGCORE_{name}", value)

    with pytest.raises(ConfigError, match=f"IMGCORE_{name}"):
        load_settings()


def test_origins_are_a_list_with_commas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGCORE_CORS_ORIGINS", "https://a.example/, https://b.example")

    assert load_settings(data_dir=tmp_path).cors_origins == ("https://a.example", "https://b.example")


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match="data folder"):
        load_settings(data_dir=tmp_path / "file")


def test_an_unknown_category_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="category set"):
        bootstrap.build(load_settings(data_dir=tmp_path, category_set="astrology"))
