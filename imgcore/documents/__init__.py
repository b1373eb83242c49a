"""What leaves the clinic as a file: archives and tables."""

from __future__ import annotations

from imgcore.documents.archives import Archive, ArchiveEntry, LeftOut
from imgcore.documents.parquets import parquet_stream
from imgcore.documents.receipts import Receipt, ReceiptRow, receipt_pdf
from imgcore.documents.tables import Cell, ManifestRow, csv_bytes, csv_stream, manifest

__all__ = [
    "Archive",
    "ArchiveEntry",
    "Cell",
    "LeftOut",
    "ManifestRow",
    "Receipt",
    "ReceiptRow",
    "csv_bytes",
    "csv_stream",
    "manifest",
    "parquet_stream",
    "receipt_pdf",
]
