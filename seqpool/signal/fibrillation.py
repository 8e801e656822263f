"""Whether beats are as irregular as atrial fibrillation makes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqpool.signal.beat_intervals import LEAST_INTERVALS, irregularity

LEAST_IRREGULARITY = 0.07
"""Median |log of an interval over the next one| above which a rhythm is irregularly irregular: about 0.02 to 0.05 in
sinus rhythm, above 0.1 in fibrillation."""

ECTOPIC = ("V", "F")
"""Beats that, with their neighbours, say nothing of the rhythm's regularity."""


def irregular(times_s: NDArray[np.float64], classes: NDArray[np.str_], start_s: float, end_s: float) -> bool | None:
    """Whether the beats from start_s to end_s follow one another as irregularly as in atrial fibrillation, whose
    definition asks for that (ESC guidelines 2020, doi:10.1093/eurheartj/ehaa612); None where too few beats tell.

    times_s: (beats,) rising; classes: (beats,) AAMI classes.
    """
    first, last = np.searchsorted(times_s, [start_s, end_s])
    here, odd = times_s[first:last], np.isin(classes[first:last], ECTOPIC)
    beside = odd.copy()
    beside[1:] |= odd[:-1]
    beside[:-1] |= odd[1:]
    if (~beside[1:-1]).sum() < LEAST_INTERVALS:
        return None
    return bool(irregularity(here, odd, len(here))[len(here) // 2] > LEAST_IRREGULARITY)
