"""R peaks from the probability that a sample is one: what a network is taught, and how its answer is read.

The network is taught a bump around each annotated peak, and a peak is read as the centre of the bump that it answers.
So the place of a peak within its QRS complex is learnt from the annotations, and no rule on the sign or the height of
the signal comes after it: annotators mark the R of most beats, but the S or the onset of others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BUMP_SD_S = 0.024
"""Standard deviation of the bump that the network is taught."""

CENTRE_S = 0.048
"""The centre is that of the probabilities at most this far from the largest."""

THRESHOLD = 0.5
"""A peak stands where the probability reaches this."""

REFRACTORY_S = 0.2
"""Least distance of two peaks: no ventricle beats again sooner. Of two that are nearer the more probable one stands."""

Seconds = NDArray[np.float64]


def peak_target(peaks: NDArray[np.float64], samples: int, rate_hz: float) -> NDArray[np.float32]:
    """(samples,) what the network is taught: 1 at a peak, falling like a normal density of BUMP_SD_S around it.

    peaks: in samples from 0, parts of samples too, rising; those outside reach in.
    """
    spread = BUMP_SD_S * rate_hz
    reach = round(5 * spread)
    near = np.rint(peaks).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
    bump = np.exp(-0.5 * ((near - peaks[:, None]) / spread) ** 2)
    inside = (near >= 0) & (near < samples)
    target = np.zeros(samples)
    np.maximum.at(target, near[inside], bump[inside])
    return target.astype(np.float32)


class PeakFinder:
    """Reads peaks from probabilities that come in chunks; any cutting gives the peaks of the whole.

    Memory: a chunk, and three numbers for each peak.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._reach = max(round(CENTRE_S * rate_hz), 1)
        self._held = np.zeros(self._reach)  # before the first sample nothing is probable
        self._begin = -self._reach
        self._places: list[NDArray[np.int64]] = []
        self._heights: list[NDArray[np.float64]] = []
        self._centres: list[NDArray[np.float64]] = []

    def feed(self, probability: NDArray[np.float32]) -> None:
        """(n,) the probabilities of the next samples."""
        self._held = np.concatenate([self._held, np.asarray(probability, dtype=np.float64)])
        reach = self._reach
        inner = self._held[reach:-reach]
        if not len(inner):
            return
        before, after = self._held[reach - 1 : -reach - 1], self._held[reach + 1 : len(self._held) - reach + 1]
        found = np.flatnonzero((inner >= before) & (inner > after) & (inner >= THRESHOLD)) + reach
        steps = np.arange(-reach, reach + 1)
        weight = self._held[found[:, None] + steps]
        self._places.append(found + self._begin)
        self._heights.append(self._held[found])
        self._centres.append(found + self._begin + weight @ steps / weight.sum(axis=1))
        self._begin += len(self._held) - 2 * reach
        self._held = self._held[-2 * reach :]

    def peaks_s(self) -> Seconds:
        """(peaks,) seconds from the first sample, rising, once every sample was given."""
        self.feed(np.zeros(self._reach, dtype=np.float32))
        if not self._places:
            return np.zeros(0)
        places, heights = np.concatenate(self._places), np.concatenate(self._heights)
        kept = _apart(places, heights, REFRACTORY_S * self._rate_hz)
        return np.asarray(np.concatenate(self._centres)[kept] / self._rate_hz, dtype=np.float64)


def _apart(places: NDArray[np.int64], heights: NDArray[np.float64], distance: float) -> NDArray[np.bool_]:
    """(peaks,) whether each stands: from the highest down, of equal ones the earlier, one that is nearer than
    `distance` to one that stands falls."""
    stands = np.ones(len(places), dtype=bool)
    gap_before = np.diff(places, prepend=-np.inf) < distance
    crowded = gap_before | np.append(gap_before[1:], False)
    for place in np.argsort(-heights, kind="stable"):
        if not (crowded[place] and stands[place]):
            continue
        low = np.searchsorted(places, places[place] - distance, side="right")
        high = np.searchsorted(places, places[place] + distance, side="left")
        stands[low:high] = False
        stands[place] = True
    return stands
