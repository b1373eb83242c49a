"""Words in what is written about images: an index of trigrams says where they can stand at all.

On SQLite a full-text table holds the trigrams of each image's texts and is asked here; on PostgreSQL an
index by pg_trgm does the same, and its planner asks it by itself. Both only narrow a search down: what
they name is compared with the texts again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import Session, select
from sqlmodel.sql.expression import SelectOfScalar

from imgcore.db.tables import Image

TABLE = "image_words"
FIELDS = ("caption", "description", "original_name", "body_location")
LENGTH = 3
# What was removed stays in the index, marked as gone, until its parts are joined to one.
SETTLE = f"INSERT INTO {TABLE}({TABLE}) VALUES ('optimize')"  # noqa: S608
_NUMBER: sa.ColumnElement[int] = sa.literal_column("image.rowid")
_images = sa.table(TABLE, sa.column("rowid"), sa.column(TABLE))


def trigrams(text: str) -> list[str]:
    """Return what the index holds of every image that has all words of the text; of short words nothing."""
    found = {word[start : start + LENGTH] for word in text.split() for start in range(len(word) - LENGTH + 1)}
    return sorted(each for each in found if "\0" not in each)


def named(session: Session, text: str, most: int) -> list[int] | None:
    """Return the numbers of the images that SQLite's index names, no more than ``most``.

    None where it cannot tell: for words of one or two letters, and on PostgreSQL.
    """
    wanted = trigrams(text)
    if not wanted or session.get_bind().dialect.name != "sqlite":
        return None
    quoted = " AND ".join('"' + each.replace('"', '""') + '"' for each in wanted)
    matching = sa.select(_images.c.rowid).where(_images.c[TABLE].op("MATCH")(quoted)).limit(most)
    return list(session.execute(matching).scalars())


def found(session: Session, wanted: SelectOfScalar[Image], numbers: Sequence[int]) -> SelectOfScalar[Image]:
    """Return the query for those of SQLite's images with these numbers that are wanted: compared once."""
    shown = session.execute(_among(wanted, numbers).with_only_columns(_NUMBER)).scalars()
    return _among(select(Image), list(shown))


def _among(wanted: SelectOfScalar[Image], numbers: Sequence[int]) -> SelectOfScalar[Image]:
    listed = sa.func.json_each(json.dumps(numbers)).table_valued("value")
    return wanted.where(_NUMBER.in_(sa.select(listed.c.value))).with_hint(Image, "NOT INDEXED", "sqlite")
