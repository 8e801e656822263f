"""Amplitudes without a unit: what is typical of the recording becomes 1."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Normalisation = Literal["second_range", "standard", "none"]


def typical_amplitude(
    samples: NDArray[np.float64], missing: NDArray[np.bool_], rate_hz: float, rule: Normalisation
) -> float:
    """The amplitude of one lead (n,) by which it is divided, 0 where it is constant.

    second_range: the median over seconds of the range within a second, which is the height of a typical QRS complex
    and heeds neither artefacts nor pauses that fill less than half of the time. standard: the standard deviation.
    none: 1. missing: (n,) samples that were bridged; seconds that hold one do not count unless all do.
    """
    if rule == "none":
        return 1.0
    if rule == "standard":
        return float(samples[~missing].std()) if not missing.all() else 0.0
    second = max(min(round(rate_hz), len(samples)), 1)
    whole = len(samples) // second * second
    pieces = samples[:whole].reshape(-1, second)
    complete = ~missing[:whole].reshape(-1, second).any(axis=1)
    chosen = pieces[complete] if complete.any() else pieces
    return float(np.median(np.ptp(chosen, axis=1)))
