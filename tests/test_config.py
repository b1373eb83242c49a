from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from imgcore.config import load_settings
from imgcore.errors import ConfigError


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An environment in which nothing is set but where the data go."""
    for name in list(os.environ):
        if name.startswith("IMGCORE_") and name != "IMGCORE_TEST_RUN":
            monkeypatch.delenv(name)
    monkeypatch.setenv("IMGCORE_DATA_DIR", str(tmp_path / "data"))
    yield


def test_without_any_setting_all_is_kept_in_the_data_folder(tmp_path: Path) -> None:
    settings = load_settings()
    data = tmp_path / "data"
    assert settings.database == f"sqlite:///{data / 'imgcore.sqlite3'}"
    assert settings.storage == (data / "objects").as_uri()
    assert settings.on_sqlite
    assert (settings.access, settings.category_set, settings.trash_days) == ("clinic", "podiatry", 30)
    assert (settings.max_file_bytes, settings.max_pixels) == (10 * 1024 * 1024, 64_000_000)


def test_folders_and_the_secret_are_for_their_owner_only(tmp_path: Path) -> None:
    load_settings()
    data = tmp_path / "data"
    modes = {path.name: path.stat().st_mode & 0o777 for path in (data, *data.iterdir())}
    assert modes == {"data": 0o700, "incoming": 0o700, "secret.key": 0o600}


def test_the_secret_is_made_once_and_is_long() -> None:
    first, second = load_settings().secret_key, load_settings().secret_key
    assert first == second
    assert len(first.get_secret_value()) >= 43


def test_servers_that_start_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _: load_settings().secret_key.get_secret_value(), range(8)))
    assert len(keys) == 1
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["incoming", "secret.key"]


def test_a_secret_that_is_set_is_kept_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IMGCORE_SECRET_KEY", "s" * 32)
    settings = load_settings()
    assert settings.secret_key.get_secret_value() == "s" * 32
    assert not (tmp_path / "data" / "secret.key").exists()
    assert "ssss" not in repr(settings)


@pytest.mark.parametrize("content", ["", "short"])
def test_a_secret_file_that_was_cut_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret.key").write_text(content)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert "secret.key" in caught.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "s" * 31),
        ("ACCESS", "everybody"),
        ("MAX_FILE_BYTES", "ten"),
        ("MAX_FILE_BYTES", "0"),
        ("MAX_PIXELS", "-1"),
        ("DECODERS", "0"),
        ("TRASH_DAYS", "0"),
        ("SESSION_HOURS", ""),
        ("SECURE_COOKIES", "perhaps"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"IMGCORE_{name}", value)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert f"IMGCORE_{name}" in caught.value.message
    assert caught.value.hint
    assert "ssss" not in caught.value.message


def test_a_data_folder_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IMGCORE_DATA_DIR", str(tmp_path / "file" / "data"))
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert "IMGCORE_DATA_DIR" in caught.value.hint


def test_addresses_are_taken_as_they_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGCORE_DATABASE_URL", "postgresql+psycopg://u@h/n")
    monkeypatch.setenv("IMGCORE_STORAGE_URL", "s3://bucket/prefix")
    monkeypatch.setenv("IMGCORE_CORS_ORIGINS", "https://a.example/, https://b.example")
    settings = load_settings()
    assert (settings.database, settings.storage) == ("postgresql+psycopg://u@h/n", "s3://bucket/prefix")
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert not settings.on_sqlite


def test_a_relative_folder_stays_where_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMGCORE_DATA_DIR", "here")
    settings = load_settings()
    monkeypatch.chdir("/")
    assert settings.data_dir == tmp_path / "here"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().trash_days = 1


def test_the_lock_comes_before_the_end_of_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().locks_after == timedelta(minutes=15)
    assert load_settings(lock_minutes=0).locks_after is None
    assert load_settings(lock_minutes=0.1).locks_after == timedelta(seconds=6)
    with pytest.raises(ConfigError, match="IMGCORE_LOCK_MINUTES"):
        load_settings(session_idle_minutes=10)
    for minutes in ("60", "61", "nan", "-1"):
        monkeypatch.setenv("IMGCORE_LOCK_MINUTES", minutes)
        with pytest.raises(ConfigError, match="IMGCORE_LOCK_MINUTES"):
            load_settings()


def test_an_outer_sign_in_is_whole_and_encrypted() -> None:
    assert load_settings().outer_name == ""
    issuer = "https://id.clinic.example"
    assert load_settings(oidc_issuer=issuer, oidc_client_id="imgcore").outer_name == "id.clinic.example"
    with pytest.raises(ConfigError, match="IMGCORE_OIDC_CLIENT_ID"):
        load_settings(oidc_issuer=issuer)
    for wrong in ("http://id.clinic.example", "id.clinic.example", "ftp://id.clinic.example"):
        with pytest.raises(ConfigError, match="IMGCORE_OIDC_ISSUER"):
            load_settings(oidc_issuer=wrong, oidc_client_id="imgcore")
