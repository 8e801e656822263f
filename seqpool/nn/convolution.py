"""Convolution whose padding knows neither the batch nor what stands past a row's length, and the block built on it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqpool.nn.normalisation import MaskedBatchNorm1d
from seqpool.options.pooling import Pooling
from seqpool.pooling import local_pool
from seqpool.pooling.geometry import Geometry, conv_geometry, stack
from seqpool.pooling.masks import zero_padding


class SameConv1d(nn.Conv1d):
    """`torch.nn.Conv1d` with ceil(L / stride) outputs for any kernel.

    The left padding is floor(dilation (kernel - 1) / 2) whatever the length (in TensorFlow's SAME it depends on it, so
    that a padded row would differ from the row alone). Positions past a length are set to 0 before the convolution.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        dilation: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride=stride, dilation=dilation, bias=bias)

    @property
    def left_padding(self) -> int:
        """Zeros before the first position."""
        return self.dilation[0] * (self.kernel_size[0] - 1) // 2

    def forward(  # type: ignore[override]
        self, input: Tensor, lengths: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """(N, C, L) to (N, C', ceil(L / stride)); with lengths, the pair with the new lengths."""
        length, stride = input.shape[2], self.stride[0]
        outputs = (length + stride - 1) // stride
        reach = (outputs - 1) * stride - self.left_padding + self.dilation[0] * (self.kernel_size[0] - 1) + 1
        left, right = self.left_padding, max(0, reach - length)
        kept = zero_padding(input, lengths)
        if left == right:  # torch pads without a copy of the input
            output = F.conv1d(kept, self.weight, self.bias, self.stride, left, self.dilation)[:, :, :outputs]
        else:
            output = self._conv_forward(F.pad(kept, (left, right)), self.weight, self.bias)[:, :, :outputs]
        return output if lengths is None else (output, (lengths + stride - 1) // stride)

    @property
    def geometry(self) -> Geometry:
        """Jump, receptive field and start of one output."""
        return conv_geometry(self.kernel_size[0], self.stride[0], padding=self.left_padding, dilation=self.dilation[0])


class ConvolutionBlock(nn.Module):
    """Convolutions with normalisation and ReLU, an optional residual branch, dropout of channels, then a pool.

    in_channels, out_channels, width, stride (of the first convolution), dilation, convolutions: as in the option
    record `Encoder`. pool_size 1: no pool.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        width: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        convolutions: int = 1,
        pool: Pooling | None = None,
        pool_size: int = 1,
        residual: bool = False,
        normalise: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        inputs = [in_channels] + [out_channels] * (convolutions - 1)
        strides = [stride] + [1] * (convolutions - 1)
        self.convolutions = nn.ModuleList(
            SameConv1d(one, out_channels, width, stride=step, dilation=dilation, bias=not normalise)
            for one, step in zip(inputs, strides, strict=True)
        )
        self.norms = nn.ModuleList(
            MaskedBatchNorm1d(out_channels) if normalise else nn.Identity() for _ in range(convolutions)
        )
        self.shortcut: nn.Module | None = None
        if residual:
            self.shortcut = (
                nn.Identity()
                if in_channels == out_channels and stride == 1
                else SameConv1d(in_channels, out_channels, 1, stride=stride)
            )
        self.dropout = nn.Dropout1d(dropout)
        self.pool = None if pool is None or pool_size == 1 else local_pool(pool, pool_size, pool_size, out_channels)
        self.output_channels = out_channels if self.pool is None else self.pool.output_channels(out_channels)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """(N, C, L) and lengths to (N, C', L') and lengths."""
        entry, entry_lengths = x, lengths
        last = len(self.convolutions) - 1
        for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            x, lengths = _call(convolution, x, lengths)
            x = norm(x, lengths) if isinstance(norm, MaskedBatchNorm1d) else x
            if i == last and self.shortcut is not None:
                other = entry
                if not isinstance(self.shortcut, nn.Identity):
                    other, _ = _call(self.shortcut, entry, entry_lengths)
                x = x + other
            x = torch.relu(x)
        x = self.dropout(x)
        if self.pool is not None:
            x, lengths = _call(self.pool, zero_padding(x, lengths), lengths)
        return x, lengths

    def layers(self) -> list[tuple[str, Geometry]]:
        """Name and geometry of each convolution, then of the pool."""
        found = [("conv", one.geometry) for one in self.convolutions if isinstance(one, SameConv1d)]
        return found if self.pool is None else [*found, (repr(self.pool), self.pool.geometry)]

    def geometry(self) -> Geometry:
        """Jump, receptive field and start of one output of the block."""
        return stack([geometry for _, geometry in self.layers()])


def _call(layer: nn.Module, x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """A layer that returns a tensor without lengths and a pair with them, as a pair always."""
    if lengths is None:
        return layer(x), None
    output, new_lengths = layer(x, lengths=lengths)
    return output, new_lengths
