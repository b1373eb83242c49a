"""Every setting is named where a clinic looks for it."""

from __future__ import annotations

from imgcore.config import Settings
from tests.structure.sources import ROOT


def test_every_setting_is_in_the_operations_guide() -> None:
    guide = (ROOT / "docs" / "operations.md").read_text()
    names = [f"IMGCORE_{field.upper()}" for field in Settings.model_fields]
    assert [name for name in names if f"`{name}`" not in guide] == []
