"""Rows that cannot be written yet: in memory while they are few, in an unnamed temporary file beyond that."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.void]

ROWS_IN_MEMORY = 1 << 16


class Spool:
    """A first-in first-out store of structured arrays, in constant memory. Use as a context manager."""

    def __init__(self, rows_in_memory: int = ROWS_IN_MEMORY) -> None:
        self._rows_in_memory = rows_in_memory
        self._memory: list[Rows] = []
        self._in_memory = 0
        self._file: IO[Any] | None = None
        self._in_file: list[tuple[int, np.dtype[Any]]] = []
        self.rows = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def append(self, rows: Rows) -> None:
        """Keep rows, all of one dtype."""
        if not len(rows):
            return
        self.rows += len(rows)
        self._memory.append(rows)
        self._in_memory += len(rows)
        if self._in_memory > self._rows_in_memory:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="seqpool-")  # noqa: SIM115
            for part in self._memory:
                part.tofile(self._file)
                self._in_file.append((len(part), part.dtype))
            self._memory, self._in_memory = [], 0

    def __iter__(self) -> Iterator[Rows]:
        """All rows in the order of their coming, some at a time."""
        if self._file is not None:
            self._file.seek(0)
            for count, dtype in self._in_file:
                yield np.fromfile(self._file, dtype=dtype, count=count)
            self._file.seek(0, 2)
        yield from self._memory
