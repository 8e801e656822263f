"""Images of boxes: the bounds of an operator's result while every value of its input stays between two bounds.

Each operator says in its own file which image it has and whether both ends are attained. Sums are rounded, in the
bounds and in the prediction that they are about, and not always in the same order: the bounds of an operator that adds
are wider by what n additions can be off, n u / (1 - n u) times the sum of magnitudes, u half the distance from 1 to the
next number (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 4.2). They hold for predictions in
the type of the bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from seqpool.errors import UsageError
from seqpool.pooling.axes import Axis, Pooled


class Bounds(NamedTuple):
    """lower, upper: tensors of the shape of a forward pass. lengths: new lengths where the forward pass gives them."""

    lower: Tensor
    upper: Tensor
    lengths: Tensor | None = None


def magnitudes(lower: Tensor, upper: Tensor) -> Tensor:
    """The largest magnitude that each value of a box can have."""
    return torch.maximum(lower.abs(), upper.abs())


def rounding(operations: int, dtype: torch.dtype) -> float:
    """What so many operations can be off, relative to the sum of the magnitudes: n u / (1 - n u)."""
    share = operations * torch.finfo(dtype).eps / 2
    if share >= 1:
        raise UsageError(f"{operations:,} values are too many to bound the rounding of {dtype}; use a wider type.")
    return share / (1 - share)


def widened(bounds: Bounds, slack: Tensor | float) -> Bounds:
    """Bounds further apart by `slack` on either side."""
    return Bounds(bounds.lower - slack, bounds.upper + slack, bounds.lengths)


def values_along(input: Tensor, axis: Axis) -> int:
    """Values of a row along one axis, or along several one after the other."""
    return sum(input.shape[number] for number in ([axis] if isinstance(axis, int) else axis))


def _split(pooled: Pooled) -> tuple[Tensor, Tensor | None]:
    return pooled if isinstance(pooled, tuple) else (pooled, None)


def ends(
    pool: Callable[[Tensor, Tensor | None], Pooled], lower: Tensor, upper: Tensor, lengths: Tensor | None
) -> Bounds:
    """[pool(lower), pool(upper)]: the image under an operator that falls in none of its values, both ends attained."""
    low, new_lengths = _split(pool(lower, lengths))
    high, _ = _split(pool(upper, lengths))
    return Bounds(low, high, new_lengths)


def ends_of_sums(
    pool: Callable[[Tensor, Tensor | None], Pooled],
    lower: Tensor,
    upper: Tensor,
    lengths: Tensor | None,
    values: int,
) -> Bounds:
    """As `ends`, for weighted sums of at most so many values, no weight below 0, wider by what rounding may do."""
    bounds = ends(pool, lower, upper, lengths)
    if lower.numel() and bool((lower >= 0).all()):  # as after ReLU: the upper bounds are the magnitudes
        size = bounds.upper
    else:
        size, _ = _split(pool(magnitudes(lower, upper), lengths))
    # a value's weight is rounded too, and so are the slack and the two bounds
    return widened(bounds, rounding(values + 4, lower.dtype) * size)


def powers_of_magnitudes(
    pool: Callable[[Tensor, Tensor | None], Pooled],
    lower: Tensor,
    upper: Tensor,
    lengths: Tensor | None,
    values: int,
    exponent: float,
) -> Bounds:
    """[pool(a), pool(A)] for an operator of |x| that rises with each: a and A are the least and largest magnitudes.

    Both ends are attained. A relative error of each power, of their sum and of its root is allowed for.
    """
    least = torch.where((lower <= 0) & (upper >= 0), torch.zeros_like(lower), torch.minimum(lower.abs(), upper.abs()))
    bounds = ends(pool, least, magnitudes(lower, upper), lengths)
    operations = 12 + int(2 * (values + 4) / min(exponent, values + 4.0))
    share = rounding(operations, lower.dtype)
    return Bounds(bounds.lower * (1 - share), bounds.upper * (1 + share), bounds.lengths)
