"""A first look through FASTA inputs: which records are good, what letters they hold, how much there is to do.

A record counts only when all of its letters are right, which is known at its end; and p- and q-values want the
background and the number of windows before the first row. So every input is read once before it is worked on, and
standard input is kept in a temporary file for that.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import Alphabet
from seqpool.errors import DataError
from seqpool.io.fasta import Piece, empty_file_warning, empty_record_warning, read_fasta_pieces
from seqpool.motifs.blocks import Run


@dataclass
class _File:
    path: str
    name: str
    bad_records: set[int] = field(default_factory=set)
    records: int = 0


class FastaInputs:
    """FASTA files that were looked through once. Use as a context manager: it owns the copy of standard input.

    names, lengths: of every record in the order of the inputs, bad ones included; good: indices of the others; bad: the
    DataError of each bad file and record; letter_counts: (letters,) of the good records; total: their sum.
    """

    def __init__(
        self, inputs: Sequence[str], alphabet: Alphabet, *, soft_mask: str, warn: Callable[[str], None]
    ) -> None:
        self._alphabet = alphabet
        self._soft_mask = soft_mask
        self._folder = tempfile.TemporaryDirectory(prefix="seqpool-") if "-" in inputs else None
        self.names: list[str] = []
        self.lengths: list[int] = []
        self.good: list[int] = []
        self.bad: list[DataError] = []
        self.letter_counts: NDArray[np.int64] = np.zeros(len(alphabet.letters), dtype=np.int64)
        self.total = 0
        self._files: list[_File] = []
        try:
            for path in inputs:
                self._look_through(_File(self._kept(path), "standard input" if path == "-" else path), warn)
        except BaseException:
            self._clean()
            raise

    def _kept(self, path: str) -> str:
        if path != "-" or self._folder is None:
            return path
        kept = Path(self._folder.name) / "standard_input"
        if not kept.exists():
            with kept.open("wb") as stream:
                shutil.copyfileobj(sys.stdin.buffer, stream)
        return str(kept)

    def _clean(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> FastaInputs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clean()

    def _pieces(self, file: _File) -> Iterator[Piece]:
        return read_fasta_pieces(file.path, self._alphabet, soft_mask=self._soft_mask, name=file.name)

    def _look_through(self, file: _File, warn: Callable[[str], None]) -> None:
        counts = np.zeros(256, dtype=np.int64)
        names: list[str] = []
        lengths: list[int] = []
        errors: list[DataError] = []
        of_record = np.zeros(256, dtype=np.int64)
        try:
            for piece in self._pieces(file):
                if not piece.last:
                    of_record += np.bincount(piece.codes, minlength=256)
                    continue
                names.append(piece.name)
                lengths.append(piece.start + len(piece.codes))
                if piece.error is not None:
                    file.bad_records.add(piece.record)
                    errors.append(piece.error)
                else:
                    counts += of_record
                    if not of_record.any():
                        warn(empty_record_warning(file.name, piece.name))
                of_record[:] = 0
        except DataError as error:
            self.bad.append(error)
            return
        if not names:
            warn(empty_file_warning(file.name))
        file.records = len(names)
        self._files.append(file)
        self.good += [len(self.names) + i for i in range(len(names)) if i not in file.bad_records]
        self.names += names
        self.lengths += lengths
        self.bad += errors
        self.total += int(counts.sum())
        self.letter_counts += counts[: len(self.letter_counts)]

    def runs(self) -> Iterator[Run]:
        """All good records, piece by piece, in the order of the inputs; `Run.sequence` is an index into `names`."""
        first = 0
        for file in self._files:
            for piece in self._pieces(file):
                if piece.record not in file.bad_records:
                    yield Run(first + piece.record, piece.start, piece.codes, piece.last)
            first += file.records
