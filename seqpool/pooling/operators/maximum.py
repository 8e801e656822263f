"""Maximum: is the feature there at all? The whole gradient goes to the first largest value.

Use it when a feature anywhere in the window decides: a motif in a sequence, a spike in a signal.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from seqpool.pooling.axes import Axis, Pooled, pool_windows
from seqpool.pooling.intervals import Bounds, ends
from seqpool.pooling.masks import fill_padding
from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.reduction import reduce_all, select, windows_of
from seqpool.pooling.rows import cell_maximum
from seqpool.pooling.windows import Window, blank


def largest(values: Tensor, valid: Tensor | None) -> Tensor:
    """Largest valid value; ties: the first takes the gradient, which amax would split."""
    if valid is None and values.dim() == 3 and values.device.type == "cpu":  # the faster of two that take the first
        return functional.adaptive_max_pool1d(values, 1).squeeze(-1)
    if valid is None:
        return values.max(-1).values
    some = valid.any(-1)
    # a set without a valid value keeps its own: compiled, the maximum of nothing but -infinity has no place
    return select(some, select(valid | ~some.unsqueeze(-1), values, -math.inf).max(-1).values, 0.0)


def windowed_largest(batch: Tensor, lengths: Tensor | None, window: Window) -> Tensor:
    """Largest valid value of each window: (N, C, L) -> (N, C, windows)."""
    size = batch.shape[-1]
    if window.output_length(size) == 0:
        return batch[..., :0]
    if torch.compiler.is_compiling():  # where windows of padding alone, which are -infinity, have no place either
        output = largest(*windows_of(window, batch, lengths))
        return output if lengths is None else blank(output, window.output_lengths(lengths))
    filled = fill_padding(batch, lengths, -math.inf) if lengths is not None and window.overhangs() else batch
    output = functional.max_pool1d(
        filled, window.kernel_size, window.step, window.padding, window.dilation, window.ceil_mode
    )
    if window.may_hold_nothing():
        counts = window.valid_counts(size, lengths, batch.device).unsqueeze(1)
        output = select(counts > 0, output, 0.0)
    return output if lengths is None else blank(output, window.output_lengths(lengths))


def max_pool1d(
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
    """Largest value of each window.

    Args:
        input: (N, C, L), or any floating-point tensor with `axis` named.
        kernel_size, stride, padding, dilation, ceil_mode: as in torch.nn.functional.max_pool1d.
        lengths: (N,) valid positions of each row.
        axis: the axis that is pooled, or several, one after the other.

    Returns:
        (N, C, windows); with `lengths` the pair (output, new lengths). A window without a valid position gives 0.

    Raises:
        UsageError: a size is out of range, or lengths do not fit the batch.
    """
    window = Window(kernel_size, stride, padding, dilation, ceil_mode)

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        return windowed_largest(batch, lengths, window)

    return pool_windows(pool, window.output_lengths, input, lengths, axis, operator="max_pool1d", separable=True)


def _largest_by_rows(batch: Tensor, lengths: Tensor) -> Tensor:
    return cell_maximum(batch, lengths, 1).squeeze(-1)


def global_max_pool1d(input: Tensor, *, lengths: Tensor | None = None, axis: Axis = -1) -> Tensor:
    """Largest value of each row: (N, C, L) -> (N, C); an empty row gives 0. Raises UsageError as max_pool1d does."""
    return reduce_all(
        largest, input, lengths, axis, operator="global_max_pool1d", separable=True, row_by_row=_largest_by_rows
    )


class MaxPool1d(LocalPool):
    """Largest value of each window; see `max_pool1d`."""

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        return max_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            lengths=lengths, axis=self.axis,
        )  # fmt: skip

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained: no value's rise makes the result fall."""
        return ends(self, lower, upper, lengths)


class GlobalMaxPool1d(GlobalPool):
    """Largest value of each row; see `global_max_pool1d`."""

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        return global_max_pool1d(input, lengths=lengths, axis=self.axis)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained: no value's rise makes the result fall."""
        return ends(self, lower, upper, lengths)
