"""Stretches of time: (n, 2) float64 starts and ends in seconds, in order, apart from one another."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Stretches = NDArray[np.float64]
Times = NDArray[np.float64]


def stretches(pairs: Iterable[tuple[float, float]]) -> Stretches:
    """Any pairs (start, end) as stretches: sorted, empty ones dropped, those that touch or overlap joined."""
    found: list[list[float]] = []
    for start, end in sorted((float(start), float(end)) for start, end in pairs):
        if end <= start:
            continue
        if found and start <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def without(kept: Stretches, removed: Stretches) -> Stretches:
    """The parts of `kept` that lie in none of `removed`."""
    parts: list[tuple[float, float]] = []
    for start, end in kept.tolist():
        at = start
        first, last = np.searchsorted(removed[:, 1], start, side="right"), np.searchsorted(removed[:, 0], end)
        for begin, stop in removed[first:last].tolist():
            if begin > at:
                parts.append((at, begin))
            at = max(at, stop)
        if at < end:
            parts.append((at, end))
    return np.array(parts, dtype=np.float64).reshape(-1, 2)


def seconds_before(chosen: Stretches, times_s: Times) -> Times:
    """(times,) seconds of the stretches that lie before each time."""
    lengths = np.concatenate([[0.0], np.cumsum(chosen[:, 1] - chosen[:, 0])])
    place = np.searchsorted(chosen[:, 0], times_s, side="right")
    if not len(chosen):
        return np.zeros(len(times_s))
    last = np.maximum(place - 1, 0)
    inside = np.clip(times_s - chosen[last, 0], 0.0, chosen[last, 1] - chosen[last, 0])
    return np.asarray(np.where(place > 0, lengths[last] + inside, 0.0), dtype=np.float64)


def seconds_within(chosen: Stretches, start_s: float, end_s: float) -> float:
    """Seconds of the stretches between two times."""
    before = seconds_before(chosen, np.array([start_s, end_s]))
    return float(before[1] - before[0])


def inside(chosen: Stretches, times_s: Times) -> NDArray[np.bool_]:
    """(times,) whether each lies in a stretch, its start included and its end not."""
    place = np.searchsorted(chosen[:, 0], times_s, side="right") - 1
    if not len(chosen):
        return np.zeros(len(times_s), dtype=bool)
    return np.asarray((place >= 0) & (times_s < chosen[np.maximum(place, 0), 1]))
