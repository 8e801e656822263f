"""Rows of a batch one at a time, only as far as each is valid: on a CPU faster than masking a copy of the whole batch.

Values and gradients are those of the masked forms, which compiled graphs and accelerators use.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from seqpool.kernels.cells import cell_means, cell_shares

_WORTHWHILE = 4096
"""Values in a row from which on a call for each row costs less than a mask for all."""


def by_rows(batch: Tensor) -> bool:
    """Whether the functions below are the faster way for `batch` (N, C, L)."""
    return (
        not torch.compiler.is_compiling()
        and batch.device.type == "cpu"
        and batch.shape[1] * batch.shape[2] >= _WORTHWHILE
    )


class _CellMaximum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, batch: Tensor, lengths: Tensor, cells: int) -> Tensor:
        rows, channels, _ = batch.shape
        output = batch.new_zeros(rows, channels, cells)
        winners = torch.zeros(rows, channels, cells, dtype=torch.int64)
        for row, length in enumerate(lengths.tolist()):
            if length:
                values = batch[row, :, :length]
                if cells == 1:
                    output[row], winners[row] = values.max(1, keepdim=True)
                else:
                    output[row], winners[row] = functional.adaptive_max_pool1d(values, cells, return_indices=True)
        ctx.size = batch.shape[2]
        ctx.save_for_backward(winners, lengths)
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        winners, lengths = ctx.saved_tensors
        (gradient,) = gradients
        gradient = torch.where((lengths > 0).reshape(-1, 1, 1), gradient, 0.0)
        result = gradient.new_zeros(*gradient.shape[:2], ctx.size)
        return result.scatter_add_(2, winners, gradient), None, None


class _RowMean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, batch: Tensor, lengths: Tensor) -> Tensor:
        output = batch.new_zeros(batch.shape[:2])
        for row, length in enumerate(lengths.tolist()):
            if length:
                output[row] = batch[row, :, :length].mean(1)
        ctx.size = batch.shape[2]
        ctx.save_for_backward(lengths)
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (lengths,) = ctx.saved_tensors
        (gradient,) = gradients
        result = gradient.new_empty(*gradient.shape, ctx.size)
        for row, length in enumerate(lengths.tolist()):
            result[row, :, length:] = 0
            if length:
                result[row, :, :length] = (gradient[row] / length).unsqueeze(1)
        return result, None


class _CellMean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, batch: Tensor, lengths: Tensor, cells: int) -> Tensor:
        ctx.size = batch.shape[2]
        ctx.save_for_backward(lengths)
        values = batch.detach().contiguous()
        output = values.new_empty(*values.shape[:2], cells)
        cell_means(values.numpy(), lengths.numpy(), output.numpy(), torch.get_num_threads())
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (lengths,) = ctx.saved_tensors
        result: Tensor = _CellShare.apply(gradients[0], lengths, ctx.size)  # type: ignore[no-untyped-call]
        return result, None, None


class _CellShare(torch.autograd.Function):
    """The way back of `_CellMean`, whose own way back is `_CellMean`: both are linear."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, lengths: Tensor, size: int) -> Tensor:
        ctx.cells = gradient.shape[2]
        ctx.save_for_backward(lengths)
        values = gradient.detach().contiguous()
        output = values.new_empty(*values.shape[:2], size)
        cell_shares(values.numpy(), lengths.numpy(), output.numpy(), torch.get_num_threads())
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (lengths,) = ctx.saved_tensors
        result: Tensor = _CellMean.apply(gradients[0], lengths, ctx.cells)  # type: ignore[no-untyped-call]
        return result, None, None


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, batch: Tensor, lengths: Tensor) -> Tensor:
        ctx.size = batch.shape[2]
        ctx.save_for_backward(lengths)
        return torch.stack([values[:, :length].sum(1) for values, length in zip(batch, lengths.tolist(), strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (lengths,) = ctx.saved_tensors
        (gradient,) = gradients
        result = gradient.unsqueeze(2).repeat(1, 1, ctx.size)
        for row, length in enumerate(lengths.tolist()):
            result[row, :, length:] = 0
        return result, None


class _Filled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, batch: Tensor, lengths: Tensor, value: float) -> Tensor:
        result = batch.clone(memory_format=torch.contiguous_format)
        for row, length in enumerate(lengths.tolist()):
            result[row, :, length:] = value
        ctx.save_for_backward(lengths)
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (lengths,) = ctx.saved_tensors
        result = gradients[0].clone(memory_format=torch.contiguous_format)
        for row, length in enumerate(lengths.tolist()):
            result[row, :, length:] = 0
        return result, None, None


def filled(batch: Tensor, lengths: Tensor, value: float) -> Tensor:
    """`batch` (N, C, L) with `value` past each row's length."""
    result: Tensor = _Filled.apply(batch, lengths, value)  # type: ignore[no-untyped-call]
    return result


def cell_maximum(batch: Tensor, lengths: Tensor, cells: int) -> Tensor:
    """Largest value of each of `cells` cells of each row's own length: (N, C, L) -> (N, C, cells)."""
    result: Tensor = _CellMaximum.apply(batch, lengths, cells)  # type: ignore[no-untyped-call]
    return result


def row_mean(batch: Tensor, lengths: Tensor) -> Tensor:
    """Mean of each row as far as it is valid: (N, C, L) -> (N, C); an empty row gives 0."""
    result: Tensor = _RowMean.apply(batch, lengths)  # type: ignore[no-untyped-call]
    return result


def cell_mean(batch: Tensor, lengths: Tensor, cells: int) -> Tensor:
    """Mean of each of `cells` cells of each row's own length: (N, C, L) -> (N, C, cells)."""
    if cells == 1:
        return row_mean(batch, lengths).unsqueeze(2)
    work = batch.float() if batch.dtype in (torch.float16, torch.bfloat16) else batch
    result: Tensor = _CellMean.apply(work, lengths.long(), cells)  # type: ignore[no-untyped-call]
    return result.to(batch.dtype)


def row_total(batch: Tensor, lengths: Tensor) -> Tensor:
    """Sum of each row as far as it is valid: (N, C, L) -> (N, C)."""
    result: Tensor = _Total.apply(batch, lengths)  # type: ignore[no-untyped-call]
    return result


def finite_padding(batch: Tensor, lengths: Tensor) -> bool:
    """Whether what lies past each row's length surely is finite, so that a gradient of 0 times it is 0 and not NaN."""
    with torch.no_grad():  # one pass, no mask: infinities and NaN make a sum infinite or NaN
        return all(
            math.isfinite(float(values[:, length:].sum()))
            for values, length in zip(batch, lengths.tolist(), strict=True)
        )
