"""Sums of learnt vectors, one for each k-letter word of a sequence."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from seqpool.alphabet import Alphabet
from seqpool.kernels.word_sums import number_words, word_sums, word_sums_gradient
from seqpool.nn.letters import letter_codes
from seqpool.pooling.intervals import Bounds, rounding


class WordBag(nn.Module):
    """The k-letter words of a sequence as the average of learnt vectors; their order does not count.

    both_strands: a word and its reverse complement share a vector. Words with an ambiguity code are left out. The sum
    is divided by the square root of the number of words, so that its spread does not depend on the length.
    """

    word_index: Tensor
    bounds_its_parts = True  # `interval` asks no map of the embedding inside

    def __init__(self, alphabet: Alphabet, k: int, channels: int, *, both_strands: bool) -> None:
        super().__init__()
        self.k = k
        self.letters = len(alphabet.letters)
        index, names = _vectors_of_words(alphabet, k, both_strands)
        self.register_buffer("word_index", torch.from_numpy(np.append(index, names)), persistent=False)
        self.vectors = nn.Embedding(names + 1, channels, padding_idx=names)
        with torch.no_grad():
            self.vectors.weight.mul_(0.1)

    def forward(self, codes: Tensor, lengths: Tensor) -> Tensor:
        """(N, L) uint8 codes to (N, channels)."""
        if codes.device.type == "cpu" and not torch.compiler.is_compiling():
            found = np.empty(codes.shape, dtype=np.int32)
            counts = np.empty(codes.shape[0], dtype=np.int64)
            plain_lengths = lengths.clamp(max=codes.shape[1]).numpy().astype(np.int64)
            number_words(
                codes.contiguous().numpy(), plain_lengths, self.letters, self.k, self.word_index.numpy(), found, counts
            )
            return _divided(_sums(self.vectors.weight, found, counts), torch.from_numpy(counts)[:, None])
        return self._of_words(codes, lengths)

    def after_single_changes(
        self, codes: NDArray[np.uint8], positions: NDArray[np.int64], replacement: NDArray[np.uint8]
    ) -> Tensor:
        """(changes, channels) of a sequence (L,) after each change of one letter: only the words it touches differ."""
        count = len(codes) - self.k + 1
        if count < 1 or int(codes.max()) >= self.letters or int(replacement.max(initial=0)) >= self.letters:
            rows = np.repeat(codes[None], len(positions), axis=0)
            rows[np.arange(len(positions)), positions] = replacement
            return self(torch.from_numpy(rows), torch.full((len(rows),), len(codes)))  # type: ignore[no-any-return]
        places = self.letters ** np.arange(self.k - 1, -1, -1, dtype=np.int64)
        words = np.lib.stride_tricks.sliding_window_view(codes, self.k).astype(np.int64) @ places
        index, vectors = self.word_index.numpy(), self.vectors.weight.detach().numpy()
        # column c of a change: the word in which its letter is the c-th; those past an end are none
        starts = positions[:, None] - np.arange(self.k)
        there = (starts >= 0) & (starts < count)
        old = words[np.where(there, starts, 0)]
        new = old + (replacement.astype(np.int64) - codes[positions])[:, None] * places
        none = len(vectors) - 1  # the vector of no word, zero
        moved = vectors[np.where(there, index[np.where(there, new, 0)], none)]
        moved -= vectors[np.where(there, index[old], none)]
        sums = vectors[index[words]].sum(axis=0) + moved.sum(axis=1)
        return torch.from_numpy(sums / np.float32(count) ** 0.5)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor) -> Bounds:
        """Bounds of the result while the channels (N, letters, L) stay in a box: a word whose letters are all certain
        is itself, any other may be any word or none. Loose where many words are open: their letters are forgotten to
        overlap."""
        certain = (lower == upper).all(dim=1)
        unknown = self.letters  # past the plain letters: no word
        codes = torch.where(certain, letter_codes(lower, unknown).long(), unknown).to(torch.uint8)
        # a letter that has no channel at 1 anywhere in the box is in no word
        open_letters = (~certain & (upper > 1 - 1e-5).any(dim=1))[:, None].float()
        count = max(codes.shape[1] - self.k + 1, 0)
        inside = torch.arange(count, device=codes.device) <= (lengths - self.k)[:, None]
        touched = F.max_pool1d(open_letters, self.k, 1)[:, 0] > 0 if count else inside
        never = certain & (codes == unknown)
        barred = F.max_pool1d(never[:, None].float(), self.k, 1)[:, 0] > 0 if count else inside
        open_words = (touched & inside & ~barred).sum(dim=1, keepdim=True)
        root = self._plain_words(codes, lengths)
        most = (root + open_words).clamp(min=1).sqrt()
        least = root.clamp(min=1).sqrt()
        fixed = self(codes, lengths) * least
        vectors = self.vectors.weight
        low = fixed + open_words * vectors.amin(dim=0).clamp(max=0)
        high = fixed + open_words * vectors.amax(dim=0).clamp(min=0)
        size = (root + open_words) * vectors.detach().abs().amax(dim=0) / least
        slack = rounding(2 * codes.shape[1] + 16, vectors.dtype) * size
        return Bounds(torch.minimum(low / least, low / most) - slack, torch.maximum(high / least, high / most) + slack)

    def _plain_words(self, codes: Tensor, lengths: Tensor) -> Tensor:
        """(N, 1) words without an ambiguity code."""
        count = max(codes.shape[1] - self.k + 1, 0)
        if not count:
            return lengths.new_zeros(len(codes), 1)
        odd = F.max_pool1d((codes >= self.letters)[:, None].float(), self.k, 1)[:, 0] > 0
        inside = torch.arange(count, device=codes.device) <= (lengths - self.k)[:, None]
        return (inside & ~odd).sum(dim=1, keepdim=True)

    def _of_words(self, codes: Tensor, lengths: Tensor) -> Tensor:
        """The same by torch's operators."""
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
        return _divided(summed, plain.sum(dim=1, keepdim=True))


def _vectors_of_words(alphabet: Alphabet, k: int, both_strands: bool) -> tuple[NDArray[np.int64], int]:
    """(words,) the vector of each word, in the order of the words that stand for it, and how many vectors there are."""
    letters = len(alphabet.letters)
    words = np.indices((letters,) * k).reshape(k, -1)
    places = letters ** np.arange(k - 1, -1, -1)
    numbers = other = places @ words
    if both_strands:
        other = places @ alphabet.complement_codes[words[::-1]].astype(np.int64)
    names, index = np.unique(np.minimum(numbers, other), return_inverse=True)
    return index.astype(np.int64), len(names)


def _divided(summed: Tensor, words: Tensor) -> Tensor:
    return summed / words.clamp(min=1).sqrt()


def _sums(*arguments: Any) -> Tensor:
    return cast(Tensor, _WordSums.apply(*arguments))  # type: ignore[no-untyped-call]


class _WordSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vectors: Tensor, found: NDArray[np.int32], counts: NDArray[np.int64]) -> Tensor:
        ctx.words, ctx.vectors = (found, counts), vectors.shape[0]
        sums = word_sums(found, counts, vectors.detach().float().contiguous().numpy(), torch.get_num_threads())
        return torch.from_numpy(sums).to(vectors.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        found, counts = ctx.words
        of_sums = gradient.float().contiguous().numpy()
        of_vectors = word_sums_gradient(found, counts, of_sums, ctx.vectors, torch.get_num_threads())
        return torch.from_numpy(of_vectors).to(gradient.dtype), None, None
