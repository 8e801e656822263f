"""From a summary of a set of values to a local and a global operator.

A `Reduction` takes values (..., n) and which of them are valid (broadcastable to values, or None when all are) and
gives one value (...) for each set; a set without a valid value gives 0 with gradient 0. What is not valid may be
anything.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from seqpool.errors import UsageError
from seqpool.pooling.axes import Axis, Pooled, pool_all, pool_windows
from seqpool.pooling.masks import fill_padding, mask_from_lengths
from seqpool.pooling.rows import by_rows
from seqpool.pooling.windows import Window, blank

Reduction = Callable[[Tensor, Tensor | None], Tensor]

_BLOCK = 1 << 20
"""Values that a CPU reduces at a time: so few that the passes of a reduction find them in the processor's cache."""


def count_valid(values: Tensor, valid: Tensor | None) -> Tensor | int:
    """Valid values of each set: a number when all are, else a tensor that broadcasts against the result."""
    return values.shape[-1] if valid is None else valid.sum(-1)


def select(valid: Tensor | None, values: Tensor, fill: float) -> Tensor:
    """`values` with `fill` where not valid."""
    if valid is None:
        return values
    return torch.where(valid, values, torch.full((), fill, dtype=values.dtype, device=values.device))


def working_precision(values: Tensor) -> Tensor:
    """`values` in float32 when they have half precision: sums and exponentials need the range and the digits."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


def per_channel(parameter: Tensor, values: Tensor) -> Tensor:
    """`parameter` (), (1,) or (C,) shaped to fit values (N, C', ...), C' = C times the other axes."""
    if parameter.numel() == 1:
        return parameter.reshape(())
    channels = values.shape[1]
    if parameter.dim() != 1 or channels % parameter.shape[0]:
        raise UsageError(f"a parameter of shape {tuple(parameter.shape)} does not fit an input of {channels} channels.")
    spread = parameter.repeat_interleave(channels // parameter.shape[0])
    return spread.reshape(1, channels, *(1,) * (values.dim() - 2))


def in_blocks(pool: Callable[..., Tensor], row_values: int, batch: Tensor, *others: Tensor | None) -> Tensor:
    """`pool(batch, *others)`, on a CPU of as many rows of all of them at a time as its cache holds.

    Args:
        pool: gives a tensor with the rows of its arguments, each row from that row alone.
        row_values: values that it works on for each row.
    """
    rows = max(1, _BLOCK // max(1, row_values))
    if torch.compiler.is_compiling() or batch.device.type != "cpu" or rows >= batch.shape[0]:
        return pool(batch, *others)
    parts = torch.split(batch, rows)
    beside = [[None] * len(parts) if other is None else torch.split(other, rows) for other in others]
    return torch.cat([pool(*block) for block in zip(parts, *beside, strict=True)])


def windows_of(window: Window, batch: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Windows (N, C, windows, kernel_size) with 0 past each row's length, and which cells are valid: None for all.

    Windows past a row's new length are left to `blank`; when all others hold valid positions only, they all pass.
    """
    if lengths is None:
        return window.cut(batch, 0.0), window.valid(batch.shape[-1], None, batch.device)
    windows = window.cut(fill_padding(batch, lengths), 0.0)
    return windows, window.valid(batch.shape[-1], lengths, batch.device) if window.overhangs() else None


def reduce_windows(
    reduction: Reduction,
    window: Window,
    input: Tensor,
    lengths: Tensor | None,
    axis: Axis,
    *,
    operator: str,
    separable: bool,
) -> Pooled:
    """Local operator: `reduction` of each window along `axis`."""

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        output = reduction(*windows_of(window, batch, lengths))
        return output if lengths is None else blank(output, window.output_lengths(lengths))

    def pool_blocks(batch: Tensor, lengths: Tensor | None) -> Tensor:
        windows = window.output_length(batch.shape[-1])
        if windows == 0:
            return batch[..., :0]
        return in_blocks(pool, batch.shape[1] * windows * window.kernel_size, batch, lengths)

    return pool_windows(
        pool_blocks, window.output_lengths, input, lengths, axis, operator=operator, separable=separable
    )


def each_row(reduction: Callable[..., Tensor], lengths: Tensor, batch: Tensor, *others: Tensor) -> Tensor:
    """`reduction(batch, *others, None)` of each row as far as it is valid: (N, C, L) -> (N, C)."""
    rows = zip(*(torch.split(values, 1) for values in (batch, *others)), strict=True)
    return torch.cat(
        [
            reduction(*(values[..., :length] for values in row), None) if length else row[0][..., :0].sum(-1)
            for row, length in zip(rows, lengths.tolist(), strict=True)
        ]
    )


def reduce_all(
    reduction: Reduction,
    input: Tensor,
    lengths: Tensor | None,
    axis: Axis,
    *,
    operator: str,
    separable: bool,
    passes: bool = False,
    row_by_row: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Tensor:
    """Global operator: `reduction` of each whole row along `axis`.

    Args:
        passes: `reduction` goes over the values several times, so that it pays to keep them in the cache.
        row_by_row: ((N, C, L), lengths) -> (N, C), the same and faster than `reduction` of each row on its own.
    """

    def pool_block(batch: Tensor) -> Tensor:
        return reduction(batch, None)

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        if batch.shape[-1] == 0:
            return batch.sum(-1)
        if lengths is None:
            return in_blocks(pool_block, batch.shape[1] * batch.shape[2], batch) if passes else pool_block(batch)
        if by_rows(batch):
            return row_by_row(batch, lengths) if row_by_row else each_row(reduction, lengths, batch)
        return reduction(batch, mask_from_lengths(lengths, batch.shape[-1]).unsqueeze(1))

    return pool_all(pool, input, lengths, axis, operator=operator, separable=separable)
