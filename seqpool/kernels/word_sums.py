"""Sums of one vector per word of a sequence, and the way back of their gradient: no sum is sorted or searched for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels.compiled import compiled
from seqpool.kernels.parallel import run_pieces

ROWS_PER_PIECE = 64
CHANNELS_PER_PIECE = 16  # a cache line of gradients

Numbers = NDArray[np.float32] | NDArray[np.float64]


@compiled
def number_words(
    codes: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    letters: int,
    size: int,
    vector_of_word: NDArray[np.int64],
    found: NDArray[np.int32],
    counts: NDArray[np.int64],
) -> None:
    """List the vector of every word of plain letters: (N, L) found, of which the first (N,) counts count.

    vector_of_word: of each of the letters**size words, whose number has its first letter in the highest place.
    """
    beyond = letters ** (size - 1)
    for n in range(codes.shape[0]):
        number, plain, count = 0, 0, 0
        for i in range(lengths[n]):
            letter = np.int64(codes[n, i])
            if letter < letters:
                number = number % beyond * letters + letter
                plain += 1
                if plain >= size:
                    found[n, count] = vector_of_word[number]
                    count += 1
            else:
                number, plain = 0, 0
        counts[n] = count


@compiled
def _add_vectors(
    found: NDArray[np.int32], counts: NDArray[np.int64], vectors: Numbers, begin: int, end: int, sums: Numbers
) -> None:
    for n in range(begin, end):
        total, last = sums[n], counts[n] - 1
        for i in range(counts[n] // 2):
            vector, opposite = vectors[found[n, i]], vectors[found[n, last - i]]
            for channel in range(total.shape[0]):
                total[channel] += vector[channel] + opposite[channel]
        if counts[n] % 2:
            vector = vectors[found[n, counts[n] // 2]]
            for channel in range(total.shape[0]):
                total[channel] += vector[channel]


@compiled
def _add_gradients(
    found: NDArray[np.int32],
    counts: NDArray[np.int64],
    gradient: Numbers,
    begin: int,
    end: int,
    of_vectors: NDArray[np.float64],
) -> None:
    for n in range(counts.shape[0]):
        of_sum = gradient[n]
        for i in range(counts[n]):
            of_vector = of_vectors[found[n, i]]
            for channel in range(begin, end):
                of_vector[channel] += of_sum[channel]


def word_sums(found: NDArray[np.int32], counts: NDArray[np.int64], vectors: Numbers, threads: int) -> Numbers:
    """(N, channels) the sum of each sequence's vectors, the same bits read from either end.

    Words are added in pairs from both ends inwards.
    """
    sums = np.zeros((len(counts), vectors.shape[1]), dtype=vectors.dtype)

    def piece(number: int) -> None:
        begin = number * ROWS_PER_PIECE
        _add_vectors(found, counts, vectors, begin, min(begin + ROWS_PER_PIECE, len(counts)), sums)

    run_pieces(piece, -(-len(counts) // ROWS_PER_PIECE), threads)
    return sums


def word_sums_gradient(
    found: NDArray[np.int32], counts: NDArray[np.int64], gradient: Numbers, vectors: int, threads: int
) -> NDArray[np.float64]:
    """Gradient of (vectors, channels) for that of the sums (N, channels), added up in the order of the sequences."""
    channels = gradient.shape[1]
    of_vectors = np.zeros((vectors, channels))
    share = CHANNELS_PER_PIECE if threads > 1 else max(channels, 1)

    def piece(number: int) -> None:
        begin = number * share
        _add_gradients(found, counts, gradient, begin, min(begin + share, channels), of_vectors)

    run_pieces(piece, -(-channels // share), threads)
    return of_vectors
