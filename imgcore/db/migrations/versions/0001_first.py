"""All tables as of the first version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_first"
down_revision: str | None = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# An audit line is written once; only its seal may be added, and only once.
_KEPT = (
    "id",
    "at",
    "actor_id",
    "action",
    "outcome",
    "patient_id",
    "entity",
    "entity_ids",
    "field_names",
    "count",
    "address",
    "request_id",
)


def _change() -> None:
    op.create_table(
        "change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("undone_by", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change")),
    )
    op.create_index(op.f("ix_change_actor_id_at"), "change", ["actor_id", "at"], unique=False)
    op.create_index(op.f("ix_change_patient_id_at"), "change", ["patient_id", "at"], unique=False)


def _event() -> None:
    op.create_table(
        "event",
        sa.Column("id", BIG, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("entity", sa.String(20), nullable=False),
        sa.Column("entity_ids", sa.JSON(), nullable=False),
        sa.Column("field_names", sa.JSON(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(36), nullable=False),
        sa.Column("seal", BIG, nullable=True),
        sa.Column("chain", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("seal", name=op.f("uq_event_seal")),
    )
    op.create_index(op.f("ix_event_actor_id_at"), "event", ["actor_id", "at"], unique=False)
    op.create_index(op.f("ix_event_at"), "event", ["at"], unique=False)
    op.create_index(op.f("ix_event_patient_id_at"), "event", ["patient_id", "at"], unique=False)


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key", "place", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_entity_id"), "idempotency", ["entity_id"], unique=False)


def _job() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("ids", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'cancelled')", name=op.f("ck_job_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index(op.f("ix_job_state_created_at"), "job", ["state", "created_at"], unique=False)


def _patient() -> None:
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


def _setting() -> None:
    op.create_table(
        "setting",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting")),
    )


def _sign_in_try() -> None:
    op.create_table(
        "sign_in_try",
        sa.Column("id", BIG, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_hash", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_try")),
    )
    op.create_index(
        op.f("ix_sign_in_try_account_hash_address_at"),
        "sign_in_try",
        ["account_hash", "address", "at"],
        unique=False,
    )
    op.create_index(op.f("ix_sign_in_try_address_at"), "sign_in_try", ["address", "at"], unique=False)


def _user() -> None:
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
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('admin', 'clinician', 'reviewer', 'patient')", name=op.f("ck_user_role")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_user_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
    )


def _access_token() -> None:
    op.create_table(
        "access_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_access_token_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_access_token_token_hash")),
    )
    op.create_index(op.f("ix_access_token_user_id"), "access_token", ["user_id"], unique=False)


def _care_team() -> None:
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


def _image_set() -> None:
    op.create_table(
        "image_set",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hash", sa.String(64), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_image_set_created_by_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_set")),
    )


def _one_time_link() -> None:
    op.create_table(
        "one_time_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_one_time_link_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_one_time_link_token_hash")),
    )
    op.create_index(op.f("ix_one_time_link_user_id"), "one_time_link", ["user_id"], unique=False)


def _session() -> None:
    op.create_table(
        "session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("browser", sa.String(255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_session_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_session_token_hash")),
    )
    op.create_index(op.f("ix_session_user_id"), "session", ["user_id"], unique=False)


def _visit() -> None:
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


def _batch() -> None:
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


def _image() -> None:
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


def _analysis() -> None:
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


def _image_set_item() -> None:
    op.create_table(
        "image_set_item",
        sa.Column("image_set_id", sa.Uuid(), nullable=False),
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("pseudonym", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_image_set_item_image_id_image")),
        sa.ForeignKeyConstraint(
            ["image_set_id"], ["image_set.id"], name=op.f("fk_image_set_item_image_set_id_image_set")
        ),
        sa.PrimaryKeyConstraint("image_set_id", "image_id", name=op.f("pk_image_set_item")),
    )


def _rendition() -> None:
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


def _seal_audit_on_sqlite() -> None:
    kept = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in _KEPT)
    op.execute(
        "CREATE TRIGGER event_is_for_ever BEFORE DELETE ON event "
        "BEGIN SELECT RAISE(ABORT, 'audit lines are never removed'); END"
    )
    op.execute(
        f"CREATE TRIGGER event_is_unchanged BEFORE UPDATE ON event WHEN OLD.seal IS NOT NULL OR {kept} "
        "BEGIN SELECT RAISE(ABORT, 'audit lines are never changed'); END"
    )


def _seal_audit_on_postgresql() -> None:
    kept = " OR ".join(f"NEW.{name}::text IS DISTINCT FROM OLD.{name}::text" for name in _KEPT)
    op.execute(
        "CREATE FUNCTION event_is_for_ever() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'audit lines are never removed or changed'; END $$"
    )
    op.execute(
        "CREATE TRIGGER event_is_for_ever BEFORE DELETE OR TRUNCATE ON event "
        "FOR EACH STATEMENT EXECUTE FUNCTION event_is_for_ever()"
    )
    op.execute(
        "CREATE TRIGGER event_is_unchanged BEFORE UPDATE ON event FOR EACH ROW "
        f"WHEN (OLD.seal IS NOT NULL OR {kept}) EXECUTE FUNCTION event_is_for_ever()"
    )


def upgrade() -> None:
    """Make every table, in the order of their references."""
    _change()
    _event()
    _idempotency()
    _job()
    _patient()
    _setting()
    _sign_in_try()
    _user()
    _access_token()
    _care_team()
    _image_set()
    _one_time_link()
    _session()
    _visit()
    _batch()
    _image()
    _analysis()
    _image_set_item()
    _rendition()
    if op.get_bind().dialect.name == "sqlite":
        _seal_audit_on_sqlite()
    else:
        _seal_audit_on_postgresql()
