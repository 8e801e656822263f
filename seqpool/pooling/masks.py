"""Lengths, masks and what lies past them.

A batch of sequences of different lengths is a tensor (N, C, L) with `lengths` (N,) int64: positions `lengths[n]` and
later of row n are padding. Padding may hold anything, NaN and infinity included: every function here selects
(`torch.where`) and never multiplies, because NaN times zero is NaN, in values and in gradients.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seqpool.errors import UsageError
from seqpool.pooling.rows import by_rows, filled


def check_lengths(lengths: Tensor, rows: int, size: int) -> None:
    """Raise UsageError unless `lengths` is (rows,) of an integer type with values from 0 to `size`.

    Values are read only where reading costs nothing: on the CPU, outside of compilation and export.
    """
    if lengths.dim() != 1 or lengths.shape[0] != rows:
        raise UsageError(
            f"lengths has shape {tuple(lengths.shape)}, expected ({rows},): one length per row of the batch."
        )
    if lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool:
        raise UsageError(f"lengths is {lengths.dtype}, expected integers (torch.int64).")
    if torch.compiler.is_compiling() or lengths.device.type != "cpu" or rows == 0:
        return
    low, high = int(lengths.min()), int(lengths.max())
    if low < 0 or high > size:
        raise UsageError(
            f"lengths runs from {low} to {high}, expected values from 0 to the {size} positions of the batch."
        )


def mask_from_lengths(lengths: Tensor, size: int) -> Tensor:
    """Which positions are valid: (N,) lengths -> (N, size) bool, True where position < length."""
    return torch.arange(size, device=lengths.device) < lengths.unsqueeze(1)


def lengths_from_mask(mask: Tensor) -> Tensor:
    """How many leading positions are valid: (N, L) bool -> (N,) int64.

    Raises UsageError when a row's valid positions are not all at its start, since lengths cannot say that (checked
    outside of compilation only).
    """
    if mask.dim() != 2 or mask.dtype != torch.bool:
        raise UsageError(
            f"the mask has shape {tuple(mask.shape)} and type {mask.dtype}, expected (N, L) of torch.bool."
        )
    lengths = mask.sum(1)
    if not torch.compiler.is_compiling():
        wrong = (mask != mask_from_lengths(lengths, mask.shape[1])).any(1)
        if bool(wrong.any()):
            row = int(wrong.nonzero()[0, 0])
            raise UsageError(f"row {row} of the mask has a gap: valid positions must come first, padding after them.")
    return lengths


def fill_padding(input: Tensor, lengths: Tensor, value: float = 0.0) -> Tensor:
    """`input` (N, ..., L) with `value` at every position past a row's length; the gradient there is 0."""
    if input.dim() == 3 and by_rows(input):
        return filled(input, lengths, value)
    mask = mask_from_lengths(lengths, input.shape[-1])
    mask = mask.reshape(mask.shape[0], *(1,) * (input.dim() - 2), mask.shape[1])
    return torch.where(mask, input, torch.full((), value, dtype=input.dtype, device=input.device))


def zero_padding(input: Tensor, lengths: Tensor | None) -> Tensor:
    """`input` (N, ..., L) with 0 at every position past a row's length; `input` itself without lengths.

    To be called before every convolution: a bias or a normalisation makes padding non-zero, and the next filter would
        see it.
    """
    if lengths is None:
        return input
    check_lengths(lengths, input.shape[0], input.shape[-1])
    return fill_padding(input, lengths)
