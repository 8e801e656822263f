"""Tables as columns: TSV with one header line, JSON lines and Parquet hold the same columns."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol, TextIO

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import MissingExtraError
from seqpool.io.number_text import characters_of, six_digits, whole_numbers


@dataclass(frozen=True, eq=False)
class Repeated:
    """A column in which few values stand many times.

    distinct: (values,) Python strings or numbers; places: (rows,) which of them stands in each row.
    """

    distinct: NDArray[Any]
    places: NDArray[np.integer]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, rows: slice) -> Repeated:
        return Repeated(self.distinct, self.places[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.distinct[self.places], dtype=dtype)

    def tolist(self) -> list[Any]:
        """The value of every row."""
        values: list[Any] = self.distinct[self.places].tolist()
        return values


@dataclass(frozen=True, eq=False)
class Seconds:
    """A column of times: as text to the millisecond, however long the recording, where other numbers have 6 digits.

    values: (rows,) float64, finite.
    """

    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice) -> Seconds:
        return Seconds(self.values[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.values, dtype=dtype)

    def tolist(self) -> list[float]:
        """The time of every row."""
        times: list[float] = self.values.tolist()
        return times


Columns = Mapping[str, Any]
"""Columns of equal length by name: NumPy arrays (of bytes: ASCII text), Repeated or Seconds."""


def values_of(column: Any) -> list[Any]:
    """A column as Python values."""
    if isinstance(column, np.ndarray) and column.dtype.kind == "S":
        column = column.astype(str)
    return list(column.tolist())


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of equal length, as NumPy arrays; `table["score"]` is one of them."""

    columns: dict[str, NDArray[Any]]

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def to_pandas(self) -> Any:
        """The table as a `pandas.DataFrame`."""
        from pandas import DataFrame

        return DataFrame(self.columns)


class TableWriter(Protocol):
    """Takes a table some rows at a time."""

    def write(self, columns: Columns) -> None:
        """Write the rows of some columns, in the order that was announced."""

    def close(self) -> None:
        """Write what is left."""


ROWS_AT_ONCE = 4096  # laid out side by side before they are written: they stay in the processor's cache


def _cells(values: Any) -> NDArray[np.bytes_]:
    """(rows,) the characters of a column; zero bytes stand where a row has none."""
    if isinstance(values, Repeated):
        return _cells(values.distinct[values.places])
    if isinstance(values, Seconds):
        return _side_by_side(characters_of([f"{time:.3f}" for time in values.tolist()]))
    if values.dtype.kind == "S":
        return np.asarray(values)
    if values.dtype.kind == "f":
        return _side_by_side(six_digits(values))
    if values.dtype.kind in "iu":
        return _side_by_side(whole_numbers(values))
    return _side_by_side(characters_of([str(value) for value in values.tolist()]))


def _side_by_side(characters: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """(rows,) from characters (width, rows)."""
    return np.ascontiguousarray(characters.T).view(f"S{len(characters)}").reshape(-1)


def _packed(cells: NDArray[np.bytes_]) -> NDArray[np.bytes_]:
    """The same characters without the zero bytes between them."""
    characters = cells.view(np.uint8).reshape(len(cells), -1)
    there = characters != 0
    lengths = there.sum(axis=1)
    width = max(1, int(lengths.max(initial=0)))
    packed = np.zeros((len(cells), width), dtype=np.uint8)
    packed[np.arange(width) < lengths[:, None]] = characters[there]
    return packed.view(f"S{width}").reshape(-1)


class TsvWriter:
    """Tab-separated values with one header line; numbers with 6 significant digits, nothing for NaN."""

    def __init__(self, stream: TextIO, names: Sequence[str], *, header: bool = True) -> None:
        self._stream = stream
        self._names = tuple(names)
        self._known: dict[str, tuple[NDArray[Any], NDArray[np.bytes_]]] = {}
        if header:
            stream.write("\t".join(self._names) + "\n")

    def write(self, columns: Columns) -> None:
        """Write rows."""
        prepared = [self._prepared(name, columns[name]) for name in self._names]
        for first in range(0, len(columns[self._names[0]]), ROWS_AT_ONCE):
            rows = slice(first, first + ROWS_AT_ONCE)
            self._stream.write(_lines([_cells(column[rows]) for column in prepared]))

    def _prepared(self, name: str, column: Any) -> Any:
        """What is done once: the characters of distinct values, for as long as a column comes with the same ones."""
        if not isinstance(column, Repeated):
            return column
        known = self._known.get(name)
        if known is None or known[0] is not column.distinct:
            if len(column.distinct) > len(column.places) and column.distinct.dtype.kind == "O":
                return column  # names, of which one may be long
            known = self._known[name] = column.distinct, _packed(_cells(column.distinct))
        return Repeated(known[1], column.places)

    def close(self) -> None:
        """Nothing is left."""


def _lines(columns: Sequence[NDArray[np.bytes_]]) -> str:
    """The rows of some columns as text."""
    ends = [ord("\t")] * (len(columns) - 1) + [ord("\n")]
    fields = [field for i, cells in enumerate(columns) for field in ((f"{i}", cells.dtype), (f"{i} end", np.uint8))]
    lines = np.empty(len(columns[0]), dtype=fields)
    for i, (cells, end) in enumerate(zip(columns, ends, strict=True)):
        lines[f"{i}"], lines[f"{i} end"] = cells, end
    return lines.tobytes().translate(None, b"\0").decode()


def _finite(column: Any) -> list[Any]:
    if isinstance(column, Repeated):
        column = np.asarray(column)
    if isinstance(column, np.ndarray) and column.dtype.kind == "f":
        return [value if math.isfinite(value) else None for value in column.tolist()]
    return values_of(column)


class JsonLinesWriter:
    """One JSON object a line; null for NaN and infinity, which JSON lacks."""

    def __init__(self, stream: TextIO, names: Sequence[str]) -> None:
        self._stream = stream
        self._names = tuple(names)

    def write(self, columns: Columns) -> None:
        """Write rows."""
        values = [_finite(columns[name]) for name in self._names]
        for row in zip(*values, strict=True):
            self._stream.write(json.dumps(dict(zip(self._names, row, strict=True)), ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Nothing is left."""


class ParquetWriter:
    """Apache Parquet through pyarrow; `metadata` is kept in the file's schema.

    Raises MissingExtraError without pyarrow.
    """

    def __init__(self, stream: BinaryIO, dtypes: Mapping[str, Any], metadata: Mapping[str, str]) -> None:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError as error:
            raise MissingExtraError("pyarrow", "parquet", "writing Parquet") from error
        self._arrow = pyarrow
        fields = [
            (name, pyarrow.string() if dtype is str else pyarrow.from_numpy_dtype(dtype))
            for name, dtype in dtypes.items()
        ]
        self._schema = pyarrow.schema(fields, metadata=dict(metadata))
        self._writer = pyarrow.parquet.ParquetWriter(stream, self._schema)

    def write(self, columns: Columns) -> None:
        """Write rows."""
        arrays = [
            self._arrow.array(
                values_of(columns[field.name]) if field.type == "string" else np.asarray(columns[field.name])
            )
            for field in self._schema
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """Write the rest and the footer."""
        self._writer.close()


def concatenated(parts: Sequence[Columns], dtypes: Mapping[str, Any]) -> Table:
    """One table from some rows at a time; string columns become arrays of Python strings."""
    columns = {}
    for name, dtype in dtypes.items():
        kept = [
            np.array(values_of(part[name]), dtype=object) if dtype is str else np.asarray(part[name]) for part in parts
        ]
        empty = np.zeros(0, dtype=object if dtype is str else dtype)
        columns[name] = np.concatenate(kept) if kept else empty
    return Table(columns)
