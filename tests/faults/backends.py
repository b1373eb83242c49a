"""Where a server under test keeps its rows and pictures: each of the four combinations, behind proxies."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from tests.faults.proxy import Proxy
from tests.servers.postgres import Postgres
from tests.servers.seaweedfs import SeaweedFS

# Servers that share a database share their key.
SECRET = "only-for-tests, and long enough for that"
NAMES = ("sqlite-folder", "sqlite-s3", "postgresql-folder", "postgresql-s3")


@dataclass
class Backend:
    """The settings of a server, and the proxies before its database and store, where there are some."""

    name: str
    env: dict[str, str] = field(default_factory=lambda: {"IMGCORE_SECRET_KEY": SECRET})
    database: Proxy | None = None
    store: Proxy | None = None


class Outside:
    """The servers outside that the backends need, each started when one first needs it."""

    def __init__(self, postgres: Callable[[], Postgres], seaweedfs: Callable[[], SeaweedFS]) -> None:
        self.postgres = postgres
        self.seaweedfs = seaweedfs

    @contextmanager
    def backend(self, name: str) -> Iterator[Backend]:
        """Make an empty backend, and drop its database at the end."""
        database, _, store = name.partition("-")
        made = Backend(name)
        with ExitStack() as stack:
            if database == "postgresql":
                self._add_database(made, stack)
            if store == "s3":
                self._add_store(made, stack)
            yield made

    def _add_database(self, made: Backend, stack: ExitStack) -> None:
        server = self.postgres()
        url = server.create_database()
        stack.callback(server.drop_database, url)
        made.database = stack.enter_context(Proxy(server.folder / ".s.PGSQL.5432"))
        name = url.partition("@/")[2].partition("?")[0]
        through = f"postgresql+psycopg://postgres@127.0.0.1:{made.database.port}/{name}?sslmode=disable"
        made.env["IMGCORE_DATABASE_URL"] = through

    def _add_store(self, made: Backend, stack: ExitStack) -> None:
        server = self.seaweedfs()
        made.store = stack.enter_context(Proxy(server.port, http=True))
        direct = server.storage_url(uuid4().hex)
        through = direct.replace(
            quote(server.endpoint_url, safe=""), quote(f"http://127.0.0.1:{made.store.port}", safe="")
        )
        made.env |= {"IMGCORE_STORAGE_URL": through, **server.environment}


@contextmanager
def own_outside() -> Iterator[Outside]:
    """Make servers of one's own, in folders with short paths; stop them at the end."""
    with ExitStack() as stack:
        made: dict[str, Postgres | SeaweedFS] = {}

        def folder(prefix: str) -> Path:
            return Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True))
            )

        def postgres() -> Postgres:
            server = made.get("postgres")
            if not isinstance(server, Postgres):
                server = made["postgres"] = Postgres(folder("pg"))
                stack.callback(server.stop)
                server.start()
            return server

        def seaweedfs() -> SeaweedFS:
            server = made.get("seaweedfs")
            if not isinstance(server, SeaweedFS):
                server = made["seaweedfs"] = SeaweedFS(folder("weed"))
                stack.callback(server.stop)
                server.start()
            return server

        yield Outside(postgres, seaweedfs)
