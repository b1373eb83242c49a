from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from pebble import ProcessFuture, ProcessPool
from PIL import Image

from imgcore.errors import DecoderUnavailable, ImgcoreError, TooManyPixels, UnsupportedType
from imgcore.imaging import ImagingPool, Limits, pools
from tests.imaging.pictures import noise, saved

PATIENCE = 30.0


def workers_of(pid: int) -> list[psutil.Process]:
    """Return the decoding workers of a process; Python keeps one more child to watch semaphores."""
    found = []
    for child in psutil.Process(pid).children():
        try:
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def eventually(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(saved(noise(), "JPEG"))
    return path


@pytest.fixture
def pool() -> Iterator[ImagingPool]:
    made = ImagingPool(2, Limits())
    yield made
    made.close()


class Stuck:
    """A file whose worker hangs in the middle: the copy goes into a pipe that nobody empties."""

    def __init__(self, folder: Path, pool: ImagingPool) -> None:
        source, pipe = folder / "stuck.png", folder / "stuck.pipe"
        source.write_bytes(saved(noise((800, 600)), "PNG"))
        os.mkfifo(pipe)
        self._threads = ThreadPoolExecutor(1)
        self.answer: Future[object] = self._threads.submit(pool.render, source, pipe, "display")
        # Opening waits until the worker opens the other end; after that it is busy with the file.
        self._end = pipe.open("rb")
        self._end.read(1)
        self._pipe = pipe

    def worker(self) -> psutil.Process:
        for process in workers_of(os.getpid()):
            if self._pipe in (handle.resolve() for handle in Path(f"/proc/{process.pid}/fd").iterdir()):
                return process
        raise AssertionError("no worker has the pipe open")

    def close(self) -> None:
        self._end.close()
        self._threads.shutdown()


def test_a_photograph_is_prepared_and_rendered_elsewhere(pool: ImagingPool, photo: Path) -> None:
    prepared = pool.prepare(photo, photo.with_name("thumbnail.jpg"))
    assert (prepared.facts.width, prepared.thumbnail.width) == (400, 300)
    assert pool.render(photo, photo.with_name("analysis.jpg"), "analysis").height == 300


def test_a_refusal_crosses_the_border_with_its_words(pool: ImagingPool, tmp_path: Path) -> None:
    page = tmp_path / "photo.jpg"
    page.write_bytes(b"%PDF-1.7\n")
    with pytest.raises(UnsupportedType) as refused:
        pool.prepare(page, tmp_path / "thumbnail.jpg")
    assert refused.value.message == "This is a PDF document, not a photograph."
    assert refused.value.hint and refused.value.code == "unsupported_type"


@pytest.mark.parametrize(
    "error", [UnsupportedType("a", hint="b"), TooManyPixels("a"), DecoderUnavailable("a")]
)
def test_errors_survive_pickling(error: ImgcoreError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.message, again.hint) == (type(error), error.message, error.hint)


def test_a_killed_worker_costs_its_own_file_and_no_other(pool: ImagingPool, photo: Path) -> None:
    stuck = Stuck(photo.parent, pool)
    with ThreadPoolExecutor(4) as threads:
        neighbours = [
            threads.submit(pool.prepare, photo, photo.with_name(f"{index}.jpg")) for index in range(12)
        ]
        stuck.worker().kill()
        with pytest.raises(DecoderUnavailable, match="stopped while it read this file"):
            stuck.answer.result(PATIENCE)
        assert [each.result(PATIENCE).facts.width for each in neighbours] == [400] * 12
    stuck.close()
    assert pool.prepare(photo, photo.with_name("again.jpg")).facts.width == 400


def test_a_hanging_decoder_costs_its_own_file_and_no_other(photo: Path) -> None:
    pool = ImagingPool(2, Limits(max_seconds=4.0))
    pool.prepare(photo, photo.with_name("warm.jpg"))
    stuck = Stuck(photo.parent, pool)
    hanging = stuck.worker()
    for index in range(5):
        assert pool.prepare(photo, photo.with_name(f"{index}.jpg")).facts.width == 400
    with pytest.raises(DecoderUnavailable, match="took too long"):
        stuck.answer.result(PATIENCE)
    stuck.close()
    assert eventually(lambda: not hanging.is_running())
    assert pool.prepare(photo, photo.with_name("again.jpg")).facts.width == 400
    pool.close()


def test_a_pool_whose_idle_workers_were_killed_goes_on(pool: ImagingPool, photo: Path) -> None:
    pool.prepare(photo, photo.with_name("before.jpg"))
    for worker in workers_of(os.getpid()):
        worker.kill()
    for index in range(4):
        assert pool.prepare(photo, photo.with_name(f"{index}.jpg")).facts.width == 400


def test_a_file_that_a_breaking_pool_forgot_is_sent_again(
    pool: ImagingPool, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Pebble takes no notice of a task that comes while its threads are ending.
    def forget(broken: ProcessPool, *_arguments: object, **_options: object) -> ProcessFuture[object]:
        monkeypatch.undo()
        broken.stop()  # type: ignore[no-untyped-call]
        return ProcessFuture()

    monkeypatch.setattr(ProcessPool, "schedule", forget)
    assert pool.prepare(photo, photo.with_name("thumbnail.jpg")).facts.width == 400


def test_a_pool_that_answers_nothing_is_replaced(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ImagingPool(2, Limits(max_seconds=20.0))
    pool.prepare(photo, photo.with_name("warm.jpg"))
    monkeypatch.setattr(pools, "GRACE_SECONDS", -19.0)
    stuck = Stuck(photo.parent, pool)
    hanging = stuck.worker()
    with pytest.raises(DecoderUnavailable, match="took too long"):
        stuck.answer.result(PATIENCE)
    assert not hanging.is_running()
    monkeypatch.undo()
    assert pool.prepare(photo, photo.with_name("again.jpg")).facts.width == 400
    stuck.close()
    pool.close()


def test_no_worker_outlives_the_pool(pool: ImagingPool, photo: Path) -> None:
    pool.start()
    assert len(workers_of(os.getpid())) == 2
    pool.prepare(photo, photo.with_name("thumbnail.jpg"))
    pool.close()
    assert not workers_of(os.getpid())
    with pytest.raises(DecoderUnavailable, match="shutting down"):
        pool.prepare(photo, photo.with_name("thumbnail.jpg"))


def test_closing_ends_what_is_under_way(pool: ImagingPool, photo: Path) -> None:
    stuck = Stuck(photo.parent, pool)
    pool.close()
    with pytest.raises(DecoderUnavailable, match="shutting down"):
        stuck.answer.result(PATIENCE)
    stuck.close()
    assert not workers_of(os.getpid())


def test_workers_start_when_they_are_needed(photo: Path) -> None:
    before = len(workers_of(os.getpid()))
    pool = ImagingPool(2, Limits())
    assert len(workers_of(os.getpid())) == before
    pool.close()


def test_many_threads_share_two_workers(pool: ImagingPool, photo: Path) -> None:
    together = threading.Barrier(8)

    def send(index: int) -> int:
        together.wait()
        return pool.prepare(photo, photo.with_name(f"{index}.jpg")).facts.width

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(send, range(8))) == [400] * 8
    assert len(workers_of(os.getpid())) == 2


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large.png"
    Image.new("RGB", (8000, 8000), (90, 120, 30)).save(path, compress_level=1)
    return path


def test_sixty_four_megapixels_fit_in_a_worker(pool: ImagingPool, large: Path, tmp_path: Path) -> None:
    assert pool.prepare(large, tmp_path / "thumbnail.jpg").facts.width == 8000
    assert pool.render(large, tmp_path / "display.jpg", "display").width == 8000


def test_a_picture_that_needs_too_much_memory_is_refused_alone(large: Path, photo: Path) -> None:
    pool = ImagingPool(1, Limits(max_memory_bytes=350 * 1024 * 1024))
    with pytest.raises(TooManyPixels, match="needs more memory"):
        pool.prepare(large, photo.with_name("large.jpg"))
    assert pool.prepare(photo, photo.with_name("thumbnail.jpg")).facts.width == 400
    pool.close()


SERVER = """
import sys
from pathlib import Path
with Path(sys.argv[1]).open("a") as marks:
    marks.write(__name__ + "\\n")
import streamlit
from imgcore.imaging import ImagingPool, Limits, pools
if __name__ == "__main__":
    import threading
    pool = ImagingPool(1, Limits())
    photo, folder = Path(sys.argv[2]), Path(sys.argv[3])
    starter = threading.Thread(target=pool.prepare, args=(photo, folder / "one.jpg"))
    starter.start()
    starter.join()
    from tests.imaging.test_pools import loaded
    print(pool._run(loaded), flush=True)
    if len(sys.argv) > 4:
        pool.render(photo, Path(sys.argv[4]), "display")
    pool.close()
"""


def loaded() -> list[str]:
    """Return which modules that have no business in a worker are loaded in this one."""
    return [name for name in ("streamlit", "fastapi", "boto3", "sqlmodel") if name in sys.modules]


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """A main script as careless as they come: it imports Streamlit wherever it is imported."""
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    return script


def command(server: Path, *arguments: Path) -> list[str]:
    return [sys.executable, str(server), str(server.with_name("marks")), *map(str, arguments)]


def surroundings() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def test_a_worker_runs_no_main_script_and_loads_no_streamlit(server: Path, photo: Path) -> None:
    done = subprocess.run(
        command(server, photo, photo.parent),
        env=surroundings(),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.strip() == "[]"
    assert server.with_name("marks").read_text() == "__main__\n"


def test_a_worker_ends_when_the_server_is_killed_in_the_middle_of_a_file(
    server: Path, tmp_path: Path
) -> None:
    source, pipe = tmp_path / "stuck.png", tmp_path / "stuck.pipe"
    source.write_bytes(saved(noise((800, 600)), "PNG"))
    os.mkfifo(pipe)
    process = subprocess.Popen(command(server, source, tmp_path, pipe), env=surroundings())
    with pipe.open("rb") as end:
        end.read(1)
        workers = workers_of(process.pid)
        assert len(workers) == 1
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert eventually(lambda: not any(worker.is_running() for worker in workers))
