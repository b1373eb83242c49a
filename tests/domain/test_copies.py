from __future__ import annotations

import json
from datetime import date

import pytest

from imgcore.domain.copies import About, Entry, Fault, Manifest, Places
from imgcore.errors import Invalid

ENTRY = Entry(
    "images/Ada/2025-11-06 Casts/2025-11-06_Casts_01.jpg", "1", "a/b.jpg", "image/jpeg", 5, "0" * 64
)
ABOUT = About("1", "backup", "0.1.0", "0001_first", "2025-11-06T12:00:00+00:00", ["patient", "image"])


def test_what_is_written_is_read() -> None:
    manifest = Manifest("1", {"image": 1}, {"a": "b"}, [Fault("1", "a/b.jpg"), Fault("2", "c", "0" * 64)])
    assert Manifest.read(manifest.written()) == manifest
    assert Entry.read(ENTRY.written()) == ENTRY
    assert About.read(ABOUT.written()) == ABOUT


@pytest.mark.parametrize(
    "path",
    ["x.jpg", "/images/a/b/c.jpg", "../images/a/b.jpg", "images/../a/b.jpg", "images/a/b/..",
     "images/a/b/CON", "images/a/b/c\\d", "images/a/b/c\n", "images/a//c.jpg", "images/a/b/c/d.jpg",
     "images/a/b/" + "x" * 300],
)  # fmt: skip
def test_a_path_that_leads_astray_is_none(path: str) -> None:
    line = json.loads(ENTRY.written()) | {"path": path}
    with pytest.raises(Invalid):
        Entry.read(json.dumps(line).encode())


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"null", b"\xff", b'{"is_whole": false}', b'{"format": 2}']
)
def test_what_is_none_is_refused(content: bytes) -> None:
    for read in (About.read, Manifest.read, Entry.read):
        with pytest.raises(Invalid):
            read(content)


def test_a_manifest_without_its_mark_is_not_whole() -> None:
    content = json.loads(Manifest("1").written()) | {"is_whole": False}
    with pytest.raises(Invalid, match="not whole"):
        Manifest.read(json.dumps(content).encode())


def test_places_are_numbered_in_each_batch_and_told_apart() -> None:
    places = Places()
    day = date(2025, 11, 6)

    def place(patient: str, name: str, batch: str) -> str:
        places.patient(patient, name, None)
        places.batch(batch, day, "Casts")
        return places.image(day, "L-Anterior", "jpg", in_trash=False)

    assert place("1" * 36, "Ada", "a" * 36) == "images/Ada/2025-11-06 Casts/2025-11-06_L-Anterior_01.jpg"
    assert place("1" * 36, "Ada", "a" * 36).endswith("_02.jpg")
    other = f"images/Ada/2025-11-06 Casts ({'b' * 8})/2025-11-06_L-Anterior_01.jpg"
    assert place("1" * 36, "Ada", "b" * 36) == other
    assert place("2" * 36, "ADA", "c" * 36).startswith(f"images/ADA ({'2' * 8})/2025-11-06 Casts/")
    assert place("2" * 8 + "3" * 28, "aDa", "d" * 36).startswith(f"images/aDa ({'2' * 8}{'3' * 28})/")
    assert places.image(None, "Other", "jpg", in_trash=True).startswith("trash/")
