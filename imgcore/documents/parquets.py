"""Tables as Parquet and in memory, column by column, with the types that their columns are said to have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from imgcore.domain.datasets import Column, Lot

_ROWS_A_GROUP = 50_000


class _Sink:
    """Takes what the writer of Parquet gives, to be handed on at once; there is no way back in it."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        self._length += len(part)
        return len(part)

    def tell(self) -> int:
        return self._length

    def flush(self) -> None: ...

    def taken(self) -> bytes:
        content = b"".join(self._parts)
        self._parts.clear()
        return content


def parquet_stream(columns: Sequence[Column], lots: Iterable[Lot]) -> Iterator[bytes]:
    """Yield a Parquet file while it is made; a file that was cut off has no end and is read by nothing."""
    import pyarrow  # type: ignore[import-untyped]
    from pyarrow import parquet

    sink, kinds = _Sink(), _schema(columns)
    with parquet.ParquetWriter(pyarrow.PythonFile(sink, mode="w"), kinds, compression="zstd") as writer:
        waiting: list[Any] = []
        for lot in lots:
            waiting.append(_batch(kinds, lot))
            if sum(each.num_rows for each in waiting) >= _ROWS_A_GROUP:
                writer.write_table(pyarrow.Table.from_batches(waiting))
                waiting.clear()
                yield sink.taken()
        if waiting:
            writer.write_table(pyarrow.Table.from_batches(waiting))
    yield sink.taken()


def _schema(columns: Sequence[Column]) -> Any:
    """Return the columns as Arrow knows them."""
    import pyarrow

    text = pyarrow.string()
    kinds = {
        "id": text,
        "code": pyarrow.dictionary(pyarrow.int32(), text),
        "text": text,
        "whole": pyarrow.int64(),
        "real": pyarrow.float64(),
        "flag": pyarrow.bool_(),
        "day": pyarrow.date32(),
        "moment": pyarrow.timestamp("us", tz="UTC"),
        "clock": pyarrow.timestamp("us"),
    }
    return pyarrow.schema([(column.name, kinds[column.kind]) for column in columns])


def _batch(kinds: Any, lot: Lot) -> Any:
    """Return one lot of rows as Arrow holds it."""
    import pyarrow

    arrays = [pyarrow.array(cells, kind.type) for cells, kind in zip(lot, kinds, strict=True)]
    return pyarrow.record_batch(arrays, schema=kinds)


def arrow_table(columns: Sequence[Column], lots: Iterable[Lot]) -> Any:
    """Return all rows as one Arrow table."""
    import pyarrow

    kinds = _schema(columns)
    return pyarrow.Table.from_batches([_batch(kinds, lot) for lot in lots], kinds)
