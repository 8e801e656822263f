"""What is done with windows once they are found: put in order, counted by score, read as letters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels.compiled import compiled

Places = NDArray[np.int64]


@compiled
def _in_order(
    found: Places, lanes: int, stop: int, shift: int, by_lane: Places, position: Places, lane: Places, score: Places
) -> None:
    # a stable sort by lane, one by 2**shift neighbouring positions, and what is left to do within these
    count = found.shape[0]
    first = np.zeros(lanes + 1, dtype=np.int64)
    for i in range(count):
        first[found[i, 1] + 1] += 1
    for i in range(lanes):
        first[i + 1] += first[i]
    for i in range(count):
        number = found[i, 1]
        by_lane[first[number]] = i
        first[number] += 1
    buckets = np.zeros((stop >> shift) + 2, dtype=np.int64)
    for i in range(count):
        buckets[(found[i, 0] >> shift) + 1] += 1
    for i in range(buckets.shape[0] - 1):
        buckets[i + 1] += buckets[i]
    for i in range(count):
        row = by_lane[i]
        bucket = found[row, 0] >> shift
        place = buckets[bucket]
        buckets[bucket] += 1
        position[place], lane[place], score[place] = found[row, 0], found[row, 1], found[row, 2]
    for i in range(1, count):
        place = i
        here, number, value = position[i], lane[i], score[i]
        while place > 0 and position[place - 1] > here:
            position[place], lane[place], score[place] = position[place - 1], lane[place - 1], score[place - 1]
            place -= 1
        position[place], lane[place], score[place] = here, number, value


def in_order(found: Places, lanes: int, stop: int) -> tuple[Places, Places, Places]:
    """(windows, 3) position, lane and score of windows, sorted by position and lane, as three arrays.

    lanes, stop: numbers of lanes and positions. Of one lane, windows come by position already or by lists of such.
    """
    position, lane, score, by_lane = (np.empty(len(found), dtype=np.int64) for _ in range(4))
    shift = max(0, (stop // max(1, len(found))).bit_length() - 1)
    _in_order(found, lanes, stop, shift, by_lane, position, lane, score)
    return position, lane, score


@compiled
def count_scores(lane: Places, score: Places, first: Places, histogram: Places) -> None:
    """Add windows to the cells `first[lane] + score` of a histogram that holds those of all lanes."""
    for i in range(lane.shape[0]):
        histogram[first[lane[i]] + score[i]] += 1


@compiled
def read_windows(
    codes: NDArray[np.uint8],
    position: Places,
    lane: Places,
    widths: Places,
    backward: NDArray[np.bool_],
    symbols: NDArray[np.uint8],
    complements: NDArray[np.uint8],
    letters: NDArray[np.uint8],
) -> None:
    """Fill (windows, widest) letters of windows as read on their lane's strand, zeros after their end.

    widths, backward: of every lane; symbols, complements: the letter of every code, and that of the other strand.
    """
    for i in range(lane.shape[0]):
        start, number = position[i], lane[i]
        width = widths[number]
        row = letters[i]
        if backward[number]:
            last = start + width - 1
            for column in range(width):
                row[column] = complements[codes[last - column]]
        else:
            for column in range(width):
                row[column] = symbols[codes[start + column]]
        for column in range(width, row.shape[0]):
            row[column] = 0
