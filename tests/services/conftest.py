"""What the tests of the services share: clinics on both databases."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from argon2 import PasswordHasher
from sqlalchemy.pool import ConnectionPoolEntry

from imgcore import bootstrap
from imgcore.db import engine, schema
from imgcore.db.engine import Database
from imgcore.domain.access import Role
from imgcore.services import credentials
from tests.servers.postgres import Postgres
from tests.services.clinics import House, ImagingHere, Opens, open_house
from tests.services.models import Counting

prepare_sqlite = engine._prepare_sqlite


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the tests what is slow on purpose, the start of worker processes, and the wait for the disk."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(credentials, "_hasher", lambda: hasher)
    monkeypatch.setattr(bootstrap, "ImagingPool", ImagingHere)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(engine, "_prepare_sqlite", _prepare_in_a_hurry)


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with all tables and no rows, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "imgcore.sqlite3"
    _make_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def empty_database(postgres: Postgres) -> str:
    """Name of a PostgreSQL database with all tables and no rows, to be copied."""
    url = postgres.create_database()
    _make_tables(url)
    return url.partition("@/")[2].partition("?")[0]


@pytest.fixture
def copied_url(postgres: Postgres, empty_database: str) -> Iterator[str]:
    """URL of a PostgreSQL database of this test's own, with all tables and no rows."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(f"host={postgres.folder} user=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {empty_database} STRATEGY FILE_COPY".encode())
    url = f"postgresql+psycopg://postgres@/{name}?host={postgres.folder}"
    yield url
    postgres.drop_database(url)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """Where the clinic of this test keeps its rows: SQLite, or PostgreSQL where the test asks for it."""
    if getattr(request, "param", "sqlite") == "postgresql":
        return str(request.getfixturevalue("copied_url"))
    return ""


@pytest.fixture
def open_clinic(tmp_path: Path, database_url: str, empty_file: Path) -> Iterator[Opens]:
    """Opens clinics of the given settings, each in a folder of its own; closes them at the end."""
    with ExitStack() as stack:

        def opened(folder: str = "clinic", **settings: Any) -> House:
            place = tmp_path / folder
            if not place.exists():
                place.mkdir()
                shutil.copy(empty_file, place)
            house = stack.enter_context(open_house(place, database_url, **settings))
            house.admin = house.person(Role.ADMIN)
            return house

        yield opened


@pytest.fixture
def clinic(open_clinic: Opens) -> House:
    """A clinic with its administrator."""
    return open_clinic()


def _prepare_in_a_hurry(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    prepare_sqlite(connection, record)
    connection.execute("PRAGMA synchronous=OFF")


def _make_tables(url: str) -> None:
    database = Database(url)
    schema.ready(database)
    database.close()


@pytest.fixture
def sydney(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that stands in Sydney."""
    monkeypatch.setenv("TZ", "Australia/Sydney")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def model() -> Counting:
    """The one model of the clinic."""
    return Counting()


@pytest.fixture
def house(open_clinic: Opens, model: Counting) -> House:
    """A clinic with this model and no other."""
    return open_clinic(analysers={model.name: model})
