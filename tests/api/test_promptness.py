from __future__ import annotations

import socket
from pathlib import Path

import pytest

from imgcore.api import promptness
from imgcore.api.promptness import answer_at_once


def test_what_is_accepted_sends_at_once() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        answer_at_once()
        with socket.create_connection(listening.getsockname()):
            accepted, _address = listening.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_other_sockets_are_left_alone(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other, socket.socket() as quiet:
        other.bind(str(tmp_path / "s"))
        other.listen()
        quiet.bind(("127.0.0.1", 0))
        answer_at_once()
        assert not quiet.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        with socket.socket(socket.AF_UNIX) as caller:  # still open, and of use
            caller.connect(str(tmp_path / "s"))
            other.accept()[0].close()


def test_a_system_that_does_not_list_its_files_starts_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(promptness, "FILES", tmp_path / "none")
    answer_at_once()
