"""DataFrames beside a running server: both do their work, and what was acknowledged is read."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from imgcore import frames
from tests.faults.programs import Program, picture
from tests.server.visits import WITH_ADMIN
from tests.servers.imgcore_server import ImgcoreServer

PICTURES = 12


def test_a_notebook_reads_while_the_server_stores(start_server: Callable[..., ImgcoreServer]) -> None:
    server = start_server(kind="serve", env=WITH_ADMIN)
    with Program(server.url) as program:
        batch = program.sign_in().batch()

        def store() -> list[int]:
            return [program.send(batch, [picture(seed)]).status_code for seed in range(PICTURES)]

        with frames.open(data_dir=server.folder / "data") as clinic, ThreadPoolExecutor(1) as desk:
            stored = desk.submit(store)
            seen = [0]
            while not stored.done():
                acknowledged = set(program.kept)
                images = clinic.images(columns=["image_id", "sha256"])
                assert acknowledged <= set(images["image_id"])
                seen.append(len(images))
            images = clinic.images()
            sizes = {clinic.load(row).size for row in images.itertuples()}
            events = clinic.events(columns=["action"])
        assert stored.result() == [201] * PICTURES
        assert seen == sorted(seen)
        assert dict(zip(images["image_id"], images["sha256"], strict=True)) == program.kept
        assert sizes == {(48, 32)}
        assert {"image.upload", "table.download", "image.download"} <= set(events["action"])
        assert program.ready().status_code == 200
