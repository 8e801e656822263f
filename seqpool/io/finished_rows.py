"""Rows of the inputs that are done, kept beside a table while it is made, so that a command that was killed goes on.

A table appears only when it is whole. Until then the rows of each finished input are a line of JSON in the file
`TABLE.unfinished`, written as they come; it disappears with the last row. A line that a kill cut short is dropped.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError, UsageError
from seqpool.io.tables import Columns, values_of

ENDING = ".unfinished"


class FinishedRows:
    """Rows by input, in the order in which they were finished. Use as a context manager.

    output: the table's file; None (stdout) or a device keeps nothing. columns: name to dtype, as for the writers of
    `seqpool.io.tables`. run: what makes the rows what they are (model, options); a file of another run is refused.
    resume: go on from what the last run left, else start anew. Memory: a place in the file for each input.
    Raises UsageError where there is nothing to keep rows beside, or they are of another run; DataError where the file
    cannot be read or written.
    """

    def __init__(
        self,
        output: str | os.PathLike[str] | None,
        columns: Mapping[str, Any],
        run: Mapping[str, Any],
        *,
        resume: bool,
    ) -> None:
        self._columns = columns
        self._places: dict[str, int] = {}
        self._file: IO[bytes] | None = None
        self._path: Path | None = None
        header = {"columns": list(columns), **run}
        if output is None or not _is_plain(Path(output)):
            if resume:
                raise UsageError("--resume goes on with a file: name it with --output.")
            return
        final = Path(os.path.realpath(output))
        self._path = final.with_name(final.name + ENDING)
        try:
            self._open(header, resume and self._path.exists())
        except OSError as error:
            raise DataError(f"{self._path} cannot be written: {error.strerror or error}.") from error
        except UsageError:
            self._close()
            raise

    def __enter__(self) -> FinishedRows:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The file goes with the last row; after a failure it stays, unless it holds nothing."""
        if self._file is None or self._path is None:
            return
        self._close()
        if kind is None or not self._places:
            self._path.unlink(missing_ok=True)

    def __len__(self) -> int:
        return len(self._places)

    def get(self, name: str) -> dict[str, NDArray[Any]] | None:
        """The rows of an input; None where it is not done."""
        if name not in self._places:
            return None
        assert self._file is not None
        self._file.seek(self._places[name])
        values = json.loads(self._file.readline())["rows"]
        return {
            column: np.array(values[column], dtype=object if dtype is str else dtype)
            for column, dtype in self._columns.items()
        }

    def add(self, name: str, rows: Columns) -> None:
        """An input is done. Once this returns, its rows outlive the process."""
        if self._file is None:
            return
        values = {column: values_of(rows[column]) for column in self._columns}
        try:
            place = self._file.seek(0, os.SEEK_END)
            self._file.write(json.dumps({"input": name, "rows": values}, ensure_ascii=False).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise DataError(f"{self._path} cannot be written: {error.strerror or error}.") from error
        self._places[name] = place

    def _close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # every row was flushed as it came
                self._file.close()

    def _open(self, header: dict[str, Any], resume: bool) -> None:
        assert self._path is not None
        if not resume:
            self._file = open(self._path, "w+b")  # noqa: SIM115
            self._file.write(json.dumps(header, ensure_ascii=False).encode() + b"\n")
            self._file.flush()
            return
        self._file = open(self._path, "r+b")  # noqa: SIM115
        self._check(self._file.readline(), header)
        end = self._file.tell()
        while (line := self._file.readline()).endswith(b"\n"):
            self._places[json.loads(line)["input"]] = end
            end = self._file.tell()
        self._file.truncate(end)

    def _check(self, line: bytes, header: dict[str, Any]) -> None:
        """Raises UsageError where the file is of another run."""
        try:
            found = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise UsageError(f"{self._path} was not left by an unfinished run: remove it, or leave --resume out.")
        for name in [*header, *found]:
            if header.get(name) != found.get(name):
                raise UsageError(
                    f"{self._path} was left by a run with another {name} ({found.get(name)}, now {header.get(name)}): "
                    "repeat that command, or leave --resume out to start anew."
                )


def _is_plain(path: Path) -> bool:
    """Whether a path is, or would become, a regular file."""
    return not path.exists() or stat.S_ISREG(path.stat().st_mode)
