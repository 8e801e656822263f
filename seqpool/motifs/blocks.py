"""Records of any length as blocks of codes for the scanner: long ones are cut, short ones lie end to end.

Between two runs of letters lies one code that no window may hold, so no window spans two of them. A record that is cut
shows its last `overlap` letters again at the beginning of the next block, as letters already seen. A window counts
where its last letter is new: every window counts once, however a record was cut and regions overlap.
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
    """Consecutive letters of one record.

    sequence: the record's index; start: 0-based position of `codes` in it; last: nothing follows that belongs to it;
    seen: that many of the first letters were in an earlier run, and windows of such letters only have been counted.
    """

    sequence: int
    start: int
    codes: Codes
    last: bool
    seen: int = 0


@dataclass(frozen=True, eq=False)
class Block:
    """Codes of one or more runs, with INVALID between them.

    codes: (length,) uint8; offsets: (runs,) where each run begins in `codes`; sequences, starts: (runs,) its record
    and its position there; lengths, seen: (runs,) its letters and how many of them were seen before; last: (runs,)
    whether its record ends with it.
    """

    codes: Codes
    offsets: NDArray[np.int64]
    sequences: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    seen: NDArray[np.int64]
    last: NDArray[np.bool_]

    def run_of(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """The run in which each position of `codes` lies."""
        return np.searchsorted(self.offsets, positions, side="right") - 1

    def locate(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(sequence, 0-based position in it) of positions in `codes`."""
        run = self.run_of(positions)
        return self.sequences[run], positions - self.offsets[run] + self.starts[run]

    def windows(self, width: int) -> int:
        """How many windows of a width count in this block, whatever letters they hold."""
        every = np.maximum(self.lengths - width + 1, 0)
        return int((every - np.maximum(self.seen - width + 1, 0)).sum())

    @property
    def seen_before(self) -> list[tuple[int, int]]:
        """(position in `codes`, letters) of the letters that earlier runs held."""
        some = np.flatnonzero(self.seen)
        return list(zip(self.offsets[some].tolist(), self.seen[some].tolist(), strict=True))

    @property
    def new_letters(self) -> int:
        """Letters that no earlier block held."""
        return int((self.lengths - self.seen).sum())


def _block(runs: list[Run]) -> Block:
    gap = np.array([INVALID], dtype=np.uint8)
    parts = [part for run in runs for part in (run.codes, gap)][:-1]
    lengths = np.array([len(run.codes) for run in runs], dtype=np.int64)
    return Block(
        np.concatenate(parts),
        np.concatenate([[0], np.cumsum(lengths + 1)[:-1]]),
        np.array([run.sequence for run in runs], dtype=np.int64),
        np.array([run.start for run in runs], dtype=np.int64),
        lengths,
        np.array([run.seen for run in runs], dtype=np.int64),
        np.array([run.last for run in runs]),
    )


def cut_runs(runs: Iterable[Run], letters: int) -> Iterator[Run]:
    """Runs of at most so many letters; letters seen before are fewer than that and lie in the first."""
    for run in runs:
        for first in range(0, max(1, len(run.codes)), letters):
            codes = run.codes[first : first + letters]
            last = run.last and first + letters >= len(run.codes)
            yield Run(run.sequence, run.start + first, codes, last, run.seen if first == 0 else 0)


def blocks(runs: Iterable[Run], overlap: int, letters: int = BLOCK_LETTERS) -> Iterator[Block]:
    """Lay runs (the parts of a record in order, records one after the other) out as blocks of some `letters` letters.

    overlap: letters of a cut record that the next block sees again: the widest window less one.
    """
    waiting: list[Run] = []
    size = 0
    for run in runs:
        if waiting and not waiting[-1].last:  # the same record goes on
            before = waiting.pop()
            size -= len(before.codes)
            run = Run(run.sequence, before.start, np.concatenate([before.codes, run.codes]), run.last, before.seen)
        waiting.append(run)
        size += len(run.codes)
        if size >= letters:
            yield _block(waiting)
            kept = min(overlap, len(run.codes))
            waiting = []
            if not run.last:
                start = len(run.codes) - kept
                waiting = [Run(run.sequence, run.start + start, run.codes[start:], False, kept)]
            size = sum(len(part.codes) for part in waiting)
    if waiting:
        yield _block(waiting)
