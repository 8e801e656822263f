"""Adaptive pooling: as many cells as asked for, whatever the length; the average or the maximum of each.

Cell i of O covers floor(i L / O) to ceil((i + 1) L / O) - 1, so neighbours may share a position. With lengths, L is
the row's own. Gradients as for the average (1 / n of each cell) and the maximum (to the first winner).

Use it when the next layer needs a fixed number of positions from inputs of any length.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from seqpool.errors import UsageError
from seqpool.pooling.axes import Axis, Pooled, pool_windows
from seqpool.pooling.intervals import Bounds, ends, ends_of_sums, values_along
from seqpool.pooling.modules import PoolingModule
from seqpool.pooling.operators.average import mean
from seqpool.pooling.operators.maximum import largest
from seqpool.pooling.reduction import Reduction, select
from seqpool.pooling.rows import by_rows, cell_maximum, cell_mean


def _check_size(output_size: int) -> int:
    if isinstance(output_size, bool) or not isinstance(output_size, int) or output_size < 1:
        raise UsageError(f"output_size is {output_size!r}, expected a whole number of at least 1.")
    return output_size


def _cells(batch: Tensor, lengths: Tensor, output_size: int, reduction: Reduction) -> Tensor:
    """`reduction` of the cells of each row's own length: (N, C, L) -> (N, C, output_size)."""
    rows, channels, size = batch.shape
    index = torch.arange(output_size, device=batch.device)
    ends = lengths.unsqueeze(1)
    first = torch.div(index * ends, output_size, rounding_mode="floor")
    stop = torch.div((index + 1) * ends + output_size - 1, output_size, rounding_mode="floor")
    positions = first.unsqueeze(2) + torch.arange(size // output_size + 2, device=batch.device)
    valid = (positions < stop.unsqueeze(2)).unsqueeze(1)
    picked = positions.clamp(max=size - 1).reshape(rows, 1, -1).expand(rows, channels, -1)
    values = batch.gather(2, picked).reshape(rows, channels, *positions.shape[1:])
    return select((lengths > 0).reshape(-1, 1, 1), reduction(values, valid), 0.0)


def _new_lengths(lengths: Tensor, output_size: int) -> Tensor:
    return torch.where(lengths > 0, output_size, 0)


def adaptive_avg_pool1d(input: Tensor, output_size: int, *, lengths: Tensor | None = None, axis: Axis = -1) -> Pooled:
    """Mean of each of `output_size` cells.

    Args:
        input: (N, C, L), or any floating-point tensor with `axis` named.
        output_size: number of cells.
        lengths: (N,) valid positions of each row; each row is divided by its own length.
        axis: the axis that is pooled, or several, one after the other.

    Returns:
        (N, C, output_size); with `lengths` the pair (output, new lengths): output_size, and 0 for an empty row.

    Raises:
        UsageError: output_size is out of range, or lengths do not fit the batch.
    """
    _check_size(output_size)

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        if batch.shape[-1] == 0:
            return batch.new_zeros(*batch.shape[:2], output_size)
        if lengths is None:
            return functional.adaptive_avg_pool1d(batch, output_size)
        if by_rows(batch):
            return cell_mean(batch, lengths, output_size)
        return _cells(batch, lengths, output_size, mean)

    def output_lengths(lengths: Tensor) -> Tensor:
        return _new_lengths(lengths, output_size)

    return pool_windows(pool, output_lengths, input, lengths, axis, operator="adaptive_avg_pool1d", separable=True)


def adaptive_max_pool1d(input: Tensor, output_size: int, *, lengths: Tensor | None = None, axis: Axis = -1) -> Pooled:
    """Largest value of each of `output_size` cells; arguments, result and errors as for `adaptive_avg_pool1d`."""
    _check_size(output_size)

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        if batch.shape[-1] == 0:
            return batch.new_zeros(*batch.shape[:2], output_size)
        if lengths is None:
            return functional.adaptive_max_pool1d(batch, output_size)
        if by_rows(batch):
            return cell_maximum(batch, lengths, output_size)
        return _cells(batch, lengths, output_size, largest)

    def output_lengths(lengths: Tensor) -> Tensor:
        return _new_lengths(lengths, output_size)

    return pool_windows(pool, output_lengths, input, lengths, axis, operator="adaptive_max_pool1d", separable=True)


class AdaptiveAvgPool1d(PoolingModule):
    """Mean of each of `output_size` cells; see `adaptive_avg_pool1d`. Where a cell lies depends on the length."""

    def __init__(self, output_size: int, *, axis: Axis = -1) -> None:
        super().__init__()
        self.output_size = _check_size(output_size)
        self.axis = axis

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        return adaptive_avg_pool1d(input, self.output_size, lengths=lengths, axis=self.axis)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: no value's rise makes the result fall."""
        return ends_of_sums(self, lower, upper, lengths, values_along(lower, self.axis))


class AdaptiveMaxPool1d(PoolingModule):
    """Largest value of each of `output_size` cells; see `adaptive_max_pool1d`."""

    def __init__(self, output_size: int, *, axis: Axis = -1) -> None:
        super().__init__()
        self.output_size = _check_size(output_size)
        self.axis = axis

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        return adaptive_max_pool1d(input, self.output_size, lengths=lengths, axis=self.axis)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained: no value's rise makes the result fall."""
        return ends(self, lower, upper, lengths)
