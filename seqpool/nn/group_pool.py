"""Pooling over a group: the readings of one sequence in several frames or on two strands, whose order says nothing."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from seqpool.nn.intervals import interval_of
from seqpool.options.pooling import Pooling
from seqpool.pooling import GlobalMaxPool1d, GlobalMinPool1d, global_pool
from seqpool.pooling.intervals import Bounds

Reduce = Pooling | str | Mapping[str, object] | nn.Module
"""A global pooling operator of `seqpool.pooling`: by name, as `{"name": ..., parameter: value}`, or the module."""


class GroupPool(nn.Module):
    """One value per channel from all members of a group: (N, C, members) -> (N, C).

    With lengths (N,) only the first `lengths[n]` members of a row count, and a row without any gives 0, as everywhere
    in `seqpool.pooling`. Sums are taken in float64 and rounded once at the end: in float32 the mean of three values
    differs in its last bit in a quarter of all rows when the three trade places, and members of a group do.

    Args:
        reduce: which operator. Anything that looks at values and not at their order is invariant; `stochastic` is in
            evaluation.
        channels: of the values, for operators that learn something for each.

    Raises:
        UsageError: no such operator.
    """

    def __init__(self, reduce: Reduce = "max", channels: int = 1) -> None:
        super().__init__()
        self.reduce = reduce if isinstance(reduce, nn.Module) else global_pool(reduce, channels)

    def forward(self, values: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(N, C, members) to (N, C), or what the operator makes of C channels."""
        if isinstance(self.reduce, GlobalMaxPool1d | GlobalMinPool1d):
            return self.reduce(values, lengths)  # type: ignore[no-any-return]
        exact = {name: parameter.double() for name, parameter in self.reduce.named_parameters()}
        pooled = torch.func.functional_call(self.reduce, exact, (values.double(), lengths))
        return pooled.to(values.dtype)  # type: ignore[no-any-return]

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds of the result while the values stay in a box: those of the operator in the type of the values, which
        hold for its sums in float64 too."""
        return interval_of(self.reduce, lower, upper, lengths)
