"""Strided convolution: pooling whose weights are learnt, one filter for each channel.

It is linear, so it can be the average (where it starts) but never the maximum. The gradient of x_i is the filter's
weight. Springenberg, Dosovitskiy, Brox & Riedmiller, "Striving for simplicity: the all convolutional net", ICLR 2015.

Use it when samples should be dropped in a way the network chooses, and linearity is wanted.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqpool.errors import UsageError
from seqpool.pooling.axes import Axis, Pooled, pool_windows
from seqpool.pooling.intervals import Bounds, magnitudes, rounding
from seqpool.pooling.masks import fill_padding
from seqpool.pooling.modules import LocalPool
from seqpool.pooling.rows import by_rows, finite_padding
from seqpool.pooling.windows import Window, blank


def strided_conv_pool1d(
    input: Tensor,
    weight: Tensor,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    *,
    lengths: Tensor | None = None,
    axis: Axis = -1,
) -> Pooled:
    """Weighted sum of each window, with weights of its own for each channel.

    Args:
        input: (N, C, L), or any floating-point tensor with `axis` named.
        weight: (C, kernel_size).
        stride, padding, dilation: as in torch.nn.functional.conv1d, but a stride of None means kernel_size; padding
            and what lies past a row's length count as 0.
        lengths: (N,) valid positions of each row.
        axis: the axis that is pooled; one only, since each would need weights of its own.

    Returns:
        (N, C, windows); with `lengths` the pair (output, new lengths).

    Raises:
        UsageError: a size is out of range, or weights or lengths do not fit the batch.
    """
    window = Window(weight.shape[-1], stride, padding, dilation)

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        if window.output_length(batch.shape[-1]) == 0:
            return batch[..., :0]
        channels = batch.shape[1]
        if channels % weight.shape[0]:
            raise UsageError(f"weights of {weight.shape[0]} channels do not fit an input of {channels} channels.")
        filters = weight.repeat_interleave(channels // weight.shape[0], 0).unsqueeze(1)
        filled = batch
        if lengths is not None and (window.overhangs() or not by_rows(batch) or not finite_padding(batch, lengths)):
            filled = fill_padding(batch, lengths)
        output = functional.conv1d(filled, filters, None, window.step, window.padding, window.dilation, groups=channels)
        return output if lengths is None else blank(output, window.output_lengths(lengths))

    return pool_windows(
        pool, window.output_lengths, input, lengths, axis, operator="strided_conv_pool1d", separable=False
    )


class StridedConvPool1d(LocalPool):
    """Strided convolution of each channel with a filter that starts as the average; see `strided_conv_pool1d`.

    Args:
        channels: channels of the input; channels * kernel_size parameters are learnt.
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        dilation: int = 1,
        *,
        axis: Axis = -1,
    ) -> None:
        super().__init__(kernel_size, stride, padding, dilation, axis=axis)
        self.channels = channels
        self.weight = nn.Parameter(torch.full((channels, kernel_size), 1 / kernel_size))

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        return strided_conv_pool1d(
            input, self.weight, self.stride, self.padding, self.dilation, lengths=lengths, axis=self.axis
        )

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box for each value of the result, attained but for rounding."""

        def pool(values: Tensor, weight: Tensor) -> Tensor:
            pooled = strided_conv_pool1d(
                values, weight, self.stride, self.padding, self.dilation, lengths=lengths, axis=self.axis
            )
            return pooled if isinstance(pooled, Tensor) else pooled[0]

        new_lengths = None if lengths is None else self.output_lengths(lengths)
        middle, size = pool((lower + upper) / 2, self.weight), self.weight.abs()
        reach = pool((upper - lower) / 2, size)
        share = rounding(2 * (self.kernel_size + 6), lower.dtype)
        if lengths is None and lower.numel():  # one number for all costs less than one for each window
            most = torch.maximum(upper.detach().amax(), -lower.detach().amin())
            reach = reach + share * most * size.detach().sum(dim=1).amax()
        else:
            reach = reach + share * pool(magnitudes(lower, upper), size)
        return Bounds(middle - reach, middle + reach, new_lengths)
