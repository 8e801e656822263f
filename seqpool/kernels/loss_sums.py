"""The distribution of what a random word loses against the best one, over a grid: a convolution per column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels.compiled import compiled

TILE = 1024  # sums added up while they stay in the first cache


@compiled
def add_columns(
    losses: NDArray[np.int64],
    weights: NDArray[np.float64],
    most: int,
    probability: NDArray[np.float64],
    scratch: NDArray[np.float64],
) -> None:
    """Fill (most + 1,) probability that a word's losses, one letter per column, sum to 0, 1, ... `most`.

    losses: (width, letters), negative for a letter that cannot stand; weights: (letters,) probabilities; scratch: as
    large as `probability`. Letters are added up in their order, so the sums are the same on every machine.
    """
    before, after = probability, scratch
    before[0] = 1.0
    length = 1
    for column in range(losses.shape[0]):
        longer = length
        for letter in range(losses.shape[1]):
            if losses[column, letter] <= most:
                longer = max(longer, min(most + 1, length + losses[column, letter]))
        for first in range(0, longer, TILE):
            end = min(first + TILE, longer)
            for place in range(np.uint64(first), np.uint64(end)):
                after[place] = 0.0
            for letter in range(losses.shape[1]):
                loss = losses[column, letter]
                if loss >= 0:
                    weight, shift = weights[letter], np.uint64(loss)
                    for place in range(np.uint64(max(first, loss)), np.uint64(max(min(end, length + loss), 0))):
                        after[place] += weight * before[place - shift]
        before, after = after, before
        length = longer
    if losses.shape[0] % 2:
        for place in range(length):
            probability[place] = before[place]
    for place in range(length, most + 1):
        probability[place] = 0.0
