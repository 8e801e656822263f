"""Sums of learnt vectors, one for each k-letter word of a sequence."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from seqpool.alphabet import Alphabet


class WordBag(nn.Module):
    """The k-letter words of a sequence as the average of learnt vectors; their order does not count.

    both_strands: a word and its reverse complement share a vector. Words with an ambiguity code are left out. The sum
    is divided by the square root of the number of words, so that its spread does not depend on the length.
    """

    word_index: Tensor

    def __init__(self, alphabet: Alphabet, k: int, channels: int, *, both_strands: bool) -> None:
        super().__init__()
        self.k = k
        self.letters = len(alphabet.letters)
        words = ["".join(word) for word in itertools.product(alphabet.letters, repeat=k)]
        names: dict[str, int] = {}
        index = []
        for word in words:
            other = alphabet.decode(alphabet.reverse_complement(alphabet.encode(word))) if both_strands else word
            index.append(names.setdefault(min(word, other), len(names)))
        self.register_buffer("word_index", torch.tensor([*index, len(names)]), persistent=False)
        self.vectors = nn.Embedding(len(names) + 1, channels, padding_idx=len(names))
        with torch.no_grad():
            self.vectors.weight.mul_(0.1)

    def forward(self, codes: Tensor, lengths: Tensor) -> Tensor:
        """(N, L) uint8 codes to (N, channels)."""
        count = max(codes.shape[1] - self.k + 1, 0)
        if count == 0:
            return self.vectors.weight.new_zeros(codes.shape[0], self.vectors.embedding_dim)
        wide = codes.long()
        word = torch.zeros_like(wide[:, :count])
        plain = torch.arange(count, device=codes.device) <= (lengths - self.k)[:, None]
        for i in range(self.k):
            letter = wide[:, i : i + count]
            word = word * self.letters + letter
            plain = plain & (letter < self.letters)
        word = torch.where(plain, word, torch.full_like(word, self.word_index.shape[0] - 1))
        summed = nn.functional.embedding_bag(
            self.word_index[word], self.vectors.weight, mode="sum", padding_idx=self.vectors.padding_idx
        )
        return summed / plain.sum(dim=1, keepdim=True).clamp(min=1).sqrt()
