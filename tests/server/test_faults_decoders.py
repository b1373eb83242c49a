"""F2: a decoder that is killed or hangs in the middle of a file costs that file and no other."""

from __future__ import annotations

import io
import random
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest
from PIL import Image

from tests.faults.backends import Backend
from tests.faults.programs import Program, picture
from tests.faults.verdicts import judge
from tests.server.conftest import EVERYWHERE
from tests.servers.imgcore_server import ImgcoreServer

pytestmark = pytest.mark.xdist_group("faults")

SIDE = 1_700


def laborious() -> bytes:
    """Return a picture that keeps a decoder busy for a good while, in less than 10 MB."""
    file = io.BytesIO()
    Image.frombytes("RGB", (SIDE, SIDE), random.Random(1).randbytes(SIDE * SIDE * 3)).save(
        file, "PNG", compress_level=1
    )
    return file.getvalue()


class Busy:
    """Waits for the decoder that has the large file open, and does something to it."""

    def __init__(self, server: ImgcoreServer, harm: signal.Signals) -> None:
        self._server = psutil.Process(server.pid)
        self._harm = harm
        self.harmed: psutil.Process | None = None
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        deadline = time.monotonic() + 60
        while self.harmed is None and time.monotonic() < deadline:
            for process in self._server.children(recursive=True):
                if self._reads_much(process):
                    process.send_signal(self._harm)
                    self.harmed = process
                    return

    def _reads_much(self, process: psutil.Process) -> bool:
        try:
            for handle in Path(f"/proc/{process.pid}/fd").iterdir():
                file = handle.resolve()
                if file.suffix == ".part" and file.stat().st_size > 1_000_000:
                    return True
        except OSError:
            return False  # the process or the file has just gone
        return False

    def end(self) -> psutil.Process:
        """Return the process that was harmed."""
        self._thread.join()
        assert self.harmed is not None
        return self.harmed


@pytest.mark.parametrize("harm", [signal.SIGKILL, signal.SIGSTOP] if EVERYWHERE else [signal.SIGKILL])
def test_a_decoder_that_dies_or_hangs_costs_its_own_file(
    program: Program, broken: ImgcoreServer, backend: Backend, harm: signal.Signals
) -> None:
    batch = program.batch()
    files = [picture(1), laborious(), picture(2), picture(3)]
    program.send(batch, [picture(9)]).raise_for_status()
    busy, began = Busy(broken, harm), time.monotonic()
    answer = program.send(batch, files)
    took = time.monotonic() - began
    harmed = busy.end()
    assert answer.status_code == 201, answer.text
    failed = answer.json()["failed"]
    assert [(each["name"], each["can_retry"]) for each in failed] == [("photo-1.jpg", True)]
    assert failed[0]["code"] == "decoder_unavailable" and failed[0]["message"]
    assert took < 30
    assert not harmed.is_running() or harmed.status() == psutil.STATUS_ZOMBIE
    program.send(batch, files[1:2]).raise_for_status()
    assert len(judge(broken.folder, broken.env, program.kept, batch)) == 5
