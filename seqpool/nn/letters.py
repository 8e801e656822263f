"""From letter codes to channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqpool.alphabet import INVALID, Alphabet
from seqpool.pooling.intervals import Bounds

BLANK = INVALID
"""Code of a position that holds no letter: zero in every channel."""


class OneHot(nn.Module):
    """(N, L) uint8 codes to (N, letters, L) float32; a float tensor passes through.

    A plain letter is one-hot, an ambiguity code the uniform distribution over its letters (N: 0.25 each), a blank zero.
    """

    table: Tensor

    def __init__(self, alphabet: Alphabet) -> None:
        super().__init__()
        self.register_buffer("table", torch.from_numpy(alphabet.distributions).float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Channels of each position."""
        if x.dtype != torch.uint8:
            return x
        return self.table[x.long()].transpose(1, 2)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """A box of channels passes through."""
        return Bounds(lower, upper, lengths)


def letter_codes(x: Tensor, unknown: int) -> Tensor:
    """(N, L) uint8 codes of a one-hot tensor (N, letters, L); `unknown` where no channel is 1."""
    value, code = x.max(dim=1)
    return torch.where(value > 1 - 1e-6, code, torch.full_like(code, unknown)).to(torch.uint8)
