"""The mark for tests that must hold on both databases."""

from __future__ import annotations

import pytest

on_both = pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
