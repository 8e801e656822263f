"""Mixed: a learnt balance between maximum and average.

y = a max + (1 - a) mean with a = sigmoid of what is learnt; the gradient of x is the same mixture of both routings.
Lee, Gallagher & Tu, "Generalizing pooling functions in convolutional neural networks", AISTATS 2016.

Use it when you would try maximum and average in turn; one share per channel is learnt.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from seqpool.errors import UsageError
from seqpool.pooling.axes import Axis, Pooled, pool_windows
from seqpool.pooling.intervals import Bounds, ends_of_sums
from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.operators.average import mean, windowed_mean
from seqpool.pooling.operators.maximum import largest, windowed_largest
from seqpool.pooling.reduction import per_channel, reduce_all
from seqpool.pooling.windows import Window

Weight = float | Tensor
"""Share of the maximum, 0 to 1: a number, or a tensor () or (C,)."""


def _mixture(most: Tensor, average: Tensor, weight: Weight) -> Tensor:
    share = per_channel(weight, most).to(most.dtype) if isinstance(weight, Tensor) else weight
    return share * most + (1 - share) * average


def _check_weight(weight: Weight) -> Weight:
    if not isinstance(weight, Tensor) and not 0 <= weight <= 1:
        raise UsageError(f"the share of the maximum is {weight}, expected a number from 0 to 1.")
    return weight


def mixed_pool1d(
    input: Tensor,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    ceil_mode: bool = False,
    *,
    weight: Weight = 0.5,
    lengths: Tensor | None = None,
    axis: Axis = -1,
) -> Pooled:
    """weight * maximum + (1 - weight) * average of each window.

    Args:
        input: (N, C, L), or any floating-point tensor with `axis` named.
        kernel_size, stride, padding, ceil_mode: as in `avg_pool1d`; padding is not counted.
        weight: share of the maximum, 0 to 1: a number, or a tensor () or (C,).
        lengths: (N,) valid positions of each row.
        axis: the axis that is pooled; one only, since one after the other is another operator.

    Returns:
        (N, C, windows); with `lengths` the pair (output, new lengths).

    Raises:
        UsageError: a size or the weight is out of range, or lengths do not fit the batch.
    """
    window = Window(kernel_size, stride, padding, 1, ceil_mode)
    weight = _check_weight(weight)

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        most, average = windowed_largest(batch, lengths, window), windowed_mean(batch, lengths, window)
        return _mixture(most, average, weight)

    return pool_windows(pool, window.output_lengths, input, lengths, axis, operator="mixed_pool1d", separable=False)


def global_mixed_pool1d(
    input: Tensor, *, weight: Weight = 0.5, lengths: Tensor | None = None, axis: Axis = -1
) -> Tensor:
    """weight * maximum + (1 - weight) * average of each row: (N, C, L) -> (N, C); an empty row gives 0."""
    weight = _check_weight(weight)

    def reduction(values: Tensor, valid: Tensor | None) -> Tensor:
        return _mixture(largest(values, valid), mean(values, valid), weight)

    return reduce_all(reduction, input, lengths, axis, operator="global_mixed_pool1d", separable=False)


def _weight_parameter(weight: float, channels: int, learnable: bool) -> nn.Parameter | None:
    if not learnable:
        _check_weight(weight)
        return None
    if not 0 < weight < 1:
        raise UsageError(f"a share of {weight} cannot be learnt: start strictly between 0 and 1, or learnable=False.")
    return nn.Parameter(torch.full((channels,), math.log(weight / (1 - weight))))


class MixedPool1d(LocalPool):
    """Maximum and average of each window in a balance that is learnt; see `mixed_pool1d`.

    Args:
        weight: share of the maximum where learning starts, or for good when not learnable.
        channels: how many shares are learnt: 1, or one for each channel.
        learnable: whether the share is a parameter (its logit is, so that it stays between 0 and 1).
    """

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        ceil_mode: bool = False,
        *,
        weight: float = 0.5,
        channels: int = 1,
        learnable: bool = True,
        axis: Axis = -1,
    ) -> None:
        super().__init__(kernel_size, stride, padding, 1, ceil_mode, axis=axis)
        self.weight = weight
        self.channels = channels
        self.learnable = learnable
        self.weight_logit = _weight_parameter(weight, channels, learnable)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        weight = self.weight if self.weight_logit is None else self.weight_logit.sigmoid()
        return mixed_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            weight=weight, lengths=lengths, axis=self.axis,
        )  # fmt: skip

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: no value's rise makes the result fall."""
        return ends_of_sums(self, lower, upper, lengths, self.values_pooled(lower))


class GlobalMixedPool1d(GlobalPool):
    """Maximum and average of each row in a balance that is learnt; arguments as in `MixedPool1d`."""

    def __init__(self, *, weight: float = 0.5, channels: int = 1, learnable: bool = True, axis: Axis = -1) -> None:
        super().__init__(axis=axis)
        self.weight = weight
        self.channels = channels
        self.learnable = learnable
        self.weight_logit = _weight_parameter(weight, channels, learnable)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        weight = self.weight if self.weight_logit is None else self.weight_logit.sigmoid()
        return global_mixed_pool1d(input, weight=weight, lengths=lengths, axis=self.axis)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: no value's rise makes the result fall."""
        return ends_of_sums(self, lower, upper, lengths, self.values_pooled(lower))
