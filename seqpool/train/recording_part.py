"""One side of a split of recordings: prepared once, in memory, varied in training."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from seqpool.options.recordings import SignalAugmentation

Values = NDArray[np.float32]


class RecordingPart:
    """Rows of recordings.

    ids: names as the table has them. values: (channels, samples) of each, as `seqpool.signal.preprocessing` makes
    them. digests: of each recording. target: (rows,) or (rows, targets); weight: (rows,).
    number: (rows,) the row of the table, by which augmentation knows a recording whatever side it is on.
    varied: a recording as one training epoch sees it, every draw from the generator.
    """

    def __init__(
        self,
        ids: Sequence[str],
        values: Sequence[Values],
        digests: Sequence[str],
        target: NDArray[np.float64],
        number: NDArray[np.int64],
        varied: Callable[[Values, np.random.Generator], Values],
    ) -> None:
        self.ids = ids
        self.digests = digests
        self.target = target
        self.weight = np.ones(len(ids))
        self._values = values
        self._number = number
        self._varied = varied

    def inputs(self, rows: NDArray[np.int64], epoch: int | None, seed: int) -> tuple[Values, NDArray[np.int64]]:
        """(N, channels, L) padded with 0, and (N,) lengths; augmented as a function of (seed, epoch, row)."""
        chosen = [self._values[row] for row in rows]
        if epoch is not None:
            chosen = [
                self._varied(values, np.random.default_rng([seed, epoch, int(self._number[row])]))
                for values, row in zip(chosen, rows, strict=True)
            ]
        lengths = np.array([values.shape[1] for values in chosen], dtype=np.int64)
        x = np.zeros((len(chosen), chosen[0].shape[0], int(lengths.max())), dtype=np.float32)
        for place, values in enumerate(chosen):
            x[place, :, : values.shape[1]] = values
        return x, lengths


def varied(values: Values, augment: SignalAugmentation, rng: np.random.Generator, rate_hz: float) -> Values:
    """A recording (channels, samples) as one training epoch sees it; every draw comes from `rng`."""
    return varied_in_time(values, augment, rng, rate_hz)[0]


def varied_in_time(
    values: Values, augment: SignalAugmentation, rng: np.random.Generator, rate_hz: float
) -> tuple[Values, int, float]:
    """`varied`, and where its samples come from: sample p of the recording is at (p - start) · scale of the result."""
    start, scale = 0, 1.0
    crop, stretch, flip, gain, noise = rng.random(), rng.random(), rng.random(), rng.normal(), rng.random()
    factor = 1.0 + augment.stretch * (2.0 * stretch - 1.0)
    if augment.crop_s is not None:
        # as many samples as are left of crop_s after the stretch
        longest = max(int(augment.crop_s * rate_hz / factor), 1)
        start = int(crop * (max(values.shape[1] - longest, 0) + 1))
        values = values[:, start : start + longest]
    if augment.stretch:
        before = values.shape[1]
        values = _stretched(values, factor)
        scale = (values.shape[1] - 1) / max(before - 1, 1)
    amplitude = np.exp(augment.gain * gain) * (-1.0 if flip < augment.sign_flip else 1.0)
    result: Values = values * np.float32(amplitude)
    if augment.noise:
        white = rng.standard_normal(result.shape, dtype=np.float32)
        result += np.float32(augment.noise * noise) * white
    if augment.drift:
        height, hertz, phase = augment.drift * rng.random(), 0.05 + 0.45 * rng.random(), 2 * np.pi * rng.random()
        seconds = np.arange(result.shape[1]) / rate_hz
        result += (height * np.sin(2 * np.pi * hertz * seconds + phase)).astype(np.float32)
    if augment.lead_dropout:
        silent = rng.random(len(result)) < augment.lead_dropout
        if not silent.all():
            result[silent] = 0.0
    return result, start, scale


def _stretched(values: Values, factor: float) -> Values:
    """A recording that lasts `factor` times as long, by straight lines between samples."""
    samples = values.shape[1]
    wanted = max(int(samples * factor), 1)
    places = np.linspace(0, samples - 1, wanted)
    lower = np.minimum(places.astype(np.int64), max(samples - 2, 0))
    share = (places - lower).astype(np.float32)
    upper = np.minimum(lower + 1, samples - 1)
    result: Values = values[:, lower] * (1 - share) + values[:, upper] * share
    return result
