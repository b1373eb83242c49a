"""The level of a risk, by the table of a card."""

from __future__ import annotations

import pytest

from imgcore.analysis.risks import Risk, finding
from imgcore.errors import Unavailable

PLAIN = Risk(
    levels=("low", "moderate", "high"), labels={"calm": "low", "watch": "moderate", "urgent": "high"}
)
CAREFUL = PLAIN.model_copy(update={"minimum_confidence": 0.5, "raises": {"urgent": 0.2}})


@pytest.mark.parametrize(
    ("calm", "watch", "urgent", "other", "plain", "careful"),
    [
        (0.8, 0.1, 0.1, 0.0, "low", "low"),
        (0.4, 0.35, 0.15, 0.1, "low", None),
        (0.7, 0.05, 0.25, 0.0, "low", "high"),
        (0.5, 0.3, 0.2, 0.0, "low", "high"),
        (0.1, 0.1, 0.1, 0.7, None, None),
        (0.1, 0.1, 0.2, 0.6, None, "high"),
        (0.1, 0.8, 0.1, 0.0, "moderate", "moderate"),
    ],
)
def test_the_likeliest_label_decides_unless_another_raises_it(
    calm: float, watch: float, urgent: float, other: float, plain: str | None, careful: str | None
) -> None:
    scores = {"calm": calm, "watch": watch, "urgent": urgent, "other": other}
    assert finding(scores, PLAIN).risk_level == plain
    assert finding(scores, CAREFUL).risk_level == careful
    assert finding(scores, None).risk_level is None
    assert finding(scores, CAREFUL).confidence == max(scores.values())


def test_a_label_never_lowers_a_level() -> None:
    risk = PLAIN.model_copy(update={"raises": {"calm": 0.1}})
    assert finding({"calm": 0.3, "urgent": 0.7}, risk).risk_level == "high"


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -0.1, 1.1])
def test_scores_that_are_none_are_no_result(wrong: float) -> None:
    with pytest.raises(Unavailable, match="not numbers from 0 to 1"):
        finding({"calm": 0.5, "urgent": wrong}, PLAIN)


def test_no_scores_are_no_result() -> None:
    with pytest.raises(Unavailable):
        finding({}, PLAIN)
