"""Mean with standard deviation: how much, and how unevenly; twice the channels, first all means, then all deviations.

The deviation is the population's (divided by n), so one value has 0. Its gradient is (x_i - mean) / (n std), and 0
where the deviation is 0. Snyder et al., "X-vectors", ICASSP 2018, call it statistics pooling.

Use it when variation is the signal: speakers, noise levels, heart rate variability.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seqpool.pooling.axes import Axis, Pooled, join_channels
from seqpool.pooling.intervals import Bounds, magnitudes, rounding
from seqpool.pooling.modules import GlobalPool, LocalPool
from seqpool.pooling.operators.average import avg_pool1d, global_avg_pool1d, mean
from seqpool.pooling.operators.generalised_mean import power_norm
from seqpool.pooling.reduction import count_valid, reduce_all, reduce_windows, select, working_precision
from seqpool.pooling.same_windows import largest_of, smallest_of, summary_of
from seqpool.pooling.windows import Window


def deviation(values: Tensor, valid: Tensor | None) -> Tensor:
    """Standard deviation of the valid values, in two passes."""
    work = select(valid, working_precision(values), 0.0)
    count = count_valid(values, valid)
    count = count.clamp(min=1).unsqueeze(-1) if isinstance(count, Tensor) else count
    centred = select(valid, work - work.sum(-1, keepdim=True) / count, 0.0)
    variance = (centred.square().sum(-1, keepdim=True) / count).squeeze(-1)
    nothing = variance == 0
    return torch.where(nothing, 0.0, torch.where(nothing, 1.0, variance).sqrt()).to(values.dtype)


def mean_std_pool1d(
    input: Tensor,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    ceil_mode: bool = False,
    *,
    lengths: Tensor | None = None,
    axis: Axis = -1,
) -> Pooled:
    """Mean and standard deviation of each window: (N, C, L) -> (N, 2 C, windows).

    Arguments and errors as for `avg_pool1d`, but over one axis only, since one after the other is another operator.
    """
    window = Window(kernel_size, stride, padding, 1, ceil_mode)
    spread = reduce_windows(deviation, window, input, lengths, axis, operator="mean_std_pool1d", separable=False)
    average = avg_pool1d(input, kernel_size, stride, padding, ceil_mode, lengths=lengths, axis=axis)
    return join_channels(input, axis, average, spread)


def global_mean_std_pool1d(input: Tensor, *, lengths: Tensor | None = None, axis: Axis = -1) -> Tensor:
    """Mean and standard deviation of each row: (N, C, L) -> (N, 2 C); an empty row gives 0."""
    spread = reduce_all(
        deviation, input, lengths, axis, operator="global_mean_std_pool1d", separable=False, passes=True
    )
    joined = join_channels(input, axis, global_avg_pool1d(input, lengths=lengths, axis=axis), spread)
    assert isinstance(joined, Tensor)
    return joined


def mean_std_bounds(
    module: LocalPool | GlobalPool, lower: Tensor, upper: Tensor, lengths: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Lower and upper bounds of mean and deviation. Those of the mean are attained; the deviation's need not be.

    A deviation differs from that of the centres by at most the root mean square of the half widths, and is at most half
    the range (Popoviciu 1935).
    """
    slack = largest_of(module, magnitudes(lower, upper), lengths) * rounding(
        4 * (module.values_pooled(lower) + 4), lower.dtype
    )
    centre, half = (lower + upper) / 2, (upper - lower) / 2
    spread = summary_of(module, deviation, centre, lengths)
    reach = summary_of(module, lambda cells, valid: power_norm(cells, valid, 2.0, mean=True), half, lengths) + slack
    span = (largest_of(module, upper, lengths) - smallest_of(module, lower, lengths)) / 2
    least = (spread - reach - slack).clamp(min=0)
    most = torch.minimum(spread + reach, span) + slack
    low, high = (summary_of(module, mean, bound, lengths) for bound in (lower, upper))

    def joined(average: Tensor, spread: Tensor) -> Tensor:
        both = join_channels(lower, module.axis, average, spread)
        assert isinstance(both, Tensor)
        return both

    return joined(low - slack, least), joined(high + slack, most)


class MeanStdPool1d(LocalPool):
    """Mean and standard deviation of each window; see `mean_std_pool1d`."""

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
        return mean_std_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, lengths=lengths, axis=self.axis
        )

    def output_channels(self, channels: int) -> int:
        return 2 * channels

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds that hold the image of a box; see `mean_std_bounds`."""
        low, high = mean_std_bounds(self, lower, upper, lengths)
        return Bounds(low, high, None if lengths is None else self.output_lengths(lengths))


class GlobalMeanStdPool1d(GlobalPool):
    """Mean and standard deviation of each row; see `global_mean_std_pool1d`."""

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        return global_mean_std_pool1d(input, lengths=lengths, axis=self.axis)

    def output_channels(self, channels: int) -> int:
        return 2 * channels

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds that hold the image of a box; see `mean_std_bounds`."""
        return Bounds(*mean_std_bounds(self, lower, upper, lengths))
