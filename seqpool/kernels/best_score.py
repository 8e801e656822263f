"""The best window of every (sequence, lane) by integer scores: the search of `best_window`, settled in integers.

Lanes may have different widths; a window with a code that is no plain letter is not scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels.best_window import CHUNK, FINE, LEVELS, MOST, SEGMENT, fill_tables, window_losses
from seqpool.kernels.columns import blocks_of
from seqpool.kernels.compiled import compiled
from seqpool.kernels.scan import Integers
from seqpool.kernels.vectors import (
    bytes64,
    lanes_at_most,
    load64,
    lowest_bit,
    minimum,
    saturating_add,
    store,
)
from seqpool.kernels.words import LANES, every_word, groups_of_lanes, number_every_word, table_rows

NO_WINDOW = -1
DEVIATIONS = 1.25  # for sequences of a hundred windows or more: with fewer, more windows are scored exactly
LOWEST = -(1 << 62)
LARGEST_LOSS = 1 << 15  # of a letter, for the scale: a letter that cannot stand is far beyond


@compiled
def _promising_chunks(
    tables: NDArray[np.uint8],
    stride: int,
    words: NDArray[np.uint32],
    begin: int,
    end: int,
    size: int,
    blocks: tuple[int, ...],
    margin: int,
    open_lanes: np.uint64,
    overall: NDArray[np.uint8],
    starts: NDArray[np.int64],
    lowest: NDArray[np.uint8],
) -> int:
    """List the CHUNKs of windows `begin` to `end` in which a lane may have its best one so far, with their lowest
    losses. Returns how many; overall: the lowest loss of all so far."""
    last, above = np.uint64(end), bytes64(np.uint8(margin))
    low = load64(overall, np.uint64(0))
    limit = saturating_add(low, above)
    start, count = np.uint64(begin), np.uint64(0)
    while start < last:
        here = bytes64(np.uint8(255))
        if start + np.uint64(CHUNK) <= last:
            for i in range(CHUNK):  # a fixed number, so that the loop is unrolled
                here = minimum(here, window_losses(tables, stride, words, start + np.uint64(i), size, blocks))
        else:
            for i in range(start, last):
                here = minimum(here, window_losses(tables, stride, words, i, size, blocks))
        if lanes_at_most(here, limit) & open_lanes:
            low = minimum(low, here)
            limit = saturating_add(low, above)
            starts[count] = start
            store(lowest, count * np.uint64(LANES), here)
            count += np.uint64(1)
        start += np.uint64(CHUNK)
    store(overall, np.uint64(0), low)
    return int(count)


@compiled
def _score_window(
    symbols: NDArray[np.uint8],
    letters: int,
    origin: int,
    start: int,
    lane: int,
    matrices: Integers,
    first_cell: NDArray[np.int64],
    widths: NDArray[np.int64],
    best: NDArray[np.int64],
    position: NDArray[np.int64],
) -> None:
    """Keep a lane's window if it is better than what was seen before it."""
    cell, place, other = np.uint64(first_cell[lane]), np.uint64(origin + start), np.uint8(letters)
    total = np.int64(0)
    for _ in range(widths[lane]):
        symbol = symbols[place]
        if symbol >= other:
            return
        total += np.int64(matrices[cell + np.uint64(symbol)])
        cell += np.uint64(letters)
        place += np.uint64(1)
    if total > best[lane]:
        best[lane] = total
        position[lane] = start


@compiled
def _score_chunks(
    symbols: NDArray[np.uint8],
    letters: int,
    origin: int,
    end: int,
    chunks: int,
    margin: int,
    open_lanes: np.uint64,
    starts: NDArray[np.int64],
    lowest: NDArray[np.uint8],
    overall: NDArray[np.uint8],
    matrices: Integers,
    first_cell: NDArray[np.int64],
    widths: NDArray[np.int64],
    highest: NDArray[np.int64],
    best: NDArray[np.int64],
    position: NDArray[np.int64],
) -> np.uint64:
    """Score every window of the listed chunks that may hold the best one of a lane. Returns the lanes that may find
    better.

    A narrow lane meets its best word again and again: once met, the lane is closed.
    """
    limit = saturating_add(load64(overall, np.uint64(0)), bytes64(np.uint8(margin)))
    for i in range(chunks):
        bits = lanes_at_most(load64(lowest, np.uint64(i * LANES)), limit) & open_lanes
        first = starts[i]
        while bits:
            lane = int(lowest_bit(bits))
            bits &= bits - np.uint64(1)
            for start in range(first, min(first + CHUNK, end)):
                _score_window(
                    symbols, letters, origin, start, lane, matrices, first_cell, widths, best, position
                )  # fmt: skip
            if best[lane] == highest[lane]:
                open_lanes &= ~(np.uint64(1) << np.uint64(lane))
    return open_lanes


@compiled
def _best_of_sequences(
    tables: NDArray[np.uint8],
    stride: int,
    words: NDArray[np.uint32],
    symbols: NDArray[np.uint8],
    size: int,
    blocks: tuple[int, ...],
    letters: int,
    offsets: NDArray[np.int64],
    lengths: NDArray[np.int64],
    seen: NDArray[np.int64],
    open_lanes: np.uint64,
    matrices: Integers,
    first_cell: NDArray[np.int64],
    widths: NDArray[np.int64],
    highest: NDArray[np.int64],
    best: NDArray[np.int64],
    position: NDArray[np.int64],
) -> None:
    starts = np.empty(SEGMENT // CHUNK, dtype=np.int64)
    lowest = np.empty(SEGMENT // CHUNK * LANES, dtype=np.uint8)
    overall = np.empty(LANES, dtype=np.uint8)
    margin = len(blocks) + 1 + len(blocks) * size // 64  # the last is what columns of 1/64 level lose when rounded
    narrowest, widest = widths[0], widths[widths.shape[0] - 1]  # ascending
    for n in range(offsets.shape[0]):
        overall[:] = 255
        lanes = open_lanes
        windows = lengths[n] - narrowest + 1
        # windows that end in a new letter for wide lanes only are few: they are scored without being tested
        begin = min(max(0, seen[n] - narrowest + 1), max(0, windows))
        for start in range(max(0, seen[n] - widest + 1), begin):
            for lane in range(widths.shape[0]):
                if start + widths[lane] > seen[n]:
                    _score_window(
                        symbols, letters, offsets[n], start, lane, matrices, first_cell, widths, best[n], position[n]
                    )  # fmt: skip
        here = words[offsets[n] :]
        for first in range(begin, windows, SEGMENT):
            last = min(first + SEGMENT, windows)
            chunks = _promising_chunks(
                tables, stride, here, first, last, size, blocks, margin, lanes, overall, starts, lowest
            )
            lanes = _score_chunks(
                symbols, letters, offsets[n], last, chunks, margin, lanes, starts, lowest, overall, matrices,
                first_cell, widths, highest, best[n], position[n],
            )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Group:
    """Up to LANES lanes of similar width, their numbers among all lanes, and their tables of losses."""

    numbers: NDArray[np.intp]
    first_cell: NDArray[np.int64]
    widths: NDArray[np.int64]
    highest: NDArray[np.int64]
    blocks: tuple[int, ...]
    tables: NDArray[np.uint8]


class BestTables:
    """Integer matrices laid out for the search for best windows; made once, used for any number of sequences.

    matrices: each (width, letters) int32, all of the same letters.
    """

    def __init__(self, matrices: Sequence[Integers]) -> None:
        self._letters = matrices[0].shape[1]
        dictionary = every_word(self._letters)
        self._size, self._stride = dictionary.shape[1], len(dictionary) * LANES
        widths = np.fromiter(map(len, matrices), dtype=np.int64)
        first_cell = np.concatenate([[0], np.cumsum(widths[:-1])]) * self._letters
        by_column = np.concatenate(matrices)
        self._cells = by_column.reshape(-1)
        highest = np.add.reduceat(by_column.max(axis=1), first_cell // self._letters, dtype=np.int64)
        self._lanes, self._widest = len(matrices), int(widths.max())
        self._groups = []
        for numbers in groups_of_lanes(widths):
            cells, sizes = first_cell[numbers], widths[numbers]
            columns = np.zeros((int(sizes[-1]), self._letters + 1, LANES), dtype=np.uint16)
            _loss_columns(self._cells, self._letters, cells, sizes, columns)
            blocks = blocks_of(len(columns), self._size)
            tables = table_rows(len(blocks) * self._stride)
            fill_tables(columns, dictionary, 0, tables)
            self._groups.append(_Group(numbers, cells, sizes, highest[numbers], blocks, tables))

    def best_windows(
        self,
        codes: NDArray[np.uint8],
        offsets: NDArray[np.int64],
        lengths: NDArray[np.int64],
        seen: NDArray[np.int64] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(N, lanes) highest score and where its window begins in its sequence, the first of equals.

        codes: the sequences end to end with at least one code that is no plain letter between two of them; offsets,
        lengths: (N,) where each begins and how long it is; seen: (N,) windows of the first so many letters only are
        left out. Position NO_WINDOW where a sequence has no window that can be scored. May be called from several
        threads at once.
        """
        symbols = np.empty(len(codes) + self._widest + 2 * self._size, dtype=np.uint8)
        words = np.empty(len(symbols) - self._size, dtype=np.uint32)
        number_every_word(codes, self._letters, self._size, symbols, words)
        best = np.full((len(offsets), self._lanes), LOWEST, dtype=np.int64)
        position = np.full((len(offsets), self._lanes), NO_WINDOW, dtype=np.int64)
        seen = np.zeros(len(offsets), dtype=np.int64) if seen is None else seen
        for group in self._groups:
            count = len(group.numbers)
            of_group = np.full((len(offsets), LANES), LOWEST, dtype=np.int64)
            where = np.full((len(offsets), LANES), NO_WINDOW, dtype=np.int64)
            _best_of_sequences(
                group.tables, self._stride, words, symbols, self._size, group.blocks, self._letters, offsets, lengths,
                seen, np.uint64((1 << count) - 1), self._cells, group.first_cell, group.widths,
                group.highest, of_group, where,
            )  # fmt: skip
            best[:, group.numbers] = of_group[:, :count]
            position[:, group.numbers] = where[:, :count]
        return best, position


@compiled
def _loss_columns(
    matrices: Integers,
    letters: int,
    first_cell: NDArray[np.int64],
    widths: NDArray[np.int64],
    columns: NDArray[np.uint16],
) -> None:
    """Fill (K, letters + 1, LANES) losses of one group's lanes in 64ths of a level, as `loss_columns` does.

    The last symbol, no plain letter, is never the best. The levels of a lane end DEVIATIONS standard deviations under
    the mean of a window of random letters, a quarter of the mean at least. columns: zeros.
    """
    for lane in range(widths.shape[0]):
        whole, variance = 0.0, 0.0
        for column in range(widths[lane]):
            cell = first_cell[lane] + column * letters
            highest = matrices[cell]
            for letter in range(1, letters):
                highest = max(highest, matrices[cell + letter])
            mean, square = 0.0, 0.0
            for letter in range(letters):
                loss = min((np.int64(highest) - np.int64(matrices[cell + letter])) / letters, LARGEST_LOSS / letters)
                mean += loss
                square += loss * loss * letters
            whole += mean
            variance += square - mean * mean
        reach = max(whole - DEVIATIONS * np.sqrt(max(variance, 0.0)), whole / 4)
        for column in range(widths[lane]):
            cell = first_cell[lane] + column * letters
            highest = matrices[cell]
            for letter in range(1, letters):
                highest = max(highest, matrices[cell + letter])
            for letter in range(letters):
                loss = float(np.int64(highest) - np.int64(matrices[cell + letter]))
                if loss > 0.0:
                    columns[column, letter, lane] = min(loss * (LEVELS * FINE) / reach, float(MOST))
            columns[column, letters, lane] = MOST
