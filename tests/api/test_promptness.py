from __future__ import annotations

import socket
from pathlib import Path

import pytest

from imgcore.api import promptness
from imgcore.api.promptness import answer_at_once


def is_prompt(family: socket.AddressFamily, address: str) -> bool:
    """Return whether what a listening socket accepts sends at once."""
    with socket.socket(family) as listening:
        listening.bind((address, 0))
        listening.listen()
        answer_at_once()
        with socket.create_connection(listening.getsockname()[:2]):
            accepted, _address = listening.accept()
            with accepted:
                return bool(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


def test_what_is_accepted_sends_at_once() -> None:
    assert is_prompt(socket.AF_INET, "127.0.0.1")


def test_other_sockets_are_left_alone(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other, socket.socket() as quiet:
        other.bind(str(tmp_path / "s"))
        other.listen()
        quiet.bind(("127.0.0.1", 0))
        answer_at_once()
        assert not quiet.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        quiet.listen()  # still open, and of use
        assert other.fileno() > 0


def test_a_system_that_does_not_list_its_files_starts_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(promptness, "FILES", tmp_path / "none")
    answer_at_once()
