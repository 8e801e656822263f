"""A brute force over integer and float64 scores of every window, compiled but with nothing of the scanner in it."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from seqpool.motifs.matrix import Motif


@numba.njit(nogil=True)
def _scores(
    codes: NDArray[np.uint8], integers: NDArray[np.int64], floats: NDArray[np.float64], threshold: int, midway: float
) -> tuple[list[int], list[int], int, int, float]:
    width, letters = integers.shape
    positions, scores = [0], [0]
    tested, differing, farthest = 0, 0, 0.0
    for start in range(len(codes) - width + 1):
        total, exact, plain = 0, 0.0, True
        for i in range(width):
            code = codes[start + i]
            if code >= letters:
                plain = False
                break
            total += integers[i, code]
            exact += floats[i, code]
        if not plain:
            continue
        tested += 1
        if total >= threshold:
            positions.append(start)
            scores.append(total)
        if (total >= threshold) != (exact >= midway):
            differing += 1
            farthest = max(farthest, abs(exact - midway))
    return positions[1:], scores[1:], tested, differing, farthest


@dataclass(frozen=True)
class Referee:
    """A motif's integers, the distribution of their sum and the thresholds that follow from it.

    attained: the sums that words can have, ascending; tail: the probability of at least each; threshold: the lowest
    attained sum whose tail is at most the p-value; midway: in bits, between it and the next one below.
    """

    floats: NDArray[np.float64]
    integers: NDArray[np.int64]
    attained: NDArray[np.int64]
    tail: NDArray[np.float64]
    threshold: int
    midway: float

    def windows(self, codes: NDArray[np.uint8], strand: str = "+") -> tuple[list[int], list[int], int, int, float]:
        """(positions, scores) of the hits on a strand, tested windows, and the windows where float64 against `midway`
        decides otherwise: how many, and the farthest from it in bits."""
        turn = slice(None, None, 1 if strand == "+" else -1)
        integers = np.ascontiguousarray(self.integers[turn, turn])
        found: tuple[list[int], list[int], int, int, float] = _scores(
            codes, integers, np.ascontiguousarray(self.floats[turn, turn]), self.threshold, self.midway
        )
        return found

    def p_values(self, scores: NDArray[np.int64]) -> NDArray[np.float64]:
        """The probability of at least each attained sum."""
        return np.asarray(self.tail[np.searchsorted(self.attained, scores)])


def referee(motif: Motif, background: NDArray[np.float64], p_value: float) -> Referee:
    """The motif with thresholds for a p-value under independent letters of (letters,) probabilities."""
    integers = np.rint(motif.log_odds * 1000).astype(np.int64)
    lowest, shares = 0, np.ones(1)
    for column in integers:
        longer = np.zeros(len(shares) + int(np.ptp(column)))
        for score, share in zip(column - column.min(), background, strict=True):
            longer[score : score + len(shares)] += share * shares
        lowest, shares = lowest + int(column.min()), longer
    attained = np.flatnonzero(shares)
    shares, attained = shares[attained], attained + lowest
    tail = np.minimum(np.cumsum(shares[::-1])[::-1], 1.0)
    hits = np.flatnonzero(tail <= p_value)
    if not len(hits):  # no word is rare enough: both lie out of reach
        highest = int(attained[-1])
        return Referee(motif.log_odds, integers, attained, tail, highest + 1, highest / 1000 + 1)
    above = int(attained[hits[0]])
    below = int(attained[hits[0] - 1]) if hits[0] else above - 1
    return Referee(motif.log_odds, integers, attained, tail, above, (above + below) / 2000)
