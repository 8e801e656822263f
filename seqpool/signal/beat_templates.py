"""What a regular beat of the recording looks like around each beat, and every beat laid on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seqpool.signal.beat_intervals import log_intervals, regular_beats, running_median
from seqpool.signal.beat_windows import (
    FLAT,
    BeatNumbers,
    Flags,
    Floats,
    Numbers,
    Places,
    beat_windows,
    best_shifts,
    correlation,
    samples_of,
    stretch,
)
from seqpool.signal.medians import column_medians

QRS_S = (-0.10, 0.14)
"""Where the QRS complex lies, and a broad one still for the most part, in seconds from the R peak."""

LEAST_BEATS = 12
"""Fewer regular beats make no template."""

BLOCK_BEATS = 64
"""So many beats share a template."""

ROUNDS = 3
"""Templates and shifts depend on each other: they are found in turn, so many times."""

MOST_OTHERS = 6
"""Shapes that are tried beside the main one: a patient turns over, a bundle branch blocks at times."""

EARLIEST = -0.1
"""The median log ratio of the intervals before beats of another shape to those around: beats of an ectopic shape come
earlier."""

LONGEST_COMPLEX = 1.3
"""The QRS complex of another shape is at most so many times as long as the main one: a ventricular rhythm may be
regular, but its complexes are broad."""

SAME_P_WAVE = 0.9
"""A longer complex is taken too where the P wave before it fits the main one's so well: it is conducted otherwise."""

_COMPLEX_S = (-0.16, 0.22)
_P_WAVE_S = (-0.26, -0.07)

MOST_COMPARED = 600
"""So many beats at most are compared with one another in search of another shape."""


@dataclass(frozen=True)
class LaidBeats:
    """Beats on their templates.

    beats, templates: (beats, samples) windows. whole: (samples,) the template of all. shift: (beats,) samples by which
    each was moved. match: (beats,) correlation with the template. regular: (beats,) in regular rhythm and of the
    template's shape. upright: +1, or -1 where all of this was turned over so that the template's QRS points up.
    """

    beats: Floats
    templates: Floats
    whole: Floats
    shift: Places
    match: Numbers
    regular: Flags
    upright: int


def laid_beats(signal: Floats, rate_hz: float, peaks_s: Numbers, numbers: BeatNumbers) -> LaidBeats:
    """The beats of a lead (L,) at these R peaks (at least two, rising), moved onto the median of the regular beats up
    to `template_beats` before and after.

    Only regular beats make a template: in bigeminy every second beat is ectopic, and a mean over all would show none as
    odd. A beat of another shape that is not ectopic is laid on that shape's median. All turns with the
    lead, so a lead upside down gives the same.
    """
    before, after = samples_of(numbers, rate_hz)
    qrs = stretch(numbers, rate_hz, *QRS_S)
    places = np.rint(peaks_s * rate_hz).astype(np.int64)
    steady = regular_beats(peaks_s, numbers)
    if steady.sum() < max(LEAST_BEATS, 0.02 * len(steady)):
        steady = np.ones(len(steady), dtype=bool)
    regular, shift = steady, np.zeros(len(places), dtype=np.int64)
    beats = beat_windows(signal, places, before, after)
    for _ in range(ROUNDS):
        templates, _whole = _templates(beats, regular, numbers.template_beats)
        shift, match = best_shifts(signal, places, templates, numbers, rate_hz)
        beats = beat_windows(signal, places + shift, before, after)
        alike = steady & (correlation(beats[:, qrs], templates[:, qrs]) > numbers.least_correlation)
        regular = alike if alike.sum() >= max(LEAST_BEATS, 0.01 * len(steady)) else steady
    templates, whole = _templates(beats, regular, numbers.template_beats)
    for other in _other_shapes(beats, templates, whole, _earliness(peaks_s, numbers), numbers, rate_hz):
        pattern = np.broadcast_to(other, templates.shape)
        other_shift, other_match = best_shifts(signal, places, pattern, numbers, rate_hz)
        laid = beat_windows(signal, places + other_shift, before, after)
        fit = correlation(laid[:, qrs], other[None, qrs])
        better = (fit > numbers.least_correlation) & (fit > correlation(beats[:, qrs], templates[:, qrs]))
        beats[better], templates[better] = laid[better], other
        shift[better], match[better] = other_shift[better], other_match[better]
        regular = regular | (better & steady)
    upright = 1 if whole[qrs].max() >= -whole[qrs].min() else -1
    return LaidBeats(upright * beats, upright * templates, upright * whole, shift, match, regular, upright)


def _templates(beats: Floats, regular: Flags, half: int) -> tuple[Floats, Floats]:
    """(beats, samples) median of the regular beats around each block of BLOCK_BEATS, and (samples,) that of all."""
    whole = column_medians(beats[regular])
    templates = np.empty_like(beats)
    for start in range(0, len(beats), BLOCK_BEATS):
        stop = start + BLOCK_BEATS
        first = max(start - half, 0)
        chosen = first + np.flatnonzero(regular[first : stop + half])
        templates[start:stop] = column_medians(beats[chosen]) if len(chosen) >= LEAST_BEATS else whole
    return templates, whole


def _earliness(peaks_s: Numbers, numbers: BeatNumbers) -> Numbers:
    """(beats,) log ratio of the interval before each beat to the median around, of few or of many, whichever is less
    (in bigeminy the few are early themselves)."""
    logs = log_intervals(peaks_s)
    local, far = (running_median(logs, half) for half in (numbers.local_beats, numbers.far_beats))
    return np.concatenate([[0.0], logs - np.maximum(local, far)])


def _other_shapes(
    beats: Floats, templates: Floats, whole: Floats, early: Numbers, numbers: BeatNumbers, rate_hz: float
) -> Iterator[Floats]:
    """(samples,) medians of QRS shapes unlike the templates that many beats share and that are not ectopic."""
    qrs, p_wave = stretch(numbers, rate_hz, *QRS_S), stretch(numbers, rate_hz, *_P_WAVE_S)
    inside = stretch(numbers, rate_hz, *_COMPLEX_S)
    left = correlation(beats[:, qrs], templates[:, qrs]) <= numbers.least_correlation
    for _ in range(MOST_OTHERS):
        candidates = np.flatnonzero(left)
        if len(candidates) < LEAST_BEATS:
            return
        compared = candidates[:: -(-len(candidates) // MOST_COMPARED)]
        shapes = beats[compared][:, qrs] - beats[compared][:, qrs].mean(axis=1, keepdims=True)
        shapes = shapes / np.sqrt(np.maximum((shapes**2).sum(axis=1, keepdims=True), FLAT))
        alike = shapes @ shapes.T > numbers.least_correlation
        centre = int(alike.sum(axis=1).argmax())
        if alike[centre].sum() < 2:  # each beat is alone in its shape, or all are flat
            return
        other = column_medians(beats[compared[alike[centre]]])
        members = left & (correlation(beats[:, qrs], other[None, qrs]) > numbers.least_correlation)
        left = left & ~members
        left[compared[centre]] = False
        narrow = _length(other[inside]) <= LONGEST_COMPLEX * _length(whole[inside])
        conducted = correlation(other[None, p_wave], whole[None, p_wave])[0] > SAME_P_WAVE
        if members.sum() >= LEAST_BEATS and np.median(early[members]) > EARLIEST and (narrow or conducted):
            yield other


def _length(shape: Floats) -> float:
    """Samples over which the steepness of a complex is spread: the standard deviation of where its squared slope is."""
    steepness = np.diff(shape.astype(np.float64)) ** 2
    steepness /= max(float(steepness.sum()), FLAT)
    place = np.arange(len(steepness))
    return float(np.sqrt((steepness * (place - (steepness * place).sum()) ** 2).sum()))
