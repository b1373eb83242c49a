"""What a worker process does before its first file: it gives up what a hostile file could use."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading

from imgcore.imaging.facts import Limits


def start(limits: Limits) -> None:
    """Get a new worker ready; it ends with its parent, however that ends."""
    # The default action ends a worker at once, even one that hangs inside a decoder.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    # Loaded now, so that the first file does not wait for it.
    from imgcore.imaging import decoders, renditions  # noqa: F401

    decoders.warm_up(limits)
    _confine(limits)


def _end_with_parent() -> None:
    # Not PR_SET_PDEATHSIG: that follows the thread that started the worker, and threads of a server end.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)


def _confine(limits: Limits) -> None:
    if sys.platform == "win32":
        return
    import resource

    # Where the system does not know a limit, the pixel limit alone guards the memory.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (limits.address_space, limits.address_space))
    # No core file: it would hold a patient's photograph.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
