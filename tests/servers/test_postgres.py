"""The PostgreSQL server of the tests gives each of them an empty database of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.servers.postgres import Postgres


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    """Open one connection, and leave none behind."""
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_an_empty_database(postgres_url: str, turn: int) -> None:
    with connected(postgres_url) as connection:
        assert sa.inspect(connection).get_table_names() == []
        connection.execute(sa.text("CREATE TABLE patient (name text)"))


def test_a_restarted_server_has_kept_its_data() -> None:
    with tempfile.TemporaryDirectory(prefix="imgcore-") as folder:
        server = Postgres(Path(folder) / "postgres")
        server.start()
        try:
            url = server.create_database()
            with connected(url) as connection:
                connection.execute(sa.text("CREATE TABLE patient (name text)"))
            server.stop()
            with pytest.raises(sa.exc.OperationalError), connected(url):
                pass
            server.start()
            with connected(url) as connection:
                assert sa.inspect(connection).get_table_names() == ["patient"]
        finally:
            server.stop()
