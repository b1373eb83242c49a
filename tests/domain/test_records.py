from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from imgcore.domain import records
from imgcore.domain.records import Consent, Page


@pytest.mark.parametrize(("total", "pages"), [(0, 0), (1, 1), (50, 1), (51, 2), (100, 2)])
def test_pages_are_counted(total: int, pages: int) -> None:
    assert Page((), total, 1, 50).total_pages == pages


def test_a_consent_holds_until_it_is_withdrawn() -> None:
    day = date(2025, 1, 2)
    assert Consent(given_on=day).holds
    assert not Consent().holds
    assert not Consent(given_on=day, withdrawn_on=day).holds


def test_what_services_answer_cannot_be_changed() -> None:
    kinds = [kind for kind in vars(records).values() if dataclasses.is_dataclass(kind)]
    assert len(kinds) >= 10
    assert [kind for kind in kinds if not vars(kind)["__dataclass_params__"].frozen] == []
