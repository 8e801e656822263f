"""Exact statistics of motif scores on the integer grid: p-values, thresholds, q-values.

The distribution of the score of a random window is the convolution of its positions' distributions, computed by
dynamic programming over the integer grid (Staden 1989). Because the scanner adds up the same integers, every p-value
is exact for the score that is printed, and ties fall on one grid point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels.loss_sums import add_columns
from seqpool.motifs.background import Background
from seqpool.motifs.matrix import FORBIDDEN, IntegerMatrix, Matrix

Counts = NDArray[np.int64]

_SMALLEST = float(np.finfo(np.float64).tiny)
_COARSE = 64
"""Grid points that are one in the first look at how far below the best score the p-values that are wanted lie."""


@dataclass(frozen=True, eq=False)
class ScoreDistribution:
    """The distribution of one motif's integer score over random windows, from a lowest score on.

    lowest: integer score of the first entry of `tail`. tail: (scores,) float64, tail[i] = P(score >= lowest + i); its
    last entry is the best word's probability, never 0.
    """

    lowest: int
    tail: Matrix

    @property
    def highest(self) -> int:
        """The best attainable integer score."""
        return self.lowest + len(self.tail) - 1

    def p_value(self, scores: NDArray[np.integer] | int) -> Matrix:
        """P(score of a random window >= each given integer score, none below `lowest`), in (0, 1]."""
        index = np.clip(np.asarray(scores, dtype=np.int64) - self.lowest, 0, len(self.tail) - 1)
        return np.asarray(self.tail[index])

    def threshold(self, p_value: float) -> int:
        """The lowest attained integer score whose p-value is at most the given one; highest + 1 when none is."""
        # the tail falls with the score: find the first entry that is small enough
        index = int(np.searchsorted(-self.tail, -p_value, side="left"))
        return self.lowest + index


def score_distribution(
    scores: IntegerMatrix, background: Background, largest_p_value: float = 1.0
) -> ScoreDistribution:
    """The exact distribution for windows of a Markov chain of any order; order 0 is independent letters.

    scores: (width, letters) int32. A window begins in the chain's word probabilities. largest_p_value: scores with
    larger p-values need not be in the distribution, which saves most of the work for a small one.
    """
    grow = _iid_losses if background.order == 0 else _markov_losses
    columns = scores.astype(np.int64)
    best = columns.max(axis=1)
    losses = np.where(columns > FORBIDDEN, best[:, None] - columns, -1)
    highest, most = int(best.sum()), int(losses.max(axis=1).sum())
    if largest_p_value < 1:
        # losses rounded up: the tail rises later than it does
        coarse = np.where(losses >= 0, (losses + _COARSE - 1) // _COARSE, -1)
        rising = grow(coarse, background.words, most // _COARSE + len(scores)).cumsum()
        most = min(most, _COARSE * int(rising.searchsorted(largest_p_value, side="right")))
    # summed from the rare end, so that small tails keep all their digits
    tail = grow(losses, background.words, most).cumsum()
    # one score more than is wanted, so that the threshold is seen to lie above it
    kept = min(most, int(tail.searchsorted(largest_p_value, side="right")))
    # very wide motifs: the best word's probability may be below the smallest float
    tail = np.maximum(tail[: kept + 1], _SMALLEST)
    return ScoreDistribution(highest - kept, np.minimum(tail, 1.0, out=tail)[::-1])


def iid_distribution(scores: IntegerMatrix, background: Matrix, largest_p_value: float = 1.0) -> ScoreDistribution:
    """As `score_distribution`, for independent letters of (letters,) probabilities."""
    return score_distribution(scores, Background("given", background), largest_p_value)


def _iid_losses(losses: NDArray[np.int64], words: Matrix, most: int) -> Matrix:
    """(most + 1,) probability that a window of independent letters loses so much against the best word.

    losses: (width, letters) against each column's best letter, negative for a letter that cannot stand.
    """
    probability, scratch = np.empty(most + 1), np.empty(most + 1)
    add_columns(losses, words, most, probability, scratch)
    return probability


def _markov_losses(losses: NDArray[np.int64], words: Matrix, most: int) -> Matrix:
    """As `_iid_losses` for a chain; the state is the last letters of the window, at most as many as the order."""
    letters, order = words.shape[0], words.ndim - 1
    probability = np.ones((1, 1))  # (states, losses); states number words with the oldest letter first
    for position, column in enumerate(losses):
        known = min(position, order)
        longer_words = words.sum(axis=tuple(range(known + 1, words.ndim)))  # of the known letters and the next
        following = (longer_words / longer_words.sum(axis=-1, keepdims=True)).reshape(-1, letters)
        counted = np.flatnonzero((column >= 0) & (column <= most))
        length = min(most + 1, probability.shape[1] + int(column[counted].max()))
        longer = np.zeros((letters**known, letters, length))
        for letter in counted:
            loss = int(column[letter])
            part = probability[:, : length - loss]
            longer[:, letter, loss : loss + part.shape[1]] = following[:, letter, None] * part
        # summing over the oldest letter forgets it
        probability = longer.reshape(-1, letters ** min(known + 1, order), length).sum(axis=0)
    total = probability.sum(axis=0)
    return np.append(total, np.zeros(most + 1 - len(total)))


def q_values(distribution: ScoreDistribution, cut: int, histogram: Counts, tests: int) -> Matrix:
    """Benjamini-Hochberg q of the grid scores from a cut on (Benjamini and Hochberg 1995), as FIMO takes them.

    histogram: (scores,) how many windows had each integer score from `cut` on; tests: number of all tested windows.
    Returns (scores,) float64 in (0, 1]: the smallest tests x P(s') / #{windows >= s'} over cut <= s' <= s. Windows
    below the cut count among the tests and are never called, so q may be larger, never smaller, than without a cut;
    it is the same wherever q is at most the cut's p-value.
    """
    occurred = np.flatnonzero(histogram)
    q_value = np.full(len(histogram), np.inf)
    q_value[occurred] = q_values_of_attained(distribution.p_value(cut + occurred), histogram[occurred], tests)
    return np.minimum(np.minimum.accumulate(q_value), 1.0)


def q_values_of_attained(p_value: Matrix, counts: Counts, tests: int) -> Matrix:
    """As `q_values`, of the scores that occurred only, ascending: their p-values, and how many windows had each."""
    reached = np.cumsum(counts[::-1])[::-1]
    return np.minimum(np.minimum.accumulate(tests * p_value / reached), 1.0)


def maximum_p_value(p_value: Matrix, windows: NDArray[np.int64]) -> Matrix:
    """P that the best of so many independent windows is at least as rare: 1 - (1 - p)**windows, exact for tiny p.

    windows: tested windows on all strands, a palindrome's counted once.
    """
    with np.errstate(divide="ignore"):  # p = 1
        return np.asarray(-np.expm1(windows * np.log1p(-p_value)))


def q_values_of_list(p_value: Matrix) -> Matrix:
    """Benjamini-Hochberg q of a list of p-values, each one test."""
    order = np.argsort(p_value)[::-1]
    ranks = np.arange(len(p_value), 0, -1)
    q = np.empty(len(p_value))
    q[order] = np.minimum(np.minimum.accumulate(p_value[order] * len(p_value) / ranks), 1.0)
    return q
