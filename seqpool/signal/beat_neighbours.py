"""What rhythm the beats of the most similar shape come in: those of an ectopic shape come early, time and again."""

from __future__ import annotations

import numpy as np

from seqpool.signal.beat_templates import LaidBeats
from seqpool.signal.beat_windows import BeatNumbers, Flags, Numbers, Places, stretch

_COMPARED_S = {"QRS": ((-0.10, 0.16), 1), "QRST": ((-0.12, 0.40), 2)}
"""Seconds from the R peak of what is compared, and every how many samples."""

_TOLD = ("regular", "regular to all", "early", "late after", "rarity")

NEIGHBOUR_FEATURES = tuple(f"{what} of like {part}" for part in _COMPARED_S for what in _TOLD)
"""Names of what `neighbour_features` tells of a beat."""

BLOCK_BEATS = 200
"""So many beats at a time are compared with all."""


def neighbour_features(
    laid: LaidBeats, steady: Flags, before: Numbers, after: Numbers, numbers: BeatNumbers, rate_hz: float
) -> dict[str, Numbers]:
    """NEIGHBOUR_FEATURES of each beat, from the `neighbours` beats of the recording nearest to it in shape.

    steady: (beats,) in regular rhythm. before, after: (beats,) log ratios of the intervals to those around. Told are
    the share of steady ones, the same less that of all beats, the means of before and after, and the log distance of
    the farthest of these neighbours.
    """
    if len(steady) < 2:
        return {name: np.zeros(len(steady)) for name in NEIGHBOUR_FEATURES}
    early, late = np.clip(before, -1, 1), np.clip(after, -1, 1)
    found: dict[str, Numbers] = {}
    for part, (seconds, every) in _COMPARED_S.items():
        nearest, farthest = _nearest(laid, stretch(numbers, rate_hz, *seconds), every, numbers.neighbours)
        share = steady[nearest].mean(axis=1)
        columns = (share, share - steady.mean(), early[nearest].mean(axis=1), late[nearest].mean(axis=1), farthest)
        found |= {f"{what} of like {part}": column for what, column in zip(_TOLD, columns, strict=True)}
    return found


def _nearest(laid: LaidBeats, part: slice, every: int, count: int) -> tuple[Places, Numbers]:
    """(beats, count) places of the nearest other beats, and (beats,) the log distance of the farthest of them."""
    shapes = laid.beats[:, part][:, ::every]
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    count = min(count, len(shapes) - 1)
    energy = (shapes**2).sum(axis=1)
    places, farthest = [], []
    for start in range(0, len(shapes), BLOCK_BEATS):
        own = slice(start, min(start + BLOCK_BEATS, len(shapes)))
        squared = energy[own, None] + energy - 2 * shapes[own] @ shapes.T
        squared[np.arange(own.stop - own.start), np.arange(own.start, own.stop)] = np.inf
        nearest = np.argpartition(squared, count - 1, axis=1)[:, :count].copy()  # a view would keep all of it
        places.append(nearest)
        farthest.append(np.take_along_axis(squared, nearest, axis=1).max(axis=1))
    distance = np.sqrt(np.maximum(np.concatenate(farthest), 0) / shapes.shape[1])
    return np.concatenate(places), np.log(distance.astype(np.float64) + 0.02)
