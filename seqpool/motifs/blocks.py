"""Records of any length as blocks of codes for the scanner: long ones are cut, short ones lie end to end.

Between two records lies one code that no window may hold, so no window spans two records. A record that is cut keeps
its last `overlap` letters for the next block; `stop` says where windows of this block may no longer start, so that
every window belongs to exactly one block and results do not depend on how a record was cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import INVALID, Codes

BLOCK_LETTERS = 1 << 19


@dataclass(frozen=True)
class Run:
    """Consecutive letters of one record. sequence: the record's index; start: 0-based position of `codes` in it."""

    sequence: int
    start: int
    codes: Codes
    last: bool


@dataclass(frozen=True, eq=False)
class Block:
    """Codes of one or more records, with INVALID between them.

    codes: (length,) uint8; stop: windows start below it; offsets: (runs,) where each run begins in `codes`;
    sequences, starts: (runs,) the record of each run and the run's position in it; lengths: (runs,) letters.
    ends: (runs,) whether the record ends with the run.
    """

    codes: Codes
    stop: int
    offsets: NDArray[np.int64]
    sequences: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    ends: NDArray[np.bool_]

    def locate(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(sequence, 0-based position in it) of positions in `codes`."""
        run = np.searchsorted(self.offsets, positions, side="right") - 1
        return self.sequences[run], positions - self.offsets[run] + self.starts[run]

    def windows(self, width: int) -> int:
        """How many windows of a width start in this block, whatever letters they hold."""
        inside = np.where(self.ends, self.lengths - width + 1, self.stop - self.offsets)
        return int(np.maximum(inside, 0).sum())


def _block(runs: list[Run], overlap: int) -> Block:
    gap = np.array([INVALID], dtype=np.uint8)
    parts = [part for run in runs for part in (run.codes, gap)][:-1]
    lengths = np.array([len(run.codes) for run in runs], dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths + 1)[:-1]])
    codes = np.concatenate(parts)
    stop = len(codes) if runs[-1].last else int(offsets[-1] + max(0, lengths[-1] - overlap))
    return Block(
        codes,
        stop,
        offsets,
        np.array([run.sequence for run in runs], dtype=np.int64),
        np.array([run.start for run in runs], dtype=np.int64),
        lengths,
        np.array([run.last for run in runs]),
    )


def blocks(runs: Iterable[Run], overlap: int, letters: int = BLOCK_LETTERS) -> Iterator[Block]:
    """Lay runs (of one record in order, records one after the other) out as blocks of at least `letters` letters.

    overlap: letters of a cut record that the next block sees again: the widest window less one.
    """
    waiting: list[Run] = []
    size = 0
    for run in runs:
        if waiting and not waiting[-1].last:  # the same record goes on
            previous = waiting.pop()
            size -= len(previous.codes)
            run = Run(run.sequence, previous.start, np.concatenate([previous.codes, run.codes]), run.last)
        waiting.append(run)
        size += len(run.codes)
        if size >= letters + overlap:
            yield _block(waiting, overlap)
            done = max(0, len(run.codes) - overlap)
            waiting = [] if run.last else [Run(run.sequence, run.start + done, run.codes[done:], False)]
            size = sum(len(part.codes) for part in waiting)
    if waiting:
        yield _block(waiting, overlap)
