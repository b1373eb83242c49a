"""Jobs that can be cancelled and tell what came of them; rules for how long images are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_jobs_and_retention"
down_revision = "0001_first"


def upgrade() -> None:
    """Add what jobs and retention need."""
    _extend_jobs()
    _extend_patients()
    _add_rules()


def _extend_jobs() -> None:
    for name in ("cancel_asked_at", "started_at", "ended_at"):
        op.add_column("job", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("job", sa.Column("result", sa.JSON(), nullable=True))


def _extend_patients() -> None:
    op.add_column("patient", sa.Column("retention_years", sa.Integer(), nullable=True))
    op.add_column("patient", sa.Column("legal_hold_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("patient", sa.Column("legal_hold_by", sa.Uuid(), nullable=True))
    reason = sa.Column("legal_hold_reason", sa.Text(), nullable=False, server_default="")
    op.add_column("patient", reason)


def _add_rules() -> None:
    op.create_table(
        "retention_rule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.String(64), nullable=True),
        sa.Column("years", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("years > 0", name=op.f("ck_retention_rule_years")),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_retention_rule_created_by_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_rule")),
        sa.UniqueConstraint("category", name=op.f("uq_retention_rule_category")),
    )
