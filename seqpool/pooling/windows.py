"""Sliding windows: how a local operator cuts an axis, with lengths, padding and dilation exact.

Window j covers the positions j * stride - padding + dilation * i for i < kernel_size. A position is valid when it lies
in the row: not in the padding, not past the row's length.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from seqpool.errors import UsageError
from seqpool.pooling.geometry import Geometry, conv_geometry, output_length
from seqpool.pooling.masks import fill_padding

FEW_CELLS = 8
"""Cells of a window up to which a strided copy for each is faster than a view of overlapping windows."""


@dataclass(frozen=True)
class Window:
    """The numbers that place windows, checked; a stride of None means the kernel size, as in torch."""

    kernel_size: int
    stride: int | None = None
    padding: int = 0
    dilation: int = 1
    ceil_mode: bool = False

    def __post_init__(self) -> None:
        for name, value, least in (
            ("kernel_size", self.kernel_size, 1),
            ("stride", self.step, 1),
            ("padding", self.padding, 0),
            ("dilation", self.dilation, 1),
        ):
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise UsageError(f"{name} is {value!r}, expected a whole number of at least {least}.")
        if self.padding > self.kernel_size // 2:
            raise UsageError(f"padding is {self.padding}, expected at most half of kernel_size {self.kernel_size}.")

    @property
    def step(self) -> int:
        """Positions between two windows."""
        return self.kernel_size if self.stride is None else self.stride

    @property
    def extent(self) -> int:
        """Positions from a window's first to its last, both included."""
        return self.dilation * (self.kernel_size - 1) + 1

    @property
    def geometry(self) -> Geometry:
        """Receptive field, jump and start."""
        return conv_geometry(self.kernel_size, self.step, self.padding, self.dilation)

    def output_length(self, length: int) -> int:
        """Windows over `length` positions."""
        return output_length(length, self.kernel_size, self.step, self.padding, self.dilation, self.ceil_mode)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """The same formula on each row's own length: (N,) -> (N,)."""
        span = lengths + (2 * self.padding - self.extent)
        if self.ceil_mode:
            count = -torch.div(-span, self.step, rounding_mode="floor") + 1
            count = count - ((count - 1) * self.step >= lengths + self.padding).to(count.dtype)
        else:
            count = torch.div(span, self.step, rounding_mode="floor") + 1
        return torch.where(lengths > 0, count.clamp(min=0), 0)

    def right_padding(self, length: int) -> int:
        """Positions that the last window reaches past `length`; at least 0."""
        return max(0, (self.output_length(length) - 1) * self.step - self.padding + self.extent - length)

    def starts(self, length: int, device: torch.device) -> Tensor:
        """First position of each window over `length` positions: (windows,) int64."""
        return torch.arange(self.output_length(length), device=device) * self.step - self.padding

    def valid_counts(self, length: int, lengths: Tensor | None, device: torch.device) -> Tensor:
        """Valid positions in each window: (N, windows), or (1, windows) without lengths."""
        starts = self.starts(length, device)
        ends = torch.full((1, 1), length, device=device) if lengths is None else lengths.unsqueeze(1)
        first = torch.div(starts.clamp(max=0).neg() + self.dilation - 1, self.dilation, rounding_mode="floor")
        stop = torch.div(ends - starts + self.dilation - 1, self.dilation, rounding_mode="floor")
        return (stop.clamp(max=self.kernel_size) - first).clamp(min=0)

    def covers_only_valid(self, length: int) -> bool:
        """Whether no window over `length` positions reaches into padding."""
        return self.padding == 0 and self.right_padding(length) == 0

    def may_hold_nothing(self) -> bool:
        """Whether a window that counts may hold no valid position: only dilation can step over a whole short row."""
        return self.dilation > 1 and self.overhangs()

    def overhangs(self) -> bool:
        """Whether a window that counts may reach past a row's length."""
        return self.padding > 0 or self.ceil_mode

    def few_cells(self, input: Tensor) -> bool:
        """Whether passes over `cells` of `input`, a block of rows at a time, are the fastest way: on a CPU."""
        return (
            self.kernel_size <= FEW_CELLS
            and input.dtype in (torch.float32, torch.float64)
            and input.device.type == "cpu"
            and not torch.compiler.is_compiling()
        )

    def cells(self, input: Tensor, fill: float) -> list[Tensor]:
        """First cell of all windows of `input` (N, C, L), second, ...: (N, C, windows) each, `fill` in the padding."""
        count, right = self.output_length(input.shape[-1]), self.right_padding(input.shape[-1])
        if count and (self.padding or right):
            input = torch.nn.functional.pad(input, (self.padding, right), value=fill)
        reach = max(0, (count - 1) * self.step + 1)
        return [input[..., first : first + reach : self.step] for first in range(0, self.extent, self.dilation)]

    def cut(self, input: Tensor, fill: float) -> Tensor:
        """All windows of `input` (N, C, L): (N, C, windows, kernel_size), `fill` in the padding."""
        length = input.shape[-1]
        if self.output_length(length) == 0:
            return input.new_zeros((*input.shape[:-1], 0, self.kernel_size))
        if self.kernel_size <= FEW_CELLS:
            return torch.stack(self.cells(input, fill)).movedim(0, -1)
        right = self.right_padding(length)
        if self.padding or right:
            input = torch.nn.functional.pad(input, (self.padding, right), value=fill)
        return input.unfold(-1, self.extent, self.step)[..., :: self.dilation]

    def valid(self, length: int, lengths: Tensor | None, device: torch.device) -> Tensor | None:
        """Which cells of `cut` are valid: (N or 1, 1, windows, kernel_size) bool, or None when all are."""
        if lengths is None and self.covers_only_valid(length):
            return None
        offsets = torch.arange(self.kernel_size, device=device) * self.dilation
        positions = self.starts(length, device).unsqueeze(1) + offsets
        ends = length if lengths is None else lengths.reshape(-1, 1, 1, 1)
        valid = (positions >= 0) & (positions < ends)
        return valid.reshape(-1, 1, *positions.shape)


def blank(output: Tensor, lengths: Tensor) -> Tensor:
    """`output` (N, C, windows) with 0 past each row's new length; the gradient there is 0."""
    return fill_padding(output, lengths)
