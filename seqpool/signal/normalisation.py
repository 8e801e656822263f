"""Amplitudes without a unit: what is typical of the recording becomes 1."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Normalisation = Literal["second_range", "standard", "none"]


class TypicalAmplitude:
    """The amplitude by which one lead is divided, from its samples in blocks.

    second_range: the median over seconds of the range within a second, which is the height of a typical QRS complex
    and heeds neither artefacts nor pauses that fill less than half of the time. standard: the standard deviation.
    none: 1. Memory: a number for each second.
    """

    def __init__(self, rate_hz: float, rule: Normalisation) -> None:
        self.rule = rule
        self.second = max(round(rate_hz), 1)
        self._ranges: list[NDArray[np.float64]] = []
        self._complete: list[NDArray[np.bool_]] = []
        self._ends: tuple[float, bool] | None = None  # of a recording shorter than a second
        self._moments = (0, 0.0, 0.0)  # samples, their mean, their squared distance from it

    def feed(self, samples: NDArray[np.float64], missing: NDArray[np.bool_]) -> None:
        """The next block (n,) and which of its samples were bridged; all but the last are whole seconds."""
        if self.rule == "standard":
            self._add_moments(samples[~missing])
        elif self.rule == "second_range" and len(samples):
            whole = len(samples) // self.second * self.second
            if not whole:
                self._ends = float(np.ptp(samples)), not missing.any()
                return
            self._ranges.append(np.ptp(samples[:whole].reshape(-1, self.second), axis=1))
            self._complete.append(np.logical_not(missing[:whole].reshape(-1, self.second).any(axis=1)))

    def value(self) -> float:
        """0 where the lead is constant. Seconds with a bridged sample do not count unless all have one."""
        if self.rule == "none":
            return 1.0
        if self.rule == "standard":
            samples, _, squares = self._moments
            return float(np.sqrt(squares / samples)) if samples else 0.0
        if not self._ranges:
            return 0.0 if self._ends is None else self._ends[0]
        ranges, complete = np.concatenate(self._ranges), np.concatenate(self._complete)
        return float(np.median(ranges[complete] if complete.any() else ranges))

    def _add_moments(self, samples: NDArray[np.float64]) -> None:
        """Chan, Golub and LeVeque, 1979: moments of two sets from those of each."""
        if not len(samples):
            return
        before, mean, squares = self._moments
        own_mean = float(samples.mean())
        own_squares = float(((samples - own_mean) ** 2).sum())
        total = before + len(samples)
        apart = own_mean - mean
        self._moments = (
            total,
            mean + apart * len(samples) / total,
            squares + own_squares + apart**2 * before * len(samples) / total,
        )
