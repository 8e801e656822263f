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
class RepeatedTexts:
    """A column of text in which few texts stand many times.

    distinct: (texts,) Python strings; places: (rows,) which of them stands in each row.
    """

    distinct: NDArray[np.object_]
    places: NDArray[np.integer]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, rows: slice) -> RepeatedTexts:
        return RepeatedTexts(self.distinct, self.places[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.distinct[self.places], dtype=dtype)

    def tolist(self) -> list[str]:
        """The text of every row."""
        texts: list[str] = self.distinct[self.places].tolist()
        return texts


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
"""Columns of equal length by name: NumPy arrays (of bytes: ASCII text), RepeatedTexts or Seconds."""


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


@dataclass(frozen=True, eq=False)
class _RepeatedCharacters:
    """RepeatedTexts with its distinct texts as characters (width, texts)."""

    distinct: NDArray[np.uint8]
    places: NDArray[np.integer]

    def __getitem__(self, rows: slice) -> _RepeatedCharacters:
        return _RepeatedCharacters(self.distinct, self.places[rows])


def _prepared(column: Any) -> Any:
    """What is done once for all rows of a column."""
    if isinstance(column, RepeatedTexts) and len(column.distinct) <= len(column.places):
        return _RepeatedCharacters(characters_of(column.distinct.tolist()), column.places)
    return column


def _characters(values: Any) -> NDArray[np.uint8]:
    """(width, rows) the characters of a column, zero bytes where there is none."""
    if isinstance(values, _RepeatedCharacters):
        return values.distinct[:, values.places]
    if isinstance(values, RepeatedTexts):
        return characters_of(values.tolist())
    if isinstance(values, Seconds):
        return characters_of([f"{time:.3f}" for time in values.tolist()])
    if values.dtype.kind == "f":
        return six_digits(values)
    if values.dtype.kind in "iu":
        return whole_numbers(values)
    if values.dtype.kind == "S":
        rows: NDArray[np.uint8] = values.view(np.uint8)
        return rows.reshape(len(values), values.dtype.itemsize).T
    return characters_of([str(value) for value in values.tolist()])


class TsvWriter:
    """Tab-separated values with one header line; numbers with 6 significant digits, nothing for NaN."""

    def __init__(self, stream: TextIO, names: Sequence[str], *, header: bool = True) -> None:
        self._stream = stream
        self._names = tuple(names)
        if header:
            stream.write("\t".join(self._names) + "\n")

    def write(self, columns: Columns) -> None:
        """Write rows."""
        prepared = [_prepared(columns[name]) for name in self._names]
        for first in range(0, len(columns[self._names[0]]), ROWS_AT_ONCE):
            rows = slice(first, first + ROWS_AT_ONCE)
            self._stream.write(self._lines([_characters(column[rows]) for column in prepared]))

    def _lines(self, cells: Sequence[NDArray[np.uint8]]) -> str:
        widths = [len(characters) + 1 for characters in cells]
        lines = np.empty((cells[0].shape[1], sum(widths)), dtype=np.uint8)
        place = 0
        for characters, width in zip(cells, widths, strict=True):
            lines[:, place : place + width - 1] = characters.T
            place += width
            lines[:, place - 1] = ord("\t")
        lines[:, -1] = ord("\n")
        return lines.tobytes().translate(None, b"\0").decode()

    def close(self) -> None:
        """Nothing is left."""


def _finite(column: Any) -> list[Any]:
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
        kept = [np.array(values_of(part[name]), dtype=object) if dtype is str else part[name] for part in parts]
        empty = np.zeros(0, dtype=object if dtype is str else dtype)
        columns[name] = np.concatenate(kept) if kept else empty
    return Table(columns)
