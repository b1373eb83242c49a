"""Envelopes: a stream that only the holder of an age identity can open, closed while it is written."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from imgcore.errors import ConfigError, Invalid
from imgcore.texts import _

MARK = b"age-encryption.org/"
CHUNK = 1024 * 1024


def _age() -> Any:
    import pyrage  # type: ignore[import-untyped]

    return pyrage


def recipients_of(texts: Sequence[str]) -> list[Any]:
    """Return the public keys that these texts are; ``ConfigError`` when one is none."""
    age = _age()
    try:
        return [age.x25519.Recipient.from_str(text) for text in texts]
    except age.RecipientError:
        raise ConfigError(
            _("IMGCORE_BACKUP_RECIPIENTS holds something that is no public key of age."),
            hint=_("Such a key begins with age1; age-keygen makes one."),
        ) from None


def identities_of(text: str) -> list[Any]:
    """Return the private keys of an identity file as ``age-keygen`` writes it; ``Invalid`` without one."""
    age = _age()
    lines = [line.strip() for line in text.splitlines()]
    try:
        found = [age.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except age.IdentityError:
        found = []
    if not found:
        raise Invalid(_("The identity file holds no key of age."))
    return found


@contextmanager
def closed(file: BinaryIO, recipients: Sequence[Any]) -> Iterator[BinaryIO]:
    """Give a stream to write to; what is written stands in ``file``, encrypted for the recipients."""
    reading, writing = os.pipe()
    sink = _Sink(file)

    def close_it() -> None:
        with os.fdopen(reading, "rb") as source:
            _age().encrypt_io(source, sink, recipients)

    worker = _Worker(close_it)
    try:
        with os.fdopen(writing, "wb") as stream:
            yield stream
    finally:
        worker.join()
        if fault := sink.fault or worker.fault:  # what the disk refused, rather than the broken pipe
            raise fault


@contextmanager
def opened(file: BinaryIO, identities: Sequence[Any]) -> Iterator[BinaryIO]:
    """Give the stream that stands encrypted in ``file``; ``Invalid`` when it cannot be opened.

    A fault of the envelope is told in place of what its cut content was taken for.
    """
    reading, writing = os.pipe()

    def open_it() -> None:
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            sink.file = pipe
            _age().decrypt_io(file, sink, identities)

    sink = _Sink()
    worker = _Worker(open_it)
    stream = os.fdopen(reading, "rb")
    try:
        yield stream
        while stream.read(CHUNK):  # a cut shows at the end only
            pass
    finally:
        stream.close()
        worker.join()
        if worker.fault is not None and sink.fault is None:
            raise _not_opened(worker.fault) from worker.fault


class _Worker:
    """A thread that keeps what it died of."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.fault: Exception | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run, name="imgcore-envelope", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:
            self.fault = error

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join()


class _Sink:
    """Passes writes on, and keeps the fault that one ended with: age tells only its text."""

    def __init__(self, file: Any = None) -> None:
        self.file = file
        self.fault: OSError | None = None

    def write(self, content: bytes) -> int:
        try:
            return int(self.file.write(content))
        except OSError as error:
            self.fault = error
            raise

    def flush(self) -> None:
        self.file.flush()


def _not_opened(fault: Exception) -> Invalid:
    if isinstance(fault, _age().DecryptError) and "key" in str(fault).lower():
        return Invalid(
            _("This backup was made for another key."), hint=_("Name the identity that it was made for.")
        )
    return Invalid(_("This backup is cut off or was changed; nothing was restored."))
