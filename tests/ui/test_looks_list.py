"""The list of who looked says the same thing once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from imgcore.domain.looks import PERSON, Look, Person, told
from imgcore.ui.looks_list import folded

NOW = datetime(2025, 11, 6, 12, tzinfo=UTC)


def look(number: int, who: str, action: str, count: int = 1, outcome: str = "done") -> Look:
    person, at = Person(PERSON, name=who), NOW - timedelta(minutes=number)
    return Look(number, at, person, action, outcome, count, told(action, outcome, count))


def test_what_one_person_added_is_added_up() -> None:
    looks = [look(number, "Anna", "image.upload") for number in range(12)]
    (one,) = folded(looks)
    assert (one.what, one.at) == ("added 12 pictures", NOW)


def test_what_was_seen_again_is_told_once_and_something_else_between_is_told() -> None:
    looks = [
        look(0, "Anna", "image.see", 12),
        look(1, "Anna", "image.see", 12),
        look(2, "Ben", "image.see", 12),
        look(3, "Anna", "image.see", 12),
        look(4, "Anna", "image.see", 3),
        look(5, "Anna", "image.upload", 2, "refused"),
        look(6, "Anna", "image.upload", 2),
    ]
    assert [(each.person.name, each.what) for each in folded(looks)] == [
        ("Anna", "viewed 12 pictures"),
        ("Ben", "viewed 12 pictures"),
        ("Anna", "viewed 12 pictures"),
        ("Anna", "viewed 3 pictures"),
        ("Anna", "sent 2 files that were not kept"),
        ("Anna", "added 2 pictures"),
    ]
