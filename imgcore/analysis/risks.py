"""The risk level of an answer, by the table in the model's card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from imgcore.analysis.analysers import checked
from imgcore.domain.analyses import Finding
from imgcore.texts import _

Level = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20)]
Share = Annotated[float, Field(ge=0, le=1)]


class Risk(BaseModel):
    """Which label stands for which level; ``levels`` go from the least to the greatest.

    ``raises`` names labels that bring the level up to their own as soon as their score reaches a number,
    whatever is likeliest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    levels: Annotated[tuple[Level, ...], Field(min_length=1, max_length=20)]
    labels: Annotated[dict[str, Level], Field(min_length=1)]
    minimum_confidence: Share = 0.0
    raises: dict[str, Share] = {}

    @model_validator(mode="after")
    def _known(self) -> Risk:
        if len(set(self.levels)) != len(self.levels):
            raise ValueError(_("a level stands twice in levels"))
        for level in sorted(set(self.labels.values()) - set(self.levels)):
            raise ValueError(_('"{level}" is not among the levels').format(level=level))
        for label in sorted(self.raises.keys() - self.labels.keys()):
            raise ValueError(_('"{label}" raises the level, and has none').format(label=label))
        return self

    def level(self, scores: Mapping[str, float]) -> str | None:
        """Return the level of the likeliest label if it is likely enough, or a higher one that is raised."""
        likeliest = max(scores, key=lambda label: scores[label])
        found = [label for label, least in self.raises.items() if scores.get(label, 0.0) >= least]
        if scores[likeliest] >= self.minimum_confidence and likeliest in self.labels:
            found.append(likeliest)
        return max((self.labels[label] for label in found), key=self.levels.index, default=None)


def finding(scores: Mapping[str, float], risk: Risk | None) -> Finding:
    """Return the scores, checked, with their level; the confidence is the score of the likeliest label."""
    rounded = checked(Finding(scores)).predictions
    return Finding(rounded, risk.level(rounded) if risk else None, max(rounded.values()))
