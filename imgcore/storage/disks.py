"""What a disk refuses, told as Imgcore's errors."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from imgcore.errors import StorageFull, StoreUnavailable
from imgcore.texts import _

# EFBIG comes from a limit on file sizes, which is a kind of quota.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def disk_faults() -> Iterator[None]:
    """Turn every ``OSError`` into ``StorageFull`` or ``StoreUnavailable``."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise full() from error
        reason = error.strerror or type(error).__name__
        raise StoreUnavailable(
            _("The disk for the image files cannot be used: {reason}.").format(reason=reason),
            hint=_("Please try again in a moment; if it stays, tell your administrator."),
        ) from error


def full() -> StorageFull:
    """Return the error for a disk, a quota or a bucket without space."""
    return StorageFull(
        _("No space is left for image files; nothing was changed."),
        hint=_("Ask your administrator to make room, then try again."),
    )
