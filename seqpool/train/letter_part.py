"""One side of a split of sequences: in memory as codes, padded batch by batch, shuffled and disturbed as asked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import Alphabet, Codes
from seqpool.kernels.row_random import with_random_letters
from seqpool.kernels.shuffles import dinucleotide_shuffles

SHUFFLED_SUFFIX = ":shuffled"
DIGEST_ROWS = 4096


class LetterPart:
    """Rows of letters.

    names, codes: of the stored sequences. source: (rows,) the stored sequence of each row. shuffled: (rows,) whether
    the row is a shuffle of it. target: (rows,) or (rows, targets); weight: (rows,). number: (sequences,) by which each
    sequence is known to shuffles and noise, whatever side it is on. tags: flags of the rows by name.
    lengths: (rows,) letters of each row.
    digests: first 16 hex digits of the SHA-1 of each row's letters in upper case (of a shuffle: the fixed one).
    """

    def __init__(
        self,
        names: Sequence[str],
        codes: Sequence[Codes],
        target: NDArray[np.float64],
        weight: NDArray[np.float64],
        *,
        alphabet: Alphabet,
        number: NDArray[np.int64],
        random_letters: float = 0.0,
        source: NDArray[np.int64] | None = None,
        shuffled: NDArray[np.bool_] | None = None,
        tags: dict[str, NDArray[np.bool_]] | None = None,
    ) -> None:
        self.target = target
        self.weight = weight
        self.tags = tags or {}
        self._source = np.arange(len(codes)) if source is None else source
        self._shuffled = np.zeros(len(self._source), dtype=bool) if shuffled is None else shuffled
        self._number = number
        self._alphabet = alphabet
        self._random_letters = random_letters
        self._lengths = np.array([len(row) for row in codes], dtype=np.int64)
        self.lengths = self._lengths[self._source]
        self._start = np.cumsum(self._lengths) - self._lengths
        self._letters = np.concatenate([np.zeros(0, dtype=np.uint8), *codes])
        self.ids: Sequence[str] = [
            names[i] + SHUFFLED_SUFFIX if shuffle else names[i]
            for i, shuffle in zip(self._source.tolist(), self._shuffled.tolist(), strict=True)
        ]

        self.digests: Sequence[str] = self._digests()

    def _digests(self) -> list[str]:
        texts = np.frombuffer(self._alphabet.decode(np.arange(256, dtype=np.uint8)).encode(), dtype=np.uint8)
        digests: list[str] = []
        for first in range(0, len(self.ids), DIGEST_ROWS):
            x, lengths = self.inputs(np.arange(first, min(first + DIGEST_ROWS, len(self.ids))), None, 0)
            for row, length in zip(texts[x], lengths.tolist(), strict=True):
                digests.append(hashlib.sha1(row[:length].tobytes()).hexdigest()[:16])
        return digests

    @property
    def shortest_and_longest(self) -> tuple[int, int]:
        """Lengths of the shortest and of the longest row."""
        return int(self.lengths.min()), int(self.lengths.max())

    def inputs(
        self, rows: NDArray[np.int64], epoch: int | None, seed: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """(N, L) codes padded with the unknown symbol, and (N,) lengths.

        epoch None: letters as they are, shuffles always the same. Else new shuffles and random letters, a function of
        (seed, epoch, row).
        """
        source = self._source[rows]
        lengths = self._lengths[source]
        longest = int(lengths.max(initial=0))
        inside = np.arange(longest) < lengths[:, None]
        x = np.full(inside.shape, self._alphabet.unknown, dtype=np.uint8)
        x[inside] = self._letters[(self._start[source][:, None] + np.arange(longest))[inside]]
        shuffle = self._shuffled[rows]
        if shuffle.any():
            x[shuffle] = dinucleotide_shuffles(
                x[shuffle],
                lengths[shuffle],
                seed=0 if epoch is None else seed,
                epoch=0 if epoch is None else epoch + 1,
                rows=self._number[source[shuffle]],
            )
        if epoch is not None and self._random_letters:
            # a sequence and its shuffle are disturbed apart
            numbers = 2 * self._number[source] + shuffle
            x = with_random_letters(
                x,
                lengths,
                len(self._alphabet.letters),
                self._random_letters,
                seed=seed,
                epoch=epoch,
                rows=numbers,
            )
        return x, lengths
