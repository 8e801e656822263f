"""Mean of the k largest: between maximum (k = 1) and average (k = length); each winner gets gradient 1 / k.

Ties go to the first positions, which torch.topk does not promise, so rows where that matters are sorted stably. A row
shorter than k gives its mean.

Use it when a feature must occur more than once, or when one outlier must not decide.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from seqpool.errors import UsageError
from seqpool.pooling.axes import Axis, Pooled
from seqpool.pooling.intervals import Bounds, ends_of_sums
from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.ranks import MOST_RANKED, cell_at, ranks
from seqpool.pooling.reduction import Reduction, reduce_all, reduce_windows, select, working_precision
from seqpool.pooling.windows import Window


def check_count(k: int) -> int:
    """`k` when it is a whole number of at least 1, else UsageError."""
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise UsageError(f"k of the top-k mean is {k!r}, expected a whole number of at least 1.")
    return k


def top_mean(values: Tensor, valid: Tensor | None, k: int) -> Tensor:
    """Mean of the min(k, valid count) largest valid values."""
    if valid is None:
        return _top_mean_of_all(values, k)
    ordered = torch.sort(select(valid, values, -math.inf), dim=-1, descending=True, stable=True).values[..., :k]
    count = valid.sum(-1, keepdim=True).clamp(max=k)
    taken = torch.arange(ordered.shape[-1], device=values.device) < count
    total = working_precision(select(taken, ordered, 0.0)).sum(-1)
    return (total / count.squeeze(-1).clamp(min=1)).to(values.dtype)


def _top_mean_of_all(values: Tensor, k: int) -> Tensor:
    size = values.shape[-1]
    if k >= size:
        return values.mean(-1)
    if size <= MOST_RANKED:
        ranked, _ = ranks(values, descending=True)
        return values.gather(-1, torch.stack([cell_at(place, ranked) for place in range(k)], -1).long()).mean(-1)
    if torch.compiler.is_compiling():
        return torch.sort(values, dim=-1, descending=True, stable=True).values[..., :k].mean(-1)
    found, found_at = torch.topk(values, k + 1)
    tied = found[..., k] == found[..., k - 1]  # only there may topk have left out the first of equal values
    if not bool(tied.any()):
        return found[..., :k].mean(-1)
    first = torch.sort(values.detach()[tied], dim=-1, descending=True, stable=True).indices[..., :k]
    taken = torch.masked_scatter(found_at[..., :k], tied.unsqueeze(-1), first)
    return values.gather(-1, taken).mean(-1)


def _reduction(k: int) -> Reduction:
    k = check_count(k)

    def reduction(values: Tensor, valid: Tensor | None) -> Tensor:
        return top_mean(values, valid, k)

    return reduction


def top_k_pool1d(
    input: Tensor,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    *,
    k: int = 2,
    lengths: Tensor | None = None,
    axis: Axis = -1,
) -> Pooled:
    """Mean of the k largest values of each window.

    Args:
        input: (N, C, L), or any floating-point tensor with `axis` named.
        kernel_size, stride, padding, dilation, ceil_mode: as in `max_pool1d`; padding is not counted.
        k: how many values count; fewer where fewer are valid.
        lengths: (N,) valid positions of each row.
        axis: the axis that is pooled; one only, since one after the other is another operator.

    Returns:
        (N, C, windows); with `lengths` the pair (output, new lengths). A window without a valid position gives 0.

    Raises:
        UsageError: a size or k is out of range, or lengths do not fit the batch.
    """
    window = Window(kernel_size, stride, padding, dilation, ceil_mode)
    return reduce_windows(_reduction(k), window, input, lengths, axis, operator="top_k_pool1d", separable=False)


def global_top_k_pool1d(input: Tensor, *, k: int = 2, lengths: Tensor | None = None, axis: Axis = -1) -> Tensor:
    """Mean of the k largest values of each row: (N, C, L) -> (N, C); an empty row gives 0."""
    return reduce_all(_reduction(k), input, lengths, axis, operator="global_top_k_pool1d", separable=False)


class TopKPool1d(LocalPool):
    """Mean of the k largest values of each window; see `top_k_pool1d`."""

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        dilation: int = 1,
        ceil_mode: bool = False,
        *,
        k: int = 2,
        axis: Axis = -1,
    ) -> None:
        super().__init__(kernel_size, stride, padding, dilation, ceil_mode, axis=axis)
        self.k = check_count(k)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        return top_k_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            k=self.k, lengths=lengths, axis=self.axis,
        )  # fmt: skip

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: no value's rise makes the result fall."""
        return ends_of_sums(self, lower, upper, lengths, self.values_pooled(lower))


class GlobalTopKPool1d(GlobalPool):
    """Mean of the k largest values of each row; see `global_top_k_pool1d`."""

    def __init__(self, *, k: int = 2, axis: Axis = -1) -> None:
        super().__init__(axis=axis)
        self.k = check_count(k)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        return global_top_k_pool1d(input, k=self.k, lengths=lengths, axis=self.axis)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: no value's rise makes the result fall."""
        return ends_of_sums(self, lower, upper, lengths, self.values_pooled(lower))
