"""The average over windows of max(score + bias, 0), and its gradient.

Every window counts, so all scores are needed in float32: one table row of sums per word, 32 lanes at a time. Which
windows were above zero is kept as one bit each for the way back, where every such window adds to the cells it read.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels.columns import Floats, blocks_of
from seqpool.kernels.compiled import compiled
from seqpool.kernels.parallel import run_pieces
from seqpool.kernels.vectors import above_zero, add, floats32, lanes_above, load32, store, where_bits
from seqpool.kernels.words import LANES, Words

HALF = LANES // 2
SEQUENCES_PER_PIECE = 16
PARTS = 4  # sums of a gradient that are taken apart and then added: fixed, so that threads do not change it


def word_tables(scores: Floats, words: Words) -> Floats:
    """(groups, words of a filter, rows, LANES) sum of (K, D, lanes) symbol scores over every word."""
    width, symbols, lanes = scores.shape
    blocks = len(blocks_of(width, words.size))
    columns = np.zeros((blocks, words.size, symbols, lanes), dtype=np.float32)
    columns.reshape(-1, symbols, lanes)[:width] = scores
    tables = columns[:, 0, words.letters[:, 0]]
    for place in range(1, words.size):
        tables += columns[:, place, words.letters[:, place]]
    return np.ascontiguousarray(tables.reshape(blocks, -1, lanes // LANES, LANES).transpose(2, 0, 1, 3))


@compiled
def _averages(
    tables: Floats,
    stride: int,
    words: NDArray[np.uint32],
    windows: NDArray[np.int64],
    size: int,
    blocks: tuple[int, ...],
    bias: Floats,
    half: int,
    begin: int,
    end: int,
    above: NDArray[np.uint32],
    average: Floats,
) -> None:
    """One group's averages of sequences `begin` to `end`, 32 lanes of it."""
    lanes, row, step, side = np.uint64(LANES), np.uint64(stride), np.uint64(size), np.uint64(half)
    offset = load32(bias, side)
    zero = floats32(np.float32(0.0))
    for n in range(begin, end):
        numbers, marks = words[n], above[n]
        mean = zero
        for i in range(np.uint64(windows[n])):
            total = offset
            for block in range(len(blocks)):
                at = np.uint64(block) * row + np.uint64(numbers[i + np.uint64(block) * step]) + side
                total = add(total, load32(tables, at))
            marks[i] = lanes_above(total, zero)
            mean = add(mean, above_zero(total))
        store(average, np.uint64(n) * lanes + side, mean)


@compiled
def _spread(
    gradient: Floats,
    words: NDArray[np.uint32],
    windows: NDArray[np.int64],
    size: int,
    blocks: tuple[int, ...],
    half: int,
    begin: int,
    end: int,
    above: NDArray[np.uint32],
    stride: int,
    cells: Floats,
    bias_cells: Floats,
) -> None:
    """Add each marked window's gradient to the table cells that it read."""
    lanes, row, step, side = np.uint64(LANES), np.uint64(stride), np.uint64(size), np.uint64(half)
    of_bias = load32(bias_cells, side)
    for n in range(begin, end):
        numbers, marks = words[n], above[n]
        incoming = load32(gradient, np.uint64(n) * lanes + side)
        for i in range(np.uint64(windows[n])):
            amount = where_bits(marks[i], incoming)
            of_bias = add(of_bias, amount)
            for block in range(len(blocks)):
                at = np.uint64(block) * row + np.uint64(numbers[i + np.uint64(block) * step]) + side
                store(cells, at, add(load32(cells, at), amount))
    store(bias_cells, side, of_bias)


def averages(
    scores: Floats, words: Words, windows: NDArray[np.int64], bias: Floats, threads: int
) -> tuple[Floats, NDArray[np.uint32]]:
    """(N, lanes) average over each sequence's windows of max(score + bias, 0), and marks for `averages_gradient`.

    scores: (K, D, padded lanes) from `symbol_scores`; windows: (N,) how many windows each sequence has, at least 1;
    bias: (lanes,).
    """
    width, _, padded = scores.shape
    sequences, groups = words.rows.shape[0], padded // LANES
    blocks = blocks_of(width, words.size)
    tables = word_tables(scores, words).reshape(groups, -1)
    stride = words.letters.shape[0] * LANES
    offset = np.zeros((groups, LANES), dtype=np.float32)
    offset.reshape(-1)[: bias.size] = bias
    above = np.empty((2 * groups, *words.rows.shape), dtype=np.uint32)
    average = np.empty((groups, sequences, LANES), dtype=np.float32)
    parts = -(-sequences // SEQUENCES_PER_PIECE)

    def piece(number: int) -> None:
        half, part = divmod(number, parts)
        group, begin = half // 2, part * SEQUENCES_PER_PIECE
        end = min(begin + SEQUENCES_PER_PIECE, sequences)
        _averages(
            tables[group], stride, words.rows, windows, words.size, blocks, offset[group], half % 2 * HALF, begin, end,
            above[half], average[group].reshape(-1),
        )  # fmt: skip

    run_pieces(piece, 2 * groups * parts, threads)
    sums = average.transpose(1, 0, 2).reshape(sequences, padded)[:, : bias.size]
    sums /= windows[:, None].astype(np.float32)
    return sums, above


def averages_gradient(
    gradient: Floats, words: Words, windows: NDArray[np.int64], above: NDArray[np.uint32], width: int, threads: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gradients of symbol scores (lanes, K, D) and of the bias (lanes,) for a gradient (N, lanes) of the averages."""
    sequences, lanes = gradient.shape
    groups, rows, symbols = above.shape[0] // 2, words.letters.shape[0], words.codes.size
    blocks = blocks_of(width, words.size)
    shares = np.zeros((groups, sequences, LANES), dtype=np.float32)
    filled = np.zeros((sequences, groups * LANES), dtype=np.float32)
    filled[:, :lanes] = gradient / windows[:, None].astype(np.float32)
    shares[:] = filled.reshape(sequences, groups, LANES).transpose(1, 0, 2)
    cells = np.zeros((groups, PARTS, len(blocks) * rows * LANES), dtype=np.float32)
    bias_cells = np.zeros((groups, PARTS, LANES), dtype=np.float32)

    def piece(number: int) -> None:
        half, part = divmod(number, PARTS)
        begin, end = sequences * part // PARTS, sequences * (part + 1) // PARTS
        _spread(
            shares[half // 2].reshape(-1), words.rows, windows, words.size, blocks, half % 2 * HALF, begin, end,
            above[half], rows * LANES, cells[half // 2, part], bias_cells[half // 2, part],
        )  # fmt: skip

    run_pieces(piece, 2 * groups * PARTS, threads)
    by_word = cells.sum(axis=1, dtype=np.float64).reshape(groups, len(blocks), rows, LANES)
    by_symbol = np.zeros((groups, len(blocks), words.size, symbols, LANES))
    for place in range(words.size):
        for symbol in range(symbols):
            by_symbol[:, :, place, symbol] = by_word[:, :, words.letters[:, place] == symbol].sum(axis=2)
    columns = by_symbol.transpose(0, 4, 1, 2, 3).reshape(groups * LANES, -1, symbols)[:lanes, :width]
    return columns, bias_cells.sum(axis=1, dtype=np.float64).reshape(-1)[:lanes]
