"""The hash of an audit line: the same on every database, another for every change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from imgcore.domain.chains import Finding, Head, Walk, link

LINE: dict[str, Any] = {
    "id": 7, "at": datetime(2025, 11, 6, 9, 30, 0, 5, tzinfo=UTC), "actor_id": UUID(int=1),
    "action": "image.see", "outcome": "done", "patient_id": None, "entity": "image",
    "entity_ids": ["a", "b"], "field_names": [], "count": 2, "address": "192.0.2.7", "request_id": "ö",
}  # fmt: skip


def test_what_is_hashed_never_changes() -> None:
    """Chains that were written years ago must still hold."""
    assert link(LINE, 1, "") == "b4cb0584033f5c0f66d16d10a44afebf7b8243fbc80b0618d2ed915ce88e7767"


def test_the_same_moment_in_another_zone_is_the_same() -> None:
    elsewhere = LINE["at"].astimezone(timezone(timedelta(hours=5)))
    naive = LINE["at"].replace(tzinfo=None)
    assert {link(LINE | {"at": at}, 1, "") for at in (elsewhere, naive)} == {link(LINE, 1, "")}


def test_every_change_gives_another_hash() -> None:
    others = [
        LINE | {name: value}
        for name, value in {
            "id": 8, "at": LINE["at"] + timedelta(microseconds=1), "actor_id": None, "action": "x",
            "outcome": "x", "patient_id": UUID(int=2), "entity": "x", "entity_ids": ["a,b"],
            "field_names": [""], "count": 3, "address": "", "request_id": "o",
        }.items()
    ]  # fmt: skip
    hashes = {link(line, 1, "") for line in [LINE, *others]} | {link(LINE, 2, ""), link(LINE, 1, "0")}
    assert len(hashes) == len(others) + 3


def test_a_walk_over_nothing_holds_unless_something_was_known() -> None:
    assert Walk().end().holds
    known = Head(3, "x", LINE["at"])
    assert Walk([known]).end().findings == (Finding("tail", 1, 3, LINE["at"]),)


def test_a_number_that_is_none_is_altered() -> None:
    walk = Walk()
    walk.step("one", "", LINE)
    assert walk.end().findings == (Finding("altered", 1, 1),)
