"""From probabilities at every sample to P, QRS and T waves in the order in which a heart beats.

Probabilities may come in chunks: `WaveRuns` gives the same runs however they were cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.records import WAVES, Delineation

GAP_S = 0.04
"""Pieces of one wave with less between them are joined."""

SHORTEST_S = (0.04, 0.04, 0.08)
"""A shorter P, QRS, T is none."""

REFRACTORY_S = 0.2
"""QRS complexes nearer to each other are one: the heart muscle cannot be excited again so soon."""

P, QRS, T = range(len(WAVES))


@dataclass(frozen=True)
class Runs:
    """Stretches in which one wave is the most probable label, as columns of equal length, in order of time.

    wave: (runs,) int8, index into WAVES. onset, offset: (runs,) float64 samples, where the probabilities of the labels
    on both sides are equal (linear between samples). mass: (runs,) sum of the wave's probability over its samples.
    """

    wave: NDArray[np.int8]
    onset: NDArray[np.float64]
    offset: NDArray[np.float64]
    mass: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.wave)

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Runs:
        """The runs that a mask or places choose."""
        return Runs(self.wave[chosen], self.onset[chosen], self.offset[chosen], self.mass[chosen])


class WaveRuns:
    """Collects runs from probabilities (labels, samples) that come in chunks, in order.

    Labels are `none` and then WAVES.
    """

    def __init__(self) -> None:
        self._last: NDArray[np.float64] | None = None
        self._samples = 0
        self._label: list[int] = []
        self._begin: list[float] = []
        self._mass: list[float] = []

    def feed(self, probabilities: NDArray[np.floating]) -> None:
        """The probabilities (1 + waves, n) of the next n samples."""
        values = np.asarray(probabilities, dtype=np.float64)
        if values.shape[1] == 0:
            return
        label = values.argmax(axis=0)
        before = values[:, :1] if self._last is None else self._last
        joined = np.concatenate([before, values], axis=1)
        previous = np.concatenate([joined[:, :1].argmax(axis=0), label[:-1]])
        changes = np.flatnonzero(label != previous)
        starts = changes if self._last is not None else np.concatenate([[0], changes])
        above = joined[previous[changes], changes] - joined[label[changes], changes]
        below = values[label[changes], changes] - values[previous[changes], changes]
        crossing = self._samples + changes - below / np.maximum(above + below, 1e-12)
        own = values[label, np.arange(len(label))]
        sums = np.add.reduceat(own, np.unique(np.concatenate([[0], changes])))
        if self._last is None:
            crossing = np.concatenate([[0.0], crossing])
        elif len(changes) == 0 or changes[0] > 0:  # the run of the chunk before goes on
            self._mass[-1] += float(sums[0])
            sums = sums[1:]
        self._label += label[starts].tolist()
        self._begin += crossing.tolist()
        self._mass += sums.tolist()
        self._last = values[:, -1:].copy()
        self._samples += values.shape[1]

    def runs(self) -> Runs:
        """The runs so far; one that is still open ends with the last sample."""
        label = np.array(self._label, dtype=np.int64)
        begin = np.array(self._begin, dtype=np.float64)
        end = np.append(begin[1:], max(self._samples - 1, 0))
        found = Runs((label - 1).astype(np.int8), begin, end, np.array(self._mass, dtype=np.float64))
        return found.rows(label > 0)


def waves_in_order(runs: Runs, rate_hz: float) -> Runs:
    """The runs that make waves: pieces joined, short ones dropped, QRS complexes a refractory period apart, at most one
    T between two of them (that of the largest mass), and P waves only after the T.

    Before the first complex and after the last one the same holds. Several P waves may stand between two complexes, as
    in a block of the conduction.
    """
    found = _joined(runs, GAP_S * rate_hz)
    shortest = np.array(SHORTEST_S)[found.wave] * rate_hz
    found = found.rows(found.offset - found.onset >= shortest)
    found = found.rows(_refractory(found, REFRACTORY_S * rate_hz))
    interval = np.cumsum(found.wave == QRS)
    kept = np.ones(len(found), dtype=bool)
    for number in np.unique(interval[found.wave == T]):
        inside = np.flatnonzero((interval == number) & (found.wave != QRS))
        repolarisations = inside[found.wave[inside] == T]
        best = repolarisations[found.mass[repolarisations].argmax()]
        kept[repolarisations] = False
        kept[inside[inside < best]] = False
        kept[best] = True
    return found.rows(kept)


def _joined(runs: Runs, gap: float) -> Runs:
    """Neighbouring runs of one wave with less than `gap` samples between them as one."""
    if len(runs) < 2:
        return runs
    apart = (runs.wave[1:] != runs.wave[:-1]) | (runs.onset[1:] - runs.offset[:-1] >= gap)
    first = np.flatnonzero(np.concatenate([[True], apart]))
    last = np.append(first[1:], len(runs)) - 1
    return Runs(runs.wave[first], runs.onset[first], runs.offset[last], np.add.reduceat(runs.mass, first))


def _refractory(runs: Runs, distance: float) -> NDArray[np.bool_]:
    """(runs,) False for a QRS nearer than `distance` to a stronger one; all others True."""
    kept = np.ones(len(runs), dtype=bool)
    complexes = np.flatnonzero(runs.wave == QRS)
    centre = (runs.onset + runs.offset) / 2
    last: int | None = None
    for place in complexes.tolist():
        if last is not None and centre[place] - centre[last] < distance:
            weaker = place if runs.mass[place] <= runs.mass[last] else last
            kept[weaker] = False
            if weaker == place:
                continue
        last = place
    return kept


def with_peaks(runs: Runs, signal: NDArray[np.floating]) -> Delineation:
    """Waves with their peaks: where the signal (samples,) is furthest from the straight line between onset and offset,
    the top of the parabola through that sample and its neighbours."""
    values = np.asarray(signal, dtype=np.float64)
    peaks = [_peak(values, onset, offset) for onset, offset in zip(runs.onset, runs.offset, strict=True)]
    return Delineation(runs.wave, runs.onset, np.array(peaks, dtype=np.float64), runs.offset)


def _peak(values: NDArray[np.float64], onset: float, offset: float) -> float:
    last = len(values) - 1
    places = np.arange(max(int(np.ceil(onset)), 0), min(int(offset), last) + 1)
    if not len(places):
        return (onset + offset) / 2
    line = np.interp(places, [onset, offset], [_between(values, onset), _between(values, offset)])
    height = np.abs(values[places] - line)
    top = int(height.argmax())
    if not 0 < top < len(places) - 1:
        return float(places[top])
    left, middle, right = height[top - 1 : top + 2]
    bend = left - 2 * middle + right
    shift = 0.0 if bend == 0 else float(np.clip((left - right) / (2 * bend), -0.5, 0.5))
    return float(min(max(places[top] + shift, onset), offset))


def _between(values: NDArray[np.float64], place: float) -> float:
    """The signal at a part of a sample, on a straight line between its neighbours."""
    lower = min(max(int(place), 0), len(values) - 1)
    upper = min(lower + 1, len(values) - 1)
    share = min(max(place - lower, 0.0), 1.0)
    return float(values[lower] * (1 - share) + values[upper] * share)
