"""Sums of vectors of words against words cut from the text one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seqpool.kernels.word_sums import number_words, word_sums, word_sums_gradient


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    letters=st.sampled_from([2, 4]),
    size=st.integers(1, 4),
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=90),
    channels=st.sampled_from([1, 16, 21]),
    other=st.sampled_from([0.0, 0.1]),
)
def test_equals_words_cut_from_the_text(
    seed: int, letters: int, size: int, lengths: list[int], channels: int, other: float
) -> None:
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, letters, (len(lengths), 40)).astype(np.uint8)
    codes[generator.random(codes.shape) < other] = letters + 3
    vector_of_word = generator.integers(0, 7, letters**size)
    vectors = generator.standard_normal((7, channels)).astype(np.float32)
    gradient = generator.standard_normal((len(lengths), channels)).astype(np.float32)
    expected, of_vectors = np.zeros((len(lengths), channels)), np.zeros((7, channels))
    numbers = []
    for n, length in enumerate(lengths):
        texts = [codes[n, i : i + size].tolist() for i in range(length - size + 1)]
        words = [int("".join(map(str, text)), letters) for text in texts if max(text) < letters]
        numbers.append(vector_of_word[words].tolist())
        for vector in numbers[-1]:
            expected[n] += vectors[vector]
            of_vectors[vector] += gradient[n]
    found, counts = np.empty(codes.shape, dtype=np.int32), np.empty(len(lengths), dtype=np.int64)
    number_words(codes, np.array(lengths), letters, size, vector_of_word, found, counts)
    assert [found[n, :count].tolist() for n, count in enumerate(counts)] == numbers
    for threads in (1, 2):
        np.testing.assert_allclose(word_sums(found, counts, vectors, threads), expected, rtol=1e-5, atol=1e-5)
        assert np.array_equal(word_sums_gradient(found, counts, gradient, 7, threads), of_vectors)
