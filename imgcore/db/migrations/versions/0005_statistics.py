"""Indices that hold what the dashboard counts, so that a million images are counted without their rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_statistics"
down_revision = "0004_analyses"

_COUNTED = sa.text("state = 'ready' AND trashed_at IS NULL AND file_size > 0")


def upgrade() -> None:
    """Add one index for sums by person and format, and one for those of some patients."""
    for name, columns in (
        ("people", ["uploaded_by", "mime_type", "uploaded_at", "file_size"]),
        ("batches", ["batch_id", "uploaded_at", "category", "uploaded_by", "mime_type", "file_size"]),
    ):
        op.create_index(
            f"ix_image_figures_of_{name}",
            "image",
            columns,
            sqlite_where=_COUNTED,
            postgresql_where=_COUNTED,
        )
