"""What leaves the clinic as a file: archives and tables."""

from __future__ import annotations

from imgcore.documents.archives import Archive, ArchiveEntry, LeftOut
from imgcore.documents.tables import ManifestRow, manifest

__all__ = ["Archive", "ArchiveEntry", "LeftOut", "ManifestRow", "manifest"]
