"""CRC-32 as ZIP wants it, at the speed of memory: the standard library's would hold up every archive."""

from __future__ import annotations

from isal.isal_zlib import crc32

__all__ = ["crc32"]
