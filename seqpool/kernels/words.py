"""Sequences as words: the number of every run of a few letters, so that one table row stands for several columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels.compiled import compiled

ROW_LIMIT = 512


@dataclass(frozen=True)
class Words:
    """The words of a batch of sequences.

    numbers: (N, L) int32; `numbers[n, i]` is the number of the `size` letters from position i, the first letter the
        most significant digit. Letters past the end of the row count as digit 0.
    symbols: (D,) uint8, the codes that occur, ascending; a digit is an index into them.
    size: letters in a word.
    """

    numbers: NDArray[np.int32]
    symbols: NDArray[np.uint8]
    size: int

    @property
    def rows(self) -> int:
        """How many words there are: D to the power of `size`."""
        return int(self.symbols.size**self.size)


@compiled
def _mark_codes(codes: NDArray[np.uint8], lengths: NDArray[np.int64], seen: NDArray[np.uint8]) -> None:
    for n in range(codes.shape[0]):
        for i in range(lengths[n]):
            seen[codes[n, i]] = 1


@compiled
def _number_words(
    codes: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    digits: NDArray[np.int32],
    symbols: int,
    size: int,
    numbers: NDArray[np.int32],
) -> None:
    top = 1
    for _ in range(size - 1):
        top *= symbols
    for n in range(codes.shape[0]):
        number = np.int32(0)
        for i in range(lengths[n] - 1, -1, -1):
            number = np.int32(digits[codes[n, i]] * top + number // symbols)
            numbers[n, i] = number


def words_of(codes: NDArray[np.uint8], lengths: NDArray[np.int64]) -> Words:
    """Words of (N, L) uint8 codes; positions from `lengths[n]` on are not looked at."""
    seen = np.zeros(256, dtype=np.uint8)
    _mark_codes(codes, lengths, seen)
    symbols = np.flatnonzero(seen).astype(np.uint8)
    digits = np.zeros(256, dtype=np.int32)
    digits[symbols] = np.arange(symbols.size)
    size = next((size for size in (3, 2) if symbols.size**size <= ROW_LIMIT), 1)
    numbers = np.empty(codes.shape, dtype=np.int32)
    _number_words(codes, lengths, digits, symbols.size, size, numbers)
    return Words(numbers, symbols, size)
