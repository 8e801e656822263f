"""Which axis an operator pools: any one, or two of a time x frequency map where that is exact."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from seqpool.errors import UsageError
from seqpool.pooling.masks import check_lengths

Axis = int | tuple[int, ...]
"""One axis, or several that are pooled one after the other; lengths belong to the last one named."""

Pooled = Tensor | tuple[Tensor, Tensor]
"""A tensor, or with lengths the pair (tensor, new lengths)."""


def _axes(input: Tensor, axis: Axis, operator: str, separable: bool) -> list[int]:
    named = [axis] if isinstance(axis, int) else list(axis)
    if len(named) > 1 and not separable:
        raise UsageError(
            f"{operator} over axes {tuple(named)}: one axis after the other is not exact for it; name one axis."
        )
    axes = [number + input.dim() if number < 0 else number for number in named]
    if not axes or len(set(axes)) != len(axes) or not all(0 <= number < input.dim() for number in axes):
        raise UsageError(f"axis is {axis!r}, expected different axes of a tensor of shape {tuple(input.shape)}.")
    if not input.is_floating_point():
        raise UsageError(f"{operator} got {input.dtype}, expected a floating-point tensor.")
    return axes


def _check(input: Tensor, lengths: Tensor | None, axes: list[int]) -> None:
    if lengths is None:
        return
    if input.dim() < 3 or 0 in axes:
        raise UsageError(f"lengths need a batch (N, C, L), got shape {tuple(input.shape)} pooled over axis {axes[-1]}.")
    check_lengths(lengths, input.shape[0], input.shape[axes[-1]])


def _as_batch(input: Tensor, axis: int) -> Tensor:
    """`input` as (N, C, L) with `axis` as L and every axis but the first two counted into C."""
    moved = input.movedim(axis, -1)
    if moved.dim() == 3:
        return moved
    if moved.dim() > 3:
        return moved.flatten(1, -2)
    return moved.unsqueeze(0) if moved.dim() == 2 else moved.unsqueeze(0).unsqueeze(0)


def pool_windows(
    pool: Callable[[Tensor, Tensor | None], Tensor],
    output_lengths: Callable[[Tensor], Tensor],
    input: Tensor,
    lengths: Tensor | None,
    axis: Axis,
    *,
    operator: str,
    separable: bool,
) -> Pooled:
    """Apply `pool` ((N, C, L), lengths) -> (N, C, windows) along each axis; with lengths give the new ones too."""
    axes = _axes(input, axis, operator, separable)
    _check(input, lengths, axes)
    output = input
    for number in axes:
        batch = _as_batch(output, number)
        pooled = pool(batch, lengths if number == axes[-1] else None)
        shape = list(output.shape)
        del shape[number]
        output = pooled.reshape(*shape, pooled.shape[-1]).movedim(-1, number)
    return output if lengths is None else (output, output_lengths(lengths))


def pool_all(
    pool: Callable[[Tensor, Tensor | None], Tensor],
    input: Tensor,
    lengths: Tensor | None,
    axis: Axis,
    *,
    operator: str,
    separable: bool,
) -> Tensor:
    """Apply `pool` ((N, C, L), lengths) -> (N, C) along each axis, which goes."""
    axes = _axes(input, axis, operator, separable)
    _check(input, lengths, axes)
    output = input
    # from the last axis to the first, so that the numbers of those still to come stay right; the one with lengths first
    order = [axes[-1], *sorted(axes[:-1], reverse=True)]
    gone: list[int] = []
    for number in order:
        now = number - sum(earlier < number for earlier in gone)
        batch = _as_batch(output, now)
        pooled = pool(batch, lengths if number == axes[-1] else None)
        shape = list(output.shape)
        del shape[now]
        output = pooled.reshape(shape)
        gone.append(number)
    return output


def join_channels(input: Tensor, axis: Axis, first: Pooled, second: Pooled) -> Pooled:
    """Two results of the same input side by side on its channel axis: 1 of a batch (N, C, ...), 0 of a lone (C, L)."""
    channel = 0 if input.dim() < 3 else 1
    pooled = [axis] if isinstance(axis, int) else list(axis)
    if input.dim() < 2 or channel in [number % input.dim() for number in pooled]:
        raise UsageError(f"an input of shape {tuple(input.shape)} pooled over axis {axis} has no channels to join.")
    if isinstance(first, tuple) and isinstance(second, tuple):
        return torch.cat([first[0], second[0]], channel), first[1]
    assert isinstance(first, Tensor)
    assert isinstance(second, Tensor)
    return torch.cat([first, second], channel)
