"""Where the image files are kept: write-once objects in a local folder or a bucket, encrypted or not."""

from __future__ import annotations

from imgcore.storage.encrypted import encrypted_store
from imgcore.storage.keys import is_key, original_key, rendition_key
from imgcore.storage.objects import Chunks, ObjectInfo, ObjectStore
from imgcore.storage.urls import open_store

__all__ = [
    "Chunks",
    "ObjectInfo",
    "ObjectStore",
    "encrypted_store",
    "is_key",
    "open_store",
    "original_key",
    "rendition_key",
]
