"""Sum: how much of the feature is there in all, length included? Every valid position gets the whole gradient.

Use it when counts matter, such as the number of binding sites; longer rows then give larger values.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor
from torch.nn import functional

from seqpool.pooling.axes import Axis, Pooled, pool_windows
from seqpool.pooling.intervals import Bounds, ends_of_sums
from seqpool.pooling.masks import fill_padding
from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.reduction import in_blocks, reduce_all, select
from seqpool.pooling.rows import row_total
from seqpool.pooling.windows import Window, blank


def total(values: Tensor, valid: Tensor | None) -> Tensor:
    """Sum of the valid values."""
    return select(valid, values, 0.0).sum(-1)


def _total_of_cells(window: Window, batch: Tensor, lengths: Tensor | None) -> Tensor:
    filled = fill_padding(batch, lengths) if lengths is not None and window.overhangs() else batch
    first, *others = window.cells(filled, 0.0)
    output = sum(others, start=first) if others else first.clone()
    return output if lengths is None else blank(output, window.output_lengths(lengths))


def windowed_total(batch: Tensor, lengths: Tensor | None, window: Window) -> Tensor:
    """Sum of each window without dilation: (N, C, L) -> (N, C, windows)."""
    if window.output_length(batch.shape[-1]) == 0:
        return batch[..., :0]
    if window.few_cells(batch):
        values = batch.shape[1] * window.output_length(batch.shape[-1]) * window.kernel_size
        return in_blocks(partial(_total_of_cells, window), values, batch, lengths)
    filled = fill_padding(batch, lengths) if lengths is not None and window.overhangs() else batch
    # only two-dimensional pooling lets the divisor be chosen
    output = functional.avg_pool2d(
        filled.unsqueeze(-2),
        (1, window.kernel_size),
        (1, window.step),
        (0, window.padding),
        window.ceil_mode,
        divisor_override=1,
    ).squeeze(-2)
    return output if lengths is None else blank(output, window.output_lengths(lengths))


def sum_pool1d(
    input: Tensor,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    ceil_mode: bool = False,
    *,
    lengths: Tensor | None = None,
    axis: Axis = -1,
) -> Pooled:
    """Sum of each window. Arguments, result and errors as for `avg_pool1d`."""
    window = Window(kernel_size, stride, padding, 1, ceil_mode)

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        return windowed_total(batch, lengths, window)

    return pool_windows(pool, window.output_lengths, input, lengths, axis, operator="sum_pool1d", separable=True)


def global_sum_pool1d(input: Tensor, *, lengths: Tensor | None = None, axis: Axis = -1) -> Tensor:
    """Sum of each row: (N, C, L) -> (N, C); an empty row gives 0. Raises UsageError as sum_pool1d does."""
    return reduce_all(total, input, lengths, axis, operator="global_sum_pool1d", separable=True, row_by_row=row_total)


class SumPool1d(LocalPool):
    """Sum of each window; see `sum_pool1d`."""

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        ceil_mode: bool = False,
        *,
        axis: Axis = -1,
    ) -> None:
        super().__init__(kernel_size, stride, padding, 1, ceil_mode, axis=axis)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        return sum_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, lengths=lengths, axis=self.axis
        )

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: no value's rise makes the result fall."""
        return ends_of_sums(self, lower, upper, lengths, self.values_pooled(lower))


class GlobalSumPool1d(GlobalPool):
    """Sum of each row; see `global_sum_pool1d`."""

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        return global_sum_pool1d(input, lengths=lengths, axis=self.axis)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: no value's rise makes the result fall."""
        return ends_of_sums(self, lower, upper, lengths, self.values_pooled(lower))
