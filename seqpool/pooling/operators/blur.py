"""Blur: a fixed low-pass filter before samples are dropped, so that little folds back; also called average-blur.

Binomial filters of n taps have gain cos(w / 2)^(n - 1). Above stride 2 the triangle of 2 s - 1 taps is the default:
with a box, it alone removes every frequency that folds onto the constant. The gradient of x_i is the tap that weighs
it. Zhang, "Making convolutional networks shift-invariant again", ICML 2019.

Use it wherever samples are dropped and the answer should not depend on where the signal starts.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from seqpool.errors import UsageError
from seqpool.pooling.axes import Axis, Pooled, pool_windows
from seqpool.pooling.geometry import Geometry
from seqpool.pooling.intervals import Bounds, ends_of_sums
from seqpool.pooling.masks import fill_padding
from seqpool.pooling.modules import LocalPool
from seqpool.pooling.windows import blank

PADDING_MODES = ("reflect", "replicate", "zero", "circular")


def binomial_taps(count: int) -> list[float]:
    """Binomial filter of 2 to 7 taps, sum 1."""
    if isinstance(count, bool) or not isinstance(count, int) or not 2 <= count <= 7:
        raise UsageError(f"taps is {count!r}, expected a whole number from 2 to 7.")
    return [math.comb(count - 1, index) / 2 ** (count - 1) for index in range(count)]


def triangle_taps(stride: int) -> list[float]:
    """Box of `stride` taps convolved with itself: 2 stride - 1 taps, sum 1."""
    return [(stride - abs(index)) / stride**2 for index in range(1 - stride, stride)]


def blur_taps(stride: int, taps: int | None) -> list[float]:
    """The filter before every `stride`-th sample: binomial of `taps`; by default 3, above stride 2 the triangle."""
    if isinstance(stride, bool) or not isinstance(stride, int) or stride < 1:
        raise UsageError(f"stride is {stride!r}, expected a whole number of at least 1.")
    if taps is not None:
        return binomial_taps(taps)
    return triangle_taps(stride) if stride > 2 else binomial_taps(3)


def check_padding_mode(padding_mode: str) -> str:
    if padding_mode not in PADDING_MODES:
        raise UsageError(f"padding_mode is {padding_mode!r}, expected one of {' '.join(PADDING_MODES)}.")
    return padding_mode


def _mirrored(positions: Tensor, lengths: Tensor, padding_mode: str) -> Tensor:
    """Which position of a row of `lengths` stands for each of `positions`, which may lie outside of it."""
    last = (lengths - 1).clamp(min=0)
    if padding_mode == "replicate":
        return positions.clamp(min=0).minimum(last)
    if padding_mode == "circular":
        return positions.remainder(lengths.clamp(min=1))
    inside = positions.remainder((2 * last).clamp(min=1))
    return inside.minimum(2 * last - inside)


def _extended(batch: Tensor, lengths: Tensor | None, left: int, right: int, padding_mode: str) -> Tensor:
    """`batch` (N, C, L) with `left` and `right` values beyond each row's own ends: (N, C, left + L + right)."""
    rows, channels, size = batch.shape
    filled = batch if lengths is None else fill_padding(batch, lengths)
    if padding_mode == "zero":
        return functional.pad(filled, (left, right))
    device = batch.device
    ends = torch.full((rows, 1), size, device=device) if lengths is None else lengths.unsqueeze(1)
    before = _mirrored(torch.arange(-left, 0, device=device), ends, padding_mode)
    beyond = ends + torch.arange(right, device=device)
    after = _mirrored(beyond, ends, padding_mode)
    edges = filled.gather(2, torch.cat([before, after], 1).unsqueeze(1).expand(rows, channels, left + right))
    if lengths is None:
        return torch.cat([edges[..., :left], filled, edges[..., left:]], 2)
    extended = torch.cat([edges[..., :left], filled, edges.new_zeros(rows, channels, right)], 2)
    return extended.scatter(2, (beyond + left).unsqueeze(1).expand(rows, channels, right), edges[..., left:])


def windowed_blur(batch: Tensor, lengths: Tensor | None, stride: int, taps: list[float], padding_mode: str) -> Tensor:
    """Filter each row and keep every `stride`-th value: (N, C, L) -> (N, C, ceil(L / stride))."""
    size = batch.shape[-1]
    if size == 0:
        return batch
    extended = _extended(batch, lengths, (len(taps) - 1) // 2, len(taps) // 2, padding_mode)
    channels = batch.shape[1]
    kernel = torch.tensor(taps, dtype=batch.dtype, device=batch.device).expand(channels, 1, len(taps))
    output = functional.conv1d(extended, kernel, stride=stride, groups=channels)
    return output if lengths is None else blank(output, kept_lengths(lengths, stride))


def kept_lengths(lengths: Tensor, stride: int) -> Tensor:
    """Rows' lengths when every `stride`-th sample is kept: rounded up."""
    return torch.div(lengths + (stride - 1), stride, rounding_mode="floor")


def blur_pool1d(
    input: Tensor,
    stride: int = 2,
    taps: int | None = None,
    padding_mode: str = "reflect",
    *,
    lengths: Tensor | None = None,
    axis: Axis = -1,
) -> Pooled:
    """Low-pass filter each row, then keep every `stride`-th value.

    Args:
        input: (N, C, L), or any floating-point tensor with `axis` named.
        stride: 1 filters only.
        taps: 2 to 7 binomial taps; None means 3, and the triangle of 2 stride - 1 taps for strides above 2. An even
            number of taps moves the centre by half a sample to the right.
        padding_mode: what stands beyond a row's own ends: `reflect`, `replicate`, `circular` keep a constant a
            constant, `zero` does not. Rows shorter than the filter are continued in the same way as often as needed.
        lengths: (N,) valid positions of each row.
        axis: the axis that is pooled, or several, one after the other.

    Returns:
        (N, C, ceil(L / stride)); with `lengths` the pair (output, new lengths).

    Raises:
        UsageError: stride, taps or padding_mode is out of range, or lengths do not fit the batch.
    """
    filter_taps = blur_taps(stride, taps)
    check_padding_mode(padding_mode)

    def pool(batch: Tensor, lengths: Tensor | None) -> Tensor:
        return windowed_blur(batch, lengths, stride, filter_taps, padding_mode)

    def output_lengths(lengths: Tensor) -> Tensor:
        return kept_lengths(lengths, stride)

    return pool_windows(pool, output_lengths, input, lengths, axis, operator="blur_pool1d", separable=True)


class BlurPool1d(LocalPool):
    """Low-pass filter, then keep every `stride`-th value; see `blur_pool1d`."""

    def __init__(
        self, stride: int = 2, taps: int | None = None, padding_mode: str = "reflect", *, axis: Axis = -1
    ) -> None:
        size = len(blur_taps(stride, taps))
        super().__init__(size, stride, (size - 1) // 2, axis=axis)
        self.taps = taps
        self.padding_mode = check_padding_mode(padding_mode)

    @property
    def geometry(self) -> Geometry:
        return Geometry(jump=self.window.step, receptive_field=self.kernel_size, start=-((self.kernel_size - 1) // 2))

    def output_length(self, length: int) -> int:
        return -(-length // self.window.step)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return kept_lengths(lengths, self.window.step)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Pooled:
        return blur_pool1d(input, self.window.step, self.taps, self.padding_mode, lengths=lengths, axis=self.axis)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box, attained but for rounding: no value's rise makes the result fall."""
        return ends_of_sums(self, lower, upper, lengths, self.values_pooled(lower))
