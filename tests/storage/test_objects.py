"""What every store does alike: one set of tests, run over all of them."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psutil
import pytest

from imgcore.errors import Invalid, ObjectExists, ObjectMissing, StoreUnavailable
from imgcore.storage import ObjectStore
from imgcore.storage.objects import CHUNK

Put = Callable[..., None]
KEY = "images/patient/batch/image.jpg"


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def content(store: ObjectStore, key: str) -> bytes:
    return b"".join(store.read(key))


# A client of a store may open or close a few connections that it keeps; twenty reads would leave far more.
SPARE = 5


def falls_to(count: int) -> bool:
    """Wait until this process has so few open files: threads beside it close some connections."""
    deadline = time.monotonic() + 10
    while psutil.Process().num_fds() > count and time.monotonic() < deadline:
        time.sleep(0.01)
    return psutil.Process().num_fds() <= count


def test_what_was_put_is_read_back(store: ObjectStore, put: Put) -> None:
    put(store, KEY, noise(300_000))
    assert content(store, KEY) == noise(300_000)


RANGES = [(0, 1), (0, 1000), (0, 9999), (5, 5), (7, 3), (10, 20), (990, 1500), (999, None), (1000, None)]
RANGES += [(0, None), (0, 0), (5000, 6000)]


@pytest.mark.parametrize("size", [1000, 0])
def test_a_range_is_what_a_slice_would_be(store: ObjectStore, put: Put, size: int) -> None:
    put(store, KEY, noise(size))
    for start, stop in RANGES:
        assert b"".join(store.read(KEY, start, stop)) == noise(size)[start:stop], (start, stop)


def test_an_empty_object_is_an_object(store: ObjectStore, put: Put, tmp_path: Path) -> None:
    put(store, KEY, b"")
    info = store.info(KEY)
    assert info and info.size == 0
    store.fetch(KEY, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b""


def test_a_large_object_comes_in_pieces(store: ObjectStore, put: Put, tmp_path: Path) -> None:
    big = noise(20_000_000)
    put(store, KEY, big)
    pieces = list(store.read(KEY))
    assert max(map(len, pieces)) <= CHUNK
    assert hashlib.sha256(b"".join(pieces)).digest() == hashlib.sha256(big).digest()
    store.fetch(KEY, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == big
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0


def test_info_tells_size_and_time(store: ObjectStore, put: Put) -> None:
    put(store, KEY, b"123")
    info = store.info(KEY)
    assert info and (info.key, info.size) == (KEY, 3)
    assert info.modified_at.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - info.modified_at) < timedelta(hours=1)
    assert list(store.walk()) == [info]


def test_a_missing_object_is_told_at_once(store: ObjectStore, tmp_path: Path) -> None:
    assert store.info(KEY) is None
    for start, stop in RANGES:
        with pytest.raises(ObjectMissing):
            store.read(KEY, start, stop)
    with pytest.raises(ObjectMissing):
        store.fetch(KEY, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_part_of_a_key_is_no_key(store: ObjectStore, put: Put) -> None:
    put(store, KEY, b"x")
    assert store.info("images/patient") is None
    with pytest.raises(ObjectMissing):
        store.read("images/patient")
    store.delete(["images/patient"])
    assert content(store, KEY) == b"x"


def test_the_same_content_once_more_is_a_retry(store: ObjectStore, put: Put) -> None:
    put(store, KEY, b"first")
    put(store, KEY, b"first")
    assert content(store, KEY) == b"first"


def test_other_content_is_refused_and_the_first_stays(store: ObjectStore, put: Put) -> None:
    put(store, KEY, b"first")
    for other in (b"other", b"longer than the first", b"", noise(3_000_000)):
        with pytest.raises(ObjectExists):
            put(store, KEY, other)
        assert content(store, KEY) == b"first"


def test_of_sixteen_writers_one_wins_whole(real_store: ObjectStore, put: Put) -> None:
    offers = [noise(400_000 + writer, writer) for writer in range(16)]

    for key in (KEY, f"{KEY}2"):
        attempt = partial(_put_or_not, real_store, put, key)
        with ThreadPoolExecutor(16) as writers:
            won = list(writers.map(attempt, offers))
        assert won.count(True) == 1
        assert content(real_store, key) == offers[won.index(True)]


def test_sixteen_retries_at_once_all_succeed(real_store: ObjectStore, put: Put) -> None:
    with ThreadPoolExecutor(16) as writers:
        list(writers.map(lambda _: put(real_store, KEY, noise(300_000)), range(16)))
    assert content(real_store, KEY) == noise(300_000)


def test_bytes_that_are_not_those_of_the_digest_are_not_stored(real_store: ObjectStore, put: Put) -> None:
    with pytest.raises(StoreUnavailable):
        put(real_store, KEY, b"damaged", sha256=hashlib.sha256(b"whole").hexdigest())
    assert real_store.info(KEY) is None
    put(real_store, KEY, b"whole")
    assert content(real_store, KEY) == b"whole"


def test_an_object_does_not_follow_its_source(store: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"as sent")
    store.put(KEY, source, content_type="image/png", sha256=hashlib.sha256(b"as sent").hexdigest())
    with source.open("r+b") as file:
        file.write(b"CHANGED")
    assert content(store, KEY) == b"as sent"


def test_a_source_that_is_gone_stores_nothing(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        store.put(KEY, tmp_path / "none", content_type="image/png", sha256=hashlib.sha256(b"").hexdigest())
    assert store.info(KEY) is None


def test_deleting_is_for_good_and_may_be_repeated(store: ObjectStore, put: Put) -> None:
    put(store, KEY, b"x")
    put(store, f"{KEY}2", b"y")
    for _again in range(2):
        store.delete([KEY, "never/there"])
        assert store.info(KEY) is None
        assert [info.key for info in store.walk()] == [f"{KEY}2"]
    store.delete([])
    put(store, KEY, b"other content is fine now")


def test_any_number_of_keys_is_deleted_at_once(store: ObjectStore, put: Put) -> None:
    put(store, KEY, b"x")
    store.delete([*(f"images/none/{number}" for number in range(2500)), KEY])
    assert list(store.walk()) == []


def test_walk_finds_all_under_a_prefix(store: ObjectStore, put: Put) -> None:
    keys = {"a/1.jpg", "a/2.jpg", "a/sub/3.jpg", "ab/4.jpg", "b.jpg"}
    for key in keys:
        put(store, key, b"x")

    def found(prefix: str) -> set[str]:
        return {info.key for info in store.walk(prefix)}

    assert found("") == keys
    assert found("a") == keys - {"b.jpg"}
    assert found("a/") == {"a/1.jpg", "a/2.jpg", "a/sub/3.jpg"}
    assert found("a/s") == {"a/sub/3.jpg"}
    assert found("a/1.jpg") == {"a/1.jpg"}
    assert found("none/") == found("../") == set()


ODD_KEYS = ["", "/", "/abs", "a/", "a//b", ".", "..", "../up", "a/../b", "a/./b", ".hidden", "a/.tmp/b"]
ODD_KEYS += ["a\0b", "a\nb", "a\\b", "a\udcff", "a" * 256, "a/" * 600 + "b"]


def test_odd_keys_are_refused(store: ObjectStore, put: Put, tmp_path: Path) -> None:
    attempts: list[Callable[[str], object]] = [
        lambda key: put(store, key, b"x"),
        store.read,
        lambda key: store.fetch(key, tmp_path / "copy"),
        store.info,
        lambda key: store.delete([key]),
    ]
    for key in ODD_KEYS:
        for attempt in attempts:
            with pytest.raises(Invalid):
                attempt(key)
    assert list(store.walk()) == []


def test_any_printable_name_is_kept(store: ObjectStore, put: Put) -> None:
    names = {"Café/été & co.jpg", "a+b=c%20/#?.jpg", "images/日本.jpg"}
    for name in names:
        put(store, name, name.encode())
        assert content(store, name) == name.encode()
    assert {info.key for info in store.walk()} == names
    store.delete(list(names))
    assert list(store.walk()) == []


def test_reading_that_is_given_up_leaves_nothing_open(store: ObjectStore, put: Put) -> None:
    put(store, KEY, noise(5_000_000))
    assert len(content(store, KEY)) == 5_000_000
    process = psutil.Process()
    before = process.num_fds()
    for started in [True, False] * 10:
        chunks = store.read(KEY)
        if started:
            next(chunks)
        chunks.close()
        assert list(chunks) == []
    with store.read(KEY) as chunks:
        next(chunks)
    assert falls_to(before + SPARE)


def test_reading_to_the_end_leaves_nothing_more_open(store: ObjectStore, put: Put) -> None:
    put(store, KEY, noise(2_000_000))
    assert len(content(store, KEY)) == 2_000_000
    before = psutil.Process().num_fds()
    for _again in range(20):
        assert len(content(store, KEY)) == 2_000_000
    assert falls_to(before + SPARE)


def test_many_threads_do_not_disturb_each_other(store: ObjectStore, put: Put) -> None:
    def live(number: int) -> None:
        key = f"images/{number % 3}/{number}.jpg"
        put(store, key, noise(50_000, number))
        assert content(store, key) == noise(50_000, number)
        if number % 2:
            store.delete([key])

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(live, range(60)))
    assert {info.key for info in store.walk()} == {f"images/{n % 3}/{n}.jpg" for n in range(0, 60, 2)}


def test_a_check_of_a_good_store_leaves_no_trace(store: ObjectStore) -> None:
    store.check()
    assert list(store.walk()) == []
    assert store.sweep_temporary(0) == 0


def _put_or_not(store: ObjectStore, put: Put, key: str, offer: bytes) -> bool:
    try:
        put(store, key, offer)
    except ObjectExists:
        return False
    return True
