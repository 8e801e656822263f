"""What a network is told of each beat: how it differs from a regular one, and numbers on its rhythm and shape.

The same at marked beats and at detected ones, in training and in use.
"""

from __future__ import annotations

import numpy as np

from seqpool.signal.beat_intervals import INTERVAL_FEATURES, interval_features, irregularity, regular_beats
from seqpool.signal.beat_neighbours import NEIGHBOUR_FEATURES, neighbour_features
from seqpool.signal.beat_shapes import SHAPE_FEATURES, shape_features
from seqpool.signal.beat_templates import laid_beats
from seqpool.signal.beat_windows import BeatNumbers, Floats, Numbers, samples_of

FEATURES = (*INTERVAL_FEATURES, *SHAPE_FEATURES, *NEIGHBOUR_FEATURES, "irregularity")
"""Names of the features, in order."""

FARTHEST = 20.0
"""Features are cut to this, up and down."""

ODD_CORRELATION = 0.8
"""A QRS complex that fits its template less is odd: its intervals say nothing of the rhythm."""


def beat_inputs(signal: Floats, rate_hz: float, peaks_s: Numbers, numbers: BeatNumbers) -> tuple[Floats, Floats]:
    """(beats, samples) difference of each beat from its template, and (beats, FEATURES).

    signal: (L,) a prepared lead, a typical QRS complex of height 1. peaks_s: (beats,) R peaks, rising, in seconds from
    its first sample. Statistics are those of all these beats together: a long recording is given in stretches. A single
    beat has nothing to compare with: zeros.
    """
    before, after = samples_of(numbers, rate_hz)
    if len(peaks_s) < 2:
        empty = np.zeros((len(peaks_s), before + after), dtype=np.float32)
        return empty, np.zeros((len(peaks_s), len(FEATURES)), dtype=np.float32)
    laid = laid_beats(np.asarray(signal, dtype=np.float32), rate_hz, peaks_s, numbers)
    found = {**interval_features(peaks_s, numbers), **shape_features(laid, numbers, rate_hz)}
    found |= neighbour_features(
        laid,
        regular_beats(peaks_s, numbers),
        found["interval +0 to local"],
        found["interval +1 to local"],
        numbers,
        rate_hz,
    )
    odd = found["correlation QRS"] < ODD_CORRELATION
    found["irregularity"] = np.log(irregularity(peaks_s, odd, numbers.fibrillation_beats) + 0.01)
    features = np.stack([found[name] for name in FEATURES], axis=1)
    return laid.beats - laid.templates, np.clip(features, -FARTHEST, FARTHEST).astype(np.float32)
