"""A motif in three stages, each its own type: counts, frequencies, log-odds.

Pseudocounts are added between the first two and the background divides between the last two, so neither can be
forgotten or applied twice. Log-odds are in bits; `integer_scores` rounds them once to the grid on which scanning and
statistics both work (Staden 1989, doi:10.1093/bioinformatics/5.2.89).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import Alphabet
from seqpool.options.scan import DEFAULT_PSEUDOCOUNT

STEP = 0.001
"""Grid of scores, in bits."""


FORBIDDEN = -(1 << 24)
"""Integer score of a letter that a column cannot hold (frequency 0, log-odds minus infinity)."""

LARGEST_SCORE = 1 << 23
"""No motif's finite integer score is larger than this, so a forbidden letter can never be outweighed."""

Matrix = NDArray[np.float64]
IntegerMatrix = NDArray[np.int32]


def _checked(values: Matrix, alphabet: Alphabet) -> Matrix:
    matrix = np.array(values, dtype=np.float64)
    if matrix.ndim != 2 or not matrix.size:
        raise ValueError("the matrix is empty")
    if matrix.shape[1] != len(alphabet.letters):
        raise ValueError(
            f"the matrix has {matrix.shape[1]} columns, the {alphabet.name} alphabet has {alphabet.letters}"
        )
    if not np.isfinite(matrix).all():
        raise ValueError("a number of the matrix is not finite")
    if (matrix < 0).any():
        raise ValueError("a number of the matrix is negative")
    if (matrix.sum(axis=1) <= 0).any():
        position = int(np.flatnonzero(matrix.sum(axis=1) <= 0)[0])
        raise ValueError(f"position {position + 1} of the motif holds only zeros")
    matrix.setflags(write=False)
    return matrix


@dataclass(frozen=True, eq=False)
class CountMatrix:
    """How often each letter was seen at each position.

    name, alternate_name: `motif_id` and `motif_alt_id` of the tables; the second may be empty.
    counts: (width, letters) float64, not negative, possibly fractional; positions may have unequal sums.
    source: the file that it was read from. threshold: the motif's own score threshold in bits (HOMER files), or None.
    Raises ValueError for a matrix that is empty, negative, not finite or zero at a whole position.
    """

    name: str
    alternate_name: str
    alphabet: Alphabet
    counts: Matrix
    source: str = ""
    threshold: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", _checked(self.counts, self.alphabet))

    @property
    def width(self) -> int:
        """Number of positions."""
        return len(self.counts)

    def frequencies(self, background: Matrix, pseudocount: float = DEFAULT_PSEUDOCOUNT) -> FrequencyMatrix:
        """Frequencies: (counts + pseudocount x background) / (position's own sum + pseudocount).

        background: (letters,) probabilities; pseudocount: total per position, shared out by the background.
        """
        sums = self.counts.sum(axis=1, keepdims=True)
        values = (self.counts + pseudocount * background) / (sums + pseudocount)
        return FrequencyMatrix(
            self.name, self.alternate_name, self.alphabet, values, pseudocount, self.source, self.threshold
        )


@dataclass(frozen=True, eq=False)
class FrequencyMatrix:
    """The probability of each letter at each position, pseudocounts included.

    frequencies: (width, letters) float64; positions are normalised by their own sum.
    """

    name: str
    alternate_name: str
    alphabet: Alphabet
    frequencies: Matrix
    pseudocount: float = 0.0
    source: str = ""
    threshold: float | None = None

    def __post_init__(self) -> None:
        values = _checked(self.frequencies, self.alphabet)
        normalised = values / values.sum(axis=1, keepdims=True)
        normalised.setflags(write=False)
        object.__setattr__(self, "frequencies", normalised)

    @property
    def width(self) -> int:
        """Number of positions."""
        return len(self.frequencies)

    def log_odds(self, background: Matrix) -> Motif:
        """Log-odds in bits against a background of (letters,) positive probabilities."""
        with np.errstate(divide="ignore"):
            values = np.log2(self.frequencies / background)
        return Motif(
            self.name,
            self.alternate_name,
            self.alphabet,
            values,
            np.asarray(background, dtype=np.float64),
            self.pseudocount,
            self.source,
            self.threshold,
        )


@dataclass(frozen=True, eq=False)
class FilterMatrix:
    """A trained filter: what each letter adds to its response at each position, the bias left out.

    weights: (width, letters) float64, finite, in the network's own units. source: the model that it comes from.
    """

    name: str
    alternate_name: str
    alphabet: Alphabet
    weights: Matrix
    source: str = ""

    @property
    def width(self) -> int:
        """Number of positions."""
        return len(self.weights)

    def log_odds(self, background: Matrix) -> Motif:
        """The weights in the place of log-odds; the background is that of the statistics."""
        return Motif(
            self.name, self.alternate_name, self.alphabet, np.asarray(self.weights, dtype=np.float64),
            np.asarray(background, dtype=np.float64), 0.0, self.source,
        )  # fmt: skip


Scannable = CountMatrix | FrequencyMatrix | FilterMatrix
"""What a scan can look for."""


@dataclass(frozen=True, eq=False)
class Motif:
    """A motif ready to be scanned with: log-odds against the background that it was made for.

    log_odds: (width, letters) float64 in bits (a filter's: its weights), minus infinity where a letter cannot stand.
    background: (letters,) probabilities; pseudocount: what was added per position; source: where it comes from.
    threshold: the motif's own score threshold in bits, or None.
    """

    name: str
    alternate_name: str
    alphabet: Alphabet
    log_odds: Matrix
    background: Matrix
    pseudocount: float
    source: str = ""
    threshold: float | None = None

    @property
    def width(self) -> int:
        """Number of positions."""
        return len(self.log_odds)

    def integer_scores(self, step: float = STEP) -> IntegerMatrix:
        """(width, letters) int32 log-odds in multiples of `step`, FORBIDDEN where they are minus infinity.

        Raises ValueError when the scores do not fit the grid.
        """
        finite = np.isfinite(self.log_odds)
        if np.isnan(self.log_odds).any() or np.isposinf(self.log_odds).any():
            raise ValueError(f"motif '{self.name}' has a score that is no number")
        scaled = np.where(finite, np.rint(np.where(finite, self.log_odds, 0.0) / step), 0.0)
        if np.abs(scaled).max(axis=1).sum() >= LARGEST_SCORE:
            raise ValueError(f"motif '{self.name}' has scores beyond {LARGEST_SCORE * step:g} bits")
        return np.where(finite, scaled, FORBIDDEN).astype(np.int32)


def reverse_complement_scores(scores: IntegerMatrix, alphabet: Alphabet) -> IntegerMatrix:
    """The matrix that scores the given strand as `scores` scores the other one."""
    letters = np.arange(len(alphabet.letters))
    return np.ascontiguousarray(scores[::-1, alphabet.complement_codes[letters]])


def is_palindrome(scores: IntegerMatrix, alphabet: Alphabet) -> bool:
    """Whether a window always has the same score on both strands."""
    return np.array_equal(scores, reverse_complement_scores(scores, alphabet))
