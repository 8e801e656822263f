"""Other summaries of what a module pools, its windows or whole rows: what the bounds of some operators are made of."""

from __future__ import annotations

from torch import Tensor

from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.operators.maximum import global_max_pool1d, max_pool1d
from seqpool.pooling.reduction import Reduction, reduce_all, reduce_windows


def summary_of(module: LocalPool | GlobalPool, reduction: Reduction, values: Tensor, lengths: Tensor | None) -> Tensor:
    """`reduction` of each window or row of a module; 0 where it holds nothing."""
    name = type(module).__name__
    if isinstance(module, GlobalPool):
        return reduce_all(reduction, values, lengths, module.axis, operator=name, separable=False)
    pooled = reduce_windows(reduction, module.window, values, lengths, module.axis, operator=name, separable=False)
    return pooled if isinstance(pooled, Tensor) else pooled[0]


def largest_of(module: LocalPool | GlobalPool, values: Tensor, lengths: Tensor | None) -> Tensor:
    """Largest valid value of each window or row of a module; 0 where it holds nothing."""
    if isinstance(module, GlobalPool):
        return global_max_pool1d(values, lengths=lengths, axis=module.axis)
    window = module.window
    pooled = max_pool1d(
        values, window.kernel_size, window.step, window.padding, window.dilation, window.ceil_mode,
        lengths=lengths, axis=module.axis,
    )  # fmt: skip
    return pooled if isinstance(pooled, Tensor) else pooled[0]


def smallest_of(module: LocalPool | GlobalPool, values: Tensor, lengths: Tensor | None) -> Tensor:
    """Smallest valid value of each window or row of a module; 0 where it holds nothing."""
    return -largest_of(module, -values, lengths)
