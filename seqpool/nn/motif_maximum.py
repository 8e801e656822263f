"""Convolve letters with motif filters and pool over all positions, in one step.

Equal to `one_hot -> conv1d -> amax` (and `-> relu -> mean`) but for float32 rounding; the gradient of tied maxima goes
to the first position, as in `torch.max`. The letters take no gradient. Letters need no multiplication: the kernels add
table rows, and the gradient of a maximum touches one window per sequence and filter.
"""

from __future__ import annotations

from typing import Any, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from seqpool.kernels.average import averages, averages_gradient
from seqpool.kernels.best_window import best_windows
from seqpool.kernels.columns import symbol_scores
from seqpool.kernels.winners import winners_gradient
from seqpool.kernels.words import words_of

Strands = Literal["forward", "both", "apart"]


def motif_maximum(
    codes: Tensor, weight: Tensor, lengths: Tensor | None = None, *, table: Tensor, strands: Strands = "forward"
) -> Tensor:
    """Highest score of every filter over all windows of every sequence.

    codes: (N, L) uint8 symbol codes on the CPU. weight: (C, A, K) filters. lengths: (N,) windows lie inside the first
    `lengths[n]` letters; None: all L. table: (S, A) the channel values of code 0, 1, ... (one-hot for a plain letter,
    zeros for a blank, a distribution for an ambiguity code).

    strands: `forward`; `both`, the higher of the two strands (the reverse strand reads `weight.flip(1, 2)`, right for
    letters in an order whose complement is its reverse, such as ACGT); `apart`, forward maxima, then reverse maxima.
    Returns (N, C), or (N, 2 C) for `apart`, in the weight's type. No bias and no ReLU: the maximum of relu(score + b)
    is relu(maximum + b).

    Raises ValueError for shapes, types, codes or lengths other than these.
    """
    lengths = _checked(codes, weight, lengths, table)
    return _apply(codes, weight, lengths, table, strands, None)[0]


def motif_maximum_and_average(
    codes: Tensor,
    weight: Tensor,
    bias: Tensor,
    lengths: Tensor | None = None,
    *,
    table: Tensor,
    strands: Strands = "forward",
) -> tuple[Tensor, Tensor]:
    """As `motif_maximum`, with the average over windows of relu(score + bias) beside it.

    bias: (C,), used by the average alone; the maximum is without it. The average is (N, C) whatever `strands`: with
    two strands it is taken over the windows of both.
    """
    lengths = _checked(codes, weight, lengths, table)
    if bias.shape != weight.shape[:1]:
        raise ValueError(f"bias has shape {tuple(bias.shape)}, expected one value per filter ({weight.shape[0]},)")
    return _apply(codes, weight, lengths, table, strands, bias)


def _apply(*arguments: Any) -> tuple[Tensor, Tensor]:
    return cast(tuple[Tensor, Tensor], _MotifMaximum.apply(*arguments))  # type: ignore[no-untyped-call]


def _checked(codes: Tensor, weight: Tensor, lengths: Tensor | None, table: Tensor) -> Tensor:
    """The lengths, once everything has the shapes that the kernels take for granted."""
    if codes.dtype != torch.uint8 or codes.ndim != 2:
        raise ValueError(f"codes are (N, L) uint8, not {tuple(codes.shape)} {codes.dtype}")
    if weight.ndim != 3 or not weight.is_floating_point():
        raise ValueError(
            f"weight is (filters, letters, width) floating point, not {tuple(weight.shape)} {weight.dtype}"
        )
    if table.ndim != 2 or table.shape[1] != weight.shape[1]:
        raise ValueError(f"table is (symbols, {weight.shape[1]}) for this weight, not {tuple(table.shape)}")
    for name, tensor in (("codes", codes), ("weight", weight), ("table", table)):
        if tensor.device.type != "cpu":
            raise ValueError(f"{name} is on {tensor.device}; this engine computes on the CPU (use the torch engine)")
    if lengths is None:
        lengths = torch.full((codes.shape[0],), codes.shape[1], dtype=torch.int64)
    if lengths.shape != codes.shape[:1]:
        raise ValueError(f"lengths has shape {tuple(lengths.shape)}, expected one per sequence ({codes.shape[0]},)")
    if codes.shape[0]:
        shortest, longest = int(lengths.min()), int(lengths.max())
        if shortest < weight.shape[2] or longest > codes.shape[1]:
            raise ValueError(
                f"lengths run from {shortest} to {longest}, expected {weight.shape[2]} (the filter width) to "
                f"{codes.shape[1]} (the row length)"
            )
    return lengths


def _plain(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().to(torch.float32).contiguous().numpy()


class _MotifMaximum(torch.autograd.Function):
    """(maximum, average); the average is empty without a bias."""

    @staticmethod
    def forward(
        ctx: Any, codes: Tensor, weight: Tensor, lengths: Tensor, table: Tensor, strands: Strands, bias: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        filters, _, width = weight.shape
        threads = torch.get_num_threads()
        lanes = weight if strands == "forward" else torch.cat([weight, weight.flip(1, 2)])
        sizes = lengths.detach().cpu().numpy().astype(np.int64)
        windows = sizes - (width - 1)
        words = words_of(codes.contiguous().numpy(), sizes)
        channels = _plain(table)
        if words.codes.size and int(words.codes[-1]) >= channels.shape[0]:
            raise ValueError(f"code {int(words.codes[-1])} has no row in a table of {channels.shape[0]} symbols")
        scores = symbol_scores(_plain(lanes), channels, words)
        best, position = best_windows(scores, words, windows, lanes.shape[0], threads)
        maximum = torch.from_numpy(best)
        reverse = maximum[:, filters:] > maximum[:, :filters] if strands == "both" else None
        if reverse is not None:
            maximum = torch.maximum(maximum[:, :filters], maximum[:, filters:])
        average, above = weight.new_empty(0), None
        if bias is not None:
            offset = _plain(bias if strands == "forward" else torch.cat([bias, bias]))
            mean, above = averages(scores, words, windows, offset, threads)
            average = torch.from_numpy(mean).view(codes.shape[0], -1, filters).mean(1).to(weight.dtype)
        ctx.save_for_backward(weight, table)
        ctx.kernel = (words, windows, position, reverse, above)
        ctx.strands = strands
        return maximum.to(weight.dtype).contiguous(), average

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_maximum: Tensor, of_average: Tensor) -> tuple[Tensor | None, ...]:
        weight, table = ctx.saved_tensors
        words, windows, position, reverse, above = ctx.kernel
        filters, _, width = weight.shape
        threads = torch.get_num_threads()
        if reverse is not None:
            of_maximum = torch.cat([of_maximum.masked_fill(reverse, 0), of_maximum.masked_fill(~reverse, 0)], dim=1)
        cells = winners_gradient(words, position, _plain(of_maximum), width, threads)
        of_bias = None
        if above is not None:
            if ctx.strands != "forward":
                of_average = torch.cat([of_average, of_average], dim=1) / 2
            more, of_lanes = averages_gradient(_plain(of_average), words, windows, above, width, threads)
            cells += more
            of_bias = torch.from_numpy(of_lanes).view(-1, filters).sum(0).to(weight.dtype)
        channels = _plain(table)[words.codes].astype(np.float64)
        of_weight = torch.from_numpy(np.ascontiguousarray((cells @ channels).transpose(0, 2, 1)))
        if ctx.strands != "forward":
            of_weight = of_weight[:filters] + of_weight[filters:].flip(1, 2)
        return None, of_weight.to(weight.dtype), None, None, None, of_bias
