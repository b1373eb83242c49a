"""Named places where a write can be made to stop, so that tests can show that nothing is lost.

They do nothing unless ``IMGCORE_FAILPOINT`` is set: ``name`` ends the process at that place as
a power cut would, ``name:raise`` raises ``InjectedFault`` there.
"""

from __future__ import annotations

import os
from enum import StrEnum


class FailPoint(StrEnum):
    """Each step of a write after which the process can stop."""

    UPLOAD_RECEIVED = "upload.received"
    UPLOAD_PREPARED = "upload.prepared"
    UPLOAD_PENDING = "upload.pending"
    UPLOAD_ORIGINAL_PUT = "upload.original_put"
    UPLOAD_THUMBNAIL_PUT = "upload.thumbnail_put"
    UPLOAD_READY = "upload.ready"
    PURGE_MARKED = "purge.marked"
    PURGE_OBJECTS_GONE = "purge.objects_gone"
    CHANGE_WRITTEN = "change.written"


class InjectedFault(RuntimeError):
    """The fault that a test asked for."""


def reach(point: FailPoint) -> None:
    """Stop here if this fail point is the one that was set."""
    wanted = os.environ.get("IMGCORE_FAILPOINT", "")
    if not wanted:
        return
    name, _, manner = wanted.partition(":")
    if name != point:
        return
    if manner == "raise":
        raise InjectedFault(point)
    os._exit(86)
