"""Scores of all windows of a batch by adding table rows: the best one, and the average above zero.

A lane is one filter on one strand. The score of a window is the sum, over its columns, of what the lane gives the
letter there; the sums for every word of a few letters are tabulated, 32 lanes side by side, and a window costs one row
per word. This is the plain form that all faster ones are held against.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels.compiled import compiled
from seqpool.kernels.parallel import run_pieces
from seqpool.kernels.words import Words

TILE = 32  # lanes side by side: four AVX2 registers, eight of Arm's
SEQUENCES_PER_PIECE = 32

Floats = NDArray[np.float32]


def symbol_scores(weight: Floats, table: Floats, symbols: NDArray[np.uint8]) -> Floats:
    """(K, D, lanes) what each lane adds for each symbol in each column.

    weight: (lanes, A, K); table: (S, A), the channel values of every code; symbols: (D,) the codes that occur.
    """
    return np.ascontiguousarray(np.tensordot(table[symbols], weight, axes=([1], [1])).transpose(2, 0, 1))


def word_tables(scores: Floats, size: int) -> Floats:
    """(tiles, words, D**size, TILE) sums of (K, D, lanes) symbol scores over every word of `size` letters.

    Lanes are filled up with zeros to whole tiles; columns past the last are zeros.
    """
    width, symbols, lanes = scores.shape
    blocks, tiles = -(-width // size), -(-lanes // TILE)
    padded = np.zeros((blocks * size, symbols, tiles * TILE), dtype=np.float32)
    padded[:width, :, :lanes] = scores
    rows = np.zeros((blocks, 1, tiles * TILE), dtype=np.float32)
    for column in range(size):
        rows = (rows[:, :, None, :] + padded[column::size, None, :, :]).reshape(blocks, -1, tiles * TILE)
    return np.ascontiguousarray(rows.reshape(blocks, -1, tiles, TILE).transpose(2, 0, 1, 3))


@compiled
def _score_window(tables: Floats, tile: int, words: NDArray[np.int32], start: int, size: int, total: Floats) -> None:
    """Write the TILE scores of the window of one sequence that begins at `start`."""
    blocks = tables.shape[1]
    first = tables[tile, 0, words[start]]
    if blocks >= 4:
        second = tables[tile, 1, words[start + size]]
        third = tables[tile, 2, words[start + 2 * size]]
        fourth = tables[tile, 3, words[start + 3 * size]]
        for lane in range(TILE):
            total[lane] = (first[lane] + second[lane]) + (third[lane] + fourth[lane])
        block = 4
    else:
        for lane in range(TILE):
            total[lane] = first[lane]
        block = 1
    while block + 3 <= blocks:
        first = tables[tile, block, words[start + block * size]]
        second = tables[tile, block + 1, words[start + (block + 1) * size]]
        third = tables[tile, block + 2, words[start + (block + 2) * size]]
        for lane in range(TILE):
            total[lane] += (first[lane] + second[lane]) + third[lane]
        block += 3
    while block < blocks:
        first = tables[tile, block, words[start + block * size]]
        for lane in range(TILE):
            total[lane] += first[lane]
        block += 1


@compiled
def _best_windows(
    tables: Floats,
    words: NDArray[np.int32],
    windows: NDArray[np.int64],
    size: int,
    begin: int,
    end: int,
    best: Floats,
    position: NDArray[np.int32],
) -> None:
    total = np.empty(TILE, dtype=np.float32)
    for tile in range(tables.shape[0]):
        for n in range(begin, end):
            highest = best[n, tile * TILE : (tile + 1) * TILE]
            where = position[n, tile * TILE : (tile + 1) * TILE]
            for lane in range(TILE):
                highest[lane] = -np.inf
                where[lane] = 0
            for start in range(windows[n]):
                _score_window(tables, tile, words[n], start, size, total)
                here = np.int32(start)
                for lane in range(TILE):
                    better = total[lane] > highest[lane]
                    highest[lane] = total[lane] if better else highest[lane]
                    where[lane] = here if better else where[lane]


@compiled
def _best_and_average(
    tables: Floats,
    words: NDArray[np.int32],
    windows: NDArray[np.int64],
    size: int,
    bias: Floats,
    begin: int,
    end: int,
    best: Floats,
    position: NDArray[np.int32],
    average: Floats,
) -> None:
    total = np.empty(TILE, dtype=np.float32)
    for tile in range(tables.shape[0]):
        offset = bias[tile * TILE : (tile + 1) * TILE]
        for n in range(begin, end):
            highest = best[n, tile * TILE : (tile + 1) * TILE]
            where = position[n, tile * TILE : (tile + 1) * TILE]
            mean = average[n, tile * TILE : (tile + 1) * TILE]
            for lane in range(TILE):
                highest[lane] = -np.inf
                where[lane] = 0
                mean[lane] = 0.0
            for start in range(windows[n]):
                _score_window(tables, tile, words[n], start, size, total)
                here = np.int32(start)
                for lane in range(TILE):
                    better = total[lane] > highest[lane]
                    highest[lane] = total[lane] if better else highest[lane]
                    where[lane] = here if better else where[lane]
                    above = total[lane] + offset[lane]
                    mean[lane] += above if above > 0 else np.float32(0)
            share = np.float32(1.0) / np.float32(windows[n])
            for lane in range(TILE):
                mean[lane] *= share


@compiled
def _average_gradient(
    tables: Floats,
    words: NDArray[np.int32],
    windows: NDArray[np.int64],
    size: int,
    bias: Floats,
    gradient: Floats,
    tile: int,
    begin: int,
    end: int,
    word_gradient: Floats,
    bias_gradient: Floats,
) -> None:
    """Add each window's share to the table cells that it read, where its score was above zero."""
    total = np.empty(TILE, dtype=np.float32)
    share = np.empty(TILE, dtype=np.float32)
    offset = bias[tile * TILE : (tile + 1) * TILE]
    blocks = tables.shape[1]
    for n in range(begin, end):
        incoming = gradient[n, tile * TILE : (tile + 1) * TILE]
        scale = np.float32(1.0) / np.float32(windows[n])
        for lane in range(TILE):
            share[lane] = incoming[lane] * scale
        for start in range(windows[n]):
            _score_window(tables, tile, words[n], start, size, total)
            for lane in range(TILE):
                total[lane] = share[lane] if total[lane] + offset[lane] > 0 else np.float32(0)
                bias_gradient[lane] += total[lane]
            for block in range(blocks):
                row = word_gradient[block, words[n, start + block * size]]
                for lane in range(TILE):
                    row[lane] += total[lane]


@compiled
def _winner_gradient(
    codes: NDArray[np.uint8],
    digits: NDArray[np.uint8],
    position: NDArray[np.int32],
    gradient: Floats,
    begin: int,
    end: int,
    symbol_gradient: NDArray[np.float64],
) -> None:
    """Add each winner's gradient to (lanes, K, D) cells of lanes `begin` to `end`, sequence after sequence."""
    width = symbol_gradient.shape[1]
    for n in range(codes.shape[0]):
        for lane in range(begin, end):
            amount = np.float64(gradient[n, lane])
            if amount != 0.0:
                start = position[n, lane]
                for column in range(width):
                    symbol_gradient[lane, column, digits[codes[n, start + column]]] += amount


def _pieces(sequences: int) -> int:
    return -(-sequences // SEQUENCES_PER_PIECE)


def best_windows(
    tables: Floats, words: Words, windows: NDArray[np.int64], lanes: int, threads: int
) -> tuple[Floats, NDArray[np.int32]]:
    """(N, lanes) best score of each sequence and the position where its window begins, the first one of equals.

    tables: from `word_tables`; windows: (N,) how many windows each sequence has, at least 1.
    """
    sequences, padded = words.numbers.shape[0], tables.shape[0] * TILE
    best = np.empty((sequences, padded), dtype=np.float32)
    position = np.empty((sequences, padded), dtype=np.int32)

    def piece(number: int) -> None:
        begin = number * SEQUENCES_PER_PIECE
        end = min(begin + SEQUENCES_PER_PIECE, sequences)
        _best_windows(tables, words.numbers, windows, words.size, begin, end, best, position)

    run_pieces(piece, _pieces(sequences), threads)
    return best[:, :lanes], position[:, :lanes]


def best_and_average(
    tables: Floats, words: Words, windows: NDArray[np.int64], bias: Floats, threads: int
) -> tuple[Floats, NDArray[np.int32], Floats]:
    """As `best_windows`, and (N, lanes) the average over windows of max(score + bias, 0)."""
    sequences, padded, lanes = words.numbers.shape[0], tables.shape[0] * TILE, bias.size
    best = np.empty((sequences, padded), dtype=np.float32)
    position = np.empty((sequences, padded), dtype=np.int32)
    average = np.empty((sequences, padded), dtype=np.float32)
    offset = np.zeros(padded, dtype=np.float32)
    offset[:lanes] = bias

    def piece(number: int) -> None:
        begin = number * SEQUENCES_PER_PIECE
        end = min(begin + SEQUENCES_PER_PIECE, sequences)
        _best_and_average(tables, words.numbers, windows, words.size, offset, begin, end, best, position, average)

    run_pieces(piece, _pieces(sequences), threads)
    return best[:, :lanes], position[:, :lanes], average[:, :lanes]


def average_gradient(
    tables: Floats, words: Words, windows: NDArray[np.int64], bias: Floats, gradient: Floats, width: int, threads: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gradients of symbol scores (lanes, K, D) and bias (lanes,) for a gradient (N, lanes) of the average."""
    tiles, blocks, rows, _ = tables.shape
    sequences, lanes = gradient.shape
    offset = np.zeros(tiles * TILE, dtype=np.float32)
    offset[:lanes] = bias
    incoming = np.zeros((sequences, tiles * TILE), dtype=np.float32)
    incoming[:, :lanes] = gradient
    parts = 4  # a fixed number, so that the sums are taken in the same order on any number of threads
    word_gradient = np.zeros((tiles, parts, blocks, rows, TILE), dtype=np.float32)
    bias_gradient = np.zeros((tiles, parts, TILE), dtype=np.float32)

    def piece(number: int) -> None:
        tile, part = divmod(number, parts)
        begin, end = sequences * part // parts, sequences * (part + 1) // parts
        _average_gradient(
            tables, words.numbers, windows, words.size, offset, incoming, tile, begin, end,
            word_gradient[tile, part], bias_gradient[tile, part],
        )  # fmt: skip

    run_pieces(piece, tiles * parts, threads)
    cells = word_gradient.sum(axis=1, dtype=np.float64).transpose(1, 2, 0, 3).reshape(blocks, rows, tiles * TILE)
    symbols = words.symbols.size
    cells = cells[:, :, :lanes].reshape(blocks, *[symbols] * words.size, lanes)
    columns = np.stack(
        [cells.sum(axis=tuple(1 + other for other in range(words.size) if other != c)) for c in range(words.size)], 1
    )
    by_symbol = columns.reshape(blocks * words.size, symbols, lanes)[:width]
    return by_symbol.transpose(2, 0, 1), bias_gradient.sum(axis=1, dtype=np.float64).reshape(-1)[:lanes]


def winner_gradient(
    codes: NDArray[np.uint8], symbols: NDArray[np.uint8], position: NDArray[np.int32], gradient: Floats, width: int,
    threads: int,
) -> NDArray[np.float64]:  # fmt: skip
    """Gradient of symbol scores (lanes, K, D) for a gradient (N, lanes) of the best scores at `position`."""
    lanes = gradient.shape[1]
    digits = np.zeros(256, dtype=np.uint8)
    digits[symbols] = np.arange(symbols.size)
    cells = np.zeros((lanes, width, symbols.size), dtype=np.float64)

    def piece(number: int) -> None:
        begin = number * 16
        _winner_gradient(codes, digits, position, gradient, begin, min(begin + 16, lanes), cells)

    run_pieces(piece, -(-lanes // 16), threads)
    return cells
