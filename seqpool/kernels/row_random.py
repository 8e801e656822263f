"""Random numbers that are a function of (seed, epoch, row, position): the same in any batch, order or process.

SplitMix64 (Steele, Lea & Flood 2014, doi:10.1145/2714064.2660195).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STEP = np.uint64(0x9E3779B97F4A7C15)
FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
SECOND_FACTOR = np.uint64(0x94D049BB133111EB)
_30, _27, _31 = np.uint64(30), np.uint64(27), np.uint64(31)


def mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser: each input bit changes every output bit with probability one half."""
    values = (values ^ (values >> _30)) * FIRST_FACTOR
    values = (values ^ (values >> _27)) * SECOND_FACTOR
    return values ^ (values >> _31)


def row_states(seed: int, epoch: int, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """(rows,) the state from which each row's random numbers start."""
    state = np.full(len(rows), seed % 2**64, dtype=np.uint64)
    for part in (np.full(len(rows), epoch % 2**64, dtype=np.uint64), rows.astype(np.uint64)):
        state = mixed(state + STEP) ^ part
    return mixed(state + STEP)


def with_random_letters(
    codes: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    letters: int,
    share: float,
    *,
    seed: int,
    epoch: int,
    rows: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """(N, L) codes in which each position below `lengths` is, with probability `share`, one of `letters` plain letters.

    rows: (N,) the number by which each sequence is known. The letter drawn may be the one that was there.
    """
    position = np.arange(codes.shape[1], dtype=np.uint64)
    values = mixed(row_states(seed, epoch, rows)[:, None] + (position + np.uint64(1)) * STEP)
    chosen = (values >> np.uint64(11)) < np.uint64(round(share * 2**53))
    chosen &= np.arange(codes.shape[1]) < lengths[:, None]
    letter = (mixed(values + STEP) >> np.uint64(32)) * np.uint64(letters) >> np.uint64(32)
    return np.where(chosen, letter.astype(np.uint8), codes)
