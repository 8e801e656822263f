"""Letters and networks whose arithmetic is exact: integer weights, so that sums in any order give the same bits."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seqpool.nn.valid_stack import ValidStack

COMPLEMENT = str.maketrans("ACGT", "TGCA")


def one_hot(*sequences: str) -> tuple[Tensor, Tensor]:
    """(N, 4, longest) and lengths; what stands past a length is NaN, so that a test fails where it is read."""
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    x = torch.full((len(sequences), 4, max(lengths.tolist(), default=0)), torch.nan)
    for row, sequence in enumerate(sequences):
        x[row, :, : len(sequence)] = 0.0
        for i, letter in enumerate(sequence):
            x[row, "ACGT".index(letter), i] = 1.0
    return x, lengths


def some_letters(length: int, seed: int) -> str:
    """Random letters."""
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), length))


def other_strand(sequence: str) -> str:
    """The reverse complement."""
    return sequence.translate(COMPLEMENT)[::-1]


def with_integers(module: nn.Module, seed: int, most: int = 3) -> nn.Module:
    """The module with every parameter drawn from -most to most, in evaluation mode, without gradients."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randint(-most, most + 1, parameter.shape, generator=generator))
    return module.eval().requires_grad_(False)


def codon_stack(codons: int, outputs: int = 2, seed: int = 0) -> ValidStack:
    """Codons, ReLU, windows of so many codons: no padding, a step of one codon."""
    stack = ValidStack(nn.Conv1d(4, 5, 3, stride=3), nn.ReLU(), nn.Conv1d(5, outputs, codons))
    with_integers(stack, seed)
    return stack


def window_scores(stack: ValidStack, sequence: str) -> NDArray[np.float64]:
    """(windows, outputs): what the stack gives for the letters from each one on, computed without torch.

    Weights are those of `codon_stack`.
    """
    first, last = (layer for layer in stack if isinstance(layer, nn.Conv1d))
    stem, stem_bias, top, top_bias = (
        parameter.detach().numpy().astype(np.float64)
        for layer in (first, last)
        for parameter in (layer.weight, layer.bias)
        if parameter is not None
    )
    codes = ["ACGT".index(letter) for letter in sequence]
    width = top.shape[2]
    found = []
    for start in range(len(codes) - 3 * width + 1):
        score = top_bias.copy()
        for codon in range(width):
            channels = stem_bias.copy()
            for place in range(3):
                channels += stem[:, codes[start + 3 * codon + place], place]
            score += top[:, :, codon] @ np.maximum(channels, 0)
        found.append(score)
    return np.array(found).reshape(len(found), top.shape[0])


class Pooled(nn.Module):
    """A network that pools over positions itself: windows, then a global pool of each frame."""

    def __init__(self, stack: nn.Module, pool: nn.Module) -> None:
        super().__init__()
        self.stack = stack
        self.pool = pool

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(N, C, L) to (N, outputs)."""
        if lengths is None:
            return self.pool(self.stack(x))
        windows, counts = self.stack(x, lengths)
        return self.pool(windows, counts)
