from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import get_args

import pandas
import pytest
from pyarrow import ArrowInvalid, parquet  # type: ignore[import-untyped]

from imgcore.documents import parquet_stream, parquets
from imgcore.domain.datasets import Column, Kind, Lot

NOW = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)
VALUES: dict[Kind, object] = {
    "id": "9b9b54ba-5aac-4b2b-9f19-6408f22253a0",
    "code": "casts",
    "text": "=1+1, \u738b",
    "whole": 3,
    "real": 0.25,
    "flag": True,
    "day": date(1961, 5, 12),
    "moment": NOW,
    "clock": NOW.replace(tzinfo=None),
}
COLUMNS = [Column(kind, kind, "") for kind in VALUES]
LOT: Lot = [[value, None] for value in VALUES.values()]


def test_every_kind_comes_back_as_it_was_and_may_be_empty() -> None:
    assert set(VALUES) == set(get_args(Kind))
    content = b"".join(parquet_stream(COLUMNS, [LOT, LOT]))
    full, empty, *_rest = parquet.read_table(io.BytesIO(content)).to_pylist()
    assert full == VALUES
    assert set(empty.values()) == {None}
    assert str(pandas.read_parquet(io.BytesIO(content)).dtypes["code"]) == "category"


def test_a_table_without_rows_has_its_columns() -> None:
    content = b"".join(parquet_stream(COLUMNS, []))
    assert parquet.read_table(io.BytesIO(content)).schema.names == list(VALUES)


def test_codes_that_differ_from_lot_to_lot_stay_what_they_are() -> None:
    column = [Column("code", "code", "")]
    lots: list[Lot] = [[["a", "b"]], [["c", None]], [["b", "a"]]]
    content = b"".join(parquet_stream(column, lots))
    assert parquet.read_table(io.BytesIO(content))["code"].to_pylist() == ["a", "b", "c", None, "b", "a"]


def test_rows_leave_in_groups_while_others_are_still_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquets, "_ROWS_A_GROUP", 4)
    read: list[int] = []

    def lots() -> Iterator[Lot]:
        for number in range(5):
            read.append(number)
            yield LOT

    chunks = parquet_stream(COLUMNS, lots())
    first = next(chunks)
    assert (read, len(first) > 100) == ([0, 1], True)
    content = first + b"".join(chunks)
    file = parquet.ParquetFile(io.BytesIO(content))
    assert [file.metadata.row_group(each).num_rows for each in range(file.num_row_groups)] == [4, 4, 2]
    with pytest.raises(ArrowInvalid):
        parquet.read_table(io.BytesIO(content[:-40]))
