"""Filters as columns: what every lane gives every symbol, side by side in groups of LANES.

A lane is one filter on one strand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels.words import LANES, Words

Floats = NDArray[np.float32]


def symbol_scores(weight: Floats, table: Floats, words: Words) -> Floats:
    """(K, D, lanes) what each lane adds for each symbol in each column, lanes filled up with zeros to whole groups.

    weight: (lanes, letters, K); table: (codes, letters), the channel values of every code.
    """
    lanes, _, width = weight.shape
    scores = np.zeros((width, words.codes.size, -(-lanes // LANES) * LANES), dtype=np.float32)
    with np.errstate(invalid="ignore"):  # a filter that diverged
        scores[:, :, :lanes] = np.tensordot(weight, table[words.codes], axes=([1], [1])).transpose(1, 2, 0)
    return scores


def blocks_of(width: int, size: int) -> tuple[int, ...]:
    """0, 1, ... for each word that a filter of `width` columns reads: a kernel is compiled for each such number."""
    return tuple(range(-(-width // size)))
