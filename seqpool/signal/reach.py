"""How far a change of a recording's samples can reach in what a network eats of it."""

from __future__ import annotations

import numpy as np
from scipy.signal import sosfilt

from seqpool.signal.filters import design, memory_samples
from seqpool.signal.resampling import exact_ratio, low_pass
from seqpool.signal.settings import Preprocessing


def is_plain(settings: Preprocessing, rate_hz: float) -> bool:
    """Whether the network gets a recording's millivolts as they are: neither resampled, filtered, scaled nor cut."""
    unfiltered = settings.highpass_hz is settings.lowpass_hz is settings.notch_hz is None
    as_read = settings.normalise == "none" and settings.limit is None and not settings.upright
    return unfiltered and as_read and exact_ratio(rate_hz, settings.rate_hz) == 1


def largest_gain(settings: Preprocessing, rate_hz: float) -> float:
    """At most so many times as far as any sample at `rate_hz` moves a sample moves after resampling and filters.

    The largest sum of magnitudes of the filter's taps. A filter run forwards and backwards over ends continued by odd
    reflection sees up to three times the change there: three times the square of its own sum, which is loose inside.
    """
    ratio = exact_ratio(rate_hz, settings.rate_hz)
    taps = low_pass(ratio.numerator, ratio.denominator)
    phases = [taps[phase :: ratio.numerator] for phase in range(ratio.numerator)]
    gain = max(float(np.abs(phase).sum() + abs(1 - phase.sum())) for phase in phases)
    sections = design(
        settings.rate_hz, settings.highpass_hz, settings.lowpass_hz, settings.filter_order, settings.notch_hz
    )
    if len(sections):
        impulse = np.zeros(2 * memory_samples(sections) + 2)
        impulse[0] = 1.0
        own = float(np.abs(sosfilt(sections, impulse)).sum()) * (1 + 1e-6)
        gain *= own if settings.causal else 3 * own**2
    return gain * (1 + 1e-9)
