from __future__ import annotations

import errno
import io
from pathlib import Path
from typing import Any

import pytest
from pyrage import decrypt, x25519  # type: ignore[import-untyped]

from imgcore.documents import envelopes
from imgcore.errors import ConfigError, Invalid

CONTENT = bytes(range(256)) * 2000


@pytest.fixture(scope="module")
def identity() -> object:
    return x25519.Identity.generate()


def sealed(identity: object, content: bytes = CONTENT) -> bytes:
    file = io.BytesIO()
    with envelopes.closed(file, envelopes.recipients_of([str(identity.to_public())])) as stream:  # type: ignore[attr-defined]
        stream.write(content)
    return file.getvalue()


def test_what_is_closed_opens_with_its_key_and_with_every_program_of_age(identity: object) -> None:
    content = sealed(identity)
    assert decrypt(content, [identity]) == CONTENT
    with envelopes.opened(io.BytesIO(content), envelopes.identities_of(str(identity))) as stream:
        assert stream.read() == CONTENT


@pytest.mark.parametrize("place", [10, 100, 250, 70_000, 300_000, -1])
@pytest.mark.parametrize("harm", ["cut", "flip"])
def test_an_envelope_that_was_harmed_is_never_taken_for_whole(
    identity: object, place: int, harm: str
) -> None:
    content = bytearray(sealed(identity))
    if harm == "cut":
        del content[place:]
    else:
        content[place] ^= 1
    with pytest.raises(Invalid), envelopes.opened(io.BytesIO(content), [identity]) as stream:
        stream.read(100)


def test_another_key_opens_nothing(identity: object) -> None:
    other = x25519.Identity.generate()
    content = io.BytesIO(sealed(identity))
    with pytest.raises(Invalid, match="another key"), envelopes.opened(content, [other]) as stream:
        stream.read()


def test_whoever_stops_reading_gets_their_own_error(identity: object) -> None:
    content = sealed(identity, CONTENT * 10)
    with pytest.raises(KeyError), envelopes.opened(io.BytesIO(content), [identity]) as stream:
        stream.read(10)
        raise KeyError


def test_a_full_disk_is_told_as_one(identity: object) -> None:
    class Full(io.RawIOBase):
        def write(self, _content: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    recipients = [identity.to_public()]  # type: ignore[attr-defined]
    disk: Any = Full()
    with pytest.raises(OSError, match="No space") as told, envelopes.closed(disk, recipients) as stream:
        stream.write(CONTENT * 10)
    assert told.value.errno == errno.ENOSPC


@pytest.mark.parametrize("text", ["", "# nothing", "AGE-SECRET-KEY-1NONSENSE", "age1x"])
def test_a_file_without_a_key_is_said(text: str) -> None:
    with pytest.raises(Invalid):
        envelopes.identities_of(text)


def test_a_recipient_that_is_none_is_said() -> None:
    with pytest.raises(ConfigError):
        envelopes.recipients_of(["age1x"])


def test_the_mark_is_that_of_age(identity: object, tmp_path: Path) -> None:
    (tmp_path / "x.age").write_bytes(sealed(identity))
    assert (tmp_path / "x.age").read_bytes().startswith(envelopes.MARK)
