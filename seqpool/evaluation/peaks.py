"""How well R peaks are found, and how far from where they were marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.evaluation.ec57 import MATCH_WINDOW_S, Times, match_beats, outside

NARROW_WINDOW_S = 0.05
"""A second window: 150 ms hides a detector that is late by a third of it."""


@dataclass(frozen=True)
class PeakTally:
    """One recording. errors_ms: (matches,) found minus marked; how many were missed, and found beside the marked."""

    errors_ms: NDArray[np.float64]
    missed: int
    extra: int


def peak_tally(
    marked_s: Times,
    found_s: Times,
    *,
    excluded_s: Sequence[tuple[float, float]] = (),
    window_s: float = MATCH_WINDOW_S,
) -> PeakTally:
    """Compares peaks in seconds, both rising, matched as EC57 has it (`seqpool.evaluation.ec57.match_beats`).

    excluded_s: episodes (start, end) such as ventricular flutter in which nothing counts; a pair of which either peak
    lies there is left out after matching.
    """
    marked, found = match_beats(marked_s, found_s, window_s)
    counted, found_counted = outside(marked_s, excluded_s), outside(found_s, excluded_s)
    both = counted[marked] & found_counted[found]
    counted[marked], found_counted[found] = False, False
    errors = (found_s[found] - marked_s[marked])[both] * 1000
    return PeakTally(errors, int(counted.sum()), int(found_counted.sum()))


def peak_scores(tallies: Iterable[PeakTally]) -> dict[str, float]:
    """Gross figures over recordings: `f1`, `sensitivity`, `precision` (shares), `error_mean_ms`, `error_sd_ms` of the
    matches; NaN where there is nothing to divide by."""
    chosen = list(tallies)
    errors = np.concatenate([np.zeros(0), *(one.errors_ms for one in chosen)])
    hits, missed, extra = len(errors), sum(one.missed for one in chosen), sum(one.extra for one in chosen)
    return {
        "f1": _share(2 * hits, 2 * hits + missed + extra),
        "sensitivity": _share(hits, hits + missed),
        "precision": _share(hits, hits + extra),
        "error_mean_ms": float(errors.mean()) if hits else float("nan"),
        "error_sd_ms": float(errors.std()) if hits else float("nan"),
    }


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
