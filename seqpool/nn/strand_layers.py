"""Reverse-complement parameter sharing: layers whose channel c on one strand is channel C - 1 - c on the other.

Each commutes with `reverse_complement`, which turns channels and positions round (Shrikumar, Greenside & Kundaje 2017,
doi:10.1101/103663). A strided layer does so only where its windows lie the same way seen from both ends; every layer
checks that and says which lengths fit.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqpool.errors import UsageError
from seqpool.nn.group_pool import GroupPool, Reduce
from seqpool.nn.intervals import convolution_interval, interval_of
from seqpool.nn.normalisation import MaskedBatchNorm1d
from seqpool.nn.strands import backwards, check_reversal
from seqpool.pooling.geometry import Geometry, conv_geometry
from seqpool.pooling.intervals import Bounds
from seqpool.pooling.masks import zero_padding
from seqpool.pooling.modules import LocalPool


class ReverseComplementConv1d(nn.Module):
    """`torch.nn.Conv1d` with W[o, i, t] = W[O-1-o, I-1-i, k-1-t] and b[o] = b[O-1-o]: half of the weights are free.

    in_channels: letters in the order ACGT, or channels in pairs. out_channels: even, the forward strand's first.
    stride, padding, dilation, bias: as in torch. weight: (out_channels / 2, in_channels, kernel_size).

    Raises UsageError for an odd number of output channels; forward raises it for a length at which a stride above 1
    does not commute with reversal.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if out_channels % 2:
            raise UsageError(f"out_channels is {out_channels}, expected an even number: each has its other strand.")
        half = nn.Conv1d(in_channels, out_channels // 2, kernel_size, bias=bias)
        self.weight, self.bias = half.weight, half.bias
        self.stride, self.padding, self.dilation = stride, padding, dilation

    def extra_repr(self) -> str:
        """The sizes, by torch's names."""
        half, inputs, kernel = self.weight.shape
        return (
            f"{inputs}, {2 * half}, kernel_size={kernel}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}"
        )

    @property
    def geometry(self) -> Geometry:
        """Jump, receptive field and start of one output."""
        return conv_geometry(self.weight.shape[2], self.stride, self.padding, self.dilation)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """(N, C, L) to (N, C', L'); with lengths, the pair with the new lengths."""
        check_reversal(self.geometry, x.shape[2], lengths, "this convolution")
        weight, bias = self._of_both_strands()
        output = F.conv1d(zero_padding(x, lengths), weight, bias, self.stride, self.padding, self.dilation)
        return output if lengths is None else (output, self.output_lengths(lengths))

    def _of_both_strands(self) -> tuple[Tensor, Tensor | None]:
        weight = torch.cat([self.weight, self.weight.flip(0, 1, 2)])
        return weight, None if self.bias is None else torch.cat([self.bias, self.bias.flip(0)])

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """New lengths of rows: (N,) -> (N,)."""
        reach = lengths + (2 * self.padding - int(self.geometry.receptive_field))
        windows = torch.div(reach, self.stride, rounding_mode="floor") + 1
        return torch.where(lengths > 0, windows.clamp(min=0), 0)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box for each value of the result, attained but for rounding."""
        check_reversal(self.geometry, lower.shape[2], lengths, "this convolution")

        def convolve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
            return F.conv1d(x, weight, bias, self.stride, self.padding, self.dilation)

        weight, bias = self._of_both_strands()
        lower, upper = zero_padding(lower, lengths), zero_padding(upper, lengths)
        ends = convolution_interval(convolve, weight, bias, lower, upper)
        return Bounds(*ends, None if lengths is None else self.output_lengths(lengths))


class OnEachStrand(nn.Module):
    """A layer that sees each strand by itself, read 5' to 3': normalisation, pooling, activation, dropout.

    (N, C, L) is taken as 2 N rows of C / 2 channels, so whatever the layer learns or counts is the same for a channel
    and its pair; batch moments are those of both strands together.

    Args:
        layer: takes C / 2 channels; with lengths it gives a pair, or a tensor of the same length. One with a `geometry`
            (a local pool) is checked against the length as `ReverseComplementConv1d` is.
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """(N, C, L) to (N, C', L'); with lengths, the pair with the new lengths."""
        if isinstance(self.layer, LocalPool):
            check_reversal(self.layer.geometry, x.shape[2], lengths, repr(self.layer))
        both_lengths = None if lengths is None else torch.cat([lengths, lengths])
        output = self._called(split_strands(x, lengths), both_lengths)
        if isinstance(output, tuple):
            joined, new_lengths = output
            new_lengths = new_lengths.chunk(2)[0]
            return join_strands(joined, new_lengths), new_lengths
        joined = join_strands(output, lengths)
        return joined if lengths is None else (joined, lengths)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds of the result while the input stays in a box: those of the layer for each strand."""
        both_lengths = None if lengths is None else torch.cat([lengths, lengths])
        found = interval_of(self.layer, split_strands(lower, lengths), split_strands(upper, lengths), both_lengths)
        own = None if lengths is None or found.lengths is None else found.lengths.chunk(2)[0]
        return Bounds(join_strands(found.lower, own), join_strands(found.upper, own), own)

    def _called(self, x: Tensor, lengths: Tensor | None) -> Tensor | tuple[Tensor, Tensor]:
        if lengths is not None and isinstance(self.layer, LocalPool | MaskedBatchNorm1d):
            return self.layer(x, lengths)  # type: ignore[no-any-return]
        return self.layer(x)  # type: ignore[no-any-return]


def split_strands(x: Tensor, lengths: Tensor | None = None) -> Tensor:
    """(N, C, L) with channels in pairs to (2 N, C / 2, L): the forward strand's rows, then the reverse strand's 5' to
    3'. Raises UsageError for an odd number of channels.
    """
    if x.shape[1] % 2:
        raise UsageError(f"the input has {x.shape[1]} channels, expected an even number: each has its other strand.")
    forward, reverse = x.chunk(2, dim=1)
    return torch.cat([zero_padding(forward, lengths), backwards(reverse.flip(1), lengths)])


def join_strands(x: Tensor, lengths: Tensor | None = None) -> Tensor:
    """The inverse of `split_strands`."""
    forward, reverse = x.chunk(2)
    return torch.cat([forward, backwards(reverse, lengths).flip(1)], dim=1)


class StrandPool(nn.Module):
    """Pools features over the two strands: the end of a network of shared parameters, and invariant.

    After a global pool: (N, C) -> (N, C / 2). Channel c and its pair C - 1 - c become one by `reduce`, a global pooling
    operator of `seqpool.pooling` by name or as a module.
    """

    def __init__(self, reduce: Reduce = "max", channels: int = 1) -> None:
        super().__init__()
        self.pool = GroupPool(reduce, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C) to (N, C / 2)."""
        return self.pool(strand_readings(x).transpose(1, 2))  # type: ignore[no-any-return]

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds of the result while the features (N, C) stay in a box."""
        return self.pool.interval(*(strand_readings(end).transpose(1, 2) for end in (lower, upper)))


def strand_readings(x: Tensor) -> Tensor:
    """(N, C) with channels in pairs to (N, 2, C / 2), one vector per strand, as `EquivariantLayer` of C2 takes it."""
    if x.dim() != 2 or x.shape[1] % 2:
        raise UsageError(f"the features have shape {tuple(x.shape)}, expected (N, C) with C even, after a global pool.")
    forward, reverse = x.chunk(2, dim=1)
    return torch.stack([forward, reverse.flip(1)], dim=1)
