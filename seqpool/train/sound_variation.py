"""How a clip of sound differs from one training epoch to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqpool.options.audio import AudioAugmentation
from seqpool.signal.resampling import resample

SPEED_STEP = 0.01
"""Speeds are drawn in steps of this, so that the filters of their resampling are few."""


def varied_sound(
    values: NDArray[np.float32], augment: AudioAugmentation, rng: np.random.Generator, rate_hz: float
) -> NDArray[np.float32]:
    """A clip (1, samples) as one training epoch hears it; every draw comes from `rng`."""
    crop, shift, speed = rng.random(), rng.random(), rng.random()
    steps = round(augment.speed / SPEED_STEP)
    factor = 1.0 + SPEED_STEP * (int(speed * (2 * steps + 1)) - steps)
    wanted = values.shape[1]
    if augment.crop_s is not None:
        # as many samples as last for crop_s when played at the factor
        wanted = max(round(augment.crop_s * rate_hz), 1)
        longest = max(round(wanted * factor), 1)
        start = int(crop * (max(values.shape[1] - longest, 0) + 1))
        values = values[:, start : start + longest]
    if factor != 1.0:
        values = resample(values.astype(np.float64), 100 * factor, 100).astype(np.float32)
        if augment.crop_s is not None:
            values = values[:, :wanted]
    moved = round((2 * shift - 1) * augment.shift_s * rate_hz)
    return _moved(values, int(np.clip(moved, 1 - values.shape[1], values.shape[1] - 1)))


def _moved(values: NDArray[np.float32], samples: int) -> NDArray[np.float32]:
    """Later by so many samples (earlier where negative), as long as before, silence where nothing is known."""
    if not samples:
        return values
    result = np.zeros_like(values)
    if samples > 0:
        result[:, samples:] = values[:, :-samples]
    else:
        result[:, :samples] = values[:, -samples:]
    return result
