"""What the tests of the database share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from imgcore.db import schema
from imgcore.db.engine import Database

Opens = Callable[[str], Database]


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database: SQLite, or PostgreSQL where the test asks for it."""
    if getattr(request, "param", "sqlite") == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'imgcore.sqlite3'}"


@pytest.fixture
def open_database() -> Iterator[Opens]:
    """Opens databases, and closes them at the end."""
    with ExitStack() as stack:

        def opened(url: str) -> Database:
            database = Database(url)
            stack.callback(database.close)
            return database

        yield opened


@pytest.fixture
def database(url: str, open_database: Opens) -> Database:
    """A database with all tables and no rows."""
    opened = open_database(url)
    schema.ready(opened)
    return opened
