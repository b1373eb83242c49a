"""200 thumbnails, 6 at a time as a browser asks: ``python -m tests.benchmarks.thumbnails`` (two minutes).

From the local folder, encrypted and not, from S3 by boto3 (the product) and from the same S3 by obstore;
then once more with a small proxy before S3 that holds each request back for 20 ms, as a network does.
Last the same over HTTP from whole servers, as a browser gets them: checked, recorded, and sent.
"""

from __future__ import annotations

import asyncio
import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from threading import Thread
from typing import NamedTuple
from uuid import uuid4

import psutil
from PIL import Image

from imgcore.storage.local import LocalFolder
from imgcore.storage.objects import ObjectStore
from imgcore.storage.urls import open_store
from tests.benchmarks.processes import load
from tests.benchmarks.store import Product, Source, encrypted, make, seaweedfs
from tests.faults.programs import Program
from tests.server.visits import WITH_ADMIN
from tests.servers.imgcore_server import ImgcoreServer
from tests.servers.seaweedfs import SeaweedFS

COUNT = 200
BYTES = 20_000
AT_ONCE = 6
ROUNDS = 5
DELAY = 0.02
Read = Callable[[str], int]


class Taken(NamedTuple):
    """What one round took: seconds, and seconds of the server's processor."""

    seconds: float
    busy: float


class Delay:
    """A proxy that hands each request on after a pause, and the answer at once."""

    def __init__(self, port: int, seconds: float) -> None:
        self._port = port
        self._seconds = seconds
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = int(self._server.sockets[0].getsockname()[1])
        Thread(target=self._loop.run_forever, daemon=True).start()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._pass(reader, far_writer, self._seconds), self._pass(far_reader, writer, 0))

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, pause: float) -> None:
        while piece := await source.read(65536):
            await asyncio.sleep(pause)
            target.write(piece)
            await target.drain()
        target.close()


def by_obstore(server: SeaweedFS, endpoint: str, prefix: str) -> Callable[[], Read]:
    """Return what opens the bucket with obstore."""
    import obstore
    from obstore.store import S3Store

    def opened() -> Read:
        store = S3Store(
            server.bucket,
            prefix=prefix,
            config={"endpoint": endpoint, "region": "us-east-1", "virtual_hosted_style_request": False},
            client_options={"allow_http": True},
        )
        return lambda key: len(obstore.get(store, key).bytes())

    return opened


def by_product(url: str) -> Callable[[], Read]:
    """Return what opens the product's store."""
    return lambda: Product(open_store(url)).read


def timed(read: Read, keys: list[str], size: int | None = BYTES) -> float:
    """Return the seconds for all thumbnails, which must come whole."""
    with ThreadPoolExecutor(AT_ONCE) as browser:
        began = time.perf_counter()
        sizes = set(browser.map(read, keys))
        took = time.perf_counter() - began
    if size is not None and sizes != {size}:
        raise SystemExit(f"Read {sizes} instead of {size} bytes.")
    return took


def fill(store: ObjectStore, sources: list[Source]) -> list[str]:
    """Store the thumbnails."""
    folder = f"images/{uuid4()}/{uuid4()}"
    keys = [f"{folder}/{uuid4()}_thumb.jpg" for _source in sources]
    for key, source in zip(keys, sources, strict=True):
        store.put(key, source.path, content_type="image/jpeg", sha256=source.sha256)
    return keys


@contextmanager
def filled(folder: Path, server: SeaweedFS) -> Iterator[dict[str, tuple[Callable[[], Read], list[str]]]]:
    """Yield each way to read, opened anew by a call, with its keys."""
    sources = make(folder / "sources", COUNT, BYTES)
    local, safe = LocalFolder(folder / "local"), encrypted(folder)
    url = server.storage_url("bench")
    bucket = open_store(url)
    keys = fill(bucket, sources)
    bucket.close()
    away = Delay(server.port, DELAY)
    near, far = server.endpoint_url, f"http://127.0.0.1:{away.port}"
    far_url = url.replace(f"%3A{server.port}", f"%3A{away.port}")
    yield {
        "local folder": (lambda: Product(local).read, fill(local, sources)),
        "local folder, encrypted": (lambda: Product(safe).read, fill(safe, sources)),
        "S3, the product (boto3)": (by_product(url), keys),
        "S3, obstore": (by_obstore(server, near, "bench"), keys),
        "S3 after 20 ms, the product": (by_product(far_url), keys),
        "S3 after 20 ms, obstore": (by_obstore(server, far, "bench"), keys),
    }


def pictures() -> list[bytes]:
    """Return photographs whose thumbnails are about as large as those of a clinic."""
    found = []
    for number in range(COUNT):
        grain = Image.effect_noise((330, 220), 22).convert("RGB")
        file = io.BytesIO()
        grain.save(file, "JPEG", quality=90, comment=f"number {number}".encode())
        found.append(file.getvalue())
    return found


def served(folder: Path, env: dict[str, str], contents: list[bytes]) -> tuple[list[Taken], int]:
    """Return what a server takes for all thumbnails of a batch, and how many bytes one has."""
    with (
        ImgcoreServer(folder, kind="serve", env=WITH_ADMIN | env) as server,
        Program(server.url).sign_in() as program,
    ):
        batch = program.batch()
        for first in range(0, COUNT, 50):
            program.send(batch, contents[first : first + 50]).raise_for_status()
        paths = [f"/api/images/{image_id}/thumbnail/" for image_id in program.kept]
        server.stop()
        server.start()
        process = psutil.Process(server.pid)

        def read(path: str) -> int:
            return len(program.client.get(path).raise_for_status().content)

        rounds, size = [], read(paths[0])
        for _round in range(ROUNDS):
            busy = sum(process.cpu_times()[:2])
            took = timed(read, paths, size=None)
            rounds.append(Taken(took, sum(process.cpu_times()[:2]) - busy))
        return rounds, size


def serve(folder: Path, server: SeaweedFS) -> None:
    """Print what whole servers take."""
    contents = pictures()
    away = Delay(server.port, DELAY)
    url = server.storage_url("served")
    far = url.replace(f"%3A{server.port}", f"%3A{away.port}").replace("served", "far")
    places = {"local folder": "", "S3": url, "S3 after 20 ms": far}
    print(f"\n{'from a server':30}{'cold':>9} {'warm':>9} {'its processor':>15} {'times the folder':>24}")
    first = 0.0
    for number, (place, address) in enumerate(places.items()):
        env = {"IMGCORE_STORAGE_URL": address} if address else {}
        (cold, *rounds), size = served(folder / str(number), env, contents)
        warm, busy = median(each.seconds for each in rounds), median(each.busy for each in rounds)
        first = first or warm
        figures = f"{cold.seconds * 1000:6.0f} ms {warm * 1000:6.0f} ms {busy * 1000:12.0f} ms"
        print(f"{f'{place}, {size:,} bytes':30}{figures} {warm / first:24.2f}")


def main() -> None:
    """Print milliseconds for all thumbnails, cold (a new client) and warm."""
    with tempfile.TemporaryDirectory(prefix="imgcore-") as name:
        folder = Path(name)
        (folder / "s").mkdir()
        with seaweedfs(folder / "s") as server, filled(folder, server) as ways:
            taken: dict[str, list[tuple[float, float, float]]] = {way: [] for way in ways}
            for _round in range(ROUNDS):
                for way, (opened, keys) in ways.items():
                    read = opened()
                    cold = timed(read, keys)
                    busy = time.process_time()
                    warm = timed(read, keys)
                    taken[way].append((cold, warm, time.process_time() - busy))
            show(taken)
            serve(folder, server)


def show(taken: dict[str, list[tuple[float, float, float]]]) -> None:
    """Print medians, and how many times the local folder each takes."""
    print(f"{COUNT} thumbnails of {BYTES:,} bytes, {AT_ONCE} at a time, median of {ROUNDS}; {load()}")
    print(f"{'':30}{'cold':>9} {'warm':>9} {'own processor':>15} {'warm, times the folder':>24}")
    first = median(warm for _cold, warm, _busy in taken["local folder"])
    for way, rounds in taken.items():
        cold, warm, busy = (median(each[place] for each in rounds) for place in range(3))
        figures = f"{cold * 1000:6.0f} ms {warm * 1000:6.0f} ms {busy * 1000:12.0f} ms"
        print(f"{way:30}{figures} {warm / first:24.1f}")


if __name__ == "__main__":
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    main()
