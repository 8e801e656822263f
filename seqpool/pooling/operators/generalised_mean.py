"""Generalised mean of |x|: from the average of magnitudes (p = 1) to the largest one (p to infinity).

Also the p-norm that `lp` is built on. dy/dx_i = sign(x_i) (|x_i| / y)^(p - 1), over n for the mean; 0 where x_i = 0.
Hardy, Littlewood & Polya, "Inequalities", 1934; as pooling: Radenovic, Tolias & Chum, "Fine-tuning CNN image retrieval
with no human annotation", TPAMI 2019.

Use it for magnitudes where neither average nor maximum is right; p chooses between them.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from seqpool.errors import UsageError
from seqpool.pooling.axes import Axis, Pooled, pool_windows
from seqpool.pooling.masks import fill_padding
from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.operators.maximum import largest, windowed_largest
from seqpool.pooling.reduction import Reduction, count_valid, reduce_all, select, working_precision
from seqpool.pooling.windows import Window, blank


def check_exponent(p: float) -> float:
    """`p` when it is a number above 0 (infinity included), else UsageError."""
    if isinstance(p, bool) or not isinstance(p, (int, float)) or not p > 0:
        raise UsageError(f"the exponent p is {p!r}, expected a number above 0.")
    return float(p)


def power_norm(values: Tensor, valid: Tensor | None, p: float, *, mean: bool) -> Tensor:
    """(sum |x|^p)^(1/p), or with `mean` (mean |x|^p)^(1/p), over the valid values.

    The largest magnitude is factored out, so that no power overflows or vanishes; the result does not depend on it, so
    it is a constant for the gradient. Powers and roots of 0 are guarded: their gradient is 0, not infinite.
    """
    work = select(valid, working_precision(values), 0.0)
    if math.isinf(p):
        return largest(work.abs(), valid).to(values.dtype)
    scale = work.detach().abs().amax(-1, keepdim=True)
    scale = torch.where((scale > 0) & scale.isfinite(), scale, 1.0)
    norm: Tensor = torch.linalg.vector_norm(work / scale, p, -1) * scale.squeeze(-1)
    if mean:
        count = count_valid(values, valid)
        norm = norm / (count.clamp(min=1).to(norm.dtype) if isinstance(count, Tensor) else count) ** (1 / p)
    return norm.to(values.dtype)


def _cell(batch: Tensor, index: int, count: int, stride: int, dilation: int) -> Tensor:
    """Cell number `index` of all windows: (N, C, L) -> (N, C, count), a view."""
    first = index * dilation
    return batch[..., first : first + (count - 1) * stride + 1 : stride]


class _WindowedNorm(torch.autograd.Function):
    """(sum |x|^p)^(1/p) of each window of (N, C, L), one cell of all windows at a time; what does not count is 0."""

    @staticmethod
    def forward(ctx: Any, batch: Tensor, p: float, count: int, kernel_size: int, stride: int, dilation: int) -> Tensor:
        magnitudes = [_cell(batch, index, count, stride, dilation).abs() for index in range(kernel_size)]
        scale = magnitudes[0]
        for magnitude in magnitudes[1:]:
            scale = torch.maximum(scale, magnitude)
        scale = torch.where((scale > 0) & scale.isfinite(), scale, 1.0)
        total = torch.zeros_like(scale)
        for magnitude in magnitudes:
            ratio = magnitude / scale
            total = total + (ratio if p == 1 else ratio * ratio if p == 2 else ratio**p)
        norm = scale * (total if p == 1 else total.sqrt() if p == 2 else total ** (1 / p))
        ctx.p, ctx.count, ctx.kernel_size, ctx.stride, ctx.dilation = p, count, kernel_size, stride, dilation
        ctx.save_for_backward(batch, norm)
        return norm

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None, None]:
        batch, norm = ctx.saved_tensors
        (gradient,) = gradients
        nothing = norm == 0
        divisor = torch.where(nothing, 1.0, norm)
        shared = torch.where(nothing, 0.0, gradient / divisor if ctx.p == 2 else gradient)
        apart = ctx.stride > ctx.dilation * (ctx.kernel_size - 1)
        result = torch.zeros_like(batch)
        for index in range(ctx.kernel_size):
            values = _cell(batch, index, ctx.count, ctx.stride, ctx.dilation)
            if ctx.p == 1:
                part = values.sign() * shared
            elif ctx.p == 2:
                part = values * shared
            else:
                ratios = values.abs() / divisor
                still = ratios == 0  # whose power is infinite below p = 1
                part = values.sign() * torch.where(still, 1.0, ratios) ** (ctx.p - 1) * shared
            target = _cell(result, index, ctx.count, ctx.stride, ctx.dilation)
            if apart:
                target.copy_(part)
            else:
                target.add_(part)
        return result, None, None, None, None, None


def windowed_power_norm(batch: Tensor, lengths: Tensor | None, window: Window, p: float, *, mean: bool) -> Tensor:
    """p-norm, or generalised mean, of the valid values of each window: (N, C, L) -> (N, C, windows)."""
    size = batch.shape[-1]
    count = window.output_length(size)
    if count == 0:
        return batch[..., :0]
    if math.isinf(p):
        return windowed_largest(batch.abs(), lengths, window)
    if torch.compiler.is_compiling():  # where the plain expression is fused as well, and needs no function of its own
        norm: Tensor = power_norm(window.cut(batch, 0.0), window.valid(size, lengths, batch.device), p, mean=mean)
        return norm if lengths is None else blank(norm, window.output_lengths(lengths))
    filled = batch if lengths is None else fill_padding(batch, lengths)
    right = window.right_padding(size)
    if window.padding or right:
        filled = functional.pad(filled, (window.padding, right))
    norm = _WindowedNorm.apply(  # type: ignore[no-untyped-call]
        working_precision(filled), p, count, window.kernel_size, window.step, window.dilation
    )
    if mean:
        whole = lengths is None and window.covers_only_valid(size)
        valid = (
            window.kernel_size if whole else window.valid_counts(size, lengths, batch.device).clamp(min=1).unsqueeze(1)
        )
        norm = norm / (valid ** (1 / p) if isinstance(valid, int) else valid.to(norm.dtype) ** (1 / p))
    norm = norm.to(batch.dtype)
    return norm if lengths is None else blank(norm, window.output_lengths(lengths))


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
    p = check_exponent(p)

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        return windowed_power_norm(batch, lengths, window, p, mean=True)

    return pool_windows(
        pool, window.output_lengths, input, lengths, axis, operator="generalised_mean_pool1d", separable=True
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


class GlobalGeneralisedMeanPool1d(GlobalPool):
    """Generalised mean of each row; see `global_generalised_mean_pool1d`."""

    def __init__(self, *, p: float = 3.0, axis: Axis = -1) -> None:
        super().__init__(axis=axis)
        self.p = check_exponent(p)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        return global_generalised_mean_pool1d(input, p=self.p, lengths=lengths, axis=self.axis)
