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
from seqpool.pooling.masks import mask_from_lengths
from seqpool.pooling.rows import by_rows
from seqpool.pooling.windows import Window, blank

Reduction = Callable[[Tensor, Tensor | None], Tensor]


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
        if window.output_length(batch.shape[-1]) == 0:
            return batch[..., :0]
        output = reduction(window.cut(batch, 0.0), window.valid(batch.shape[-1], lengths, batch.device))
        return output if lengths is None else blank(output, window.output_lengths(lengths))

    return pool_windows(pool, window.output_lengths, input, lengths, axis, operator=operator, separable=separable)


def reduce_all(
    reduction: Reduction,
    input: Tensor,
    lengths: Tensor | None,
    axis: Axis,
    *,
    operator: str,
    separable: bool,
    row_by_row: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Tensor:
    """Global operator: `reduction` of each whole row along `axis`.

    `row_by_row` ((N, C, L), lengths) -> (N, C) is the same where reading only valid values is faster than masking all.
    """

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        if batch.shape[-1] == 0:
            return batch.sum(-1)
        if lengths is not None and row_by_row is not None and by_rows(batch):
            return row_by_row(batch, lengths)
        valid = None if lengths is None else mask_from_lengths(lengths, batch.shape[-1]).unsqueeze(1)
        return reduction(batch, valid)

    return pool_all(pool, input, lengths, axis, operator=operator, separable=separable)
