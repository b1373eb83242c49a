"""The database: SQLite in write-ahead mode on one machine, PostgreSQL beyond."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from imgcore.domain import failpoints
from imgcore.domain.failpoints import FailPoint
from imgcore.errors import ConfigError, Conflict, DatabaseUnavailable, ImgcoreError, Invalid, StorageFull
from imgcore.texts import _

BUSY_SECONDS = 10
SQLITE = ("sqlite", "sqlite+pysqlite")
POSTGRESQL = "postgresql+psycopg"
# A network that swallows everything is given up after so long, in milliseconds and in seconds.
NETWORK = {"tcp_user_timeout": 20_000, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2}


class Database:
    """One engine, and transactions on it: ``read`` sees one moment, ``write`` commits or undoes all."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.on_sqlite = self.engine.dialect.name == "sqlite"
        self._writing = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that changes nothing."""
        with translated(), self.engine.connect() as connection, self._reading(connection):
            if not self.on_sqlite:
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with Session(connection) as session:
                yield session

    @contextmanager
    def _reading(self, connection: sa.Connection) -> Iterator[None]:
        """Let SQLite, too, refuse whatever would change something."""
        own: Any = connection.connection.dbapi_connection
        before = own.execute("PRAGMA query_only").fetchone()[0] if self.on_sqlite else 1
        if before:
            yield
            return
        own.execute("PRAGMA query_only=ON")
        try:
            yield
        finally:
            own.execute("PRAGMA query_only=OFF")

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that holds the write lock from its start on SQLite; commit at the end."""
        with translated(), self._turn(), self.engine.connect() as connection:
            connection = connection.execution_options(imgcore_write=True)
            with connection.begin(), Session(connection, expire_on_commit=False) as session:
                yield session
                session.flush()
                failpoints.reach(FailPoint.CHANGE_WRITTEN)
            failpoints.reach(FailPoint.CHANGE_COMMITTED)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let the writers of this process go one after the other on SQLite.

        SQLite looks only now and then whose turn it is: of twenty who upload at once, some would
        never have been lucky before their patience ended.
        """
        if not self.on_sqlite:
            yield
            return
        if not self._writing.acquire(timeout=BUSY_SECONDS):
            raise _busy()
        try:
            yield
        finally:
            self._writing.release()

    def check(self) -> None:
        """Write something that changes nothing, and raise what stands in the way."""
        with self.write() as session:
            session.execute(sa.text("UPDATE setting SET value = value"))

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()


def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
    except (exc.ArgumentError, ValueError):
        raise ConfigError(_("IMGCORE_DATABASE_URL is not a database URL.")) from None
    if parsed.drivername in SQLITE:
        return _sqlite(parsed)
    if parsed.drivername == POSTGRESQL:
        arguments = {"connect_timeout": 3, **NETWORK}
        engine = sa.create_engine(
            parsed, hide_parameters=True, connect_args=arguments, pool_pre_ping=True, pool_size=8
        )
        sa.event.listen(engine, "connect", _prepare_postgresql)
        return engine
    raise ConfigError(
        _("IMGCORE_DATABASE_URL names a database that is not supported."),
        hint=_("Use sqlite:///<file> or postgresql+psycopg://<user>@<host>/<name>."),
    )


def _sqlite(url: sa.URL) -> sa.Engine:
    """Return an engine on a file, which is made here so that only its owner can read it."""
    if not url.database or url.database == ":memory:":
        raise ConfigError(_("IMGCORE_DATABASE_URL must name a file: sqlite:///<file>."))
    try:
        os.close(os.open(url.database, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise ConfigError(
            _("The file in IMGCORE_DATABASE_URL cannot be used: {reason}.").format(reason=error.strerror)
        ) from error
    arguments = {"check_same_thread": False, "timeout": BUSY_SECONDS}
    engine = sa.create_engine(
        url, hide_parameters=True, connect_args=arguments, pool_size=16, max_overflow=48
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    _take_hints(engine)
    return engine


def _take_hints(engine: sa.Engine) -> None:
    """Let a query say which index SQLite shall read; SQLAlchemy leaves such hints out there."""
    compiler = engine.dialect.statement_compiler
    hints = {"get_from_hint_text": lambda _compiler, _table, text: text}
    engine.dialect.statement_compiler = type("HintingCompiler", (compiler,), hints)


def _prepare_sqlite(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgresql(connection: Any, _record: ConnectionPoolEntry) -> None:
    connection.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
    connection.commit()


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("imgcore_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the database drivers raise into Imgcore's errors."""
    try:
        yield
    except exc.IntegrityError as error:
        raise Conflict(_("This contradicts what is already stored; nothing was changed.")) from error
    except (exc.DataError, UnicodeEncodeError, OverflowError) as error:
        # A null character, half of a surrogate pair, a number beyond 64 bits.
        raise Invalid(_("What was sent holds something that cannot be stored or looked for.")) from error
    except exc.DBAPIError as error:
        raise _reason(error) from error
    except exc.TimeoutError as error:
        raise _busy() from error


def _reason(error: exc.DBAPIError) -> ImgcoreError | exc.DBAPIError:
    # PostgreSQL speaks the server's language, so its reasons are told by their numbers.
    text, state = str(error.orig).lower(), getattr(error.orig, "sqlstate", None)
    if "disk is full" in text or state == "53100":
        return StorageFull(_("There is no space left for the database; nothing was changed."))
    if "locked" in text or "busy" in text or state in ("55P03", "40P01", "40001"):
        return _busy()
    if "readonly" in text or state == "25006":
        return DatabaseUnavailable(_("The database cannot be written at the moment; nothing was changed."))
    if isinstance(error, exc.OperationalError | exc.InterfaceError):
        return DatabaseUnavailable(_("The database does not answer. Please try again in a moment."))
    return error


def _busy() -> DatabaseUnavailable:
    return DatabaseUnavailable(_("The database is busy. Please try again in a moment."))
