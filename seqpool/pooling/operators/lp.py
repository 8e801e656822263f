"""Lp norm of |x|: the sum of magnitudes at p = 1, root of the energy at p = 2, the largest magnitude towards infinity.

torch's LPPool takes powers of x itself, which is NaN or of the wrong sign for negative values; this is the norm of
|x|. The gradient is sign(x_i) (|x_i| / y)^(p - 1), and 0 where x_i = 0.

Use it for the energy of a window whatever the sign of its values: p = 2 of a band-passed signal.
"""

from __future__ import annotations

from torch import Tensor

from seqpool.pooling.axes import Axis, Pooled
from seqpool.pooling.intervals import Bounds, powers_of_magnitudes
from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.operators.generalised_mean import check_exponent, power_norm
from seqpool.pooling.reduction import Reduction, reduce_all, reduce_windows
from seqpool.pooling.windows import Window


def _reduction(norm_type: float) -> Reduction:
    p = check_exponent(norm_type)

    def reduction(values: Tensor, valid: Tensor | None) -> Tensor:
        return power_norm(values, valid, p, mean=False)

    return reduction


def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: int,
    stride: int | None = None,
    ceil_mode: bool = False,
    *,
    lengths: Tensor | None = None,
    axis: Axis = -1,
) -> Pooled:
    """(sum |x|^p)^(1/p) of each window.

    Args:
        input: (N, C, L), or any floating-point tensor with `axis` named.
        norm_type: p, above 0; infinity is the largest magnitude.
        kernel_size, stride, ceil_mode: as in torch.nn.functional.lp_pool1d.
        lengths: (N,) valid positions of each row.
        axis: the axis that is pooled, or several, one after the other.

    Returns:
        (N, C, windows), never below 0; with `lengths` the pair (output, new lengths).

    Raises:
        UsageError: a size or p is out of range, or lengths do not fit the batch.
    """
    window = Window(kernel_size, stride, 0, 1, ceil_mode)
    return reduce_windows(_reduction(norm_type), window, input, lengths, axis, operator="lp_pool1d", separable=True)


def global_lp_pool1d(input: Tensor, norm_type: float, *, lengths: Tensor | None = None, axis: Axis = -1) -> Tensor:
    """(sum |x|^p)^(1/p) of each row: (N, C, L) -> (N, C); an empty row gives 0. Raises UsageError as lp_pool1d does."""
    return reduce_all(_reduction(norm_type), input, lengths, axis, operator="global_lp_pool1d", separable=True)


class LPPool1d(LocalPool):
    """Lp norm of each window; see `lp_pool1d`."""

    def __init__(
        self,
        norm_type: float,
        kernel_size: int,
        stride: int | None = None,
        ceil_mode: bool = False,
        *,
        axis: Axis = -1,
    ) -> None:
        super().__init__(kernel_size, stride, 0, 1, ceil_mode, axis=axis)
        self.norm_type = check_exponent(norm_type)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        return lp_pool1d(
            input, self.norm_type, self.kernel_size, self.stride, self.ceil_mode, lengths=lengths, axis=self.axis
        )

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: the result rises with every magnitude."""
        return powers_of_magnitudes(self, lower, upper, lengths, self.values_pooled(lower), self.norm_type)


class GlobalLPPool1d(GlobalPool):
    """Lp norm of each row; see `global_lp_pool1d`."""

    def __init__(self, norm_type: float, *, axis: Axis = -1) -> None:
        super().__init__(axis=axis)
        self.norm_type = check_exponent(norm_type)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        return global_lp_pool1d(input, self.norm_type, lengths=lengths, axis=self.axis)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: the result rises with every magnitude."""
        return powers_of_magnitudes(self, lower, upper, lengths, self.values_pooled(lower), self.norm_type)
