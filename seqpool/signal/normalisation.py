"""Amplitudes without a unit: what is typical of the recording becomes 1, and points up where that is asked for."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Normalisation = Literal["second_range", "standard", "none"]


class Seconds:
    """The smallest and the largest sample of each second of one lead, from its samples in blocks.

    Memory: two numbers for each second.
    """

    def __init__(self, rate_hz: float) -> None:
        self.second = max(round(rate_hz), 1)
        self._lowest: list[NDArray[np.float64]] = []
        self._highest: list[NDArray[np.float64]] = []
        self._complete: list[NDArray[np.bool_]] = []

    def feed(self, samples: NDArray[np.float64], missing: NDArray[np.bool_]) -> None:
        """The next block (n,) and which of its samples were bridged; all but the last are whole seconds. What is left
        of the last does not count, unless it is all there is."""
        whole = len(samples) // self.second * self.second
        if not whole and (self._lowest or not len(samples)):
            return
        rows, absent = (
            values[:whole].reshape(-1, self.second) if whole else values[None] for values in (samples, missing)
        )
        self._lowest.append(rows.min(axis=1))
        self._highest.append(rows.max(axis=1))
        self._complete.append(np.logical_not(absent.any(axis=1)))

    def extremes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(seconds,) smallest and largest samples. Seconds with a bridged sample do not count unless all have one."""
        if not self._lowest:
            return np.zeros(0), np.zeros(0)
        lowest, highest = np.concatenate(self._lowest), np.concatenate(self._highest)
        complete = np.concatenate(self._complete)
        return (lowest[complete], highest[complete]) if complete.any() else (lowest, highest)

    def points_down(self) -> bool:
        """Whether the typical second reaches farther down than up, as with electrodes that were swapped: the median
        over seconds of the sum of the smallest and the largest sample is below 0."""
        lowest, highest = self.extremes()
        return bool(len(lowest)) and float(np.median(lowest + highest)) < 0


class TypicalAmplitude:
    """The amplitude by which one lead is divided, from its samples in blocks.

    second_range: the median over seconds of the range within a second, which is the height of a typical QRS complex
    and heeds neither artefacts nor pauses that fill less than half of the time. standard: the standard deviation.
    none: 1.
    """

    def __init__(self, seconds: Seconds, rule: Normalisation) -> None:
        """seconds: those of the lead, fed beside this."""
        self.rule = rule
        self._seconds = seconds
        self._moments = (0, 0.0, 0.0)  # samples, their mean, their squared distance from it

    def feed(self, samples: NDArray[np.float64], missing: NDArray[np.bool_]) -> None:
        """The next block (n,) and which of its samples were bridged."""
        if self.rule == "standard":
            self._add_moments(samples[~missing])

    def value(self) -> float:
        """0 where the lead is constant. Seconds with a bridged sample do not count unless all have one."""
        if self.rule == "none":
            return 1.0
        if self.rule == "standard":
            samples, _, squares = self._moments
            return float(np.sqrt(squares / samples)) if samples else 0.0
        lowest, highest = self._seconds.extremes()
        return float(np.median(highest - lowest)) if len(lowest) else 0.0

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
