"""Shuffles keep every pair of neighbours, are uniform, and depend on seed, epoch and row number only."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chisquare

from seqpool.kernels.shuffles import dinucleotide_shuffles


def shuffled(
    texts: list[bytes], *, seed: int = 0, epoch: int = 0, rows: NDArray[np.int64] | None = None, threads: int = 1
) -> list[bytes]:
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    codes = np.full((len(texts), max(lengths, default=0)), 4, dtype=np.uint8)
    for row, text in enumerate(texts):
        codes[row, : len(text)] = list(text)
    numbers = np.arange(len(texts)) if rows is None else rows
    found = dinucleotide_shuffles(codes, lengths, seed=seed, epoch=epoch, rows=numbers, threads=threads)
    assert all((found[row, length:] == 4).all() for row, length in enumerate(lengths))
    return [found[row, :length].tobytes() for row, length in enumerate(lengths)]


letters = st.lists(st.integers(0, 4), max_size=40).map(bytes)


@settings(deadline=None)  # the first call compiles
@given(st.lists(letters, max_size=6), st.integers(0, 2**32), st.integers(0, 100))
def test_pairs_of_neighbours_and_both_ends_stay(texts: list[bytes], seed: int, epoch: int) -> None:
    for text, found in zip(texts, shuffled(texts, seed=seed, epoch=epoch), strict=True):
        assert Counter(pairwise(text)) == Counter(pairwise(found))
        assert text[:1] == found[:1]
        assert text[-1:] == found[-1:]


@pytest.mark.parametrize("text", [b"\0\1\0\2\0\1\1\0", b"\0\1\2\0\2\1\0\1", b"\0\0\1\2\1\1\2\0\0"])
def test_every_arrangement_is_equally_likely(text: bytes) -> None:
    pairs = Counter(pairwise(text))
    possible = {
        bytes(order) for order in permutations(text) if order[0] == text[0] and Counter(pairwise(order)) == pairs
    }
    found = Counter(shuffled([text] * 400 * len(possible)))
    assert set(found) == possible
    assert chisquare(list(found.values())).pvalue > 1e-4


def test_a_shuffle_is_a_function_of_seed_epoch_and_row_number() -> None:
    rng = np.random.default_rng(0)
    texts = [bytes(rng.integers(0, 4, 60).tolist()) for _ in range(3000)]
    first = shuffled(texts, seed=7, epoch=2)
    assert shuffled(texts, seed=7, epoch=2, threads=3) == first
    some = np.array([2500, 3, 1999])
    assert shuffled([texts[i] for i in some], seed=7, epoch=2, rows=some) == [first[i] for i in some]
    for other in (shuffled(texts, seed=8, epoch=2), shuffled(texts, seed=7, epoch=3)):
        assert sum(a == b for a, b in zip(first, other, strict=True)) < 3
    assert len(set(shuffled([texts[0]] * 100))) > 95
