"""How alike two motifs are, whatever their widths, offset and strand; and motifs grouped under the first of their kind.

Pearson's correlation of the two matrices laid over one another (Pietrokovski 1996, doi:10.1093/nar/24.19.3836, for
columns), with columns that say nothing where one of them ends, at the best of all offsets on either strand. This is
how HOMER's compareMotifs (Heinz et al. 2010, doi:10.1016/j.molcel.2010.05.004) and monaLisa's motifSimilarity compare.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqpool.alphabet import Alphabet
from seqpool.motifs.matrix import Matrix

ALIKE = 0.7
"""Motifs whose similarity is at least this stand under one heading."""


_NOTHING = 1e-12
"""Matrices that differ by less from constant columns say nothing."""


class MotifSimilarity:
    """Compares motifs of one alphabet.

    matrices: each (width, letters), frequencies or a filter's weights. Where the alphabet has a complement, the better
    strand counts.
    """

    def __init__(self, matrices: Sequence[Matrix], alphabet: Alphabet) -> None:
        self._letters = len(alphabet.letters)
        self._widest = max(len(matrix) for matrix in matrices)
        # with each column's mean off (1 / letters for frequencies), the mean that Pearson's correlation takes off is 0
        # however the matrices are laid, and so are columns that say nothing
        self._centred = [matrix - matrix.mean(axis=1, keepdims=True) for matrix in matrices]
        self._padded = np.zeros((len(matrices), self._widest, self._letters))
        for number, matrix in enumerate(self._centred):
            self._padded[number, : len(matrix)] = matrix
        self._norms = np.sqrt((self._padded**2).sum(axis=(1, 2)))
        self._complement = None if alphabet.complement is None else alphabet.complement_codes[: self._letters]

    def with_others(self, number: int, others: Sequence[int]) -> Matrix:
        """(others,) similarity of one motif with others, in [0, 1]: 0 is what motifs laid side by side have.

        Also 0 where either says nothing at all.
        """
        motif = self._centred[number]
        strands = [motif] if self._complement is None else [motif, motif[::-1, self._complement]]
        chosen = np.asarray(others, dtype=np.int64)
        padded = self._padded[chosen].reshape(len(chosen), -1)
        laid = np.concatenate([self._at_every_offset(strand) for strand in strands])
        best = (padded @ laid.T).max(axis=1, initial=0.0)
        scale = self._norms[number] * self._norms[chosen]
        return np.asarray(np.divide(best, scale, out=np.zeros(len(chosen)), where=scale > _NOTHING))

    def _at_every_offset(self, motif: Matrix) -> Matrix:
        """(offsets, widest x letters): the motif before, over and behind a matrix of the widest width."""
        width, offsets = len(motif), self._widest + len(motif) - 1
        laid = np.zeros((offsets, self._widest + 2 * (width - 1), self._letters))
        for offset in range(offsets):
            laid[offset, offset : offset + width] = motif
        return laid[:, width - 1 : width - 1 + self._widest].reshape(offsets, -1)


def grouped(order: Sequence[int], similarity: MotifSimilarity, alike: float = ALIKE) -> list[list[int]]:
    """Groups of motif numbers: the first of `order` heads a group with all that are alike to it, then the first of
    the others, and so on. Every motif of a group is alike to its head; inside a group `order` is kept."""
    waiting = list(order)
    groups = []
    while waiting:
        head, rest = waiting[0], waiting[1:]
        near = similarity.with_others(head, rest) >= alike if rest else np.zeros(0, dtype=np.bool_)
        groups.append([head, *[number for number, is_near in zip(rest, near, strict=True) if is_near]])
        waiting = [number for number, is_near in zip(rest, near, strict=True) if not is_near]
    return groups
