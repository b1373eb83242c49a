"""Translators see every text of the product, and none that is gone."""

from __future__ import annotations

from tests.structure import catalogue


def test_the_template_holds_exactly_the_texts_of_the_sources() -> None:
    kept = catalogue.TEMPLATE.read_bytes() if catalogue.TEMPLATE.exists() else b""
    assert kept == catalogue.template(), "run python -m tests.structure.catalogue"
