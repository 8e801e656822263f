"""The best window of every record of a block, on the integer grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels import best_score
from seqpool.motifs.blocks import Block
from seqpool.motifs.matrix import FORBIDDEN
from seqpool.motifs.scanner import Lane

NO_WINDOW = np.iinfo(np.int32).min
"""Best score where no window is scored."""


class BestWindows:
    """Lanes laid out for the kernels; made once, and used from any number of threads."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._tables = best_score.BestTables([lane.scores for lane in lanes])

    def of_runs(self, block: Block) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Per lane, (runs,) the position in the block of each run's best window, the first of equals, and its score.

        Windows of letters that earlier runs held are left out. NO_WINDOW is the score of a run in which no window is
        scored; a window with a letter that cannot stand scores FORBIDDEN.
        """
        scores, starts = self._tables.best_windows(block.codes, block.offsets, block.lengths, block.seen)
        for score, start in zip(scores.T, starts.T, strict=True):
            there = start != best_score.NO_WINDOW
            position = np.where(there, block.offsets + start, 0)
            yield position, np.where(there, np.maximum(score, FORBIDDEN), NO_WINDOW)
