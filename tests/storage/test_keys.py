"""Keys hold ids only and stand beside each other."""

from __future__ import annotations

from uuid import UUID

import pytest

from imgcore.storage import original_key, rendition_key
from imgcore.storage.keys import is_key

PATIENT, BATCH, IMAGE = UUID(int=1), UUID(int=2), UUID(int=3)
STEM = f"images/{PATIENT}/{BATCH}/{IMAGE}"


def test_an_original_is_named_by_ids() -> None:
    assert original_key(PATIENT, BATCH, IMAGE, "heic") == f"{STEM}.heic"


@pytest.mark.parametrize(
    ("kind", "revision", "ending"),
    [
        ("thumbnail", 0, "_thumb.jpg"),
        ("display", 0, "_display.jpg"),
        ("compressed", 0, "_compressed.jpg"),
        ("analysis", 0, "_analysis.jpg"),
        ("thumbnail", 12, "_r12_thumb.jpg"),
    ],
)
def test_a_rendition_stands_beside_its_original(kind: str, revision: int, ending: str) -> None:
    key = rendition_key(f"{STEM}.heic", kind, revision)
    assert key == STEM + ending
    assert is_key(key)
