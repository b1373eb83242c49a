"""The queue as huey keeps it: in a SQLite file, in PostgreSQL, or in Redis."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NoReturn
from uuid import UUID

from huey.api import Huey, Task  # type: ignore[import-untyped]
from huey.consumer import Consumer  # type: ignore[import-untyped]
from huey.storage import PostgresStorage, RedisStorage, SqliteStorage  # type: ignore[import-untyped]

NAME = "imgcore"
CONNECT_SECONDS = 3
ANSWER_SECONDS = 10
STOP_SECONDS = 4
FIRST_LOOK, LONGEST_LOOK = 0.1, 1.0  # seconds between two looks into a queue that was empty
_SQLITE, _POSTGRESQL = "sqlite:///", "postgresql"


class Line:
    """An open queue; the errors of its driver come out as they are."""

    def __init__(self, url: str) -> None:
        self._ids = _Ids(NAME, results=False, **_storage(url))

    def put(self, job_id: UUID) -> None:
        """Let a job wait."""
        self._ids.storage.enqueue(str(job_id).encode("ascii"), 0)

    def is_empty(self) -> bool:
        """Tell whether no id waits."""
        return not self._ids.storage.queue_size()

    def work(self, run: Callable[[UUID], None], workers: int) -> _Threads:
        """Start the threads."""
        self._ids.run = run
        threads = _Threads(
            self._ids,
            workers=workers,
            periodic=False,
            initial_delay=FIRST_LOOK,
            max_delay=LONGEST_LOOK,
            scheduler_interval=60,  # nothing is ever scheduled here
            check_worker_health=False,
            shutdown_timeout=STOP_SECONDS,
        )
        threads.start()
        return threads

    def close(self) -> None:
        """Let go of file or connection; a thread that is late opens no other one."""
        storage = self._ids.storage
        storage.connection = _refused  # what PostgreSQL's connections come from
        storage.close()
        if isinstance(storage, RedisStorage):
            storage.pool.disconnect()


def _refused() -> NoReturn:
    raise RuntimeError("the queue was closed")


class _Job(Task):  # type: ignore[misc]
    """One id on its way to a worker."""

    def execute(self) -> None:
        run, job_id = self.args
        run(job_id)


class _Ids(Huey):  # type: ignore[misc]
    """Huey with ids as its only messages: what it would pickle could run anything when it is read."""

    run: Callable[[UUID], None]

    def deserialize_task(self, data: bytes) -> _Job:
        return _Job(args=(self.run, UUID(bytes(data).decode("ascii"))))

    def execute(self, task: _Job, timestamp: object = None) -> None:
        """Run the job, without huey's own results, tries and locks: the job's row knows all that."""
        task.execute()


class _Threads(Consumer):  # type: ignore[misc]
    """Huey's threads; signals belong to the server."""

    def stop(self, graceful: bool = True) -> None:
        """Take no more ids, and wait for those that are worked on."""
        super().stop(graceful=graceful)

    def _set_signal_handlers(self) -> None:
        pass


def _storage(url: str) -> dict[str, Any]:
    """Return where huey keeps the queue of this address."""
    if url.startswith(_SQLITE):
        file = url.removeprefix(_SQLITE)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))  # for its owner only
        return {"storage_class": SqliteStorage, "filename": file}
    if url.startswith(_POSTGRESQL):
        # Asked again and again rather than told: one connection does for all threads.
        address = _POSTGRESQL + url[url.index("://") :]
        patience = {"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": ANSWER_SECONDS * 1000}
        options = {"dsn": address, "blocking": False, **patience}
        _make_tables(options)
        return {"storage_class": PostgresStorage, "create_tables": False, **options}
    limits = f"socket_connect_timeout={CONNECT_SECONDS}&socket_timeout={ANSWER_SECONDS}"
    return {"storage_class": RedisStorage, "url": f"{url}{'&' if '?' in url else '?'}{limits}"}


def _make_tables(options: dict[str, Any]) -> None:
    """Make huey's tables; two processes that do it at once get in each other's way, so it is tried twice."""
    for is_last in (False, True):
        storage = PostgresStorage(NAME, create_tables=False, **options)
        try:
            storage.initialize_schema()
            return
        except Exception:
            if is_last:
                raise
        finally:
            storage.close()
