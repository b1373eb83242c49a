"""The keys that encrypt image files at rest: a file of recovery keys, and how people type one."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from imgcore.errors import ConfigError, Invalid
from imgcore.storage.objects import private
from imgcore.texts import _

KEY_BYTES = 32
CHECK_BYTES = 3
GROUP = 4
OTHERS = 0o077


@dataclass(frozen=True)
class FileKey:
    """One key; its ``id`` tells it from others and gives nothing of it away."""

    secret: bytes = field(repr=False)

    @classmethod
    def make(cls) -> Self:
        """Return a new key."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def recover(cls, text: str) -> Self:
        """Return the key that was written down as ``text``; ``Invalid`` when a letter is wrong.

        Spaces, hyphens and the case of letters do not matter.
        """
        letters = re.sub(r"[\s-]", "", text).upper()
        try:
            content = base64.b32decode(letters)
        except (binascii.Error, ValueError):
            content = b""
        secret = content[:KEY_BYTES]
        if len(content) != KEY_BYTES + CHECK_BYTES or content[KEY_BYTES:] != _check_sum(secret):
            raise Invalid(
                _("This is not a recovery key: a letter is wrong or missing."),
                hint=_("It has 14 groups of 4 letters and digits; 0, 1, 8 and 9 are not among them."),
            )
        return cls(secret)

    @property
    def id(self) -> str:
        """Eight hex digits that stand in the names of the objects that it encrypted."""
        return hashlib.sha256(b"imgcore key id" + self.secret).hexdigest()[:8]

    @property
    def recovery(self) -> str:
        """The key as it is written down: 14 groups of 4 letters and digits, a check sum in the last."""
        letters = base64.b32encode(self.secret + _check_sum(self.secret)).decode()
        return "-".join(letters[start : start + GROUP] for start in range(0, len(letters), GROUP))


def read_keys(path: Path) -> tuple[FileKey, ...]:
    """Return the keys of the file, the one that encrypts first; ``ConfigError`` tells why not."""
    try:
        mode = path.stat().st_mode
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        raise _unusable(_("there is no such file")) from None
    except (OSError, UnicodeDecodeError):
        raise _unusable(_("it cannot be read")) from None
    if mode & OTHERS:
        raise _unusable(_("others than its owner may read it (chmod 600)"))
    try:
        keys = tuple(FileKey.recover(line) for line in lines if line.strip())
    except Invalid:
        raise _unusable(_("a line of it is not a key")) from None
    if not keys:
        raise _unusable(_("it is empty"))
    return keys


def write_keys(path: Path, keys: tuple[FileKey, ...]) -> None:
    """Write the file, for its owner only, durably and at once or not at all."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(draft, "x", opener=private) as file:
            file.writelines(f"{key.recovery}\n" for key in keys)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ConfigError(
            _("The key file cannot be written: {reason}.").format(reason=error.strerror),
            hint=_("Set IMGCORE_ENCRYPTION_KEY_FILE to a file in a folder that this account may write."),
        ) from error


def _check_sum(secret: bytes) -> bytes:
    return hashlib.sha256(b"imgcore recovery" + secret).digest()[:CHECK_BYTES]


def _unusable(reason: str) -> ConfigError:
    return ConfigError(
        _("The file of IMGCORE_ENCRYPTION_KEY_FILE cannot be used: {reason}.").format(reason=reason),
        hint=_("Make one with: python -m imgcore storage key, or bring it back with --recover."),
    )
