"""Average: how much of the feature is there? Every valid position gets the same share of the gradient.

Use it when the share of positions matters: composition, energy, texture, rhythm over a long recording.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from seqpool.pooling.axes import Axis, Pooled, pool_windows
from seqpool.pooling.intervals import Bounds, ends_of_sums
from seqpool.pooling.masks import fill_padding
from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.operators.sum import windowed_total
from seqpool.pooling.reduction import reduce_all, select, working_precision
from seqpool.pooling.rows import row_mean
from seqpool.pooling.windows import Window, blank


def mean(values: Tensor, valid: Tensor | None) -> Tensor:
    """Sum of the valid values over their number."""
    if valid is None:
        return values.mean(-1)
    total = working_precision(select(valid, values, 0.0)).sum(-1)
    return (total / valid.sum(-1).clamp(min=1)).to(values.dtype)


def _divisors(window: Window, size: int, lengths: Tensor, device: torch.device, include_padding: bool) -> Tensor:
    """By what each window's sum is divided: valid positions, or the padding too but not what ceil mode overhangs."""
    if not include_padding:
        return window.valid_counts(size, lengths, device)
    starts = window.starts(size, device)
    ends = (starts + window.kernel_size).minimum(lengths.unsqueeze(1) + window.padding)
    return (ends - starts).clamp(min=0)


def windowed_mean(batch: Tensor, lengths: Tensor | None, window: Window, count_include_pad: bool = False) -> Tensor:
    """Mean of each window without dilation: (N, C, L) -> (N, C, windows)."""
    size = batch.shape[-1]
    if window.output_length(size) == 0:
        return batch[..., :0]
    if window.few_cells(batch):
        total = windowed_total(batch, lengths, window)
        if not window.overhangs():
            return total / window.kernel_size
        ends = torch.full((1,), size, device=batch.device) if lengths is None else lengths
        divisors = _divisors(window, size, ends, batch.device, count_include_pad).clamp(min=1)
        return total / divisors.unsqueeze(1).to(total.dtype)
    filled = fill_padding(batch, lengths) if lengths is not None and window.overhangs() else batch
    output = functional.avg_pool1d(
        filled, window.kernel_size, window.step, window.padding, window.ceil_mode, count_include_pad
    )
    if lengths is None:
        return output
    if window.padding or window.ceil_mode:
        # torch divided by what lies inside the whole batch; a shorter row's last windows hold less
        whole = torch.full((1,), size, device=batch.device)
        wrong = _divisors(window, size, whole, batch.device, count_include_pad)
        right = _divisors(window, size, lengths, batch.device, count_include_pad).clamp(min=1)
        exact = torch.promote_types(output.dtype, torch.float32)
        output = output * (wrong.to(exact) / right).unsqueeze(1).to(output.dtype)
    return blank(output, window.output_lengths(lengths))


def avg_pool1d(
    input: Tensor,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    *,
    lengths: Tensor | None = None,
    axis: Axis = -1,
) -> Pooled:
    """Mean of each window.

    Args:
        input: (N, C, L), or any floating-point tensor with `axis` named.
        kernel_size, stride, padding, ceil_mode: as in torch.nn.functional.avg_pool1d.
        count_include_pad: count zeros of the padding as values; torch's default is True, ours is False.
        lengths: (N,) valid positions of each row.
        axis: the axis that is pooled, or several, one after the other.

    Returns:
        (N, C, windows); with `lengths` the pair (output, new lengths).

    Raises:
        UsageError: a size is out of range, or lengths do not fit the batch.
    """
    window = Window(kernel_size, stride, padding, 1, ceil_mode)

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        return windowed_mean(batch, lengths, window, count_include_pad)

    return pool_windows(pool, window.output_lengths, input, lengths, axis, operator="avg_pool1d", separable=True)


def global_avg_pool1d(input: Tensor, *, lengths: Tensor | None = None, axis: Axis = -1) -> Tensor:
    """Mean of each row: (N, C, L) -> (N, C); an empty row gives 0. Raises UsageError as avg_pool1d does."""
    return reduce_all(mean, input, lengths, axis, operator="global_avg_pool1d", separable=True, row_by_row=row_mean)


class AvgPool1d(LocalPool):
    """Mean of each window; see `avg_pool1d`. Without dilation, as in torch."""

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = False,
        *,
        axis: Axis = -1,
    ) -> None:
        super().__init__(kernel_size, stride, padding, 1, ceil_mode, axis=axis)
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        return avg_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
            lengths=lengths, axis=self.axis,
        )  # fmt: skip

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: no value's rise makes the result fall."""
        return ends_of_sums(self, lower, upper, lengths, self.values_pooled(lower))


class GlobalAvgPool1d(GlobalPool):
    """Mean of each row; see `global_avg_pool1d`."""

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        return global_avg_pool1d(input, lengths=lengths, axis=self.axis)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: no value's rise makes the result fall."""
        return ends_of_sums(self, lower, upper, lengths, self.values_pooled(lower))
