"""Sequences as words: one table row stands for a few columns of a filter.

A word is a run of four letters (two, in an alphabet of more than 16 symbols). Only words that occur get a table row, so
ambiguity codes and blanks cost rows, not another path.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels.compiled import compiled

LANES = 64  # filters side by side in a table row
WORDS = 1 << 16  # four letters of up to 4 bits, or two of up to 8
CACHE_LINE = 64


@dataclass(frozen=True)
class Words:
    """The words of a batch of sequences.

    rows: (N, L) uint32; the word that begins at each position, as its row times LANES. Letters past the end of a
        sequence count as the first symbol; a filter has no columns there.
    symbols: (N, L) uint8, the symbol of each letter.
    letters: (rows, size) uint8, the symbols of each row's word.
    codes: (D,) uint8, the codes that occur, ascending; symbol d is code `codes[d]`.
    shares: (D,) share of each symbol among all letters.
    """

    rows: NDArray[np.uint32]
    symbols: NDArray[np.uint8]
    letters: NDArray[np.uint8]
    codes: NDArray[np.uint8]
    shares: NDArray[np.float64]

    @property
    def size(self) -> int:
        """Letters in a word."""
        return int(self.letters.shape[1])


def table_rows(*shape: int) -> NDArray[np.uint8]:
    """Memory for rows of LANES bytes, each on a cache line of its own: one across two lines is read twice as slowly."""
    memory = np.empty(math.prod(shape) + CACHE_LINE, dtype=np.uint8)
    first = -memory.ctypes.data % CACHE_LINE
    return memory[first : first + math.prod(shape)].reshape(shape)


def groups_of_lanes(widths: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """The lanes by width in groups of LANES, the first of which takes what is left over.

    A group costs what its widest lane costs, however few lanes it has: the narrowest are to be the ones apart.
    """
    order = np.argsort(widths, kind="stable")
    return np.split(order, range(len(order) % LANES or LANES, len(order), LANES))


@compiled
def _count_codes(codes: NDArray[np.uint8], lengths: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
    # four counters side by side: equal letters in a row would otherwise wait for one another
    for n in range(codes.shape[0]):
        row, length = codes[n], np.uint64(lengths[n])
        whole = length & ~np.uint64(3)
        for i in range(np.uint64(0), whole, np.uint64(4)):
            counts[0, row[i]] += 1
            counts[1, row[i + np.uint64(1)]] += 1
            counts[2, row[i + np.uint64(2)]] += 1
            counts[3, row[i + np.uint64(3)]] += 1
        for i in range(whole, length):
            counts[0, row[i]] += 1


@compiled
def _number_words(
    codes: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    symbol_of_code: NDArray[np.uint8],
    bits: int,
    size: int,
    symbols: NDArray[np.uint8],
    rows: NDArray[np.uint32],
    seen: NDArray[np.uint8],
) -> None:
    shift, mask = np.uint32(bits), np.uint32((1 << (bits * size)) - 1)
    before = np.uint64(size - 1)
    for n in range(codes.shape[0]):
        letters, numbers, length = symbols[n], rows[n], np.uint64(lengths[n])
        for i in range(length):
            letters[i] = symbol_of_code[codes[n, i]]
        number = np.uint32(0)
        for i in range(before):
            number = (number << shift) | np.uint32(letters[i] if i < length else np.uint8(0))
        for i in range(before, length):
            number = ((number << shift) | np.uint32(letters[i])) & mask
            numbers[i - before] = number
            seen[number] = 1
        for i in range(length - min(before, length), length):
            number = (number << shift) & mask
            numbers[i] = number
            seen[number] = 1


@compiled
def _number_rows(lengths: NDArray[np.int64], row_of_word: NDArray[np.uint32], rows: NDArray[np.uint32]) -> None:
    for n in range(rows.shape[0]):
        numbers = rows[n]
        for i in range(np.uint64(lengths[n])):
            numbers[i] = row_of_word[numbers[i]]


def words_of(codes: NDArray[np.uint8], lengths: NDArray[np.int64]) -> Words:
    """Words of (N, L) uint8 codes; positions from `lengths[n]` on are not looked at."""
    counts = np.zeros((4, 256), dtype=np.int64)
    _count_codes(codes, lengths, counts)
    total = counts.sum(axis=0)
    present = np.flatnonzero(total).astype(np.uint8)
    bits = max(2, int(present.size - 1).bit_length())
    size = 4 if bits <= 4 else 2
    symbol_of_code = np.zeros(256, dtype=np.uint8)
    symbol_of_code[present] = np.arange(present.size)
    symbols = np.empty(codes.shape, dtype=np.uint8)
    rows = np.empty(codes.shape, dtype=np.uint32)
    seen = np.zeros(WORDS, dtype=np.uint8)
    _number_words(codes, lengths, symbol_of_code, bits, size, symbols, rows, seen)
    used = np.flatnonzero(seen)
    row_of_word = np.zeros(WORDS, dtype=np.uint32)
    row_of_word[used] = np.arange(used.size) * LANES
    _number_rows(lengths, row_of_word, rows)
    shifts = bits * np.arange(size - 1, -1, -1)
    letters = ((used[:, None] >> shifts) & ((1 << bits) - 1)).astype(np.uint8)
    return Words(rows, symbols, letters, present, total[present] / max(1, int(total.sum())))


def every_word(letters: int) -> NDArray[np.uint8]:
    """(words, size) symbols of every word over `letters` plain letters and one symbol more for anything else."""
    size = 4 if (letters + 1) ** 4 <= 1024 else 2
    digits = np.indices((letters + 1,) * size, dtype=np.uint8)
    return np.ascontiguousarray(digits.reshape(size, -1).T)


@compiled
def number_every_word(
    codes: NDArray[np.uint8], letters: int, size: int, symbols: NDArray[np.uint8], rows: NDArray[np.uint32]
) -> None:
    """Write each position's symbol, and its word's row in `every_word` times LANES.

    symbols: at least as long as the codes, filled up with the symbol `letters`; rows: shorter by `size`.
    """
    other = np.uint8(letters)
    count = codes.shape[0]
    for i in range(count):
        symbols[i] = min(codes[i], other)
    for i in range(count, symbols.shape[0]):
        symbols[i] = other
    base, lanes = np.uint32(letters + 1), np.uint32(LANES)
    if size == 4:
        for i in range(rows.shape[0]):
            left = np.uint32(symbols[i]) * base + np.uint32(symbols[i + 1])
            right = np.uint32(symbols[i + 2]) * base + np.uint32(symbols[i + 3])
            rows[i] = (left * base * base + right) * lanes
    else:
        for i in range(rows.shape[0]):
            rows[i] = (np.uint32(symbols[i]) * base + np.uint32(symbols[i + 1])) * lanes
