"""Shuffles that keep every count of neighbouring letters, each a function of (seed, epoch, row)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels.compiled import compiled
from seqpool.kernels.parallel import run_pieces
from seqpool.kernels.row_random import FIRST_FACTOR, SECOND_FACTOR, STEP, row_states

ROWS_PER_PIECE = 1024
_30, _27, _31, _32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)


@compiled
def _below(states: NDArray[np.uint64], row: int, bound: int) -> np.int64:
    """A random number from 0 to bound - 1; bound is below 2^32 (Lemire 2019 without its rejection)."""
    states[row] += STEP
    value = states[row]
    value = (value ^ (value >> _30)) * FIRST_FACTOR
    value = (value ^ (value >> _27)) * SECOND_FACTOR
    value = value ^ (value >> _31)
    return np.int64(((value >> _32) * np.uint64(bound)) >> _32)


@compiled
def _shuffle_rows(
    codes: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    states: NDArray[np.uint64],
    symbols: int,
    first: int,
    last: int,
    shuffled: NDArray[np.uint8],
) -> None:
    """Rows first to last - 1: an Euler path, uniform among those of the same letter pairs.

    The letters that follow each letter are its edges. A uniform tree of last edges towards the final letter (Wilson
    1996), then the other edges of each letter in uniform order (Altschul & Erickson 1985; Kandel et al. 1996).
    """
    begin = np.empty(symbols + 1, dtype=np.int64)
    filled = np.empty(symbols, dtype=np.int64)
    exit_edge = np.empty(symbols, dtype=np.int64)
    in_tree = np.empty(symbols, dtype=np.bool_)
    edges = np.empty(codes.shape[1], dtype=np.uint8)
    for row in range(first, last):
        length = lengths[row]
        if length < 3:
            for i in range(length):
                shuffled[row, i] = codes[row, i]
            continue
        begin[:] = 0
        for i in range(length - 1):
            begin[codes[row, i] + 1] += 1
        for symbol in range(symbols):
            begin[symbol + 1] += begin[symbol]
            filled[symbol] = begin[symbol]
            in_tree[symbol] = False
        for i in range(length - 1):
            symbol = codes[row, i]
            edges[filled[symbol]] = codes[row, i + 1]
            filled[symbol] += 1
        root = codes[row, length - 1]
        in_tree[root] = True
        for symbol in range(symbols):
            if begin[symbol] == begin[symbol + 1]:
                continue
            here = symbol
            while not in_tree[here]:
                exit_edge[here] = begin[here] + _below(states, row, begin[here + 1] - begin[here])
                here = edges[exit_edge[here]]
            here = symbol
            while not in_tree[here]:  # the walk without its loops
                in_tree[here] = True
                here = edges[exit_edge[here]]
        for symbol in range(symbols):
            end = begin[symbol + 1]
            if end == begin[symbol]:
                continue
            if symbol != root:
                end -= 1
                edges[exit_edge[symbol]], edges[end] = edges[end], edges[exit_edge[symbol]]
            for i in range(end - 1, begin[symbol], -1):
                j = begin[symbol] + _below(states, row, i - begin[symbol] + 1)
                edges[i], edges[j] = edges[j], edges[i]
        here = codes[row, 0]
        shuffled[row, 0] = here
        for i in range(1, length):
            edge = begin[here]
            begin[here] += 1
            here = edges[edge]
            shuffled[row, i] = here


def dinucleotide_shuffles(
    codes: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    *,
    seed: int,
    epoch: int,
    rows: NDArray[np.int64],
    threads: int = 1,
) -> NDArray[np.uint8]:
    """Shuffles of sequences that keep the count of every pair of neighbouring letters, and so both ends.

    codes: (N, L) uint8; positions from `lengths[n]` on are copied as they are. rows: (N,) the number by which each
    sequence is known: the shuffle is a function of its letters, `seed`, `epoch` and this number only, whatever else
    is in the batch and whatever the number of threads. Each distinct arrangement is equally likely.
    """
    shuffled = codes.copy()
    symbols = int(codes.max(initial=0)) + 1
    states = row_states(seed, epoch, rows)
    pieces = -(-len(codes) // ROWS_PER_PIECE)

    def piece(number: int) -> None:
        first = number * ROWS_PER_PIECE
        _shuffle_rows(codes, lengths, states, symbols, first, min(first + ROWS_PER_PIECE, len(codes)), shuffled)

    run_pieces(piece, pieces, threads)
    return shuffled
