"""What all pooling modules share: arguments under their own names, a repr that is the constructor call, geometry."""

from __future__ import annotations

import inspect

from torch import Tensor, nn

from seqpool.errors import UsageError
from seqpool.pooling.axes import Axis
from seqpool.pooling.geometry import Geometry
from seqpool.pooling.intervals import Bounds, values_along
from seqpool.pooling.windows import Window


class PoolingModule(nn.Module):
    """A pooling layer. Every constructor argument is an attribute of the same name; `repr` is the constructor call."""

    def __repr__(self) -> str:
        shown = []
        for name, parameter in inspect.signature(type(self).__init__).parameters.items():
            if name == "self":
                continue
            value = getattr(self, name)
            if parameter.default is inspect.Parameter.empty:
                shown.append(repr(value))
            elif value != parameter.default:
                shown.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def output_channels(self, channels: int) -> int:
        """Channels of the output for that many channels of the input."""
        return channels

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds of the result while each value of the input stays between `lower` and `upper`, both (N, C, L).

        Gradients pass through. Raises UsageError for an operator in a mode that has no bounds.
        """
        raise UsageError(f"{type(self).__name__} has no interval map.")


class LocalPool(PoolingModule):
    """Pooling over sliding windows: (N, C, L) -> (N, C, windows), with `lengths` a pair of output and new lengths.

    Args:
        kernel_size: cells of one window.
        stride: positions between windows; None means kernel_size.
        padding: positions before the row and after it, never counted as values; at most kernel_size // 2.
        dilation: positions between two cells of one window.
        ceil_mode: keep the last window when it reaches past the end.
        axis: the axis that is pooled, or two of a time x frequency map where that is exact.
    """

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        dilation: int = 1,
        ceil_mode: bool = False,
        *,
        axis: Axis = -1,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.ceil_mode = ceil_mode
        self.axis = axis
        self.window = Window(kernel_size, stride, padding, dilation, ceil_mode)

    @property
    def geometry(self) -> Geometry:
        """Receptive field, jump and start of this layer."""
        return self.window.geometry

    def output_length(self, length: int) -> int:
        """Positions of the output for that many positions of the input."""
        return self.window.output_length(length)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """New lengths of rows: (N,) -> (N,)."""
        return self.window.output_lengths(lengths)

    def values_pooled(self, input: Tensor) -> int:
        """Values of the input that one of the output is made of, at most."""
        return self.kernel_size * (1 if isinstance(self.axis, int) else len(self.axis))


class GlobalPool(PoolingModule):
    """Pooling over whole rows: (N, C, L) -> (N, C); no length is left, so the result is a tensor with `lengths` too.

    Args:
        axis: the axis that is pooled and goes, or two of a time x frequency map where that is exact.
    """

    def __init__(self, *, axis: Axis = -1) -> None:
        super().__init__()
        self.axis = axis

    def values_pooled(self, input: Tensor) -> int:
        """Values of the input that one of the output is made of, at most."""
        return values_along(input, self.axis)
