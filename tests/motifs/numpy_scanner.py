"""The scanner's referee: the same windows over the same integers by NumPy table look-ups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import Codes
from seqpool.motifs.matrix import FORBIDDEN
from seqpool.motifs.scanner import Lane, WindowMask, Windows

CHUNK = 1 << 17
LARGEST_TABLE = 1 << 16


def word_length(lane: Lane) -> int:
    """Letters per table look-up."""
    return int(np.floor(np.log(LARGEST_TABLE) / np.log(lane.scores.shape[1]) + 1e-9))


def word_tables(lane: Lane) -> list[NDArray[np.int32]]:
    """One table per word of letters: the summed scores of every word, floored at FORBIDDEN."""
    width, letters = lane.scores.shape
    word = word_length(lane)
    tables = []
    for first in range(0, width, word):
        table = np.zeros(1, dtype=np.int64)
        for column in range(first, first + word):
            scores = lane.scores[column].astype(np.int64) if column < width else np.zeros(letters, dtype=np.int64)
            table = (table[:, None] + scores).ravel()
        tables.append(np.maximum(table, FORBIDDEN).astype(np.int32))
    return tables


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
    letters, word = lanes[0].scores.shape[1], word_length(lanes[0])
    index = word_index(codes, letters, word, len(codes) + widest)
    found: list[tuple[NDArray[np.int64], int, NDArray[np.int64]]] = []
    for number, lane in enumerate(lanes):
        starts, tables = mask.starts(len(lane.scores)), word_tables(lane)
        scored = mask.scored(len(lane.scores))
        for first in range(0, starts, CHUNK):
            end = min(first + CHUNK, starts)
            scores = tables[0][index[first:end]]
            for i, table in enumerate(tables[1:], start=1):
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
