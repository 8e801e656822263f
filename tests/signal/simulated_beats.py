"""A lead made of Gaussian waves, whose beats are known: normal, ventricular (early, broad, no P), supraventricular."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 125.0

# seconds from the R peak, height, width in seconds
NORMAL = ((-0.16, 0.12, 0.02), (-0.03, -0.1, 0.01), (0.0, 1.0, 0.012), (0.03, -0.2, 0.01), (0.28, 0.25, 0.04))
VENTRICULAR = ((0.0, 1.1, 0.04), (0.09, -0.6, 0.04), (0.32, -0.4, 0.06))
SECOND_NORMAL = ((-0.16, 0.12, 0.02), (-0.02, 0.3, 0.008), (0.0, -0.5, 0.01), (0.28, 0.25, 0.04))
SHAPES = {"N": NORMAL, "V": VENTRICULAR, "S": NORMAL, "M": SECOND_NORMAL}


def lead(
    peaks_s: Sequence[float] | NDArray[np.float64], classes: Sequence[str], *, noise: float = 0.01, seed: int = 0
) -> NDArray[np.float32]:
    """(L,) at RATE_HZ, ending 2 s after the last beat."""
    seconds = np.arange(int((peaks_s[-1] + 2) * RATE_HZ)) / RATE_HZ
    signal = noise * np.random.default_rng(seed).standard_normal(len(seconds))
    for peak, name in zip(peaks_s, classes, strict=True):
        for at, height, width in SHAPES[name]:
            near = slice(*np.searchsorted(seconds, (peak + at - 6 * width, peak + at + 6 * width)))
            signal[near] += height * np.exp(-0.5 * ((seconds[near] - peak - at) / width) ** 2)
    return signal.astype(np.float32)


def rhythm(pattern: str, interval_s: float = 0.8, *, jitter: float = 0.02, seed: int = 0) -> NDArray[np.float64]:
    """(beats,) R peaks from 1 s on, for a class letter each: V and S come at 60 % of the interval; after V a pause."""
    rng = np.random.default_rng(seed)
    steps = [interval_s]
    for before, own in pairwise(pattern):
        share = 0.6 if own in "VS" else 1.4 if before == "V" else 1.0
        steps.append(interval_s * share)
    peaks_s = np.cumsum(np.array(steps) * np.exp(jitter * rng.standard_normal(len(steps)))) + 0.2
    return np.rint(peaks_s * RATE_HZ) / RATE_HZ  # so that beats of one shape have the same samples
