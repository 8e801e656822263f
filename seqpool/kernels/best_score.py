"""The best window of every (sequence, lane) by integer scores: the search of `best_window`, settled in integers.

Lanes may have different widths; a window with a code that is no plain letter is not scored.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels.best_window import CHUNK, MOST, SEGMENT, fill_tables, loss_columns, window_losses
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
from seqpool.kernels.words import LANES, every_word, number_every_word

NO_WINDOW = -1
LOWEST = -(1 << 62)
LARGEST_LOSS = 1 << 15  # of a letter, for the scale: a letter that cannot stand is far beyond


@compiled
def _lowest_of_chunks(
    tables: NDArray[np.uint8],
    stride: int,
    words: NDArray[np.uint32],
    begin: int,
    end: int,
    size: int,
    blocks: tuple[int, ...],
    lowest: NDArray[np.uint8],
    overall: NDArray[np.uint8],
) -> None:
    """The lowest loss of each CHUNK of windows `begin` to `end`, and of all so far."""
    lanes, last = np.uint64(LANES), np.uint64(end)
    low = load64(overall, np.uint64(0))
    start, at = np.uint64(begin), np.uint64(0)
    while start < last:
        here = bytes64(np.uint8(255))
        if start + np.uint64(CHUNK) <= last:
            for i in range(CHUNK):  # a fixed number, so that the loop is unrolled
                here = minimum(here, window_losses(tables, stride, words, start + np.uint64(i), size, blocks))
        else:
            for i in range(start, last):
                here = minimum(here, window_losses(tables, stride, words, i, size, blocks))
        store(lowest, at, here)
        low = minimum(low, here)
        start += np.uint64(CHUNK)
        at += lanes
    store(overall, np.uint64(0), low)


@compiled
def _score_chunks(
    symbols: NDArray[np.uint8],
    letters: int,
    origin: int,
    begin: int,
    end: int,
    margin: int,
    open_lanes: np.uint64,
    lowest: NDArray[np.uint8],
    overall: NDArray[np.uint8],
    matrices: Integers,
    first_cell: NDArray[np.int64],
    widths: NDArray[np.int64],
    best: NDArray[np.int64],
    position: NDArray[np.int64],
) -> None:
    """Score every window of the chunks that may hold the best one of a lane."""
    limit = saturating_add(load64(overall, np.uint64(0)), bytes64(np.uint8(margin)))
    other = np.uint8(letters)
    for chunk in range((end - begin + CHUNK - 1) // CHUNK):
        bits = lanes_at_most(load64(lowest, np.uint64(chunk * LANES)), limit) & open_lanes
        first = begin + chunk * CHUNK
        while bits:
            lane = lowest_bit(bits)
            bits &= bits - np.uint64(1)
            for start in range(first, min(first + CHUNK, end)):
                cell, place = np.uint64(first_cell[lane]), np.uint64(origin + start)
                total, highest = np.int64(0), np.uint8(0)
                for _ in range(widths[lane]):
                    symbol = symbols[place]
                    highest = max(highest, symbol)
                    total += np.int64(matrices[cell + np.uint64(symbol)])
                    cell += np.uint64(letters)
                    place += np.uint64(1)
                    if symbol >= other:
                        break
                if total > best[lane] and highest < other:
                    best[lane] = total
                    position[lane] = np.int64(start)


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
    narrowest: int,
    open_lanes: np.uint64,
    matrices: Integers,
    first_cell: NDArray[np.int64],
    widths: NDArray[np.int64],
    best: NDArray[np.int64],
    position: NDArray[np.int64],
) -> None:
    lowest = np.empty(SEGMENT // CHUNK * LANES, dtype=np.uint8)
    overall = np.empty(LANES, dtype=np.uint8)
    margin = len(blocks) + 1 + len(blocks) * size // 64  # the last is what columns of 1/64 level lose when rounded
    for n in range(offsets.shape[0]):
        overall[:] = 255
        windows = lengths[n] - narrowest + 1
        here = words[offsets[n] :]
        for first in range(0, windows, SEGMENT):
            last = min(first + SEGMENT, windows)
            _lowest_of_chunks(tables, stride, here, first, last, size, blocks, lowest, overall)
            _score_chunks(
                symbols, letters, offsets[n], first, last, margin, open_lanes, lowest, overall, matrices, first_cell,
                widths, best[n], position[n],
            )  # fmt: skip


def best_scores(
    matrices: Sequence[Integers], codes: NDArray[np.uint8], offsets: NDArray[np.int64], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(N, lanes) highest integer score and where its window begins in its sequence, the first of equals.

    matrices: each (width, letters) int32, all of the same letters. codes: the sequences end to end with at least one
    code that is no plain letter between two of them; offsets, lengths: (N,) where each begins and how long it is.
    Position NO_WINDOW where a sequence has no window that can be scored.
    """
    letters = matrices[0].shape[1]
    dictionary = every_word(letters)
    size, stride = dictionary.shape[1], len(dictionary) * LANES
    widths = np.array([len(matrix) for matrix in matrices], dtype=np.int64)
    first_cell = np.concatenate([[0], np.cumsum(widths[:-1])]) * letters
    cells = np.concatenate([*(matrix.reshape(-1) for matrix in matrices), np.zeros(letters + 1, dtype=np.int32)])
    symbols = np.empty(len(codes) + int(widths.max()) + 2 * size, dtype=np.uint8)
    words = np.empty(len(symbols) - size, dtype=np.uint32)
    number_every_word(codes, letters, size, symbols, words)
    best = np.full((len(offsets), len(matrices)), LOWEST, dtype=np.int64)
    position = np.full((len(offsets), len(matrices)), NO_WINDOW, dtype=np.int64)
    windows = float(np.median(lengths)) if len(lengths) else 1.0
    order = np.argsort(widths, kind="stable")
    for begin in range(0, len(order), LANES):
        numbers = order[begin : begin + LANES]
        columns = _loss_columns([matrices[number] for number in numbers], windows)
        blocks = blocks_of(len(columns), size)
        tables = np.empty(len(blocks) * stride, dtype=np.uint8)
        fill_tables(columns, dictionary, 0, tables)
        group_best = np.full((len(offsets), LANES), LOWEST, dtype=np.int64)
        group_position = np.full((len(offsets), LANES), NO_WINDOW, dtype=np.int64)
        _best_of_sequences(
            tables, stride, words, symbols, size, blocks, letters, offsets, lengths, int(widths[numbers].min()),
            np.uint64((1 << len(numbers)) - 1), cells, first_cell[numbers], widths[numbers], group_best, group_position,
        )  # fmt: skip
        best[:, numbers] = group_best[:, : len(numbers)]
        position[:, numbers] = group_position[:, : len(numbers)]
    return best, position


def _loss_columns(matrices: Sequence[Integers], windows: float) -> NDArray[np.uint16]:
    """(K, letters + 1, LANES) losses of up to LANES matrices; the last symbol, no plain letter, is never the best."""
    width, letters = max(len(matrix) for matrix in matrices), matrices[0].shape[1]
    scores = np.zeros((width, letters, LANES), dtype=np.float32)
    for lane, matrix in enumerate(matrices):
        scores[: len(matrix), :, lane] = matrix
    columns = np.zeros((width, letters + 1, LANES), dtype=np.uint16)
    columns[:, :letters] = loss_columns(scores, np.full(letters, 1 / letters), windows, LARGEST_LOSS)
    for lane, matrix in enumerate(matrices):
        columns[: len(matrix), letters, lane] = MOST
    return columns
