"""The bag of words on its kernel against torch's operators, and what a word and its reverse complement share."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from seqpool.alphabet import DNA, PROTEIN, Alphabet
from seqpool.nn.word_bag import WordBag


@pytest.mark.parametrize(
    ("alphabet", "k", "both_strands"),
    [(DNA, 6, True), (DNA, 5, True), (DNA, 3, False), (DNA, 1, True), (PROTEIN, 2, False)],
)
def test_kernel_equals_torch(alphabet: Alphabet, k: int, both_strands: bool) -> None:
    generator = torch.Generator().manual_seed(k)
    bag = WordBag(alphabet, k, 16, both_strands=both_strands)
    codes = torch.randint(len(alphabet.letters), (40, 50), generator=generator, dtype=torch.uint8)
    codes[torch.rand(codes.shape, generator=generator) < 0.03] = alphabet.unknown
    lengths = torch.randint(51, (40,), generator=generator)
    incoming = torch.randn(40, 16, generator=generator)
    found = []
    for sums in (bag(codes, lengths), bag._of_words(codes, lengths)):
        (gradient,) = torch.autograd.grad(sums, bag.vectors.weight, incoming)
        found.append((sums, gradient))
    torch.testing.assert_close(found[0][0], found[1][0], rtol=0, atol=1e-6)
    torch.testing.assert_close(found[0][1], found[1][1], rtol=1e-4, atol=1e-4)


def test_words_share_a_vector_with_their_reverse_complement() -> None:
    bag = WordBag(DNA, 3, 2, both_strands=True)
    words = ["".join(letters) for letters in itertools.product("ACGT", repeat=3)]
    other = [DNA.decode(DNA.reverse_complement(DNA.encode(word))) for word in words]
    vectors = dict(zip(words, bag.word_index.tolist(), strict=False))
    assert all(vectors[word] == vectors[reverse] for word, reverse in zip(words, other, strict=True))
    # numbered in the order of the words that stand for them: what trained models rely on
    first = sorted({min(pair) for pair in zip(words, other, strict=True)})
    assert [vectors[word] for word in first] == list(range(32))
    assert bag.vectors.weight.shape == (33, 2)


def test_sequences_without_a_word() -> None:
    bag = WordBag(DNA, 4, 3, both_strands=False)
    codes = torch.from_numpy(np.full((2, 3), 1, dtype=np.uint8))
    assert torch.equal(bag(codes, torch.tensor([3, 0])), torch.zeros(2, 3))
