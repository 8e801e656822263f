"""The referee of the best windows: the same answer over the same integers by NumPy table look-ups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from seqpool.motifs.blocks import Block
from seqpool.motifs.scanner import Lane, WindowMask
from tests.motifs.numpy_scanner import word_index, word_length, word_tables

NO_WINDOW = np.iinfo(np.int32).min


def best_windows(
    block: Block, mask: WindowMask, lanes: Sequence[Lane]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Per lane, (runs,) the position in the block of each run's best window, the first of equals, and its score.

    NO_WINDOW is the score of a run in which no window is scored.
    """
    letters = lanes[0].scores.shape[1]
    word = word_length(lanes[0])
    index = word_index(block.codes, letters, word, len(block.codes) + max(len(lane.scores) for lane in lanes))
    for lane in lanes:
        starts = mask.starts(len(lane.scores))
        best = np.full(len(block.offsets), NO_WINDOW, dtype=np.int64)
        position = np.zeros(len(block.offsets), dtype=np.int64)
        if starts:
            tables = word_tables(lane)
            scores = tables[0][index[:starts]]
            for i, table in enumerate(tables[1:], start=1):
                scores += table[index[i * word : i * word + starts]]
            scored = mask.scored(len(lane.scores))
            if scored is not None:
                scores[~scored] = NO_WINDOW
            inside = np.flatnonzero(block.offsets < starts)
            first = block.offsets[inside]
            best[inside] = np.maximum.reduceat(scores, first)
            at_best = np.flatnonzero(scores == np.repeat(best[inside], np.diff(np.append(first, starts))))
            position[inside] = at_best[np.searchsorted(at_best, first)]
        yield position, best
