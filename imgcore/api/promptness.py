"""Answers leave at once: no body waits until the browser has confirmed the headers."""

from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

FILES = Path("/dev/fd")  # what this process has open


def answer_at_once() -> None:
    """Switch Nagle's algorithm off for all connections that this process accepts from now on.

    Streamlit opens its socket without naming the protocol, and asyncio sets ``TCP_NODELAY`` only where TCP is
    named. Headers and body are written apart, so that each small answer on a connection that is kept came
    40 ms late. What is accepted inherits the option from the socket that listens.
    """
    with suppress(OSError):  # a system without /dev/fd
        for descriptor in FILES.iterdir():
            with suppress(OSError):  # closed meanwhile, such as the one that lists them
                _send_at_once(int(descriptor.name))


def _send_at_once(descriptor: int) -> None:
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        return
    with socket.socket(fileno=os.dup(descriptor)) as listening:
        is_tcp = listening.family in (socket.AF_INET, socket.AF_INET6)
        if is_tcp and listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
