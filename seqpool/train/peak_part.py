"""Recordings with marked R peaks, as windows that a detector learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from seqpool.options.recordings import SignalAugmentation
from seqpool.signal.r_peaks import peak_target
from seqpool.train.recording_part import Values, varied_in_time

PEAK_WEIGHT = 3.0
"""A sample at a peak counts this much more than one far from any: peaks are rare among samples."""


@dataclass(frozen=True)
class PeakRecording:
    """One recording.

    name: as found. values: (1, L), what the detector eats. peaks_s: (peaks,) marked, rising, in seconds from the first
    sample. unknown: (L,) samples that teach nothing, as in episodes of ventricular flutter, where beats are not marked.
    """

    name: str
    values: Values
    peaks_s: NDArray[np.float64]
    unknown: NDArray[np.bool_]


class PeakWindows:
    """The windows of a training epoch: each recording gives equally many, whatever its length.

    recordings: of the training side. number: (recordings,) by which augmentation knows them whatever side they are on.
    augment: `crop_s` is the length of a window. windows: of an epoch.
    """

    def __init__(
        self,
        recordings: Sequence[PeakRecording],
        number: NDArray[np.int64],
        augment: SignalAugmentation,
        rate_hz: float,
        windows: int,
    ) -> None:
        """Raises ValueError where `augment` names no length or there is no recording."""
        if augment.crop_s is None or not recordings:
            raise ValueError("windows of peaks need recordings and augment.crop_s, their length")
        self.windows = windows
        self.samples = max(round(augment.crop_s * rate_hz), 1)
        self._recordings = recordings
        self._number = number
        self._augment = augment
        self._rate_hz = rate_hz

    def __len__(self) -> int:
        return self.windows

    def batch(self, rows: NDArray[np.int64], epoch: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
        """x (N, 1, L), target (N, L) in [0, 1], known (N, L) bool, of these windows of an epoch.

        Each is a function of (seed, epoch, recording, the recording's turn). Where a recording is shorter than a
        window, x is 0 behind it and nothing is known there.
        """
        x = np.zeros((len(rows), 1, self.samples), dtype=np.float32)
        target = np.zeros((len(rows), self.samples), dtype=np.float32)
        known = np.zeros((len(rows), self.samples), dtype=bool)
        for place, row in enumerate(rows.tolist()):
            values, bumps, taught = self._window(row, epoch, seed)
            x[place, :, : values.shape[1]] = values
            target[place, : len(bumps)] = bumps
            known[place, : len(taught)] = taught
        return torch.from_numpy(x), torch.from_numpy(target), torch.from_numpy(known)

    def _window(self, row: int, epoch: int, seed: int) -> tuple[Values, NDArray[np.float32], NDArray[np.bool_]]:
        turn, chosen = divmod(row, len(self._recordings))
        one = self._recordings[chosen]
        rng = np.random.default_rng([seed, epoch, int(self._number[chosen]), turn])
        values, start, scale = varied_in_time(one.values, self._augment, rng, self._rate_hz)
        values = values[:, : self.samples]
        samples = values.shape[1]
        places = np.rint(np.arange(samples) / scale + start).astype(np.int64)
        known = ~one.unknown[np.minimum(places, len(one.unknown) - 1)]
        return values, peak_target((one.peaks_s * self._rate_hz - start) * scale, samples, self._rate_hz), known


def peak_loss(logits: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Mean cross-entropy of the samples that are known, those near a peak weighing up to 1 + PEAK_WEIGHT.

    logits, target, known: (N, L), or (N, 1, L) logits.
    """
    weight = known * (1 + PEAK_WEIGHT * target)
    each = F.binary_cross_entropy_with_logits(logits.reshape(target.shape), target, reduction="none")
    return (each * weight).sum() / weight.sum().clamp(min=1)
