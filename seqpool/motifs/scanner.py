"""All windows of a block that score at or above a threshold, for many motifs and both strands.

`windows_over` is the seam behind which the arithmetic lies: codes and integer matrices in, positions and integer
scores out. Here it is NumPy: the score of a window is the sum of two or three table look-ups, one per word of letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import Codes
from seqpool.motifs.matrix import FORBIDDEN, IntegerMatrix

_CHUNK = 1 << 17
_LARGEST_TABLE = 1 << 16


@dataclass(frozen=True, eq=False)
class Lane:
    """One motif on one strand. motif: its index; strand: +1 or -1; scores: (width, letters) int32 as read along the
    given strand; threshold: the lowest integer score of a hit."""

    motif: int
    strand: int
    scores: IntegerMatrix
    threshold: int

    @cached_property
    def word(self) -> int:
        """Letters per table look-up."""
        letters = self.scores.shape[1]
        return int(np.floor(np.log(_LARGEST_TABLE) / np.log(letters) + 1e-9))

    @cached_property
    def tables(self) -> list[NDArray[np.int32]]:
        """One table per word of letters: the summed scores of every word, floored at FORBIDDEN."""
        width, letters = self.scores.shape
        tables = []
        for first in range(0, width, self.word):
            table = np.zeros(1, dtype=np.int64)
            for column in range(first, first + self.word):
                scores = self.scores[column].astype(np.int64) if column < width else np.zeros(letters, dtype=np.int64)
                table = (table[:, None] + scores).ravel()
            tables.append(np.maximum(table, FORBIDDEN).astype(np.int32))
        return tables


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


def word_index(codes: Codes, letters: int, word: int, length: int) -> NDArray[np.intp]:
    """(length,) the number of the word that starts at each position; past the end, and for codes that are no plain
    letter, the first letter stands in (the mask leaves those windows out)."""
    plain = np.zeros(length + word, dtype=np.intp)
    plain[: len(codes)] = np.where(codes < letters, codes, 0)
    index = np.zeros(length, dtype=np.intp)
    for i in range(word):
        index *= letters
        index += plain[i : i + length]
    return index


def windows_over(codes: Codes, mask: WindowMask, lanes: Sequence[Lane]) -> Windows:
    """All windows whose integer score is at least their lane's threshold."""
    widest = max(lane.scores.shape[0] for lane in lanes)
    letters, word = lanes[0].scores.shape[1], lanes[0].word
    index = word_index(codes, letters, word, len(codes) + widest)
    found: list[tuple[NDArray[np.int64], int, NDArray[np.int64]]] = []
    for number, lane in enumerate(lanes):
        starts = mask.starts(len(lane.scores))
        scored = mask.scored(len(lane.scores))
        for first in range(0, starts, _CHUNK):
            end = min(first + _CHUNK, starts)
            scores = lane.tables[0][index[first:end]]
            for i, table in enumerate(lane.tables[1:], start=1):
                scores += table[index[first + i * word : end + i * word]]
            over = scores >= lane.threshold
            if scored is not None:
                over &= scored[first:end]
            position = np.flatnonzero(over)
            if len(position):
                found.append((position + first, number, scores[position].astype(np.int64)))
    if not found:
        nothing = np.zeros(0, dtype=np.int64)
        return Windows(nothing, nothing, nothing)
    position = np.concatenate([part[0] for part in found])
    lane_number = np.concatenate([np.full(len(part[0]), part[1], dtype=np.int64) for part in found])
    score = np.concatenate([part[2] for part in found])
    order = np.lexsort((lane_number, position))
    return Windows(position[order], lane_number[order], score[order])
