"""Where the image files are kept: write-once objects in a local folder or an S3 bucket."""

from __future__ import annotations

from imgcore.storage.keys import original_key, rendition_key
from imgcore.storage.objects import Chunks, ObjectInfo, ObjectStore
from imgcore.storage.urls import open_store

__all__ = ["Chunks", "ObjectInfo", "ObjectStore", "open_store", "original_key", "rendition_key"]
