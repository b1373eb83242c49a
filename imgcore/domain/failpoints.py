"""Named places where a write can be made to stop, so that tests can show that nothing is lost.

They do nothing unless ``IMGCORE_FAILPOINT`` is set: ``name`` ends the process at that place as
a power cut would, ``name:raise`` raises ``InjectedFault`` there, and ``name#3`` lets two pass first.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from enum import StrEnum


class FailPoint(StrEnum):
    """Each step of a write after which the process can stop."""

    UPLOAD_RECEIVED = "upload.received"
    UPLOAD_PREPARED = "upload.prepared"
    UPLOAD_PENDING = "upload.pending"
    UPLOAD_ORIGINAL_PUT = "upload.original_put"
    UPLOAD_THUMBNAIL_PUT = "upload.thumbnail_put"
    UPLOAD_READY = "upload.ready"
    OBJECT_WRITTEN = "object.written"
    OBJECT_NAMED = "object.named"
    RENDITION_MADE = "rendition.made"
    RENDITION_REMOVED = "rendition.removed"
    RENDITION_PUT = "rendition.put"
    ANALYSIS_STORED = "analysis.stored"
    ANALYSIS_PREPARED = "analysis.prepared"
    ANALYSIS_PREDICTED = "analysis.predicted"
    ANALYSIS_WRITTEN = "analysis.written"
    PURGE_MARKED = "purge.marked"
    PURGE_CLAIMED = "purge.claimed"
    PURGE_OBJECTS_GONE = "purge.objects_gone"
    RETENTION_TRASHED = "retention.trashed"
    ERASURE_BEGUN = "erasure.begun"
    ERASURE_ROWS_GONE = "erasure.rows_gone"
    ERASURE_REWRITTEN = "erasure.rewritten"
    CHANGE_WRITTEN = "change.written"
    CHANGE_COMMITTED = "change.committed"
    MIGRATION_COPIED = "migration.copied"
    MIGRATION_WRITTEN = "migration.written"
    ROTATION_WRITTEN = "rotation.written"
    ROTATION_REMOVED = "rotation.removed"


class InjectedFault(RuntimeError):
    """The fault that a test asked for."""


_passed: Counter[str] = Counter()
_counting = threading.Lock()


def reach(point: FailPoint) -> None:
    """Stop here if this fail point is the one that was set."""
    wanted = os.environ.get("IMGCORE_FAILPOINT", "")
    if not wanted:
        return
    place, _, manner = wanted.partition(":")
    name, _, turn = place.partition("#")
    if name != point or not _is_due(wanted, int(turn or 1)):
        return
    if manner == "raise":
        raise InjectedFault(point)
    os._exit(86)


def _is_due(wanted: str, turn: int) -> bool:
    """Count how often the place was reached under this setting."""
    if turn == 1:
        return True
    with _counting:
        _passed[wanted] += 1
        return _passed[wanted] >= turn
