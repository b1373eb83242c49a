"""All tables as of the first version."""

from __future__ import annotations

from alembic import op

from imgcore.db.migrations import first_clinic, first_journal

revision = "0001_first"
down_revision: str | None = None

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
    first_journal.add_change()
    first_journal.add_event()
    first_journal.add_idempotency()
    first_journal.add_job()
    first_clinic.add_patient()
    first_journal.add_setting()
    first_journal.add_sign_in_try()
    first_clinic.add_user()
    first_journal.add_access_token()
    first_clinic.add_care_team()
    first_journal.add_image_set()
    first_journal.add_one_time_link()
    first_journal.add_session()
    first_clinic.add_visit()
    first_clinic.add_batch()
    first_clinic.add_image()
    first_clinic.add_image_indices()
    first_clinic.add_analysis()
    first_journal.add_image_set_item()
    first_journal.add_given_set()
    first_journal.add_share()
    first_clinic.add_rendition()
    if op.get_bind().dialect.name == "sqlite":
        _seal_audit_on_sqlite()
    else:
        _seal_audit_on_postgresql()
