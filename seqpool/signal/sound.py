"""From a clip as it was read to what a network hears: the same steps in training and in use."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seqpool.signal.resampling import exact_ratio, resample

SILENCE = 1e-4
"""Samples up to this, with full scale 1, are digital silence: about 3 steps of 16 bits."""


class Preparation(Protocol):
    """The numbers, as `seqpool.options.audio.Audio` holds them."""

    @property
    def rate_hz(self) -> float: ...
    @property
    def trim_silence(self) -> bool: ...
    @property
    def repeat_to_s(self) -> float | None: ...


def prepare_sound(
    samples: NDArray[np.float32], rate_hz: float, settings: Preparation
) -> tuple[NDArray[np.float32], list[str]]:
    """(channels, samples) at `rate_hz` as (1, samples) at the model's rate, and what was done to it in words.

    Channels are averaged, trailing silence is cut off, the rate is changed, a short clip is repeated, in this order.
    """
    notes = []
    if len(samples) > 1:
        notes.append(f"{len(samples)} channels are averaged")
    sound = samples.mean(axis=0, dtype=np.float64)
    if settings.trim_silence:
        sound = without_trailing_silence(sound)
    if exact_ratio(rate_hz, settings.rate_hz) != 1:
        notes.append(f"resampled from {rate_hz:g} to {settings.rate_hz:g} Hz")
        sound = resample(sound, rate_hz, settings.rate_hz)
    if settings.repeat_to_s is not None:
        wanted = round(settings.repeat_to_s * settings.rate_hz)
        if len(sound) < wanted:
            sound = np.resize(sound, wanted)
    return sound[None].astype(np.float32), notes


def without_trailing_silence(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """(samples,) up to the last one above SILENCE; all of a clip that has none."""
    heard = np.flatnonzero(np.abs(sound) > SILENCE)
    return sound[: heard[-1] + 1] if len(heard) else sound
