"""All windows of a block that score at or above a threshold, for many motifs and both strands.

The arithmetic lies in the kernels: codes and integer matrices in, positions and integer scores out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import Codes
from seqpool.kernels.scan import ScanTables
from seqpool.motifs.matrix import IntegerMatrix


@dataclass(frozen=True, eq=False)
class Lane:
    """One motif on one strand. motif: its index; strand: +1 or -1; scores: (width, letters) int32 as read along the
    given strand; threshold: the lowest integer score of a hit."""

    motif: int
    strand: int
    scores: IntegerMatrix
    threshold: int


@dataclass(frozen=True, eq=False)
class Windows:
    """position: (windows,) int64 in the block's codes; lane: (windows,) int64; score: (windows,) int64; sorted by
    position, then lane."""

    position: NDArray[np.int64]
    lane: NDArray[np.int64]
    score: NDArray[np.int64]


class WindowMask:
    """Which windows hold plain letters only, and at least one that was not seen before, for any width.

    stop: windows begin below it. seen: pairs (position, letters): the windows within so many letters from there on
    were counted before. expected: (256,) the codes that may stand beside at least one plain letter, or None for none.
    """

    def __init__(
        self,
        codes: Codes,
        letters: int,
        stop: int,
        seen: Sequence[tuple[int, int]] = (),
        expected: NDArray[np.bool_] | None = None,
    ) -> None:
        self.stop = stop
        self.length = len(codes)
        unscored = codes >= letters
        self._codes_before: NDArray[np.int32] | None = None
        if expected is not None and unscored.any():
            self._codes_before = np.concatenate([[0], np.cumsum(unscored, dtype=np.int32)])
            unscored &= ~expected[codes]
        self._before = np.concatenate([[0], np.cumsum(unscored, dtype=np.int32)]) if unscored.any() else None
        self._seen = tuple(seen)
        self._masks: dict[int, NDArray[np.bool_]] = {}

    def starts(self, width: int) -> int:
        """Windows of a width start below this position."""
        return max(0, min(self.stop, self.length - width + 1))

    def scored(self, width: int) -> NDArray[np.bool_] | None:
        """(starts,) whether each window is scored; None when all are."""
        if self._before is None and self._codes_before is None and not self._seen:
            return None
        if width not in self._masks:
            starts = self.starts(width)
            mask = np.ones(starts, dtype=np.bool_)
            if self._before is not None:
                mask = self._before[width : width + starts] == self._before[:starts]
            if self._codes_before is not None:
                mask &= self._codes_before[width : width + starts] - self._codes_before[:starts] < width
            for position, letters in self._seen:
                mask[position : position + max(0, letters - width + 1)] = False
            self._masks[width] = mask
        return self._masks[width]

    def with_codes(self, width: int) -> NDArray[np.int64]:
        """Positions of the scored windows that hold a code beside plain letters."""
        mask = self.scored(width)
        if self._codes_before is None or mask is None:
            return np.zeros(0, dtype=np.int64)
        starts = self.starts(width)
        return np.flatnonzero(mask & (self._codes_before[width : width + starts] > self._codes_before[:starts]))

    def tested(self, width: int) -> int:
        """How many windows of a width are scored."""
        mask = self.scored(width)
        return self.starts(width) if mask is None else int(mask.sum())

    def tested_between(self, width: int, first: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many windows of a width that begin in each range of positions are scored."""
        starts = self.starts(width)
        first, end = np.minimum(first, starts), np.minimum(end, starts)
        mask = self.scored(width)
        if mask is None:
            return end - first
        before = np.concatenate([[0], np.cumsum(mask, dtype=np.int64)])
        return np.asarray(before[end] - before[first])


class Scanner:
    """Lanes laid out for the kernels; made once, and used from any number of threads."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._tables = ScanTables([lane.scores for lane in lanes], [lane.threshold for lane in lanes])

    def windows_over(self, codes: Codes, stop: int) -> Windows:
        """All windows that begin below `stop`, hold plain letters only and score at least their lane's threshold."""
        return Windows(*self._tables.windows_over(codes, stop))
