"""What every motif reader needs: a matrix with its motif's name in what is wrong with it, and the alphabets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqpool.alphabet import DNA, PROTEIN, RNA, Alphabet
from seqpool.motifs.matrix import CountMatrix, FrequencyMatrix, Matrix

MotifMatrix = CountMatrix | FrequencyMatrix

DEFAULT_SITES = 20.0
"""Number of sites behind probabilities that do not say it, as in the MEME suite."""


class MotifFormatError(Exception):
    """What is wrong with a motif file, without the file's name and the full stop."""


def alphabet_of(letters: str) -> Alphabet:
    """The alphabet with exactly these letters, in any order and case. Raises MotifFormatError for any other set."""
    for alphabet in (DNA, RNA, PROTEIN):
        if sorted(letters.upper()) == sorted(alphabet.letters):
            return alphabet
    raise MotifFormatError(f"its alphabet '{letters}' is neither DNA (ACGT), RNA (ACGU) nor protein (20 letters)")


def in_alphabet_order(rows: Matrix, letters: str, alphabet: Alphabet) -> Matrix:
    """(width, letters) columns of `rows`, given in the order of `letters`, in the order of the alphabet."""
    return rows[:, [letters.upper().index(letter) for letter in alphabet.letters]]


def rectangular(name: str, rows: Sequence[Sequence[float]]) -> Matrix:
    """Rows of numbers as an array. Raises MotifFormatError when they differ in length or there is none."""
    if not rows or len({len(row) for row in rows}) > 1:
        raise MotifFormatError(f"motif '{name}': its rows differ in length or there is none")
    return np.array(rows, dtype=np.float64)


def counted(
    name: str,
    alternate: str,
    alphabet: Alphabet,
    values: Matrix,
    source: str,
    *,
    sites: float | None = None,
    threshold: float | None = None,
) -> CountMatrix:
    """A CountMatrix of (width, letters) counts, or of probabilities behind which stand so many sites."""
    try:
        counts = values if sites is None else values * sites
        return CountMatrix(name, " ".join(alternate.split()), alphabet, counts, source, threshold)
    except ValueError as error:
        raise MotifFormatError(f"motif '{name}': {error}") from error
