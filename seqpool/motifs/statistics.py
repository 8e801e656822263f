"""Exact statistics of motif scores on the integer grid: p-values, thresholds, q-values.

The distribution of the score of a random window is the convolution of its positions' distributions, computed by
dynamic programming over the integer grid (Staden 1989). Because the scanner adds up the same integers, every p-value
is exact for the score that is printed, and ties fall on one grid point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.motifs.background import Background
from seqpool.motifs.matrix import FORBIDDEN, IntegerMatrix, Matrix

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ScoreDistribution:
    """The distribution of one motif's integer score over random windows.

    lowest: integer score of the first entry of `tail`. tail: (scores,) float64, tail[i] = P(score >= lowest + i); it
    starts below 1 when some letters are forbidden, and its last entry is the best word's probability, never 0.
    """

    lowest: int
    tail: Matrix

    @property
    def highest(self) -> int:
        """The best attainable integer score."""
        return self.lowest + len(self.tail) - 1

    def p_value(self, scores: NDArray[np.integer] | int) -> Matrix:
        """P(score of a random window >= each given integer score), in (0, 1]."""
        index = np.clip(np.asarray(scores, dtype=np.int64) - self.lowest, 0, len(self.tail) - 1)
        return np.asarray(self.tail[index])

    def threshold(self, p_value: float) -> int:
        """The lowest attained integer score whose p-value is at most the given one; highest + 1 when none is."""
        # the tail falls with the score: find the first entry that is small enough
        index = int(np.searchsorted(-self.tail, -p_value, side="left"))
        return self.lowest + index


def score_distribution(scores: IntegerMatrix, background: Background) -> ScoreDistribution:
    """The exact distribution for windows of a Markov chain of any order; order 0 is independent letters.

    scores: (width, letters) int32. A window begins in the chain's word probabilities.
    """
    if background.order == 0:
        return iid_distribution(scores, background.probabilities)
    return _markov_distribution(scores, background.words)


def iid_distribution(scores: IntegerMatrix, background: Matrix) -> ScoreDistribution:
    """The exact distribution for windows of independent letters.

    scores: (width, letters) int32; background: (letters,) probabilities that sum to 1.
    """
    probability = np.ones(1)
    lowest = 0
    for column in scores.astype(np.int64):
        allowed = column > FORBIDDEN
        offset = int(column[allowed].min())
        extended = np.zeros(len(probability) + int(column[allowed].max()) - offset)
        for score, share in zip(column[allowed], background[allowed], strict=True):
            start = int(score) - offset
            extended[start : start + len(probability)] += share * probability
        probability = extended
        lowest += offset
    return _from_probabilities(lowest, probability)


def _markov_distribution(scores: IntegerMatrix, words: Matrix) -> ScoreDistribution:
    """As `iid_distribution`; the state is the last letters of the window, at most as many as the chain's order."""
    letters, order = words.shape[0], words.ndim - 1
    # probability[state] over scores from `lowest` on; state: the last letters as one number
    probability = np.ones((1, 1))
    lowest = 0
    for position, column in enumerate(scores.astype(np.int64)):
        known = min(position, order)
        longer = words.sum(axis=tuple(range(known + 1, words.ndim)))  # words of the known letters and the next
        following = (longer / longer.sum(axis=-1, keepdims=True)).reshape(-1, letters)
        allowed = np.flatnonzero(column > FORBIDDEN)
        offset = int(column[allowed].min())
        length = probability.shape[1]
        extended = np.zeros((letters**known, letters, length + int(column[allowed].max()) - offset))
        for letter in allowed:
            start = int(column[letter]) - offset
            extended[:, letter, start : start + length] = following[:, letter, None] * probability
        kept = min(known + 1, order)
        # states are numbered with the oldest letter first: summing over it forgets it
        probability = extended.reshape(-1, letters**kept, extended.shape[2]).sum(axis=0)
        lowest += offset
    return _from_probabilities(lowest, probability.sum(axis=0))


def _from_probabilities(lowest: int, probability: Matrix) -> ScoreDistribution:
    # summed from the rare end, so that small tails keep all their digits
    tail = np.cumsum(probability[::-1])[::-1]
    # very wide motifs: the best word's probability may be below the smallest float
    np.clip(tail, np.finfo(np.float64).tiny, 1.0, out=tail)
    return ScoreDistribution(lowest, tail)


def q_values(distribution: ScoreDistribution, cut: int, histogram: Counts, tests: int) -> Matrix:
    """Benjamini-Hochberg q of the grid scores from a cut on (Benjamini and Hochberg 1995), as FIMO takes them.

    histogram: (scores,) how many windows had each integer score from `cut` on; tests: number of all tested windows.
    Returns (scores,) float64 in (0, 1]: the smallest tests x P(s') / #{windows >= s'} over cut <= s' <= s. Windows
    below the cut count among the tests and are never called, so q may be larger, never smaller, than without a cut;
    it is the same wherever q is at most the cut's p-value.
    """
    reached = np.cumsum(histogram[::-1])[::-1]
    occurred = histogram > 0
    ratio = np.full(len(reached), np.inf)
    p_value = distribution.p_value(cut + np.flatnonzero(occurred))
    ratio[occurred] = tests * p_value / reached[occurred]
    return np.minimum(np.minimum.accumulate(ratio), 1.0)


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
