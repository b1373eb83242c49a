"""Indices that keep every list as quick among a million images as among ten thousand."""

from __future__ import annotations

import logging

import sqlalchemy as sa
from alembic import op

from imgcore.texts import _

revision = "0003_search"
down_revision = "0002_jobs_and_retention"

_FIELDS = ("caption", "description", "original_name", "body_location")
_LISTED = "state = 'ready' AND trashed_at IS NULL"
_log = logging.getLogger(__name__)


def upgrade() -> None:
    """Put indices in place of those that served no list, and make those of words."""
    for table, columns in (
        ("batch", ("trashed_at",)),
        ("image", ("captured_at", "id")),
        ("image", ("category", "captured_at", "id")),
        ("image", ("trashed_at",)),
        ("image", ("uploaded_at", "id")),
        ("patient", ("search_text", "id")),
        ("patient", ("trashed_at",)),
        ("visit", ("visited_on", "id")),
    ):
        op.drop_index(_name(table, columns), table_name=table)
    for first in ("body_location", "category", "image_type"):
        _add("image", (first, "uploaded_at", "id"), _LISTED)
    _add("image", ("date_taken", "id"), _LISTED)
    _add("image", ("uploaded_at", "id"), _LISTED)
    _add("image", ("trashed_at", "id", "change_id"), "state = 'ready' AND trashed_at IS NOT NULL")
    _add("patient", ("search_text", "id"), "trashed_at IS NULL")
    for table in ("batch", "patient"):
        _add(table, ("trashed_at", "id"), "trashed_at IS NOT NULL")
    _add("visit", ("visited_on", "id", "patient_id"))
    _add("change", ("expires_at",))
    for first in ("action", "outcome"):
        _add("event", (first, "at"))
    op.create_table(
        "event_image",
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("image_id", "event_id", name=op.f("pk_event_image")),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "sqlite":
        _find_lines_on_sqlite()
        _find_words_on_sqlite()
    else:
        _find_lines_on_postgresql()
        _find_words_on_postgresql()


def _add(table: str, columns: tuple[str, ...], where: str = "") -> None:
    rows = sa.text(where) if where else None
    op.create_index(_name(table, columns), table, list(columns), sqlite_where=rows, postgresql_where=rows)


def _name(table: str, columns: tuple[str, ...]) -> str:
    return op.f(f"ix_{table}_{'_'.join(columns)}")


def _find_lines_on_sqlite() -> None:
    """Let each audit line across patients say by itself which images it names."""
    named = (
        "INSERT OR IGNORE INTO event_image (image_id, event_id) SELECT replace(value, '-', ''), {line}.id "
    )
    named += "FROM {source}json_each({line}.entity_ids)"
    across = "{line}.patient_id IS NULL AND {line}.entity = 'image'"
    old, new = {"line": "event", "source": "event, "}, {"line": "new", "source": ""}
    op.execute(f"{named.format(**old)} WHERE {across.format(**old)}")
    op.execute(
        f"CREATE TRIGGER event_names_images AFTER INSERT ON event WHEN {across.format(**new)} "
        f"BEGIN {named.format(**new)}; END"
    )


def _find_lines_on_postgresql() -> None:
    named = "INSERT INTO event_image (image_id, event_id) SELECT DISTINCT value::uuid, {line}.id "
    named += "FROM {source}json_array_elements_text({line}.entity_ids)"
    across = "{line}.patient_id IS NULL AND {line}.entity = 'image'"
    old, new = {"line": "event", "source": "event, "}, {"line": "NEW", "source": ""}
    op.execute(f"{named.format(**old)} WHERE {across.format(**old)}")
    op.execute(
        "CREATE FUNCTION event_names_images() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN {named.format(**new)}; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER event_names_images AFTER INSERT ON event FOR EACH ROW "
        f"WHEN ({across.format(**new)}) EXECUTE FUNCTION event_names_images()"
    )


def _find_words_on_sqlite() -> None:
    """Make the full-text table beside the images; it holds trigrams and no text."""
    fields = ", ".join(_FIELDS)
    old, new = (", ".join(f"{row}.{name}" for name in _FIELDS) for row in ("old", "new"))
    forget = f"INSERT INTO image_words(image_words, rowid, {fields}) VALUES ('delete', old.rowid, {old});"  # noqa: S608
    learn = f"INSERT INTO image_words(rowid, {fields}) VALUES (new.rowid, {new});"  # noqa: S608
    op.execute(
        f"CREATE VIRTUAL TABLE image_words USING fts5({fields}, content='image', content_rowid='rowid', "
        "tokenize='trigram', detail='none', columnsize=0)"
    )
    op.execute("INSERT INTO image_words(image_words) VALUES ('rebuild')")
    for name, when, what in (
        ("new", "INSERT", learn),
        ("old", "DELETE", forget),
        ("changed", f"UPDATE OF {fields}", forget + learn),
    ):
        op.execute(f"CREATE TRIGGER image_words_{name} AFTER {when} ON image BEGIN {what} END")


def _find_words_on_postgresql() -> None:
    """Make the index, if the server lets us; without it the same is found by reading every row."""
    extension = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
    fields = ", ".join(f"{name} gin_trgm_ops" for name in _FIELDS)
    index = f"CREATE INDEX IF NOT EXISTS ix_image_words ON image USING gin ({fields})"
    bind = op.get_bind()
    try:
        with bind.begin_nested():
            bind.execute(sa.text(extension))
            bind.execute(sa.text(index))
    except sa.exc.DBAPIError:
        _log.warning(
            _(
                "Searching words among all images will be slow: this account may not add pg_trgm to "
                "PostgreSQL. Let an administrator of the server run, in this database: %s; %s;"
            ),
            extension,
            index,
        )
