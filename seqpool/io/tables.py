"""Tables as columns: TSV with one header line, JSON lines and Parquet hold the same columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol, TextIO

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import MissingExtraError

Columns = Mapping[str, NDArray[Any]]


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


def _cells(values: NDArray[Any]) -> list[str]:
    if values.dtype.kind == "f":
        return ["" if value != value else f"{value:.6g}" for value in values.tolist()]
    return [str(value) for value in values.tolist()]


class TsvWriter:
    """Tab-separated values with one header line; numbers with 6 significant digits, nothing for NaN."""

    def __init__(self, stream: TextIO, names: Sequence[str], *, header: bool = True) -> None:
        self._stream = stream
        self._names = tuple(names)
        if header:
            stream.write("\t".join(self._names) + "\n")

    def write(self, columns: Columns) -> None:
        """Write rows."""
        rows = zip(*[_cells(columns[name]) for name in self._names], strict=True)
        self._stream.write("".join(["\t".join(row) + "\n" for row in rows]))

    def close(self) -> None:
        """Nothing is left."""


class JsonLinesWriter:
    """One JSON object a line; null for NaN."""

    def __init__(self, stream: TextIO, names: Sequence[str]) -> None:
        self._stream = stream
        self._names = tuple(names)

    def write(self, columns: Columns) -> None:
        """Write rows."""
        values = [[None if v != v else v for v in columns[name].tolist()] for name in self._names]
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
            self._arrow.array(columns[field.name].tolist() if field.type == "string" else columns[field.name])
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
        kept = [part[name] for part in parts]
        empty = np.zeros(0, dtype=object if dtype is str else dtype)
        columns[name] = np.concatenate(kept) if kept else empty
    return Table(columns)
