from __future__ import annotations

import signal
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from imgcore.config import load_settings
from imgcore.db import schema
from imgcore.db.engine import Database
from imgcore.errors import ConfigError, Unavailable
from imgcore.queue import Queue, queues
from tests.servers.redis import Redis

SECONDS = 30


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A Redis server; each test takes a database of its own."""
    server = Redis(tmp_path_factory.mktemp("redis"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(params=["sqlite", "postgresql", pytest.param("redis", marks=pytest.mark.redis)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a queue is kept, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'queue.sqlite3'}"
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    redis: Redis = request.getfixturevalue("redis")
    return redis.url()


@pytest.fixture
def opened(url: str) -> Iterator[Callable[[], Queue]]:
    """Open the same queue again and again, as several processes do."""
    queues: list[Queue] = []

    def open_queue() -> Queue:
        queues.append(Queue(url))
        return queues[-1]

    yield open_queue
    for queue in queues:
        queue.close()


def wait_until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not ready():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def test_ids_are_given_out_in_their_order_to_whoever_works(opened: Callable[[], Queue]) -> None:
    ids, taken = [uuid4() for _ in range(20)], list[UUID]()
    here, there = opened(), opened()
    assert here.is_empty()
    for each in ids:
        here.put(each)
    assert not there.is_empty()
    workers = there.work(taken.append, 1)
    wait_until(lambda: len(taken) == 20)
    workers.stop()
    assert taken == ids
    assert here.is_empty()


def test_each_id_is_given_out_once_however_many_work(opened: Callable[[], Queue]) -> None:
    ids, taken = [uuid4() for _ in range(60)], list[UUID]()
    queue = opened()
    crews = [queue.work(taken.append, 2), opened().work(taken.append, 2)]
    for each in ids:
        queue.put(each)
    wait_until(lambda: len(taken) >= 60 and queue.is_empty())
    for crew in crews:
        crew.stop()
    assert sorted(taken) == sorted(ids)


def test_a_job_that_fails_and_a_message_of_others_stop_nobody(opened: Callable[[], Queue]) -> None:
    bad, good, taken = uuid4(), uuid4(), list[UUID]()

    def run(job_id: UUID) -> None:
        taken.append(job_id)
        if job_id == bad:
            raise RuntimeError("this one fails")

    queue = opened()
    queue._opened()._ids.storage.enqueue(b"\x80\x04no id", 0)
    queue.put(bad)
    queue.put(good)
    workers = queue.work(run, 1)
    wait_until(lambda: good in taken)
    workers.stop()
    assert taken == [bad, good]


def test_stopping_waits_for_what_is_worked_on(opened: Callable[[], Queue]) -> None:
    begun, ended = threading.Event(), threading.Event()

    def run(_job_id: UUID) -> None:
        begun.set()
        time.sleep(0.5)
        ended.set()

    queue = opened()
    queue.put(uuid4())
    workers = queue.work(run, 1)
    assert begun.wait(SECONDS)
    workers.stop()
    assert ended.is_set()


def test_signals_stay_with_the_server(opened: Callable[[], Queue]) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    opened().work(lambda _: None, 1).stop()
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_the_queue_holds_ids_alone_in_a_file_of_its_owner(tmp_path: Path) -> None:
    file, job_id = tmp_path / "queue.sqlite3", uuid4()
    queue = Queue(f"sqlite:///{file}")
    queue.put(job_id)
    with closing(sqlite3.connect(file)) as database:
        assert [bytes(each) for (each,) in database.execute("SELECT data FROM task")] == [
            str(job_id).encode()
        ]
    assert {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()} == {0o600}
    queue.close()


def test_many_who_open_a_new_queue_at_once_all_have_it(postgres_url: str) -> None:
    made = [Queue(postgres_url) for _ in range(8)]
    threads = [threading.Thread(target=queue.put, args=(uuid4(),)) for queue in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made[0]._opened()._ids.storage.queue_size() == 8
    for queue in made:
        queue.close()


def test_the_queues_tables_are_no_difference_to_the_clinics_own(postgres_url: str) -> None:
    database, queue = Database(postgres_url), Queue(postgres_url)
    try:
        schema.ready(database)
        queue.put(uuid4())
        assert schema.differences(database) == []
    finally:
        queue.close()
        database.close()


def test_who_is_late_opens_no_closed_queue_again(opened: Callable[[], Queue]) -> None:
    queue = opened()
    queue.put(uuid4())
    queue.close()
    with pytest.raises(Unavailable):
        queue.put(uuid4())
    with pytest.raises(Unavailable):
        queue.is_empty()


def test_a_thread_that_is_late_connects_to_no_closed_queue_again(postgres_url: str) -> None:
    """A job that outlasts the stop: whatever it opened would stay open."""
    queue = Queue(postgres_url)
    line = queue._opened()
    line.put(uuid4())
    queue.close()
    with pytest.raises(RuntimeError):
        line.is_empty()


def test_a_queue_that_is_away_says_so_and_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "below" / "queue.sqlite3"
    queue = Queue(f"sqlite:///{file}")
    with pytest.raises(Unavailable):
        queue.put(uuid4())
    file.parent.mkdir()
    queue.put(uuid4())
    queue.close()


@pytest.mark.redis
def test_a_redis_server_that_was_away_is_worked_for_again(redis: Redis) -> None:
    taken: list[UUID] = []
    queue = Queue(redis.url())
    workers = queue.work(taken.append, 2)
    redis.stop()
    with pytest.raises(Unavailable):
        queue.put(uuid4())
    redis.start()
    job_id = uuid4()
    queue.put(job_id)
    wait_until(lambda: taken == [job_id])
    workers.stop()
    queue.close()


def test_a_redis_server_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "find_spec", lambda _name: None)
    with pytest.raises(ConfigError) as refused:
        Queue("redis://localhost/0")
    assert "pip install redis" in refused.value.hint


def test_the_queue_is_of_the_databases_kind_unless_another_is_named(tmp_path: Path) -> None:
    database = "postgresql+psycopg://clinic@db/imgcore"
    assert load_settings(data_dir=tmp_path).queue == f"sqlite:///{tmp_path / 'queue.sqlite3'}"
    assert load_settings(data_dir=tmp_path, database_url=database).queue == database
    named = load_settings(data_dir=tmp_path, database_url=database, queue_url="redis://queue/0")
    assert named.queue == "redis://queue/0"
    with pytest.raises(ConfigError, match="IMGCORE_QUEUE_URL"):
        load_settings(data_dir=tmp_path, queue_url="amqp://queue")
