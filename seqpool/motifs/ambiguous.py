"""Windows with ambiguity codes: what they score by expectation, and how rare that score is among windows like them.

A code scores the mean of its letters' integer scores under the background, rounded once. Its window's p-value is that
of the score among random windows with the same codes at the same positions: only the plain letters are left to chance.
For independent letters those positions drop out of the distribution; a Markov chain runs through the letters that a
code stands for. So p is exact for the score that is printed, and a window of codes alone, whose p would be 1, is not
scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import Alphabet, Codes
from seqpool.motifs.background import Background
from seqpool.motifs.matrix import FORBIDDEN, LARGEST_SCORE, IntegerMatrix, Matrix
from seqpool.motifs.statistics import ScoreDistribution, score_distribution

_KEPT_DISTRIBUTIONS = 1024


def scored_by_expectation(alphabet: Alphabet) -> NDArray[np.bool_]:
    """(256,) whether a code stands for several plain letters (N and R do; a stop or a masked letter does not)."""
    return np.asarray(alphabet.distributions.any(axis=1) & (np.arange(256) >= len(alphabet.letters)))


def with_expectations(scores: IntegerMatrix, alphabet: Alphabet, background: Background) -> IntegerMatrix:
    """(width, symbols) int32 scores of every symbol; FORBIDDEN where one of a code's letters is.

    scores: (width, letters) int32 of the plain letters, which are kept.
    """
    letters, symbols = scores.shape[1], len(alphabet.symbols)
    weights = (alphabet.distributions[:symbols] > 0) * background.probabilities
    sums = weights.sum(axis=1)
    weights[sums > 0] /= sums[sums > 0, None]
    # a half is a half on either strand and every machine: what lies within rounding of it goes to the even number
    wide = np.rint(np.round(scores @ weights.T, 6))
    impossible = (scores == FORBIDDEN) @ (weights.T > 0)
    wide[impossible | (sums == 0)] = FORBIDDEN
    wide[:, :letters] = scores
    return np.ascontiguousarray(wide, dtype=np.int32)


def is_possible(scores: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether windows of these scores hold no letter that cannot stand where it does."""
    return np.asarray(scores > FORBIDDEN + LARGEST_SCORE)


def q_values_of_counts(p_value: Matrix, counts: NDArray[np.int64], tests: int) -> tuple[Matrix, Matrix]:
    """(p, q), p ascending: Benjamini-Hochberg q of p-values that occurred so many times among so many tests."""
    order = np.argsort(p_value)
    ratio = tests * p_value[order] / np.cumsum(counts[order])
    return p_value[order], np.minimum(np.minimum.accumulate(ratio[::-1])[::-1], 1.0)


def largest_p_of_q(p_value: Matrix, q_value: Matrix, limit: float) -> float:
    """The largest p whose q is at most the limit; 0 when none is."""
    return float(p_value[q_value <= limit].max(initial=0.0))


def _summed(matrix: IntegerMatrix, windows: Codes) -> NDArray[np.int64]:
    total = np.zeros(len(windows), dtype=np.int64)
    for position, column in enumerate(matrix):
        total += column[windows[:, position]]
    return total


class ExpectedScores:
    """The scores of all symbols for every motif, and the p-values of windows with ambiguity codes.

    matrices: per motif (width, symbols) int32, see `with_expectations`. largest_p_value: p-values above it may come out
    as any other value above it, which saves work. May be used from several threads at once.
    """

    def __init__(
        self,
        scores: Sequence[IntegerMatrix],
        alphabet: Alphabet,
        background: Background,
        largest_p_value: float = 1.0,
    ) -> None:
        self.alphabet = alphabet
        self.matrices = [with_expectations(matrix, alphabet, background) for matrix in scores]
        self._letters = len(alphabet.letters)
        self._optimistic = [
            np.concatenate([matrix, np.repeat(matrix.max(axis=1, keepdims=True), codes, axis=1)], axis=1)
            for matrix in scores
            for codes in [len(alphabet.symbols) - matrix.shape[1]]
        ]
        self._scores = list(scores)
        self._background = background
        self._largest = largest_p_value
        self._distribution = lru_cache(maxsize=_KEPT_DISTRIBUTIONS)(self._make_distribution)

    def scores(self, motif: int, windows: Codes) -> NDArray[np.int64]:
        """(windows,) scores of windows (windows, width) of codes as the motif reads them."""
        return _summed(self.matrices[motif], windows)

    def candidates(self, motif: int, windows: Codes, p_value: float) -> NDArray[np.intp]:
        """Which of the windows (windows, width) may have a p-value at most `p_value`; few of the others.

        For independent letters a window's p is at least that of a plain window with the best letters in place of its
        codes, and at least that of its best plain letters.
        """
        if self._background.order:
            return np.arange(len(windows))
        best = _summed(self._optimistic[motif], windows)
        likely = np.flatnonzero(best >= self._plain_distribution(motif).threshold(p_value))
        matrix = self._scores[motif]
        share = ((matrix == matrix.max(axis=1, keepdims=True)) * self._background.probabilities).sum(axis=1)
        rarest = np.where(windows[likely] < self._letters, share, 1.0).prod(axis=1)
        return np.asarray(likely[rarest <= p_value * (1 + 1e-9)])

    def p_values(self, motif: int, windows: Codes, scores: NDArray[np.int64]) -> Matrix:
        """(windows,) p of windows (windows, width) of codes as the motif reads them, each with its score."""
        coded = windows >= self._letters
        if self._background.order:
            patterns = np.where(coded, windows, 0)
        else:
            patterns = np.where(coded, self.alphabet.unknown, 0)
        fixed = np.where(coded, self.matrices[motif][np.arange(windows.shape[1]), windows], 0).sum(axis=1)
        found = np.empty(len(windows))
        for i, pattern in enumerate(patterns.astype(np.uint8)):
            distribution, mass = self._distribution(motif, pattern.tobytes())
            found[i] = distribution.p_value(int(scores[i] - fixed[i])) / mass
        return np.where(is_possible(scores), np.minimum(found, 1.0), 1.0)

    def _plain_distribution(self, motif: int) -> ScoreDistribution:
        return self._distribution(motif, bytes(len(self._scores[motif])))[0]

    def _make_distribution(self, motif: int, pattern: bytes) -> tuple[ScoreDistribution, float]:
        """Of the plain positions' score together with the codes of a pattern (0: plain), and how rare the codes are."""
        codes = np.frombuffer(pattern, dtype=np.uint8)
        coded = codes >= self._letters
        outside = self.alphabet.distributions[codes] == 0
        scores = self._scores[motif].copy()
        scores[coded] = 0
        scores[coded[:, None] & outside] = FORBIDDEN
        only_codes = np.where(coded[:, None] & outside, FORBIDDEN, 0).astype(np.int32)
        mass = float(score_distribution(only_codes, self._background).tail[0])
        return score_distribution(scores, self._background, min(1.0, self._largest * mass)), mass
