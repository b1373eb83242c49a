"""Words in what is written about images: an index of trigrams says where they can stand at all.

On SQLite a full-text table holds the trigrams of each image's texts and is asked here; on PostgreSQL an
index by pg_trgm does the same, and its planner asks it by itself. Both only narrow a search down: what
they name is compared with the texts again.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Session

TABLE = "image_words"
FIELDS = ("caption", "description", "original_name", "body_location")
LENGTH = 3
# What was removed stays in the index, marked as gone, until its parts are joined to one.
SETTLE = f"INSERT INTO {TABLE}({TABLE}) VALUES ('optimize')"  # noqa: S608
_images = sa.table(TABLE, sa.column("rowid"), sa.column(TABLE))


def trigrams(text: str) -> list[str]:
    """Return what the index holds of every image that has all words of the text; of short words nothing."""
    found = {word[start : start + LENGTH] for word in text.split() for start in range(len(word) - LENGTH + 1)}
    return sorted(each for each in found if "\0" not in each)


def count(session: Session, text: str, most: int) -> int | None:
    """Return how many images SQLite's index names, counted no further than ``most``.

    None where it cannot tell: for words of one or two letters, and on PostgreSQL.
    """
    wanted = trigrams(text)
    if not wanted or session.get_bind().dialect.name != "sqlite":
        return None
    some = _named(wanted).limit(most).subquery()
    return int(session.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())


def narrowed(text: str) -> sa.ColumnElement[bool]:
    """Return the condition, on SQLite's images, that the index names them."""
    return sa.literal_column("image.rowid").in_(_named(trigrams(text)))


def _named(wanted: list[str]) -> sa.Select[int]:
    quoted = " AND ".join('"' + each.replace('"', '""') + '"' for each in wanted)
    return sa.select(_images.c.rowid).where(_images.c[TABLE].op("MATCH")(quoted))
