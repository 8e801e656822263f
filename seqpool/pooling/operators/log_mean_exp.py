"""Log-mean-exp: from average (temperature to infinity) to maximum (temperature to 0), the gradient a softmax.

LME_T(x) = T log(mean(exp(x / T))). The larger the temperature, the larger the entropy of the weights: the average is
the maximum-entropy member of the family. Boureau, Ponce & LeCun, "A theoretical analysis of feature pooling in visual
recognition", ICML 2010.

Use it when the network should find its own place between average and maximum, with a gradient for all.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from seqpool.errors import UsageError
from seqpool.pooling.axes import Axis, Pooled
from seqpool.pooling.intervals import Bounds, ends, ends_of_sums, magnitudes, rounding, widened
from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.operators.average import mean
from seqpool.pooling.operators.maximum import largest
from seqpool.pooling.reduction import (
    Reduction,
    count_valid,
    per_channel,
    reduce_all,
    reduce_windows,
    select,
    working_precision,
)
from seqpool.pooling.same_windows import largest_of
from seqpool.pooling.windows import Window

Temperature = float | Tensor
"""A number, or a positive tensor of shape () or (C,): one for all channels, or one for each."""


def log_mean_exp(values: Tensor, valid: Tensor | None, temperature: Temperature) -> Tensor:
    """T log(mean(exp(x / T))) as m + T log1p(mean(expm1((x - m) / T))), m the maximum: exact for every temperature.

    The result does not depend on m, so m is a constant for the gradient.
    """
    work = working_precision(values)
    if isinstance(temperature, Tensor):
        heat = per_channel(temperature, work).to(work.dtype)
        towards_minimum = False
    else:
        if math.isinf(temperature):
            return mean(values, valid)
        if temperature == 0:
            return largest(values, valid)
        heat = torch.full((), temperature, dtype=work.dtype, device=work.device)
        towards_minimum = temperature < 0
    constant = work.detach()
    if towards_minimum:
        anchor = select(valid, constant, math.inf).amin(-1, keepdim=True)
    else:
        anchor = select(valid, constant, -math.inf).amax(-1, keepdim=True)
    anchor = torch.where(anchor.isfinite(), anchor, 0.0)
    excess = select(valid, work - anchor, 0.0)
    # in place where nothing is kept for a gradient: half the memory is half the time
    excess = torch.expm1(excess / heat) if heat.requires_grad else excess.div_(heat).expm1_()
    excess = excess.sum(-1, keepdim=True)
    count = count_valid(values, valid)
    count = count.clamp(min=1).unsqueeze(-1) if isinstance(count, Tensor) else count
    return (anchor + heat * torch.log1p(excess / count)).squeeze(-1).to(values.dtype)


def _reduction(temperature: Temperature) -> Reduction:
    if not isinstance(temperature, Tensor) and math.isnan(temperature):
        raise UsageError("temperature is NaN, expected a number (0: maximum, infinity: average) or a positive tensor.")

    def reduction(values: Tensor, valid: Tensor | None) -> Tensor:
        return log_mean_exp(values, valid, temperature)

    return reduction


def log_mean_exp_pool1d(
    input: Tensor,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    *,
    temperature: Temperature = 1.0,
    lengths: Tensor | None = None,
    axis: Axis = -1,
) -> Pooled:
    """Log-mean-exp of each window.

    Args:
        input: (N, C, L), or any floating-point tensor with `axis` named.
        kernel_size, stride, padding, dilation, ceil_mode: as in `max_pool1d`; padding is not counted.
        temperature: a number (infinity: average; 0: maximum; below 0: towards the minimum) or a positive tensor, () or
            (C,).
        lengths: (N,) valid positions of each row.
        axis: the axis that is pooled, or several, one after the other.

    Returns:
        (N, C, windows); with `lengths` the pair (output, new lengths). A window without a valid position gives 0.

    Raises:
        UsageError: a size is out of range, lengths do not fit the batch, or the temperature is NaN.
    """
    window = Window(kernel_size, stride, padding, dilation, ceil_mode)
    return reduce_windows(
        _reduction(temperature), window, input, lengths, axis, operator="log_mean_exp_pool1d", separable=True
    )


def global_log_mean_exp_pool1d(
    input: Tensor, *, temperature: Temperature = 1.0, lengths: Tensor | None = None, axis: Axis = -1
) -> Tensor:
    """Log-mean-exp of each row: (N, C, L) -> (N, C); an empty row gives 0. Raises UsageError as the local form does."""
    return reduce_all(
        _reduction(temperature),
        input,
        lengths,
        axis,
        operator="global_log_mean_exp_pool1d",
        separable=True,
        passes=True,
    )


def temperature_parameter(temperature: float, channels: int, learnable: bool) -> nn.Parameter | None:
    """Logarithms of `channels` equal temperatures to be learnt, so that each stays positive; None when not learnable.

    Raises UsageError when a temperature that is to be learnt is not a positive number.
    """
    if not learnable:
        return None
    if not 0 < temperature < math.inf:
        raise UsageError(
            f"a temperature of {temperature} cannot be learnt: start from a positive number, or learnable=False."
        )
    return nn.Parameter(torch.full((channels,), math.log(temperature)))


def log_mean_exp_bounds(
    module: LocalPool | GlobalPool,
    pool: Callable[[Tensor, Tensor | None], Pooled],
    lower: Tensor,
    upper: Tensor,
    lengths: Tensor | None,
    temperature: Temperature,
) -> Bounds:
    """Both ends of `pool`, log-mean-exp of what the module pools, wider by what rounding may do.

    Exponentials from 0 to 1 are off by (n + 5) u on average; the logarithm of their mean, at least 1 / n, makes that n
    times larger.
    """
    values = module.values_pooled(lower)
    if not isinstance(temperature, Tensor) and temperature == 0:
        return ends(pool, lower, upper, lengths)
    if not isinstance(temperature, Tensor) and math.isinf(temperature):
        return ends_of_sums(pool, lower, upper, lengths, values)
    bounds = ends(pool, lower, upper, lengths)
    heat = per_channel(temperature, bounds.lower) if isinstance(temperature, Tensor) else abs(temperature)
    size = largest_of(module, magnitudes(lower, upper), lengths)
    operations = values * (values + 5) + 4 * values.bit_length()
    return widened(bounds, heat * rounding(operations, lower.dtype) + size * rounding(4, lower.dtype))


class LogMeanExpPool1d(LocalPool):
    """Log-mean-exp of each window with a temperature that is learnt; see `log_mean_exp_pool1d`.

    Args:
        temperature: where learning starts, or the temperature itself when not learnable.
        channels: how many temperatures are learnt: 1, or one for each channel.
        learnable: whether the temperature is a parameter (its logarithm is, so that it stays positive).
    """

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        dilation: int = 1,
        ceil_mode: bool = False,
        *,
        temperature: float = 1.0,
        channels: int = 1,
        learnable: bool = True,
        axis: Axis = -1,
    ) -> None:
        super().__init__(kernel_size, stride, padding, dilation, ceil_mode, axis=axis)
        self.temperature = temperature
        self.channels = channels
        self.learnable = learnable
        self.log_temperature = temperature_parameter(temperature, channels, learnable)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        temperature = self.temperature if self.log_temperature is None else self.log_temperature.exp()
        return log_mean_exp_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            temperature=temperature, lengths=lengths, axis=self.axis,
        )  # fmt: skip

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: no value's rise makes the result fall."""
        temperature = self.temperature if self.log_temperature is None else self.log_temperature.exp()
        return log_mean_exp_bounds(self, self, lower, upper, lengths, temperature)


class GlobalLogMeanExpPool1d(GlobalPool):
    """Log-mean-exp of each row with a temperature that is learnt; arguments as in `LogMeanExpPool1d`."""

    def __init__(self, *, temperature: float = 1.0, channels: int = 1, learnable: bool = True, axis: Axis = -1) -> None:
        super().__init__(axis=axis)
        self.temperature = temperature
        self.channels = channels
        self.learnable = learnable
        self.log_temperature = temperature_parameter(temperature, channels, learnable)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        temperature = self.temperature if self.log_temperature is None else self.log_temperature.exp()
        return global_log_mean_exp_pool1d(input, temperature=temperature, lengths=lengths, axis=self.axis)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: no value's rise makes the result fall."""
        temperature = self.temperature if self.log_temperature is None else self.log_temperature.exp()
        return log_mean_exp_bounds(self, self, lower, upper, lengths, temperature)
