"""Max-blur: the maximum at every position, then a low-pass filter before samples are dropped.

A maximum that moves by one sample moves the output a little instead of entirely or not at all. The gradient of an
output is spread by the filter's taps over the first winners of its windows. Zhang, "Making convolutional networks
shift-invariant again", ICML 2019.

Use it in place of maximum pooling when outputs should change little under a small shift.
"""

from __future__ import annotations

from torch import Tensor

from seqpool.pooling.axes import Axis, Pooled, pool_windows
from seqpool.pooling.geometry import Geometry
from seqpool.pooling.intervals import Bounds, ends_of_sums
from seqpool.pooling.modules import LocalPool
from seqpool.pooling.operators.blur import blur_taps, check_padding_mode, kept_lengths, windowed_blur
from seqpool.pooling.operators.maximum import windowed_largest
from seqpool.pooling.windows import Window


def max_blur_pool1d(
    input: Tensor,
    kernel_size: int,
    stride: int | None = None,
    taps: int | None = None,
    padding_mode: str = "reflect",
    *,
    lengths: Tensor | None = None,
    axis: Axis = -1,
) -> Pooled:
    """Largest value of the window at each position (no padding), low-pass filtered, every `stride`-th kept.

    Args:
        input: (N, C, L), or any floating-point tensor with `axis` named.
        kernel_size: positions of one maximum.
        stride: None means kernel_size.
        taps, padding_mode: the filter, as in `blur_pool1d`.
        lengths: (N,) valid positions of each row.
        axis: the axis that is pooled; one only, since one after the other is another operator.

    Returns:
        (N, C, ceil((L - kernel_size + 1) / stride)); with `lengths` the pair (output, new lengths).

    Raises:
        UsageError: a size or mode is out of range, or lengths do not fit the batch.
    """
    window = Window(kernel_size, 1)
    step = kernel_size if stride is None else stride
    filter_taps = blur_taps(step, taps)
    check_padding_mode(padding_mode)

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        most = windowed_largest(batch, lengths, window)
        return windowed_blur(
            most, None if lengths is None else window.output_lengths(lengths), step, filter_taps, padding_mode
        )

    def output_lengths(lengths: Tensor) -> Tensor:
        return kept_lengths(window.output_lengths(lengths), step)

    return pool_windows(pool, output_lengths, input, lengths, axis, operator="max_blur_pool1d", separable=False)


class MaxBlurPool1d(LocalPool):
    """Maximum, then blur; see `max_blur_pool1d`."""

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        taps: int | None = None,
        padding_mode: str = "reflect",
        *,
        axis: Axis = -1,
    ) -> None:
        super().__init__(kernel_size, stride, axis=axis)
        self.taps = taps
        self.padding_mode = check_padding_mode(padding_mode)
        blur_taps(self.window.step, taps)

    @property
    def geometry(self) -> Geometry:
        size = len(blur_taps(self.window.step, self.taps))
        blur = Geometry(jump=self.window.step, receptive_field=size, start=-((size - 1) // 2))
        return Window(self.kernel_size, 1).geometry >> blur

    def output_length(self, length: int) -> int:
        return -(-Window(self.kernel_size, 1).output_length(length) // self.window.step)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return kept_lengths(Window(self.kernel_size, 1).output_lengths(lengths), self.window.step)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        return max_blur_pool1d(
            input, self.kernel_size, self.stride, self.taps, self.padding_mode, lengths=lengths, axis=self.axis
        )

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: no value's rise makes the result fall."""
        return ends_of_sums(self, lower, upper, lengths, self.values_pooled(lower))
