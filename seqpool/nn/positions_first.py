"""Blocks of convolutions in use, on maps whose rows lie innermost: each position is one product of matrices.

Libraries convolve a few channels slowly: most of their time goes into packing them. In maps (L, C, N) the inputs of one
output position are width · C rows that lie one after the other in memory, so a convolution is a matrix product for each
position, on the maps as they lie. For the networks of single beats (12 to 24 channels) it takes half of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seqpool.nn.convolution import ConvolutionBlock, SameConv1d
from seqpool.nn.normalisation import MaskedBatchNorm1d

PAIR = 2
"""Positions that the pool of a block takes together."""

ROWS = 96
"""So many rows at a time: their maps stay in the cache, and a product is large enough."""


@dataclass(frozen=True)
class _Folded:
    """A convolution and the normalisation after it as one: weight (C', width · C), bias (C', 1)."""

    weight: Tensor
    bias: Tensor
    width: int
    before: int

    def __call__(self, padded: Tensor, out: Tensor) -> None:
        """Maps (L + width - 1, C, N), zeros at the ends, to `out` (L, C', N), the bias not yet added."""
        _, channels, rows = padded.shape
        seen = padded.as_strided((len(out), self.width * channels, rows), (channels * rows, rows, 1))
        torch.bmm(self.weight.expand(len(out), -1, -1), seen, out=out)


@dataclass(frozen=True)
class _Block:
    convolutions: list[_Folded]
    shortcut: nn.Module | None


def pooled_blocks(blocks: Sequence[nn.Module], x: Tensor) -> Tensor:
    """(N, L) to (L', C, N): what the blocks in evaluation mode give of (N, 1, L), to rounding.

    Without gradients. Each block's convolutions are normalised and of stride 1, its pool is the maximum of PAIR
    positions; L is a multiple of PAIR to the power of the blocks.
    """
    folded = [_folded_block(block) for block in blocks]
    return torch.cat([_through(folded, x[row : row + ROWS]) for row in range(0, len(x), ROWS)], dim=2)


def _folded_block(block: nn.Module) -> _Block:
    assert isinstance(block, ConvolutionBlock)
    return _Block(
        [_folded(convolution, norm) for convolution, norm in zip(block.convolutions, block.norms, strict=True)],
        block.shortcut,
    )


def _folded(convolution: nn.Module, norm: nn.Module) -> _Folded:
    assert isinstance(convolution, SameConv1d)
    assert isinstance(norm, MaskedBatchNorm1d)
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weight = (convolution.weight * scale[:, None, None]).transpose(1, 2).flatten(1)
    bias = (norm.bias - norm.running_mean * scale)[:, None]
    return _Folded(weight, bias, convolution.kernel_size[0], convolution.left_padding)


def _through(blocks: Sequence[_Block], x: Tensor) -> Tensor:
    """(N, L) to (L', C, N)."""
    steps = [convolution for block in blocks for convolution in block.convolutions]
    padded, inner = _maps(x, x.shape[1], 1, steps[0])
    inner.copy_(x.T[:, None])
    place = 0
    for block in blocks:
        entry = inner
        for convolution in block.convolutions[:-1]:
            place += 1
            before, (padded, inner) = padded, _maps(x, len(inner), len(convolution.weight), steps[place])
            convolution(before, inner)
            inner.add_(convolution.bias).relu_()
        last = block.convolutions[-1]
        place += 1
        out = x.new_empty(len(inner), len(last.weight), len(x))
        last(padded, out)
        if block.shortcut is not None:
            out.add_(_shortcut(block.shortcut, entry))
        following = steps[place] if place < len(steps) else None
        padded, inner = _maps(x, len(out) // PAIR, len(last.weight), following)
        torch.maximum(out[0::PAIR], out[1::PAIR], out=inner)
        inner.add_(last.bias).relu_()
    return inner


def _maps(like: Tensor, length: int, channels: int, following: _Folded | None) -> tuple[Tensor, Tensor]:
    """Room for maps (length, channels, N) with the zeros around them that the following convolution sees, and the part
    of it without the zeros."""
    width, before = (1, 0) if following is None else (following.width, following.before)
    padded = like.new_empty(length + width - 1, channels, len(like))
    padded[:before], padded[before + length :] = 0, 0
    return padded, padded[before : before + length]


def _shortcut(shortcut: nn.Module, entry: Tensor) -> Tensor:
    if isinstance(shortcut, nn.Identity):
        return entry
    assert isinstance(shortcut, SameConv1d)
    assert shortcut.bias is not None
    return torch.baddbmm(shortcut.bias[:, None], shortcut.weight[:, :, 0].expand(len(entry), -1, -1), entry)
