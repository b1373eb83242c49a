"""What the interface answers about the figures of the dashboard."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from imgcore.api.examples import AT, example
from imgcore.api.schemas import Answer
from imgcore.domain.statistics import Figure, Step


class FigureTable(Answer):
    """One figure as rows, whose cells `columns` names."""

    model_config = example(
        figure="categories", columns=["category", "images"], rows=[["L-Anterior", 210], ["Other", 12]], at=AT,
        step=None, sample=None,
    )  # fmt: skip

    figure: Figure
    columns: list[str]
    rows: list[list[str | int | float | None]] = Field(description="Days are written as 2025-11-06.")
    at: datetime = Field(description="When it was counted; that of a whole clinic may be a minute old.")
    step: Step | None = Field(description="What a row stands for, where it stands for a time.")
    sample: int | None = Field(description="How many of the newest results were looked at; null: all.")
