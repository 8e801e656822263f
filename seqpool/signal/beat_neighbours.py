"""What rhythm the beats of the most similar shape come in: those of an ectopic shape come early, time and again."""

from __future__ import annotations

import numpy as np

from seqpool.signal.beat_templates import LaidBeats
from seqpool.signal.beat_windows import BeatNumbers, Flags, Numbers, stretch

_COMPARED_S = {"QRS": ((-0.10, 0.16), 1), "QRST": ((-0.12, 0.40), 2)}
"""Seconds from the R peak of what is compared, and every how many samples."""

_TOLD = ("regular", "regular to all", "early", "late after", "rarity")

NEIGHBOUR_FEATURES = tuple(f"{what} of like {part}" for part in _COMPARED_S for what in _TOLD)
"""Names of what `neighbour_features` tells of a beat."""

BLOCK_BEATS = 64
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
    told = np.stack([steady, np.clip(before, -1, 1), np.clip(after, -1, 1)], axis=1)
    found: dict[str, Numbers] = {}
    for part, (seconds, every) in _COMPARED_S.items():
        means, farthest = _of_nearest(laid, stretch(numbers, rate_hz, *seconds), every, numbers.neighbours, told)
        share, early, late = means.T
        columns = (share, share - steady.mean(), early, late, farthest)
        found |= {f"{what} of like {part}": column for what, column in zip(_TOLD, columns, strict=True)}
    return found


def _of_nearest(laid: LaidBeats, part: slice, every: int, count: int, told: Numbers) -> tuple[Numbers, Numbers]:
    """(beats, columns) means of the columns of `told` (beats, columns) over the `count` nearest other beats, and
    (beats,) the log distance of the farthest of them."""
    shapes = laid.beats[:, part][:, ::every]
    shapes = np.ascontiguousarray(shapes - shapes.mean(axis=1, keepdims=True))
    beats = len(shapes)
    count = min(count, beats - 1)
    energy = (shapes**2).sum(axis=1)
    values = told.astype(np.float32)
    sums, farthest = np.empty(values.shape, dtype=np.float32), np.empty(beats, dtype=np.float32)
    for start in range(0, beats, BLOCK_BEATS):
        own = slice(start, min(start + BLOCK_BEATS, beats))
        squared = energy[own, None] + energy
        squared -= (2 * shapes[own]) @ shapes.T
        squared[np.arange(own.stop - own.start), np.arange(own.start, own.stop)] = np.inf
        farthest[own] = np.partition(squared, count - 1, axis=1)[:, count - 1]
        near = squared <= farthest[own, None]
        # a product with zeros and ones sums over the near ones, without looking up where they are
        sums[own] = near.astype(np.float32) @ values
        for place in np.flatnonzero(near.sum(axis=1) > count):  # some are as far as the last one: any of them
            sums[start + place] = values[np.argpartition(squared[place], count - 1)[:count]].sum(axis=0)
    distance = np.sqrt(np.maximum(farthest, 0) / shapes.shape[1])
    return sums.astype(np.float64) / count, np.log(distance.astype(np.float64) + 0.02)
