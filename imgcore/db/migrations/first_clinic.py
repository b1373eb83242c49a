"""The tables of patients and their images, as of the first version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def add_patient() -> None:
    """Make the table patient."""
    op.create_table(
        "patient",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mrn", sa.String(64), nullable=True),
        sa.Column("external_id", sa.String(64), nullable=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("birth_on", sa.Date(), nullable=True),
        sa.Column("sex", sa.String(10), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("consent_record_given_on", sa.Date(), nullable=True),
        sa.Column("consent_record_withdrawn_on", sa.Date(), nullable=True),
        sa.Column("consent_teaching_given_on", sa.Date(), nullable=True),
        sa.Column("consent_teaching_withdrawn_on", sa.Date(), nullable=True),
        sa.Column("consent_publication_given_on", sa.Date(), nullable=True),
        sa.Column("consent_publication_withdrawn_on", sa.Date(), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trashed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trashed_by", sa.Uuid(), nullable=True),
        sa.Column("change_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("sex IN ('male', 'female', 'other', 'unknown')", name=op.f("ck_patient_sex")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
        sa.UniqueConstraint("external_id", name=op.f("uq_patient_external_id")),
        sa.UniqueConstraint("mrn", name=op.f("uq_patient_mrn")),
    )
    op.create_index(op.f("ix_patient_change_id"), "patient", ["change_id"], unique=False)
    op.create_index(op.f("ix_patient_search_text_id"), "patient", ["search_text", "id"], unique=False)
    op.create_index(op.f("ix_patient_trashed_at"), "patient", ["trashed_at"], unique=False)


def add_user() -> None:
    """Make the table user."""
    op.create_table(
        "user",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("token_version", sa.Integer(), nullable=False),
        sa.Column("oidc_subject", sa.String(255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('admin', 'clinician', 'reviewer', 'patient')", name=op.f("ck_user_role")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_user_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
        sa.UniqueConstraint("oidc_subject", name=op.f("uq_user_oidc_subject")),
    )


def add_care_team() -> None:
    """Make the table care_team."""
    op.create_table(
        "care_team",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("is_break_glass", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_care_team_patient_id_patient")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_care_team_user_id_user")),
        sa.PrimaryKeyConstraint("patient_id", "user_id", name=op.f("pk_care_team")),
    )
    op.create_index(op.f("ix_care_team_user_id"), "care_team", ["user_id"], unique=False)


def add_visit() -> None:
    """Make the table visit."""
    op.create_table(
        "visit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("clinician_id", sa.Uuid(), nullable=True),
        sa.Column("visited_on", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("images_taken", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["clinician_id"], ["user.id"], name=op.f("fk_visit_clinician_id_user")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_visit_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
    )
    op.create_index(op.f("ix_visit_clinician_id"), "visit", ["clinician_id"], unique=False)
    op.create_index(
        op.f("ix_visit_patient_id_visited_on_id"), "visit", ["patient_id", "visited_on", "id"], unique=False
    )
    op.create_index(op.f("ix_visit_visited_on_id"), "visit", ["visited_on", "id"], unique=False)


def add_batch() -> None:
    """Make the table batch."""
    op.create_table(
        "batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("taken_on", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trashed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trashed_by", sa.Uuid(), nullable=True),
        sa.Column("change_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_batch_patient_id_patient")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_batch_visit_id_visit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
    )
    op.create_index(op.f("ix_batch_change_id"), "batch", ["change_id"], unique=False)
    op.create_index(
        op.f("ix_batch_patient_id_taken_on_id"), "batch", ["patient_id", "taken_on", "id"], unique=False
    )
    op.create_index(op.f("ix_batch_trashed_at"), "batch", ["trashed_at"], unique=False)
    op.create_index(op.f("ix_batch_visit_id"), "batch", ["visit_id"], unique=False)


def add_image() -> None:
    """Make the table image."""
    op.create_table(
        "image",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("original_name", sa.String(255), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("mime_type", sa.String(50), nullable=False),
        sa.Column("file_size", BIG, nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("crc32", BIG, nullable=False),
        sa.Column("category", sa.String(64), nullable=False),
        sa.Column("caption", sa.Text(), nullable=False),
        sa.Column("image_type", sa.String(100), nullable=False),
        sa.Column("body_location", sa.String(100), nullable=False),
        sa.Column("laterality", sa.String(1), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("captured_at", sa.DateTime(), nullable=True),
        sa.Column("captured_offset", sa.String(6), nullable=True),
        sa.Column("date_taken", sa.Date(), nullable=True),
        sa.Column("camera_make", sa.String(100), nullable=True),
        sa.Column("camera_model", sa.String(100), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("edit_revision", sa.Integer(), nullable=False),
        sa.Column("duplicate_of", sa.Uuid(), nullable=True),
        sa.Column("browser_shows", sa.Boolean(), nullable=False),
        sa.Column("damaged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trashed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trashed_by", sa.Uuid(), nullable=True),
        sa.Column("change_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("laterality IN ('L', 'R', 'B', 'U')", name=op.f("ck_image_laterality")),
        sa.CheckConstraint("state IN ('pending', 'ready', 'deleting')", name=op.f("ck_image_state")),
        sa.CheckConstraint("width > 0 AND height > 0 AND file_size > 0", name=op.f("ck_image_extent")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_image_batch_id_batch")),
        sa.ForeignKeyConstraint(["uploaded_by"], ["user.id"], name=op.f("fk_image_uploaded_by_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image")),
        sa.UniqueConstraint("key", name=op.f("uq_image_key")),
    )


def add_image_indices() -> None:
    """Make the indices of image."""
    op.create_index(op.f("ix_image_batch_id_order_id"), "image", ["batch_id", "order", "id"], unique=False)
    op.create_index(op.f("ix_image_captured_at_id"), "image", ["captured_at", "id"], unique=False)
    op.create_index(
        op.f("ix_image_category_captured_at_id"), "image", ["category", "captured_at", "id"], unique=False
    )
    op.create_index(op.f("ix_image_change_id"), "image", ["change_id"], unique=False)
    op.create_index(op.f("ix_image_sha256"), "image", ["sha256"], unique=False)
    op.create_index(op.f("ix_image_trashed_at"), "image", ["trashed_at"], unique=False)
    op.create_index(
        "ix_image_unfinished",
        "image",
        ["state", "uploaded_at"],
        unique=False,
        sqlite_where=sa.text("state <> 'ready'"),
        postgresql_where=sa.text("state <> 'ready'"),
    )
    op.create_index(op.f("ix_image_uploaded_at_id"), "image", ["uploaded_at", "id"], unique=False)


def add_analysis() -> None:
    """Make the table analysis."""
    op.create_table(
        "analysis",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("analyser", sa.String(100), nullable=False),
        sa.Column("analyser_version", sa.String(50), nullable=False),
        sa.Column("model_sha256", sa.String(64), nullable=True),
        sa.Column("input_sha256", sa.String(64), nullable=False),
        sa.Column("predictions", sa.JSON(), nullable=True),
        sa.Column("risk_level", sa.String(20), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("body_region", sa.String(100), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_analysis_image_id_image")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_analysis_patient_id_patient")),
        sa.ForeignKeyConstraint(["released_by"], ["user.id"], name=op.f("fk_analysis_released_by_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_analysis")),
    )
    op.create_index(
        op.f("ix_analysis_image_id_created_at"), "analysis", ["image_id", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_analysis_patient_id_created_at"), "analysis", ["patient_id", "created_at"], unique=False
    )


def add_rendition() -> None:
    """Make the table rendition."""
    op.create_table(
        "rendition",
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("edit_revision", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("file_size", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("crc32", BIG, nullable=False),
        sa.CheckConstraint(
            "kind IN ('thumbnail', 'display', 'compressed', 'analysis')", name=op.f("ck_rendition_kind")
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_rendition_image_id_image"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("image_id", "kind", "edit_revision", name=op.f("pk_rendition")),
        sa.UniqueConstraint("key", name=op.f("uq_rendition_key")),
    )
