"""A trained detector on a whole lead: probabilities from windows that overlap as far as it sees, then R peaks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from seqpool.nn.decoders import SampleLabeller
from seqpool.signal.r_peaks import PeakFinder, Seconds

WINDOW_S = 480.0
"""Long windows cost less time, as their margins are seen twice, and a few megabytes."""

Read = Callable[[int, int], NDArray[np.float32]]
"""(start, stop) -> (1, stop - start) of a lead as the detector eats it."""


def found_peaks(detector: SampleLabeller, read: Read, samples: int, rate_hz: float) -> Seconds:
    """(peaks,) R peaks of a lead of so many samples at `rate_hz`, in seconds from its first sample.

    The detector, in evaluation mode, sees WINDOW_S at a time and `margin` on both sides of it, which is all that its
    answer depends on: the answer is that of the whole lead at once, in the memory of one window.
    """
    finder = PeakFinder(rate_hz)
    step = detector.multiple
    window = max(round(WINDOW_S * rate_hz) // step, 1) * step
    around = margin(detector)
    with torch.inference_mode():
        for first in range(0, samples, window):
            last = min(first + window, samples)
            start, stop = max(first - around, 0), min(last + around, samples)
            logits = detector(torch.from_numpy(np.ascontiguousarray(read(start, stop)))[None])
            finder.feed(logits[0, 0, first - start : last - start].sigmoid().numpy())
    return finder.peaks_s()


def margin(detector: SampleLabeller) -> int:
    """Samples on either side of one on which the detector's answer there may depend, in whole cells of its deepest
    level, so that windows that many samples apart pool the same cells."""
    levels = detector.geometries()
    reach = int(levels[-1].receptive_field)
    # on the way up each level's convolutions and straight lines reach further, by steps of that level
    for level in levels:
        steps = detector.options.convolutions * (detector.options.width // 2) + 2
        reach += steps * int(level.jump)
    cell: int = detector.multiple
    return -(-reach // cell) * cell
