"""RR intervals of beats against those around them, and how irregular a rhythm is."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from seqpool.signal.beat_windows import BeatNumbers, Flags, Numbers

SHORTEST_S = 0.1
"""Intervals shorter than this count as this long, so that two marks on one beat do not upset a median."""

LEAST_INTERVALS = 8
"""Below so many intervals nothing is said about a rhythm's irregularity."""

_OFFSETS = (-2, -1, 0, 1, 2, 3)
"""The intervals around a beat: 0 is the one before it, 1 the one after it."""

_REFERENCES = ("local", "far", "record")

INTERVAL_FEATURES = (
    *(f"interval {offset:+d} to {name}" for offset in _OFFSETS for name in _REFERENCES),
    "before to after",
    "record interval",
)
"""Names of what `interval_features` tells of a beat."""


def running_median(values: Numbers, half: int) -> Numbers:
    """(n,) median of up to `half` values on either side of each and itself, the end values held."""
    size = 2 * min(half, len(values)) + 1
    found: Numbers = median_filter(values, size=size, mode="nearest") if len(values) else values
    return found


def log_intervals(peaks_s: Numbers) -> Numbers:
    """(beats - 1,) natural logarithm of the intervals in seconds."""
    found: Numbers = np.log(np.maximum(np.diff(peaks_s), SHORTEST_S))
    return found


def moved(values: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """(n,) the value so many beats later (negative: earlier), the end values held."""
    found: NDArray[np.float64] = values[np.clip(np.arange(len(values)) + steps, 0, len(values) - 1)]
    return found


def regular_beats(peaks_s: Numbers, numbers: BeatNumbers) -> Flags:
    """(beats,) whether the intervals before and after are within `regular_within` of the median of those around."""
    regular = np.zeros(len(peaks_s), dtype=bool)
    logs = log_intervals(peaks_s)
    near = np.abs(logs - running_median(logs, numbers.local_beats)) < np.log1p(numbers.regular_within)
    regular[1:-1] = near[1:] & near[:-1]
    return regular


def interval_features(peaks_s: Numbers, numbers: BeatNumbers) -> dict[str, Numbers]:
    """INTERVAL_FEATURES of each beat: logarithms of the ratio of the intervals around it to the median of up to
    `local_beats` and of up to `far_beats` intervals on either side, and to that of the record.

    peaks_s: (beats,) at least two, rising.
    """
    logs = log_intervals(peaks_s)
    record = float(np.median(logs))
    # the first beat's interval before it and the last one's after it are not known: they are typical
    known = np.concatenate([[record], logs, [record]])
    before, after = known[:-1], known[1:]
    references = (
        running_median(known, numbers.local_beats)[:-1],
        running_median(known, numbers.far_beats)[:-1],
        np.full(len(peaks_s), record),
    )
    around = {offset: moved(before, offset) if offset <= 0 else moved(after, offset - 1) for offset in _OFFSETS}
    columns = [around[offset] - reference for offset in _OFFSETS for reference in references]
    columns += [before - after, np.full(len(peaks_s), np.exp(record))]
    return dict(zip(INTERVAL_FEATURES, columns, strict=True))


def irregularity(peaks_s: Numbers, odd: Flags, half: int) -> Numbers:
    """(beats,) how irregular the rhythm around each beat is: the median of |log of an interval over the next one| of
    the beats up to `half` before and after it; 0 where there are too few.

    Neither odd beats nor those beside them count, as an ectopic beat makes intervals that say nothing of the rhythm.
    About 0.02 to 0.05 in sinus rhythm, above 0.1 in atrial fibrillation.
    """
    change = np.full(len(peaks_s), np.nan)
    change[1:-1] = np.abs(np.diff(log_intervals(peaks_s)))
    beside = odd.copy()
    beside[1:] |= odd[:-1]
    beside[:-1] |= odd[1:]
    change[beside] = np.nan
    windows = sliding_window_view(np.pad(change, half, constant_values=np.nan), 2 * half + 1)
    ranked = np.sort(windows, axis=1)  # NaN last
    count = np.isfinite(windows).sum(axis=1)
    rows, told = np.arange(len(windows)), count >= LEAST_INTERVALS
    middle = (ranked[rows, np.maximum(count - 1, 0) // 2] + ranked[rows, count // 2]) / 2
    found: Numbers = np.where(told, middle, 0.0)
    return found
