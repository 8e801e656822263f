"""Generalised mean of |x|: from the average of magnitudes (p = 1) to the largest one (p to infinity).

Also the p-norm that `lp` is built on. dy/dx_i = sign(x_i) (|x_i| / y)^(p - 1), over n for the mean; 0 where x_i = 0.
Hardy, Littlewood & Polya, "Inequalities", 1934; as pooling: Radenovic, Tolias & Chum, "Fine-tuning CNN image retrieval
with no human annotation", TPAMI 2019.

Use it for magnitudes where neither average nor maximum is right; p chooses between them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from seqpool.errors import UsageError
from seqpool.pooling.axes import Axis, Pooled
from seqpool.pooling.intervals import Bounds, powers_of_magnitudes
from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.operators.maximum import largest
from seqpool.pooling.reduction import Reduction, count_valid, reduce_all, reduce_windows, select, working_precision
from seqpool.pooling.windows import Window


def check_exponent(p: float) -> float:
    """`p` when it is a number above 0 (infinity included), else UsageError."""
    if isinstance(p, bool) or not isinstance(p, (int, float)) or not p > 0:
        raise UsageError(f"the exponent p is {p!r}, expected a number above 0.")
    return float(p)


def _powers(ratios: Tensor, p: float) -> Tensor:
    """|x|^p of values from -1 to 1, whose gradient is 0 at 0."""
    if p in (2, 4):  # multiplying is faster than a general power
        squares = ratios * ratios
        return squares if p == 2 else squares * squares
    sizes = ratios.abs()
    if p >= 1:
        return sizes if p == 1 else sizes**p
    still = sizes == 0  # where the gradient of a power below 1 is infinite
    return torch.where(still, 0.0, torch.where(still, 1.0, sizes) ** p)


def power_norm(values: Tensor, valid: Tensor | None, p: float, *, mean: bool) -> Tensor:
    """(sum |x|^p)^(1/p), or with `mean` (mean |x|^p)^(1/p), over the valid values.

    The largest magnitude is factored out, so that no power overflows or vanishes; the result does not depend on it, so
    it is a constant for the gradient. The root of 0 is guarded: its gradient is 0, not infinite.
    """
    work = select(valid, working_precision(values), 0.0)
    if math.isinf(p):
        return largest(work.abs(), valid).to(values.dtype)
    limits = torch.finfo(work.dtype)
    scale = work.detach().abs().amax(-1, keepdim=True).clamp(limits.tiny, limits.max)
    total = _powers(work / scale, p).sum(-1)  # at least 1, but for a set of zeros
    count = count_valid(values, valid) if mean else 1
    total = total / (count.clamp(min=1) if isinstance(count, Tensor) else count)
    if p != 1:
        total = total.clamp(min=limits.tiny)
        total = total.sqrt() if p == 2 else total ** (1 / p)
    return (total * scale.squeeze(-1)).to(values.dtype)


def _reduction(p: float) -> Reduction:
    p = check_exponent(p)

    def reduction(values: Tensor, valid: Tensor | None) -> Tensor:
        return power_norm(values, valid, p, mean=True)

    return reduction


def generalised_mean_pool1d(
    input: Tensor,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    *,
    p: float = 3.0,
    lengths: Tensor | None = None,
    axis: Axis = -1,
) -> Pooled:
    """(mean |x|^p)^(1/p) of each window.

    Args:
        input: (N, C, L), or any floating-point tensor with `axis` named.
        kernel_size, stride, padding, dilation, ceil_mode: as in `max_pool1d`; padding is not counted.
        p: above 0; 1 is the mean magnitude, infinity the largest.
        lengths: (N,) valid positions of each row.
        axis: the axis that is pooled, or several, one after the other.

    Returns:
        (N, C, windows), never below 0; with `lengths` the pair (output, new lengths).

    Raises:
        UsageError: a size or p is out of range, or lengths do not fit the batch.
    """
    window = Window(kernel_size, stride, padding, dilation, ceil_mode)
    return reduce_windows(
        _reduction(p), window, input, lengths, axis, operator="generalised_mean_pool1d", separable=True
    )


def global_generalised_mean_pool1d(
    input: Tensor, *, p: float = 3.0, lengths: Tensor | None = None, axis: Axis = -1
) -> Tensor:
    """(mean |x|^p)^(1/p) of each row: (N, C, L) -> (N, C); an empty row gives 0. Errors as for the local form."""
    return reduce_all(_reduction(p), input, lengths, axis, operator="global_generalised_mean_pool1d", separable=True)


class GeneralisedMeanPool1d(LocalPool):
    """Generalised mean of each window; see `generalised_mean_pool1d`."""

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        dilation: int = 1,
        ceil_mode: bool = False,
        *,
        p: float = 3.0,
        axis: Axis = -1,
    ) -> None:
        super().__init__(kernel_size, stride, padding, dilation, ceil_mode, axis=axis)
        self.p = check_exponent(p)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        return generalised_mean_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            p=self.p, lengths=lengths, axis=self.axis,
        )  # fmt: skip

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: the result rises with every magnitude."""
        return powers_of_magnitudes(self, lower, upper, lengths, self.values_pooled(lower), self.p)


class GlobalGeneralisedMeanPool1d(GlobalPool):
    """Generalised mean of each row; see `global_generalised_mean_pool1d`."""

    def __init__(self, *, p: float = 3.0, axis: Axis = -1) -> None:
        super().__init__(axis=axis)
        self.p = check_exponent(p)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        return global_generalised_mean_pool1d(input, p=self.p, lengths=lengths, axis=self.axis)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: the result rises with every magnitude."""
        return powers_of_magnitudes(self, lower, upper, lengths, self.values_pooled(lower), self.p)
