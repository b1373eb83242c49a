"""Analyses that were kept elsewhere before, lists of all of them, and what clinicians thought themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_analyses"
down_revision = "0003_search"


def upgrade() -> None:
    """Let a record be without an image, and add the impressions."""
    with op.batch_alter_table("analysis") as table:
        table.alter_column("image_id", existing_type=sa.Uuid(), nullable=True)
        table.add_column(sa.Column("record_id", sa.String(100), nullable=True))
        table.create_unique_constraint(op.f("uq_analysis_patient_id_record_id"), ["patient_id", "record_id"])
    for columns in (
        ("created_at", "id"),
        ("risk_level", "created_at", "id"),
        ("body_region", "created_at", "id"),
        ("analyser", "analyser_version", "created_at", "id"),
        ("input_sha256",),
    ):
        op.create_index(op.f(f"ix_analysis_{'_'.join(columns)}"), "analysis", list(columns))
    _add_impressions()


def _add_impressions() -> None:
    op.create_table(
        "impression",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("risk_level", sa.String(20), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_impression_image_id_image"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_impression_patient_id_patient")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_impression_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_impression")),
    )
    for columns in (("image_id", "user_id"), ("patient_id",), ("user_id",)):
        op.create_index(op.f(f"ix_impression_{'_'.join(columns)}"), "impression", list(columns))
