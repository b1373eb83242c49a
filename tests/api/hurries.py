"""A clinic for tests that ask it very often: without what is slow on purpose, or slow to start."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from argon2 import PasswordHasher
from sqlalchemy.pool import ConnectionPoolEntry

from imgcore import bootstrap
from imgcore.db import engine, schema
from imgcore.db.engine import Database
from imgcore.services import credentials
from tests.services.clinics import ImagingHere

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ready, prepare_sqlite = schema.ready, engine._prepare_sqlite


@contextmanager
def in_a_hurry() -> Iterator[None]:
    """Hash cheaply, decode in this process, copy the tables, wait for no disk; open the clinic inside."""
    with cheap_passwords(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "ImagingPool", ImagingHere)
        patch.setattr(schema, "ready", _ready_by_copy)
        patch.setattr(engine, "_prepare_sqlite", _prepare_without_waiting)
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@contextmanager
def cheap_passwords() -> Iterator[None]:
    """Hash passwords cheaply; those that were hashed before are as dear as ever."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(credentials, "_hasher", lambda: CHEAP)
        yield


def _prepare_without_waiting(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    prepare_sqlite(connection, record)
    connection.execute("PRAGMA synchronous=OFF")


def _ready_by_copy(database: Database) -> None:
    """Give an empty SQLite database the tables of another, without running every migration."""
    file = database.engine.url.database
    if database.on_sqlite and file and schema.current(database) is None:
        with closing(sqlite3.connect(file)) as new:
            new.execute("PRAGMA synchronous=OFF")
            _tables().backup(new)
    ready(database)


@cache
def _tables() -> sqlite3.Connection:
    """Return a database in memory that the migrations have made."""
    kept = sqlite3.connect(":memory:", check_same_thread=False)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.sqlite3"
        database = Database(f"sqlite:///{path}")
        ready(database)
        database.close()
        with closing(sqlite3.connect(path)) as made:
            made.backup(kept)
    return kept
