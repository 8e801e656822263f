"""Median: the middle value, or the mean of the two middle ones; outliers do not move it.

The middle value takes the whole gradient, two middle ones half each; of equal values the first in the row.

Use it when single samples cannot be trusted: artefacts, dropped samples, baseline estimation.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from seqpool.pooling.axes import Axis, Pooled
from seqpool.pooling.intervals import Bounds, ends_of_sums
from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.ranks import MOST_RANKED, cell_at, ranks
from seqpool.pooling.reduction import reduce_all, reduce_windows, select
from seqpool.pooling.windows import Window


def middle(values: Tensor, valid: Tensor | None) -> Tensor:
    """Median of the valid values as NumPy has it (torch.median takes the lower of two); NaN when one of them is NaN."""
    size = values.shape[-1]
    if valid is None:
        return _middle_of_few(values) if size <= MOST_RANKED else _middle_of_many(values)
    ordered = torch.sort(select(valid, values, math.inf), dim=-1, stable=True).values
    count = valid.sum(-1, keepdim=True).expand(*values.shape[:-1], 1)
    before = torch.div(count - 1, 2, rounding_mode="floor").clamp(min=0)
    after = torch.div(count, 2, rounding_mode="floor").clamp(max=size - 1)
    result = ordered.gather(-1, before).squeeze(-1) / 2 + ordered.gather(-1, after).squeeze(-1) / 2
    result = torch.where(ordered[..., -1].isnan(), math.nan, result)  # NaN stands last
    return select(valid.any(-1), result, 0.0)


def _middle_of_few(values: Tensor) -> Tensor:
    ranked, holds_nan = ranks(values)
    size = len(ranked)
    last = cell_at(size - 1, ranked)

    def value_at(place: int) -> Tensor:
        # NaN stands last: from there it comes out by itself
        cell = cell_at(place, ranked)
        cell = cell + (last - cell) * holds_nan
        return values.gather(-1, cell.long().unsqueeze(-1)).squeeze(-1)

    lower = value_at((size - 1) // 2)
    return lower if size % 2 else lower / 2 + value_at(size // 2) / 2


def _middle_of_many(values: Tensor) -> Tensor:
    size = values.shape[-1]
    if torch.compiler.is_compiling():
        ordered = torch.sort(values, dim=-1, stable=True)
        lower, upper = ordered.indices[..., (size - 1) // 2], ordered.indices[..., size // 2]
        unknown, last = ordered.values[..., -1].isnan(), ordered.indices[..., -1]
        lower, upper = torch.where(unknown, last, lower), torch.where(unknown, last, upper)
    else:
        lower, upper = _middle_cells(values.detach())
    middle = values.gather(-1, lower.unsqueeze(-1)).squeeze(-1)
    return middle if size % 2 else middle / 2 + values.gather(-1, upper.unsqueeze(-1)).squeeze(-1) / 2


def _middle_cells(values: Tensor) -> tuple[Tensor, Tensor]:
    """Where in each set (..., n) the two middle values of a stable sort stand; both at a NaN when there is one.

    Only sets whose lower middle value occurs again, or that are not finite, have to be sorted.
    """
    size = values.shape[-1]
    middle, lower = values.kthvalue((size + 1) // 2, -1, keepdim=True)
    upper = lower
    below = values <= middle
    sort = ((values == middle).sum(-1) != 1) | ~values.sum(-1).isfinite()
    if size % 2 == 0:
        upper = values.masked_fill(below, math.inf).min(-1, keepdim=True).indices
    if bool(sort.any()):
        ordered = torch.sort(values[sort], dim=-1, stable=True)
        last = ordered.values[:, -1:].isnan()
        chosen = [
            torch.where(last, ordered.indices[:, -1:], ordered.indices[:, place : place + 1])
            for place in ((size - 1) // 2, size // 2)
        ]
        lower, upper = (
            found.masked_scatter(sort.unsqueeze(-1), cell) for found, cell in zip((lower, upper), chosen, strict=True)
        )
    return lower.squeeze(-1), upper.squeeze(-1)


def median_pool1d(
    input: Tensor,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    *,
    lengths: Tensor | None = None,
    axis: Axis = -1,
) -> Pooled:
    """Median of each window. Arguments, result and errors as for `max_pool1d`, but over one axis only."""
    window = Window(kernel_size, stride, padding, dilation, ceil_mode)
    return reduce_windows(middle, window, input, lengths, axis, operator="median_pool1d", separable=False)


def global_median_pool1d(input: Tensor, *, lengths: Tensor | None = None, axis: Axis = -1) -> Tensor:
    """Median of each row: (N, C, L) -> (N, C); an empty row gives 0. Raises UsageError as median_pool1d does."""
    return reduce_all(middle, input, lengths, axis, operator="global_median_pool1d", separable=False, passes=True)


class MedianPool1d(LocalPool):
    """Median of each window; see `median_pool1d`."""

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        return median_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            lengths=lengths, axis=self.axis,
        )  # fmt: skip

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: no value's rise makes the result fall."""
        return ends_of_sums(self, lower, upper, lengths, self.values_pooled(lower))


class GlobalMedianPool1d(GlobalPool):
    """Median of each row; see `global_median_pool1d`."""

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        return global_median_pool1d(input, lengths=lengths, axis=self.axis)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: no value's rise makes the result fall."""
        return ends_of_sums(self, lower, upper, lengths, self.values_pooled(lower))
