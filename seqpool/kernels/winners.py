"""The gradient of the best windows: each one adds to the symbols that it read, and to nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels.columns import Floats
from seqpool.kernels.compiled import compiled
from seqpool.kernels.parallel import run_pieces
from seqpool.kernels.words import Words

LANES_PER_PIECE = 16  # a cache line of gradients


@compiled
def _add_winners(
    symbols: NDArray[np.uint8],
    position: NDArray[np.int32],
    gradient: Floats,
    begin: int,
    end: int,
    cells: NDArray[np.float64],
) -> None:
    """Add to (lanes, K, D) cells of lanes `begin` to `end`, sequence after sequence."""
    for n in range(symbols.shape[0]):
        letters = symbols[n]
        for lane in range(begin, end):
            amount = np.float64(gradient[n, lane])
            if amount != 0.0:
                here = cells[lane]
                start = np.uint64(position[n, lane])
                for column in range(np.uint64(cells.shape[1])):
                    here[column, np.uint64(letters[start + column])] += amount


def winners_gradient(
    words: Words, position: NDArray[np.int32], gradient: Floats, width: int, threads: int
) -> NDArray[np.float64]:
    """Gradient of symbol scores (lanes, K, D) for a gradient (N, lanes) of the best scores at `position`.

    The sums are taken in the order of the sequences, whatever the number of threads.
    """
    lanes = gradient.shape[1]
    cells = np.zeros((lanes, width, words.codes.size))

    def piece(number: int) -> None:
        begin = number * LANES_PER_PIECE
        _add_winners(words.symbols, position, gradient, begin, min(begin + LANES_PER_PIECE, lanes), cells)

    run_pieces(piece, -(-lanes // LANES_PER_PIECE), threads)
    return cells
