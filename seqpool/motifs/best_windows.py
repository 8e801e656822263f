"""The best window of every record of a block, on the integer grid.

The score of a window is the sum of two or three table look-ups, one per word of letters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import Codes
from seqpool.motifs.blocks import Block
from seqpool.motifs.matrix import FORBIDDEN, IntegerMatrix
from seqpool.motifs.scanner import Lane, WindowMask

_LARGEST_TABLE = 1 << 16

NO_WINDOW = np.iinfo(np.int32).min
"""Best score where no window is scored."""


def _word_length(letters: int) -> int:
    return int(np.floor(np.log(_LARGEST_TABLE) / np.log(letters) + 1e-9))


def _word_tables(scores: IntegerMatrix, word: int) -> list[NDArray[np.int32]]:
    """One table per word of letters: the summed scores of every word, floored at FORBIDDEN."""
    width, letters = scores.shape
    tables = []
    for first in range(0, width, word):
        table = np.zeros(1, dtype=np.int64)
        for column in range(first, first + word):
            cells = scores[column].astype(np.int64) if column < width else np.zeros(letters, dtype=np.int64)
            table = (table[:, None] + cells).ravel()
        tables.append(np.maximum(table, FORBIDDEN).astype(np.int32))
    return tables


def _word_index(codes: Codes, letters: int, word: int, length: int) -> NDArray[np.intp]:
    """(length,) the number of the word at each position; past the end, and for codes that are no plain letter, the
    first letter stands in (the mask leaves those windows out)."""
    plain = np.zeros(length + word, dtype=np.intp)
    plain[: len(codes)] = np.where(codes < letters, codes, 0)
    index = np.zeros(length, dtype=np.intp)
    for i in range(word):
        index *= letters
        index += plain[i : i + length]
    return index


def best_windows(
    block: Block, mask: WindowMask, lanes: Sequence[Lane]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Per lane, (runs,) the position in the block of each run's best window, the first of equals, and its score.

    NO_WINDOW is the score of a run in which no window is scored.
    """
    letters = lanes[0].scores.shape[1]
    word = _word_length(letters)
    index = _word_index(block.codes, letters, word, len(block.codes) + max(len(lane.scores) for lane in lanes))
    for lane in lanes:
        starts = mask.starts(len(lane.scores))
        best = np.full(len(block.offsets), NO_WINDOW, dtype=np.int64)
        position = np.zeros(len(block.offsets), dtype=np.int64)
        if starts:
            tables = _word_tables(lane.scores, word)
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
