from __future__ import annotations

from pathlib import Path

import pytest

from imgcore.domain.categories import RESERVED_KEYS, SETS_DIR, load_category_set
from imgcore.errors import ConfigError, Invalid

SETS = sorted(file.stem for file in SETS_DIR.glob("*.toml"))
OTHER = '{ code = "other", label = "Other" }'


def write_set(folder: Path, *categories: str, title: str = 'title = "Mine"') -> str:
    """Write a clinic's own set with one group and return its path."""
    path = folder / "mine.toml"
    entries = ",\n".join(categories)
    path.write_text(f'{title}\n[[group]]\ntitle = "Views"\ncategories = [\n{entries}\n]\n', encoding="utf-8")
    return str(path)


def test_the_podiatry_labels_stand_in_their_groups_and_order() -> None:
    groups = load_category_set("podiatry").groups()
    labels = {group: [category.label for category in members] for group, members in groups.items()}
    expected = {
        "Anterior Views": ["Anterior", "R-Anterior", "L-Anterior"],
        "Posterior Views": ["Posterior", "R-Posterior", "L-Posterior"],
        "Foot Measurements": ["R-MFoot Length", "R-MFoot Width", "L-MFoot Length", "L-MFoot Width"],
        "Casting": ["Casts"],
        "Lateral Views": ["Left Lat", "Right Lat"],
        "Footwear & Devices": ["R-Shoe", "L-Shoe", "AFO", "X-Ray"],
        "Clinical": ["CMO"],
        "Documentation": ["Last Design", "Shoe", "PodBox", "Pension Card", "Medicare Card"],
        "Other": ["Other"],
    }
    assert list(labels.items()) == list(expected.items())


def test_podiatry_codes_and_keys_stay_what_stored_images_and_fingers_know() -> None:
    keys = {category.code: category.shortcut for category in load_category_set("podiatry").categories}
    assert keys == {
        "anterior": "1", "r_anterior": "2", "l_anterior": "3",
        "posterior": "4", "r_posterior": "5", "l_posterior": "6",
        "r_mfoot_length": "u", "r_mfoot_width": "i", "l_mfoot_length": "j", "l_mfoot_width": "k",
        "casts": "9", "left_lat": "7", "right_lat": "8",
        "r_shoe": "w", "l_shoe": "s", "afo": "f", "x_ray": "y", "cmo": "o",
        "last_design": "d", "shoe": "e", "podbox": "b", "pension_card": "p", "medicare_card": "m",
        "other": "0",
    }  # fmt: skip


def test_only_the_two_cards_are_identity_documents() -> None:
    cards = [c.code for c in load_category_set("podiatry").categories if c.is_identity_document]
    assert cards == ["pension_card", "medicare_card"]


@pytest.mark.parametrize(
    ("code", "side"),
    [("l_anterior", "L"), ("left_lat", "L"), ("r_shoe", "R"), ("r_mfoot_width", "R"), ("anterior", None)],
)
def test_a_category_of_one_foot_says_which(code: str, side: str | None) -> None:
    assert load_category_set("podiatry").get(code).laterality == side


@pytest.mark.parametrize("name", SETS)
def test_every_set_in_the_folder_can_be_used(name: str) -> None:
    found = load_category_set(name)
    codes = [category.code for category in found.categories]
    keys = [category.shortcut for category in found.categories]
    assert (found.name, found.default) == (name, "other")
    assert found.require_active("other") in found.active()
    assert len(set(codes)) == len(codes)
    assert len(set(keys)) == len(keys)
    assert None not in keys
    assert not RESERVED_KEYS & set(keys)
    assert [category.order for category in found.categories] == sorted(c.order for c in found.categories)
    for category in found.categories:
        if category.code.startswith(("l_", "left_")):
            assert category.laterality == "L"
        if category.code.startswith(("r_", "right_")):
            assert category.laterality == "R"


def test_a_set_is_read_once() -> None:
    assert load_category_set("podiatry") is load_category_set("podiatry")


def test_a_clinic_can_have_a_set_of_its_own(tmp_path: Path) -> None:
    heel = '{ code = "heel", label = "Ferse, links", laterality = "L", shortcut = "h" }'
    mine = load_category_set(write_set(tmp_path, heel, OTHER))
    assert (mine.name, mine.title) == ("mine", "Mine")
    assert [category.label for category in mine.active()] == ["Ferse, links", "Other"]


def test_a_set_saved_by_a_windows_editor_is_read(tmp_path: Path) -> None:
    path = Path(write_set(tmp_path, OTHER))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_category_set(str(path)).title == "Mine"


def test_an_inactive_category_is_shown_and_no_longer_accepted(tmp_path: Path) -> None:
    old = '{ code = "old", label = "Old view", active = false }'
    mine = load_category_set(write_set(tmp_path, old, OTHER))
    assert mine.label("old") == "Old view"
    assert list(mine.groups()["Views"]) == [mine.get("other")]
    with pytest.raises(Invalid):
        mine.require_active("old")


def test_a_code_of_another_set_is_shown_as_it_is_stored() -> None:
    podiatry = load_category_set("podiatry")
    assert podiatry.label("dermatoscope") == "dermatoscope"
    assert not podiatry.get("dermatoscope").active


@pytest.mark.parametrize("code", ["dermatoscope", "Anterior", "", None])
def test_a_refused_code_comes_with_the_accepted_ones(code: str | None) -> None:
    podiatry = load_category_set("podiatry")
    with pytest.raises(Invalid) as refusal:
        podiatry.require_active(code)
    assert all(category.code in refusal.value.hint for category in podiatry.active())


MISTAKES = [
    ('{ code = "heel", label = "A" }, { code = "heel", label = "B" }', ["heel", "two categories", "code"]),
    ('{ code = "Left Heel", label = "Heel" }', ["category 1 (Left Heel)", "lower_snake"]),
    ('{ code = "heel_", label = "Heel" }', ["category 1 (heel_)", "lower_snake"]),
    ('{ label = "Heel" }', ["category 1", "code is missing"]),
    ('{ code = "heel" }', ["category 1 (heel)", "label is missing"]),
    ('{ code = "heel", label = " " }', ["category 1 (heel)", "label is missing"]),
    ('{ code = "heel", label = "Heel", laterality = "X" }', ["category 1 (heel)", "laterality"]),
    ('{ code = "heel", label = "Heel", active = "no" }', ["category 1 (heel)", "active"]),
    ('{ code = "heel", label = "Heel", key = "h" }', ["category 1 (heel)", '"key"']),
    ('{ code = "heel", label = "Heel", shortcut = "hh" }', ["category 1 (heel)", "one small letter"]),
    ('{ code = "heel", label = "Heel", shortcut = 1 }', ["category 1 (heel)", "in quotes"]),
    (
        '{ code = "a", label = "A", shortcut = "h" }, { code = "b", label = "B", shortcut = "h" }',
        ["h", "two categories", "shortcut"],
    ),
]


@pytest.mark.parametrize(("entries", "said"), MISTAKES)
def test_a_mistake_is_named_with_file_and_entry(tmp_path: Path, entries: str, said: list[str]) -> None:
    with pytest.raises(ConfigError) as refusal:
        load_category_set(write_set(tmp_path, entries, OTHER))
    for words in ["mine.toml", *said]:
        assert words in refusal.value.message
    assert str(tmp_path) not in refusal.value.message + refusal.value.hint


@pytest.mark.parametrize("key", ["z", "Z", "x", "r", "c", "a", "?", " ", "Enter", "Delete", "ArrowLeft"])
def test_a_key_of_the_grid_is_refused(tmp_path: Path, key: str) -> None:
    clash = f'{{ code = "heel", label = "Heel", shortcut = "{key}" }}'
    with pytest.raises(ConfigError, match=r"category 1 \(heel\).*the grid uses"):
        load_category_set(write_set(tmp_path, clash, OTHER))


@pytest.mark.parametrize(
    "entry", ['{ code = "heel", label = "Heel" }', OTHER.replace(" }", ", active = false }")]
)
def test_a_set_without_its_default_is_refused(tmp_path: Path, entry: str) -> None:
    with pytest.raises(ConfigError, match=r"mine\.toml, other"):
        load_category_set(write_set(tmp_path, entry))


def test_a_file_that_is_no_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mine\.toml, the file"):
        load_category_set(write_set(tmp_path, OTHER, title="title = "))
    with pytest.raises(ConfigError, match="title is missing"):
        load_category_set(write_set(tmp_path, OTHER, title=""))
    with pytest.raises(ConfigError, match=r"absent\.toml, the file"):
        load_category_set(str(tmp_path / "absent.toml"))


@pytest.mark.parametrize("name", ["gardening", "", "../category_sets/podiatry"])
def test_an_unknown_name_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        load_category_set(name)
    assert all(known in refusal.value.hint for known in SETS)
