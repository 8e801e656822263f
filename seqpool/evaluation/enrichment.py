"""Whether more of one set of sequences holds something than of another: Fisher's exact test, one-sided."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import hypergeom

Counts = NDArray[np.int64]
Values = NDArray[np.float64]

_SMALLEST = 1e-290
"""Below this the tail is summed in logarithms: smaller floats lose digits, then are 0."""


def fisher_log_p_values(
    target_hits: Counts, target_total: int, background_hits: Counts, background_total: int
) -> Values:
    """(tests,) natural logarithm of Fisher's one-sided p-value of enrichment in the target, in (-inf, 0].

    The p-value is the probability that at least `target_hits` of the target's sequences hold a hit when the
    target_hits + background_hits sequences with one are dealt out blindly among all: the upper tail of the
    hypergeometric distribution (Fisher 1935), SciPy's `fisher_exact(..., alternative="greater")`. Logarithms, as the
    peaks of one experiment easily give 1e-5000. Raises ValueError for counts outside 0 to their total.
    """
    inside = (target_hits >= 0) & (target_hits <= target_total)
    inside &= (background_hits >= 0) & (background_hits <= background_total)
    if not inside.all():
        raise ValueError("a number of sequences with a hit is negative or larger than the number of sequences")
    together = target_total + background_total
    if not together:
        return np.zeros(len(target_hits))
    tail = np.asarray(hypergeom.sf(target_hits - 1, together, target_hits + background_hits, target_total))
    small = tail < _SMALLEST
    log_p = np.log(np.where(small, 1.0, np.clip(tail, 0.0, 1.0)))
    for test in np.flatnonzero(small):
        log_p[test] = _log_upper_tail(
            int(target_hits[test]), target_total, int(background_hits[test]), background_total
        )
    return log_p


def _log_upper_tail(hits: int, total: int, other_hits: int, other_total: int) -> float:
    """log P(X >= hits): the first term's logarithm, and the sum of the terms by their ratios."""
    drawn = hits + other_hits
    first = (
        _log_binomial(total, hits) + _log_binomial(other_total, other_hits) - _log_binomial(total + other_total, drawn)
    )
    later = np.arange(hits, min(total, drawn), dtype=np.float64)
    ratios = (total - later) / (later + 1) * (drawn - later) / (other_total - drawn + later + 1)
    return first + float(np.log1p(np.cumprod(ratios).sum()))


def _log_binomial(n: int, k: int) -> float:
    return float(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
