"""Minimum: is the feature there everywhere? The whole gradient goes to the first smallest value.

Use it when a feature must hold throughout, or for the lower envelope of a signal.
"""

from __future__ import annotations

import math

from torch import Tensor

from seqpool.pooling.axes import Axis, Pooled, pool_windows
from seqpool.pooling.intervals import Bounds, ends
from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.operators.maximum import windowed_largest
from seqpool.pooling.reduction import reduce_all, select
from seqpool.pooling.rows import cell_maximum
from seqpool.pooling.windows import Window


def smallest(values: Tensor, valid: Tensor | None) -> Tensor:
    """Smallest valid value; ties: the first takes the gradient, which amin would split."""
    if valid is None:
        return values.min(-1).values
    some = valid.any(-1)
    # a set without a valid value keeps its own: compiled, the minimum of nothing but infinity has no place
    return select(some, select(valid | ~some.unsqueeze(-1), values, math.inf).min(-1).values, 0.0)


def min_pool1d(
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
    """Smallest value of each window: -max(-x). Arguments, result and errors as for `max_pool1d`."""
    window = Window(kernel_size, stride, padding, dilation, ceil_mode)

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        return 0.0 - windowed_largest(-batch, lengths, window)

    return pool_windows(pool, window.output_lengths, input, lengths, axis, operator="min_pool1d", separable=True)


def _smallest_by_rows(batch: Tensor, lengths: Tensor) -> Tensor:
    return 0.0 - cell_maximum(-batch, lengths, 1).squeeze(-1)


def global_min_pool1d(input: Tensor, *, lengths: Tensor | None = None, axis: Axis = -1) -> Tensor:
    """Smallest value of each row: (N, C, L) -> (N, C); an empty row gives 0. Raises UsageError as min_pool1d does."""
    return reduce_all(
        smallest, input, lengths, axis, operator="global_min_pool1d", separable=True, row_by_row=_smallest_by_rows
    )


class MinPool1d(LocalPool):
    """Smallest value of each window; see `min_pool1d`."""

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        return min_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            lengths=lengths, axis=self.axis,
        )  # fmt: skip

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained: no value's rise makes the result fall."""
        return ends(self, lower, upper, lengths)


class GlobalMinPool1d(GlobalPool):
    """Smallest value of each row; see `global_min_pool1d`."""

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        return global_min_pool1d(input, lengths=lengths, axis=self.axis)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained: no value's rise makes the result fall."""
        return ends(self, lower, upper, lengths)
