"""All windows of a sequence whose integer score reaches their lane's threshold.

A lane is an integer matrix with a threshold. What a window loses against the best possible word is summed in bytes,
rounded down, on a scale where the 127th level is the distance from the best score to the threshold: a hit never has the
top bit set, and nearly everything else does. 64 lanes are tested by a few instructions per word of letters. The
survivors are scored in integers, and only that decides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels.best_window import MOST, fill_tables, window_losses
from seqpool.kernels.compiled import compiled
from seqpool.kernels.vectors import lowest_bit, top_bits
from seqpool.kernels.windows import Places, in_order
from seqpool.kernels.words import LANES, every_word, groups_of_lanes, number_every_word, table_rows

CHUNK = 8192  # windows tested before their survivors are scored
MOST_BLOCKS = 7  # words tested per window; wider lanes are tested by their heaviest columns
SURVIVORS = 0.004  # per window and group, for which a word less is worth it: one costs what 100 windows of a word cost
REACH = 127 * 64  # 64ths of a level from the best score to the threshold
HEAVIEST = 16_000  # a letter that cannot stand counts as a loss of 16 bits, not of 16,000

Integers = NDArray[np.int32]


@compiled
def _expected_survivors(
    means: NDArray[np.float64],
    variances: NDArray[np.float64],
    first: NDArray[np.int64],
    widths: NDArray[np.int64],
    reach: NDArray[np.int64],
    tested: int,
) -> float:
    """About how many lanes wider than `tested` columns a random window survives in, were these their tested ones."""
    total = 0.0
    for lane in range(widths.shape[0]):
        if widths[lane] <= tested:
            continue
        heaviest, spread, mean, variance = -1.0, 0.0, 0.0, 0.0
        for column in range(widths[lane]):
            at = first[lane] + column
            mean += means[at]
            variance += variances[at]
            if column >= tested:
                mean -= means[at - tested]
                variance -= variances[at - tested]
            if column >= tested - 1 and mean > heaviest:
                heaviest, spread = mean, variance
        total += 0.5 * math.erfc((heaviest - reach[lane]) / math.sqrt(2.0 * max(spread, 1.0)))
    return total


@compiled
def _loss_columns(
    losses: NDArray[np.int64],
    weights: NDArray[np.int64],
    first: NDArray[np.int64],
    widths: NDArray[np.int64],
    reach: NDArray[np.int64],
    offsets: NDArray[np.int64],
    columns: NDArray[np.uint16],
) -> None:
    """Fill (K, letters + 1, LANES) zeros with the losses of one group's lanes in 64ths of a level.

    losses: (all columns of all lanes, letters) against the column's best letter; weights: of all columns; the K columns
    of a wide lane that weigh most are tested, and `offsets` says where they begin. first: each lane's first column;
    reach: from its best score to its threshold.
    """
    most, letters = columns.shape[0], losses.shape[1]
    for lane in range(LANES):
        if lane >= widths.shape[0]:
            for letter in range(letters + 1):
                columns[0, letter, lane] = MOST
            continue
        tested = min(widths[lane], most)
        heaviest, weight = np.int64(-1), np.int64(0)
        for column in range(widths[lane]):
            weight += weights[first[lane] + column]
            if column >= tested:
                weight -= weights[first[lane] + column - tested]
            if column >= tested - 1 and weight > heaviest:
                heaviest, offsets[lane] = weight, column - tested + 1
        for column in range(tested):
            for letter in range(letters):
                loss = losses[first[lane] + offsets[lane] + column, letter]
                if reach[lane] < 0 or (reach[lane] == 0 and loss > 0):
                    columns[column, letter, lane] = MOST
                elif loss > 0:
                    columns[column, letter, lane] = min(loss * REACH // reach[lane], MOST)
            columns[column, letters, lane] = MOST


@compiled
def _survivors(
    tables: NDArray[np.uint8],
    stride: int,
    words: NDArray[np.uint32],
    begin: int,
    end: int,
    size: int,
    blocks: tuple[int, ...],
    starts: NDArray[np.uint64],
    lanes: NDArray[np.uint64],
) -> int:
    count = np.uint64(0)
    for i in range(np.uint64(begin), np.uint64(end)):
        below = ~top_bits(window_losses(tables, stride, words, i, size, blocks))
        if below:
            starts[count] = i
            lanes[count] = below
            count += np.uint64(1)
    return int(count)


@compiled
def _score_survivors(
    symbols: NDArray[np.uint8],
    letters: int,
    stop: int,
    starts: NDArray[np.uint64],
    lanes: NDArray[np.uint64],
    survivors: int,
    matrices: Integers,
    first_cell: NDArray[np.int64],
    widths: NDArray[np.int64],
    thresholds: NDArray[np.int64],
    offsets: NDArray[np.int64],
    numbers: NDArray[np.int64],
    found: NDArray[np.int64],
    count: int,
) -> int:
    """Append (position, lane number, score) of every hit to `found`."""
    other = np.uint8(letters)
    for i in range(np.uint64(survivors)):
        bits = lanes[i]
        while bits:
            lane = lowest_bit(bits)
            bits &= bits - np.uint64(1)
            start = np.int64(starts[i]) - offsets[lane]
            if start < 0 or start >= stop:
                continue
            cell, place = np.uint64(first_cell[lane]), np.uint64(start)
            total, highest = np.int64(0), np.uint8(0)
            for _ in range(widths[lane]):
                symbol = symbols[place]
                highest = max(highest, symbol)
                total += np.int64(matrices[cell + np.uint64(symbol)])
                cell += np.uint64(letters)
                place += np.uint64(1)
            if total >= thresholds[lane] and highest < other:
                found[count, 0] = start
                found[count, 1] = numbers[lane]
                found[count, 2] = total
                count += 1
    return count


@compiled
def _scan_group(
    tables: NDArray[np.uint8],
    stride: int,
    words: NDArray[np.uint32],
    symbols: NDArray[np.uint8],
    size: int,
    blocks: tuple[int, ...],
    letters: int,
    begin: int,
    end: int,
    stop: int,
    matrices: Integers,
    first_cell: NDArray[np.int64],
    widths: NDArray[np.int64],
    thresholds: NDArray[np.int64],
    offsets: NDArray[np.int64],
    numbers: NDArray[np.int64],
    found: NDArray[np.int64],
    count: int,
) -> tuple[int, int]:
    """Scan from `begin` until `end` or until `found` may not hold the next chunk's hits: (where it ended, hits)."""
    starts = np.empty(CHUNK, dtype=np.uint64)
    lanes = np.empty(CHUNK, dtype=np.uint64)
    while begin < end and count + CHUNK * widths.shape[0] <= found.shape[0]:
        last = min(begin + CHUNK, end)
        survivors = _survivors(tables, stride, words, begin, last, size, blocks, starts, lanes)
        count = _score_survivors(
            symbols, letters, stop, starts, lanes, survivors, matrices, first_cell, widths, thresholds, offsets,
            numbers, found, count,
        )  # fmt: skip
        begin = last
    return begin, count


@dataclass(frozen=True, eq=False)
class _Group:
    """Up to LANES lanes of similar width, their numbers among all lanes, and their tables of losses."""

    numbers: NDArray[np.int64]
    first_cell: NDArray[np.int64]
    widths: NDArray[np.int64]
    thresholds: NDArray[np.int64]
    offsets: NDArray[np.int64]
    blocks: tuple[int, ...]
    tables: NDArray[np.uint8]


class ScanTables:
    """Integer matrices and their thresholds, laid out for scanning; made once, used for any number of sequences.

    matrices: each (width, letters) int32, absolute values below 2**25, sums below 2**31; thresholds: a window is
    found when its score is at least its lane's. All matrices have the same letters.
    """

    def __init__(self, matrices: Sequence[Integers], thresholds: Sequence[int]) -> None:
        self.letters = matrices[0].shape[1]
        dictionary = every_word(self.letters)
        self.size = dictionary.shape[1]
        widths = np.fromiter(map(len, matrices), dtype=np.int64)
        by_column = np.concatenate(matrices)
        self._matrices = np.append(by_column, np.zeros(self.letters + 1, dtype=np.int32))
        best = by_column.max(axis=1)
        losses = best[:, None].astype(np.int64) - by_column
        capped = np.minimum(losses, HEAVIEST)
        weights = capped.sum(axis=1)
        means = weights / self.letters
        variances = (capped**2).sum(axis=1) / self.letters - means**2
        first = np.concatenate([[0], np.cumsum(widths[:-1])])
        lowest = np.array(thresholds, dtype=np.int64)
        reach = np.add.reduceat(best, first, dtype=np.int64) - lowest
        self._stride = len(dictionary) * LANES
        self._groups = []
        for numbers in groups_of_lanes(widths):
            lanes = first[numbers], widths[numbers], reach[numbers]
            words = min(-(-int(widths[numbers[-1]]) // self.size), MOST_BLOCKS)
            while words > 1 and _expected_survivors(means, variances, *lanes, (words - 1) * self.size) < SURVIVORS:
                words -= 1
            wide = min(int(widths[numbers[-1]]), words * self.size)
            columns = np.zeros((wide, self.letters + 1, LANES), dtype=np.uint16)
            offsets = np.zeros(len(numbers), dtype=np.int64)
            _loss_columns(losses, weights, *lanes, offsets, columns)
            blocks = tuple(range(words))
            tables = table_rows(len(blocks) * self._stride)
            fill_tables(columns, dictionary, 0, tables)
            cells = first[numbers] * self.letters
            self._groups.append(_Group(numbers, cells, widths[numbers], lowest[numbers], offsets, blocks, tables))
        self._reach = max(int(group.offsets.max()) + len(group.blocks) * self.size for group in self._groups)

    def windows_over(self, codes: NDArray[np.uint8], stop: int) -> tuple[Places, Places, Places]:
        """(position, lane, score), each (windows,), of every window at or over its lane's threshold, in that order.

        codes: (length,) uint8; a window with a code that is no plain letter is not scored. stop: windows begin below
        it. May be called from several threads at once.
        """
        stop = min(stop, len(codes))
        symbols = np.empty(len(codes) + self._reach + self.size, dtype=np.uint8)
        words = np.empty(len(symbols) - self.size, dtype=np.uint32)
        number_every_word(codes, self.letters, self.size, symbols, words)
        found = np.empty((2 * CHUNK * LANES, 3), dtype=np.int64)
        parts, count = [], 0
        for group in self._groups:
            begin, end = int(group.offsets.min()), stop + int(group.offsets.max())
            while begin < end:
                begin, count = _scan_group(
                    group.tables, self._stride, words, symbols, self.size, group.blocks, self.letters, begin, end, stop,
                    self._matrices, group.first_cell, group.widths, group.thresholds, group.offsets, group.numbers,
                    found, count,
                )  # fmt: skip
                if begin < end:
                    parts.append(found[:count].copy())
                    count = 0
        hits = np.concatenate([*parts, found[:count]]) if parts else found[:count]
        lanes = int(sum(len(group.numbers) for group in self._groups))
        return in_order(hits, lanes, stop)
