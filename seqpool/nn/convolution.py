"""Convolution whose padding knows neither the batch nor what stands past a row's length, and the block built on it."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqpool.nn.intervals import convolution_interval, interval_of, scale_and_shift
from seqpool.nn.normalisation import MaskedBatchNorm1d
from seqpool.options.pooling import Pooling
from seqpool.pooling import local_pool
from seqpool.pooling.geometry import Geometry, conv_geometry, stack
from seqpool.pooling.intervals import Bounds, magnitudes, rounding
from seqpool.pooling.masks import zero_padding


class Folded(NamedTuple):
    """A convolution and linear layers around it as one convolution.

    weight (C', C, kernel), bias (C',). weight_size, bias_size: of the same shapes, at least the magnitudes of which
    they are sums: what rounding is relative to.
    """

    weight: Tensor
    bias: Tensor
    weight_size: Tensor
    bias_size: Tensor


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
        output = self.convolved(zero_padding(input, lengths), self.weight, self.bias)
        return output if lengths is None else (output, self.output_lengths(lengths))

    def convolved(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """(N, C, L), 0 past each length, to (N, C', ceil(L / stride)) by this layer with another weight and bias."""
        length, stride = x.shape[2], self.stride[0]
        outputs = (length + stride - 1) // stride
        reach = (outputs - 1) * stride - self.left_padding + self.dilation[0] * (self.kernel_size[0] - 1) + 1
        left, right = self.left_padding, max(0, reach - length)
        if left != right:  # torch pads both sides alike without a copy of the input
            x, left = F.pad(x, (left, right)), 0
        return F.conv1d(x, weight, bias, self.stride, left, self.dilation)[:, :, :outputs]

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """New lengths of rows: (N,) -> (N,)."""
        return (lengths + self.stride[0] - 1) // self.stride[0]

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box for each value of the result, attained but for rounding."""
        return self.followed_by(None, None, lower, upper, lengths)

    def followed_by(
        self,
        norm: nn.Module | None,
        beside: nn.Module | None,
        lower: Tensor,
        upper: Tensor,
        lengths: Tensor | None = None,
    ) -> Bounds:
        """The image of a box under this layer and the linear layers around it as one, attained but for rounding.

        norm: batch normalisation by running moments after it. beside: a branch whose result is added after that, the
        identity or a convolution of width 1.
        """
        folded = self.folded(norm, beside)
        lower, upper = zero_padding(lower, lengths), zero_padding(upper, lengths)
        ends = convolution_interval(
            self.convolved, folded.weight, folded.bias, lower, upper, weight_size=folded.weight_size,
            bias_size=folded.bias_size,
        )  # fmt: skip
        return Bounds(*ends, None if lengths is None else self.output_lengths(lengths))

    def folded(self, norm: nn.Module | None, beside: nn.Module | None) -> Folded:
        """This layer and those around it, as `followed_by` says."""
        weight = self.weight
        bias = weight.new_zeros(len(weight)) if self.bias is None else self.bias
        bias_size = bias.detach().abs()
        if isinstance(norm, nn.BatchNorm1d):
            scale, shift, shift_size = scale_and_shift(norm)
            weight, bias = weight * scale[:, None, None], bias * scale + shift
            bias_size = bias_size * scale.detach().abs() + shift_size
        weight_size = weight.detach().abs()
        if beside is not None:
            if isinstance(beside, SameConv1d):
                added = beside.weight
                if beside.bias is not None:
                    bias, bias_size = bias + beside.bias, bias_size + beside.bias.detach().abs()
            else:
                added = torch.eye(len(weight), dtype=weight.dtype, device=weight.device)[:, :, None]
            column = self.left_padding // self.dilation[0]
            wide = F.pad(added, (column, self.kernel_size[0] - 1 - column))
            weight, weight_size = weight + wide, weight_size + wide.detach().abs()
        return Folded(weight, bias, weight_size, bias_size)

    @property
    def has_a_tap_at_its_place(self) -> bool:
        """Whether output t looks at position t times the stride itself: not so between two taps of an even kernel."""
        return self.left_padding % self.dilation[0] == 0

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

    def interval(
        self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None, *, first: Bounds | None = None
    ) -> Bounds:
        """Bounds of the result; each convolution, its normalisation and a branch around it alone are one linear layer.

        first: bounds of that first linear layer's result, where the caller knows more than a box.
        """
        bounds, last = Bounds(lower, upper, lengths), len(self.convolutions) - 1
        for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            assert isinstance(convolution, SameConv1d)
            beside = self._beside()
            if i == 0 and first is not None:
                bounds = first
            else:
                bounds = convolution.followed_by(norm, beside, *bounds)
            if i == last and self.shortcut is not None and beside is None:
                branch = interval_of(self.shortcut, lower, upper, lengths)
                bounds = sum_of_bounds(bounds, branch)
            rectified = F.relu if torch.is_grad_enabled() or first is not None else F.relu_
            bounds = Bounds(rectified(bounds.lower), rectified(bounds.upper), bounds.lengths)
        if self.pool is not None:
            low, high, own = bounds
            bounds = self.pool.interval(zero_padding(low, own), zero_padding(high, own), own)
        return bounds

    def first_linear(self) -> tuple[SameConv1d, nn.Module | None, nn.Module | None]:
        """The first convolution, its normalisation, and a branch around it alone, as `SameConv1d.followed_by` takes
        them."""
        convolution = self.convolutions[0]
        assert isinstance(convolution, SameConv1d)
        return convolution, self.norms[0], self._beside()

    def _beside(self) -> nn.Module | None:
        """The branch around a lone convolution, if its positions are those of a tap of that convolution."""
        convolution = self.convolutions[0]
        assert isinstance(convolution, SameConv1d)
        return self.shortcut if len(self.convolutions) == 1 and convolution.has_a_tap_at_its_place else None

    def layers(self) -> list[tuple[str, Geometry]]:
        """Name and geometry of each convolution, then of the pool."""
        found = [("conv", one.geometry) for one in self.convolutions if isinstance(one, SameConv1d)]
        return found if self.pool is None else [*found, (repr(self.pool), self.pool.geometry)]

    def geometry(self) -> Geometry:
        """Jump, receptive field and start of one output of the block."""
        return stack([geometry for _, geometry in self.layers()])


def sum_of_bounds(first: Bounds, second: Bounds) -> Bounds:
    """Bounds of the sum of two results, with the lengths of the first."""
    slack = rounding(4, first.lower.dtype) * (magnitudes(*first[:2]) + magnitudes(*second[:2])).detach()
    return Bounds(first.lower + second.lower - slack, first.upper + second.upper + slack, first.lengths)


def _call(layer: nn.Module, x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """A layer that returns a tensor without lengths and a pair with them, as a pair always."""
    if lengths is None:
        return layer(x), None
    output, new_lengths = layer(x, lengths=lengths)
    return output, new_lengths
