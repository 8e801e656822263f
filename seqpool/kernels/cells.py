"""Means of the cells of adaptive pooling, each row cut by its own length, and the way back of their gradient.

Cell i of O covers floor(i L / O) to ceil((i + 1) L / O) - 1, so that neighbours may share a position.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels.compiled import compiled
from seqpool.kernels.parallel import run_pieces

Numbers = NDArray[np.float32] | NDArray[np.float64]


@compiled
def _bounds(length: int, cell: int, cells: int) -> tuple[int, int]:
    return cell * length // cells, ((cell + 1) * length + cells - 1) // cells


@compiled
def _row_means(values: Numbers, length: int, output: Numbers) -> None:
    """One row (C, L), four channels at a time: a sum waits for its last addition, four do not wait for each other."""
    channels, cells = output.shape
    whole = channels - channels % 4
    for cell in range(cells):
        first, stop = _bounds(length, cell, cells)
        size = values.dtype.type(stop - first)
        for channel in range(0, whole, 4):
            one = two = three = four = values.dtype.type(0)
            for position in range(first, stop):
                one += values[channel, position]
                two += values[channel + 1, position]
                three += values[channel + 2, position]
                four += values[channel + 3, position]
            output[channel, cell] = one / size
            output[channel + 1, cell] = two / size
            output[channel + 2, cell] = three / size
            output[channel + 3, cell] = four / size
        for channel in range(whole, channels):
            total = values.dtype.type(0)
            for position in range(first, stop):
                total += values[channel, position]
            output[channel, cell] = total / size


@compiled
def _row_shares(gradient: Numbers, length: int, output: Numbers) -> None:
    """One row: every position (C, L) gets its share of the gradient (C, O) of each cell that holds it."""
    channels, cells = gradient.shape
    for channel in range(channels):
        here = output[channel]
        written = 0
        for cell in range(cells):
            first, stop = _bounds(length, cell, cells)
            share = gradient[channel, cell] / output.dtype.type(stop - first)
            for position in range(first, min(written, stop)):
                here[position] += share
            for position in range(max(first, written), stop):
                here[position] = share
            written = max(written, stop)
        here[written:] = 0


def cell_means(values: Numbers, lengths: NDArray[np.int64], output: Numbers, threads: int) -> None:
    """Write the means of the cells of (N, C, L) rows, as far as they are valid, to (N, C, cells); 0 for empty rows."""

    def piece(row: int) -> None:
        if lengths[row]:
            _row_means(values[row], lengths[row], output[row])
        else:
            output[row] = 0

    run_pieces(piece, len(lengths), threads)


def cell_shares(gradient: Numbers, lengths: NDArray[np.int64], output: Numbers, threads: int) -> None:
    """Write the gradient (N, C, L) of rows for a gradient (N, C, cells) of their means; 0 past a row's length."""

    def piece(row: int) -> None:
        if lengths[row]:
            _row_shares(gradient[row], lengths[row], output[row])
        else:
            output[row] = 0

    run_pieces(piece, len(lengths), threads)
