"""From a clip as it was read to what a network hears: the same steps in training and in use."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from seqpool.signal.resampling import exact_ratio, resample

SILENCE = 1e-4
"""Samples up to this, with full scale 1, are digital silence: about 3 steps of 16 bits."""

BLOCK_S = 0.025
"""Loudness is that of stretches of so many seconds."""


class Preparation(Protocol):
    """The numbers, as `seqpool.options.audio.Audio` holds them."""

    @property
    def rate_hz(self) -> float: ...
    @property
    def trim_silence(self) -> bool: ...
    @property
    def trim_quiet_db(self) -> float | None: ...
    @property
    def repeat_to_s(self) -> float | None: ...


class PreparedSound(NamedTuple):
    """values: (1, samples) at the model's rate. notes: what was done, in words. start_s: of the first sample in the
    clip as it was read."""

    values: NDArray[np.float32]
    notes: list[str]
    start_s: float


def prepare_sound(samples: NDArray[np.float32], rate_hz: float, settings: Preparation) -> PreparedSound:
    """What the model hears of (channels, samples) at `rate_hz`.

    Channels are averaged, trailing silence and quiet ends are cut off, the rate is changed, a short clip is repeated,
    in this order.
    """
    start = 0
    notes = []
    if len(samples) > 1:
        notes.append(f"{len(samples)} channels are averaged")
    sound = samples.mean(axis=0, dtype=np.float64)
    if settings.trim_silence:
        sound = without_trailing_silence(sound)
    if settings.trim_quiet_db is not None:
        start, stop = louder_part(sound, settings.trim_quiet_db, max(round(BLOCK_S * rate_hz), 1))
        sound = sound[start:stop]
    if exact_ratio(rate_hz, settings.rate_hz) != 1:
        notes.append(f"resampled from {rate_hz:g} to {settings.rate_hz:g} Hz")
        sound = resample(sound, rate_hz, settings.rate_hz)
    if settings.repeat_to_s is not None:
        wanted = round(settings.repeat_to_s * settings.rate_hz)
        if len(sound) < wanted:
            sound = np.resize(sound, wanted)
    return PreparedSound(sound[None].astype(np.float32), notes, start / rate_hz)


def without_trailing_silence(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """(samples,) up to the last one above SILENCE; all of a clip that has none."""
    heard = np.flatnonzero(np.abs(sound) > SILENCE)
    return sound[: heard[-1] + 1] if len(heard) else sound


def louder_part(sound: NDArray[np.float64], decibels: float, block: int) -> tuple[int, int]:
    """First sample, and the one after the last, of (samples,) without quiet ends; all of a silent clip.

    A block of samples is quiet where its mean square is more than so many decibels below that of the loudest block;
    one quiet block is left at each end.
    """
    blocks = max(len(sound) // block, 1)
    whole = sound[: blocks * block].reshape(blocks, -1)
    power = np.square(whole).mean(axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (-decibels / 10))
    if not len(loud):
        return 0, len(sound)
    last = len(sound) if loud[-1] + 2 >= blocks else (loud[-1] + 2) * block
    return int(max(loud[0] - 1, 0) * block), int(last)
