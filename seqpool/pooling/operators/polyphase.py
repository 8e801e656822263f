"""Adaptive polyphase sampling: keep every s-th sample, of the s possible combs the one with the most energy.

On a circular signal whose length s divides, a shift of the input only rolls the output, exactly: the choice moves
along. With content inside margins of zeros the same holds without the circle. Gradient: 1 to the samples of the chosen
comb. Chaman & Dokmanic, "Truly shift-invariant convolutional neural networks", CVPR 2021.

Combs of equal energy and different content need a rule that a shift cannot upset: the one whose content has the
lexicographically largest rotation wins. Energies are added as integers, so that no order of adding changes them.

Use it when the answer must not change at all under circular shifts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqpool.errors import UsageError
from seqpool.pooling.axes import Axis, Pooled, pool_windows
from seqpool.pooling.intervals import Bounds
from seqpool.pooling.masks import fill_padding
from seqpool.pooling.modules import LocalPool
from seqpool.pooling.operators.blur import kept_lengths
from seqpool.pooling.reduction import in_blocks, working_precision
from seqpool.pooling.rows import by_rows


def _largest_rotation(symbols: list[int]) -> list[int]:
    """The lexicographically largest rotation of a sequence, in linear time (two candidate starts race)."""
    size = len(symbols)
    best, rival, same = 0, 1, 0
    while best < size and rival < size and same < size:
        left, right = symbols[(best + same) % size], symbols[(rival + same) % size]
        if left == right:
            same += 1
            continue
        if left < right:
            best += same + 1
        else:
            rival += same + 1
        rival += best == rival
        same = 0
    start = min(best, rival)
    return symbols[start:] + symbols[:start]


def _break_tie(combs: NDArray[np.floating], tied: list[int]) -> int:
    """Of the tied columns of `combs` (C, cells, s), the first whose content has the largest rotation."""
    channels, cells, _ = combs.shape
    content = combs[:, :, tied].transpose(2, 1, 0).reshape(len(tied) * cells, channels)
    _, symbols = np.unique(content, axis=0, return_inverse=True)
    sequences = symbols.reshape(len(tied), cells).tolist()
    rotations = [_largest_rotation(sequence) for sequence in sequences]
    return tied[rotations.index(max(rotations))]


def _strongest_exactly(combs: Tensor, cells: int) -> int:
    """Which of `combs` (C, cells, s) has the most energy, by integers that add up the same in any order."""
    squares = combs.double().square()
    top = float(squares.nan_to_num(posinf=0.0).amax()) if squares.numel() else 0.0
    if top == 0:
        return 0
    # so many bits that the sum of all squares still fits into 63
    bits = 61 - max(1, squares[..., 0].numel()).bit_length()
    whole = (squares / top).nan_to_num(posinf=1.0).clamp(max=1).mul(2.0**bits).round().long().sum((0, 1))
    tied = (whole == whole.amax()).nonzero().flatten().tolist()
    return tied[0] if len(tied) == 1 else _break_tie(combs[:, :cells].double().cpu().numpy(), tied)


def _energies(combs: Tensor) -> Tensor:
    """Sum of squares of each comb over all channels: (N, C, cells, s) -> (N, s) float64."""
    return combs.square().sum(1).double().sum(1)


class _Kept(torch.autograd.Function):
    """The chosen comb of each row: (N, C, cells, s) -> (N, C, cells)."""

    @staticmethod
    def forward(ctx: Any, combs: Tensor, chosen: Tensor) -> Tensor:
        ctx.stride = combs.shape[3]
        ctx.save_for_backward(chosen)
        return torch.stack([row.select(2, comb) for row, comb in zip(combs, chosen.tolist(), strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (chosen,) = ctx.saved_tensors
        (gradient,) = gradients
        result = gradient.new_zeros(*gradient.shape, ctx.stride)
        for row, comb in enumerate(chosen.tolist()):
            result[row, ..., comb] = gradient[row]
        return result, None


@torch.library.custom_op("seqpool::strongest_comb", mutates_args=())
def strongest_comb(combs: Tensor, cells: Tensor) -> Tensor:
    """Which comb has the most energy over all channels: (N, C, cells, s), cells in use (N,) -> (N,) int64.

    One operation of its own, so that ties, which depend on the values, do not break compilation.
    """
    work = working_precision(combs.detach())
    energies = in_blocks(_energies, work[0].numel() if work.numel() else 0, work)
    most = energies.amax(1)
    chosen: Tensor = energies.argmax(1)
    # sums of the same squares in another order differ by far less than this; what is nearer is decided exactly
    near = ~(energies < most.unsqueeze(1) * (1 - 1e-5))
    for row in ((near.sum(1) > 1) | ~most.isfinite()).nonzero().flatten().tolist():
        chosen[row] = _strongest_exactly(work[row], int(cells[row]))
    return chosen


@strongest_comb.register_fake
def _(combs: Tensor, cells: Tensor) -> Tensor:
    return combs.new_empty((combs.shape[0],), dtype=torch.int64)


def _check_stride(stride: int) -> int:
    if isinstance(stride, bool) or not isinstance(stride, int) or stride < 1:
        raise UsageError(f"stride is {stride!r}, expected a whole number of at least 1.")
    return stride


def polyphase_pool1d(input: Tensor, stride: int = 2, *, lengths: Tensor | None = None, axis: Axis = -1) -> Pooled:
    """Every `stride`-th sample, starting where the most energy is kept; all channels of a row start at the same place.

    Args:
        input: (N, C, L), or any floating-point tensor with `axis` named.
        stride: of the combs; a length that it does not divide is filled up with zeros, and then no theorem holds.
        lengths: (N,) valid positions of each row.
        axis: the axis that is pooled; one only, since one after the other is another operator.

    Returns:
        (N, C, ceil(L / stride)); with `lengths` the pair (output, new lengths).

    Raises:
        UsageError: the stride is out of range, or lengths do not fit the batch.
    """
    _check_stride(stride)

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        rows, channels, size = batch.shape
        if size == 0:
            return batch
        cells = -(-size // stride)
        filled = batch if lengths is None else fill_padding(batch, lengths)
        if cells * stride > size:
            filled = torch.nn.functional.pad(filled, (0, cells * stride - size))
        combs = filled.reshape(rows, channels, cells, stride)
        used = torch.full((rows,), size, device=batch.device) if lengths is None else lengths
        chosen = strongest_comb(combs, kept_lengths(used, stride))
        if by_rows(batch):
            kept: Tensor = _Kept.apply(combs, chosen)  # type: ignore[no-untyped-call]
            return kept
        return combs.gather(3, chosen.reshape(-1, 1, 1, 1).expand(rows, channels, cells, 1)).squeeze(3)

    def output_lengths(lengths: Tensor) -> Tensor:
        return kept_lengths(lengths, stride)

    return pool_windows(pool, output_lengths, input, lengths, axis, operator="polyphase_pool1d", separable=False)


def _smallest_of_groups(input: Tensor, stride: int, lengths: Tensor | None, axis: Axis) -> Pooled:
    """Smallest sample of each group of `stride`, zeros that fill up the last one among them."""

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        cells = -(-batch.shape[-1] // stride)
        filled = batch if lengths is None else fill_padding(batch, lengths)
        filled = torch.nn.functional.pad(filled, (0, cells * stride - batch.shape[-1]))
        smallest = filled.reshape(*batch.shape[:2], cells, stride).amin(-1) if cells else batch
        return smallest if lengths is None else fill_padding(smallest, kept_lengths(lengths, stride))

    def output_lengths(lengths: Tensor) -> Tensor:
        return kept_lengths(lengths, stride)

    return pool_windows(pool, output_lengths, input, lengths, axis, operator="polyphase_pool1d", separable=False)


class PolyphasePool1d(LocalPool):
    """Adaptive polyphase sampling; see `polyphase_pool1d`. Its geometry counts the whole group of a sample."""

    def __init__(self, stride: int = 2, *, axis: Axis = -1) -> None:
        super().__init__(_check_stride(stride), stride, ceil_mode=True, axis=axis)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        return polyphase_pool1d(input, self.window.step, lengths=lengths, axis=self.axis)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds that hold the image of a box: whichever comb is kept, its sample is one of the group's.

        As wide as the samples of a group differ, however small the box: a small change may choose another comb.
        """

        def smallest(values: Tensor) -> Tensor:
            pooled = _smallest_of_groups(values, self.window.step, lengths, self.axis)
            return pooled if isinstance(pooled, Tensor) else pooled[0]

        return Bounds(smallest(lower), -smallest(-upper), None if lengths is None else self.output_lengths(lengths))
