"""Writes the tables of columns in ``docs/data.md``: ``python -m tests.structure.data_doc``."""

from __future__ import annotations

from pathlib import Path

from imgcore.domain.datasets import DATASETS, Dataset, Kind

PATH = Path(__file__).parents[2] / "docs" / "data.md"
MARK = "<!-- From here on this page is written by `python -m tests.structure.data_doc`. -->\n"
# How pandas says the types of columns.
TYPES: dict[Kind, str] = {
    "id": "str",
    "code": "category",
    "text": "str",
    "whole": "Int64",
    "real": "float64",
    "flag": "boolean",
    "day": "datetime64[ms]",
    "moment": "datetime64[us, UTC]",
    "clock": "datetime64[us]",
}


def described(text: str) -> str:
    """Return the page with the tables as they are, behind what people wrote."""
    return text.partition(MARK)[0] + MARK + "".join(map(_table, DATASETS.values()))


def _table(dataset: Dataset) -> str:
    lines = [f"\n## {dataset.name}\n", f"\nOne row each: {dataset.about}. Days filter by `{dataset.day}`.\n"]
    lines.append("\n| column | type | for reviewers | |\n|---|---|---|---|\n")
    for column in dataset.columns:
        passed_on = "yes" if column.is_passed_on else ""
        lines.append(f"| {column.name} | {TYPES[column.kind]} | {passed_on} | {column.about} |\n")
    return "".join(lines)


if __name__ == "__main__":
    PATH.write_text(described(PATH.read_text(encoding="utf-8")), encoding="utf-8")
