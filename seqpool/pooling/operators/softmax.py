"""Softmax-weighted mean: larger values count more; between average and maximum, above log-mean-exp of the same
temperature.

S = sum p_i x_i with p = softmax(x / T). Its gradient p_i (1 + (x_i - S) / T) sums to 1 but may be negative: raising a
small value can lower the result.

Use it for a smooth maximum that keeps the scale of the values; beware of its negative gradients.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from seqpool.errors import UsageError
from seqpool.pooling.axes import Axis, Pooled
from seqpool.pooling.intervals import Bounds, magnitudes, rounding, widened
from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.operators.average import mean
from seqpool.pooling.operators.log_mean_exp import log_mean_exp
from seqpool.pooling.operators.maximum import largest
from seqpool.pooling.reduction import Reduction, reduce_all, reduce_windows, select, working_precision
from seqpool.pooling.same_windows import largest_of, smallest_of, summary_of
from seqpool.pooling.windows import FEW_CELLS, Window


def softmax_weights(scores: Tensor, valid: Tensor | None) -> Tensor:
    """softmax of the valid scores along the last axis, 0 elsewhere; all 0 when none is valid."""
    if valid is None:
        return scores.softmax(-1)
    top = select(valid, scores.detach(), -math.inf).amax(-1, keepdim=True)
    top = torch.where(valid.any(-1, keepdim=True), top, 0.0)
    weights = select(valid, select(valid, scores - top, 0.0).exp(), 0.0)
    return weights / select(valid.any(-1, keepdim=True), weights.sum(-1, keepdim=True), 1.0)


def softmax_mean(values: Tensor, valid: Tensor | None, temperature: float) -> Tensor:
    """Mean of the valid values weighted by softmax(x / T); infinity: average, 0: maximum."""
    if math.isinf(temperature):
        return mean(values, valid)
    if temperature == 0:
        return largest(values, valid)
    work = select(valid, working_precision(values), 0.0)
    scores = work / temperature
    if valid is not None or values.shape[-1] > FEW_CELLS:
        return (softmax_weights(scores, valid) * work).sum(-1).to(values.dtype)
    # of few cells, which do not lie side by side, torch's own softmax is slow
    sizes = (scores - scores.detach().amax(-1, keepdim=True)).exp()
    return ((sizes * work).sum(-1) / sizes.sum(-1)).to(values.dtype)


def check_temperature(temperature: float) -> float:
    """`temperature` when it is a number and not NaN, else UsageError."""
    if isinstance(temperature, bool) or not isinstance(temperature, (int, float)) or math.isnan(temperature):
        raise UsageError(f"temperature is {temperature!r}, expected a number (0: maximum, infinity: average).")
    return float(temperature)


def _reduction(temperature: float) -> Reduction:
    temperature = check_temperature(temperature)

    def reduction(values: Tensor, valid: Tensor | None) -> Tensor:
        return softmax_mean(values, valid, temperature)

    return reduction


def softmax_pool1d(
    input: Tensor,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    *,
    temperature: float = 1.0,
    lengths: Tensor | None = None,
    axis: Axis = -1,
) -> Pooled:
    """Softmax-weighted mean of each window.

    Args:
        input: (N, C, L), or any floating-point tensor with `axis` named.
        kernel_size, stride, padding, dilation, ceil_mode: as in `max_pool1d`; padding is not counted.
        temperature: infinity is the average, 0 the maximum, below 0 prefers small values.
        lengths: (N,) valid positions of each row.
        axis: the axis that is pooled; one only, since one after the other is another operator.

    Returns:
        (N, C, windows); with `lengths` the pair (output, new lengths). A window without a valid position gives 0.

    Raises:
        UsageError: a size is out of range, the temperature is NaN, or lengths do not fit the batch.
    """
    window = Window(kernel_size, stride, padding, dilation, ceil_mode)
    return reduce_windows(
        _reduction(temperature), window, input, lengths, axis, operator="softmax_pool1d", separable=False
    )


def global_softmax_pool1d(
    input: Tensor, *, temperature: float = 1.0, lengths: Tensor | None = None, axis: Axis = -1
) -> Tensor:
    """Softmax-weighted mean of each row: (N, C, L) -> (N, C); an empty row gives 0. Errors as for the local form."""
    return reduce_all(_reduction(temperature), input, lengths, axis, operator="global_softmax_pool1d", separable=False)


def softmax_bounds(
    module: LocalPool | GlobalPool, lower: Tensor, upper: Tensor, lengths: Tensor | None, temperature: float
) -> tuple[Tensor, Tensor]:
    """Lower and upper bound of the softmax-weighted mean of each window or row of a module.

    For temperatures above 0 the mean lies between the log-mean-exp of the lower bounds and the largest upper bound, for
    those below 0 between the smallest lower bound and the log-mean-exp of the upper bounds. It rises and falls with its
    values, so that neither end need be attained: on [-1, 1] x [0, .3] the bounds are a third wider than the image.
    """
    values = module.values_pooled(lower)
    size = largest_of(module, magnitudes(lower, upper), lengths)

    def towards_average(bound: Tensor) -> Tensor:
        """The log-mean-exp, or the mean where that is nearer: the logarithm loses digits."""
        slack = abs(temperature) * rounding(values * (values + 5) + 4 * values.bit_length(), lower.dtype)
        smooth = summary_of(module, lambda cells, valid: log_mean_exp(cells, valid, temperature), bound, lengths)
        average = summary_of(module, mean, bound, lengths)
        if temperature > 0:
            return torch.maximum(smooth - slack, average)
        return torch.minimum(smooth + slack, average)

    if math.isinf(temperature):
        low, high = (summary_of(module, mean, bound, lengths) for bound in (lower, upper))
    elif temperature == 0:
        return largest_of(module, lower, lengths), largest_of(module, upper, lengths)
    elif temperature > 0:
        low, high = towards_average(lower), largest_of(module, upper, lengths)
    else:
        low, high = smallest_of(module, lower, lengths), towards_average(upper)
    # weights are off by what their sum is and by what the scores are, of which the largest decides
    slack = size * rounding(2 * (values + 10), lower.dtype)
    if not math.isinf(temperature):
        slack = slack + 4 * size * size / abs(temperature) * rounding(1, lower.dtype)
    low, high, _ = widened(Bounds(low, high), slack)
    return low, high


class SoftmaxPool1d(LocalPool):
    """Softmax-weighted mean of each window; see `softmax_pool1d`."""

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        dilation: int = 1,
        ceil_mode: bool = False,
        *,
        temperature: float = 1.0,
        axis: Axis = -1,
    ) -> None:
        super().__init__(kernel_size, stride, padding, dilation, ceil_mode, axis=axis)
        self.temperature = check_temperature(temperature)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        return softmax_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            temperature=self.temperature, lengths=lengths, axis=self.axis,
        )  # fmt: skip

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds that hold the image of a box; see `softmax_bounds`."""
        low, high = softmax_bounds(self, lower, upper, lengths, self.temperature)
        return Bounds(low, high, None if lengths is None else self.output_lengths(lengths))


class GlobalSoftmaxPool1d(GlobalPool):
    """Softmax-weighted mean of each row; see `global_softmax_pool1d`."""

    def __init__(self, *, temperature: float = 1.0, axis: Axis = -1) -> None:
        super().__init__(axis=axis)
        self.temperature = check_temperature(temperature)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        return global_softmax_pool1d(input, temperature=self.temperature, lengths=lengths, axis=self.axis)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds that hold the image of a box; see `softmax_bounds`."""
        low, high = softmax_bounds(self, lower, upper, lengths, self.temperature)
        return Bounds(low, high, None)
