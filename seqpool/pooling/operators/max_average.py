"""Maximum and average side by side: twice the channels, first all maxima, then all averages.

Each half routes its gradient as the operator alone does.

Use it before a dense head that can afford twice the channels: presence and share side by side.
"""

from __future__ import annotations

from torch import Tensor

from seqpool.pooling.axes import Axis, Pooled, join_channels
from seqpool.pooling.intervals import Bounds, ends_of_sums
from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.operators.average import avg_pool1d, global_avg_pool1d
from seqpool.pooling.operators.maximum import global_max_pool1d, max_pool1d


def max_average_pool1d(
    input: Tensor,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    ceil_mode: bool = False,
    *,
    lengths: Tensor | None = None,
    axis: Axis = -1,
) -> Pooled:
    """Maximum and average of each window: (N, C, L) -> (N, 2 C, windows). Arguments and errors as for `avg_pool1d`."""
    most = max_pool1d(input, kernel_size, stride, padding, 1, ceil_mode, lengths=lengths, axis=axis)
    average = avg_pool1d(input, kernel_size, stride, padding, ceil_mode, lengths=lengths, axis=axis)
    return join_channels(input, axis, most, average)


def global_max_average_pool1d(input: Tensor, *, lengths: Tensor | None = None, axis: Axis = -1) -> Tensor:
    """Maximum and average of each row: (N, C, L) -> (N, 2 C); an empty row gives 0."""
    most = global_max_pool1d(input, lengths=lengths, axis=axis)
    average = global_avg_pool1d(input, lengths=lengths, axis=axis)
    joined = join_channels(input, axis, most, average)
    assert isinstance(joined, Tensor)
    return joined


class MaxAveragePool1d(LocalPool):
    """Maximum and average of each window; see `max_average_pool1d`."""

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        ceil_mode: bool = False,
        *,
        axis: Axis = -1,
    ) -> None:
        super().__init__(kernel_size, stride, padding, 1, ceil_mode, axis=axis)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        return max_average_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, lengths=lengths, axis=self.axis
        )

    def output_channels(self, channels: int) -> int:
        return 2 * channels

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: no value's rise makes the result fall."""
        return ends_of_sums(self, lower, upper, lengths, self.values_pooled(lower))


class GlobalMaxAveragePool1d(GlobalPool):
    """Maximum and average of each row; see `global_max_average_pool1d`."""

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        return global_max_average_pool1d(input, lengths=lengths, axis=self.axis)

    def output_channels(self, channels: int) -> int:
        return 2 * channels

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: no value's rise makes the result fall."""
        return ends_of_sums(self, lower, upper, lengths, self.values_pooled(lower))
