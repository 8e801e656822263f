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
    """Which windows of a block hold plain letters only, for any width."""

    def __init__(self, codes: Codes, letters: int, stop: int) -> None:
        self.stop = stop
        self.length = len(codes)
        unscored = codes >= letters
        self._before = np.concatenate([[0], np.cumsum(unscored, dtype=np.int32)]) if unscored.any() else None
        self._masks: dict[int, NDArray[np.bool_]] = {}

    def starts(self, width: int) -> int:
        """Windows of a width start below this position."""
        return max(0, min(self.stop, self.length - width + 1))

    def scored(self, width: int) -> NDArray[np.bool_] | None:
        """(starts,) whether each window can be scored; None when all can."""
        if self._before is None:
            return None
        if width not in self._masks:
            starts = self.starts(width)
            self._masks[width] = self._before[width : width + starts] == self._before[:starts]
        return self._masks[width]

    def tested(self, width: int) -> int:
        """How many windows of a width can be scored."""
        mask = self.scored(width)
        return self.starts(width) if mask is None else int(mask.sum())


class Scanner:
    """Lanes laid out for the kernels; made once, and used from any number of threads."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._tables = ScanTables([lane.scores for lane in lanes], [lane.threshold for lane in lanes])

    def windows_over(self, codes: Codes, stop: int) -> Windows:
        """All windows that begin below `stop`, hold plain letters only and score at least their lane's threshold."""
        return Windows(*self._tables.windows_over(codes, stop))
