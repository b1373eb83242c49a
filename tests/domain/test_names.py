from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcore.domain.names import EntryLabel, entry_names, initials, safe_file_name, same_name, short_name

DAY = date(2025, 11, 6)
FORBIDDEN = set('<>:"/\\|?*')
WINDOWS_DEVICES = ["CON", "con", "Prn", "AUX", "NUL", "COM1", "lpt9", "COM¹", "CONOUT$"]

anything = st.text(st.characters(codec=None), max_size=120)
awkward = st.one_of(
    anything, st.sampled_from(["Heel", "HEEL", "A/B", "A?B", "A_B", "A_B_01", "..", "CON", ""])
)
labels = st.builds(
    EntryLabel,
    st.one_of(st.none(), st.dates(), st.sampled_from([DAY])),
    awkward,
    st.one_of(anything, st.sampled_from(["jpg", "JPG", "heic", ""])),
)


def acceptable(name: str) -> bool:
    """Whether every usual computer can store a file under this name."""
    return (
        0 < len(name.encode()) <= 255
        and not FORBIDDEN & set(name)
        and not any(unicodedata.category(c) in ("Cc", "Cs") for c in name)
        and name == unicodedata.normalize("NFC", name)
        and name == name.strip(" .")
        and name.split(".")[0].rstrip().upper() not in {device.upper() for device in WINDOWS_DEVICES}
    )


def test_names_are_readable_and_numbered_within_a_day_and_category() -> None:
    other_day = date(2025, 9, 2)
    names = entry_names(
        [
            EntryLabel(DAY, "L-Anterior", "jpg"),
            EntryLabel(DAY, "R-MFoot Length", "png"),
            EntryLabel(DAY, "L-Anterior", "heic"),
            EntryLabel(other_day, "L-Anterior", "jpg"),
            EntryLabel(None, "L-Anterior", ".JPG"),
        ]
    )
    assert names == [
        "2025-11-06_L-Anterior_01.jpg",
        "2025-11-06_R-MFoot Length_01.png",
        "2025-11-06_L-Anterior_02.heic",
        "2025-09-02_L-Anterior_01.jpg",
        "undated_L-Anterior_01.jpg",
    ]


def test_numbers_sort_as_text_beyond_a_hundred_images() -> None:
    names = entry_names([EntryLabel(DAY, "Casts", "jpg")] * 120)
    assert names == sorted(names)
    assert names[-1] == "2025-11-06_Casts_120.jpg"


@pytest.mark.parametrize(
    ("one", "other"), [("Heel", "HEEL"), ("A/B", "A?B"), ("Ferse\u0301", "Fers\u00e9"), ("Fuß", "FUSS")]
)
def test_labels_that_give_one_file_name_are_numbered_together(one: str, other: str) -> None:
    first, second = entry_names([EntryLabel(DAY, one, "jpg"), EntryLabel(DAY, other, "jpg")])
    assert first.endswith("_01.jpg")
    assert second.endswith("_02.jpg")
    assert acceptable(first)
    assert acceptable(second)


def test_labels_too_long_for_a_file_name_are_shortened_and_stay_apart() -> None:
    labels = ["ж" * 200 + "а", "ж" * 200 + "б", "a" * 226 + " b", "x" * 500]
    names = entry_names([EntryLabel(DAY, label, "extension-of-some-length") for label in labels])
    assert all(acceptable(name) for name in names), names
    assert min(len(name.encode()) for name in names) > 240
    assert len({same_name(name) for name in names}) == len(names)


@given(st.lists(labels, max_size=12))
def test_entry_names_are_acceptable_and_unique_ignoring_case(items: list[EntryLabel]) -> None:
    names = entry_names(items)
    assert len(names) == len(items)
    assert all(acceptable(name) for name in names), names
    for form in (str.casefold, str.lower, str.upper, same_name):
        assert len({form(unicodedata.normalize("NFD", name)) for name in names}) == len(names)


@given(st.one_of(anything, st.sampled_from(WINDOWS_DEVICES)), st.integers(20, 255))
def test_safe_file_names_are_acceptable_and_stay_as_they_are(text: str, limit: int) -> None:
    name = safe_file_name(text, limit)
    assert acceptable(name), name
    assert len(name.encode()) <= limit
    assert safe_file_name(name, limit) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Mary K. - 6 Nov 2025.zip", "Mary K. - 6 Nov 2025.zip"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\temp\\x.zip", "C__temp_x.zip"),
        ("con.zip", "_con.zip"),
        ("NUL", "_NUL"),
        ("before\x00after\u202egpj.zip", "before_after_gpj.zip"),
        ("two\n lines ", "two lines"),
        ("...", "unnamed"),
        ("", "unnamed"),
        ("Пациентка.zip", "Пациентка.zip"),
    ],
)
def test_a_safe_file_name_keeps_what_it_can(text: str, name: str) -> None:
    assert safe_file_name(text) == name


def test_a_name_cut_at_a_space_does_not_end_with_it() -> None:
    assert safe_file_name("a" * 19 + " bc", 20) == "a" * 19


def test_a_long_name_keeps_its_extension() -> None:
    name = safe_file_name("ж" * 300 + ".zip")
    assert name.endswith("ж.zip")
    assert 250 <= len(name.encode()) <= 255


@pytest.mark.parametrize(
    ("name", "letters", "short"),
    [
        ("Mary Kowalski", "M. K.", "Mary K."),
        ("mary anne kowalski", "M. A. K.", "mary K."),
        ("Kowalski, Mary", "M. K.", "Mary K."),
        ("Anne-Marie Smith-Jones", "A.-M. S.-J.", "Anne-Marie S.-J."),
        ("Siobhán O'Brien", "S. O.", "Siobhán O."),
        ("E\u0301lodie Dupont", "É. D.", "Élodie D."),
        ("Kowalski", "K.", "K."),
        ("王小明", "王.", "王."),
        ("Мария Ковальская", "М. К.", "Мария К."),
        ("मीरा शर्मा", "मी. श.", "मीरा श."),
        ("Mary (Kate) -", "M. K.", "Mary K."),
        ("  ", "", ""),
        ("", "", ""),
    ],
)
def test_short_forms_of_a_name(name: str, letters: str, short: str) -> None:
    assert initials(name) == letters
    assert short_name(name) == short
