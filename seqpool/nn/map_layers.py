"""Blocks of 2-D convolution and pooling on maps whose last axis has lengths, a pool over the map, a head."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqpool.nn.heads import dense_head
from seqpool.nn.map_normalisation import NormReLU2d, column_mask
from seqpool.options import map_networks
from seqpool.pooling import BlurPool1d, avg_pool1d, blur_pool1d, global_pool
from seqpool.pooling.balance import StridePlan
from seqpool.pooling.geometry import Geometry, conv_geometry, stack
from seqpool.pooling.masks import zero_padding

Pair = tuple[Tensor, Tensor | None]


class MapBlock(nn.Module):
    """Convolutions with normalisation and ReLU, dropout of channels, then a pool with a stride for each axis.

    Takes and gives maps (N, C, rows, columns) and lengths (N,) in columns; past a length stands 0.
    """

    def __init__(
        self, in_channels: int, out_channels: int, options: map_networks.MapLayers, stride: tuple[int, int]
    ) -> None:
        """stride: of columns, of rows."""
        super().__init__()
        self.keeps_size = options.padding == "same"
        self.padding = options.width // 2 if self.keeps_size else 0
        inputs = [in_channels] + [out_channels] * (options.convolutions - 1)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(one, out_channels, options.width, padding=self.padding, bias=not options.normalise)
            for one in inputs
        )
        self.norms = nn.ModuleList(NormReLU2d(out_channels) if options.normalise else nn.ReLU() for _ in inputs)
        self.dropout = nn.Dropout2d(options.block_dropout)
        self.pool = options.pool
        self.stride = stride
        self.width = options.width

    def forward(self, x: Tensor, lengths: Tensor | None) -> Pair:
        """The map and its lengths after the block."""
        lost = self.width - 1 - 2 * self.padding
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = convolution(x)
            lengths = lengths if lengths is None or not lost else (lengths - lost).clamp(min=0)
            if isinstance(norm, NormReLU2d):
                x = norm(x, lengths)
            else:
                x = norm(x) if lengths is None else norm(x) * column_mask(lengths, x)
        return self._pooled(self.dropout(x), lengths)

    def _pooled(self, x: Tensor, lengths: Tensor | None) -> Pair:
        columns, rows = self.stride
        if rows == columns == 1:
            return x, lengths
        ceil = self.keeps_size
        if lengths is not None:
            shorter = (lengths + columns - 1) // columns if ceil else lengths // columns
        if self.pool == "max":
            # past a length stands 0, which is no more than any value after ReLU
            x = F.max_pool2d(x, (rows, columns), ceil_mode=ceil)
        elif self.pool == "average":
            x = _along(x, None, rows, axis=2, ceil=ceil)
            x = _along(x, lengths, columns, axis=3, ceil=ceil)
        else:
            if self.pool == "max_blur":
                x = F.max_pool2d(F.pad(x, (0, columns - 1, 0, rows - 1)), (rows, columns), stride=1)
            x = _blurred(x, None, rows, axis=2)
            x = _blurred(x, lengths, columns, axis=3)
        return x, None if lengths is None else shorter

    def time_geometry(self) -> Geometry:
        """Jump, receptive field and start of one output, in columns of the block's input."""
        return self._geometry(self.stride[0])

    def frequency_geometry(self) -> Geometry:
        """The same in rows."""
        return self._geometry(self.stride[1])

    def _geometry(self, stride: int) -> Geometry:
        pooled = [conv_geometry(stride, stride)]
        if "blur" in self.pool and stride > 1:
            most = [conv_geometry(stride)] if self.pool == "max_blur" else []
            pooled = [*most, BlurPool1d(stride).geometry]
        return stack([*(conv_geometry(self.width, padding=self.padding) for _ in self.convolutions), *pooled])


def _along(x: Tensor, lengths: Tensor | None, stride: int, *, axis: int, ceil: bool) -> Tensor:
    if stride == 1:
        return x
    pooled = avg_pool1d(x, stride, ceil_mode=ceil, lengths=lengths, axis=axis)
    return pooled if isinstance(pooled, Tensor) else pooled[0]


def _blurred(x: Tensor, lengths: Tensor | None, stride: int, *, axis: int) -> Tensor:
    if stride == 1:
        return x
    pooled = blur_pool1d(x, stride, lengths=lengths, axis=axis)
    return pooled if isinstance(pooled, Tensor) else pooled[0]


class MapLayers(nn.Module):
    """All blocks, the pool over the map and the head that `seqpool.options.map_networks.MapLayers` describes.

    A row gives the same values alone, padded, or in any batch.
    """

    def __init__(
        self,
        options: map_networks.MapLayers,
        strides: map_networks.Strides,
        channels: int,
        rows: int,
        columns: int | None,
        outputs: int,
    ) -> None:
        """rows, columns: of the input map; columns None where they differ. Raises ValueError where a map would be
        empty, and where options keep columns apart and they differ."""
        super().__init__()
        self.options = options
        self.strides = strides
        inputs, blocks = channels, []
        for filters, stride in zip(options.channels, strides, strict=True):
            blocks.append(MapBlock(inputs, filters, options, stride))
            inputs = filters
            rows = _size_after(rows, options, stride[1])
            columns = None if columns is None else _size_after(columns, options, stride[0])
        if rows < 1 or (columns is not None and columns < 1):
            raise ValueError("the blocks leave an empty map: take fewer blocks or smaller strides")
        self.blocks = nn.ModuleList(blocks)
        self.blocks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if options.global_axes in ("frequency", "none") and columns is None:
            raise ValueError(f"global_axes: {options.global_axes} needs inputs of one length, and these differ")
        self.pool: nn.Module | None = None
        features = inputs * {"both": 1, "time": rows, "frequency": columns or 1, "none": rows * (columns or 1)}[
            options.global_axes
        ]  # fmt: skip
        if options.global_axes != "none":
            pool = global_pool(options.global_pool, features)
            self.pool, features = pool, pool.output_channels(features)
        self.head = dense_head(features, outputs, hidden=options.hidden, dropout=options.dropout)

    def maps(self, x: Tensor, lengths: Tensor | None = None) -> Pair:
        """(N, C, rows, columns) to the final map and its lengths."""
        x = zero_padding(x, lengths).contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            x, lengths = block(x, lengths)
        return x, lengths

    def answer(self, maps: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits (N, outputs) from the final map."""
        axes = self.options.global_axes
        if axes == "both":
            rows = maps.shape[2]
            flat = maps.transpose(2, 3).flatten(2)
            lengths = None if lengths is None else lengths * rows
        elif axes == "frequency":
            flat, lengths = zero_padding(maps, lengths).transpose(2, 3).flatten(1, 2), None
        else:
            flat = maps.flatten(1, 2)
        if self.pool is None:
            return self.head(zero_padding(flat, lengths).flatten(1))  # type: ignore[no-any-return]
        return self.head(self.pool(flat.contiguous(), lengths=lengths))  # type: ignore[no-any-return]

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits (N, outputs) of maps (N, C, rows, columns)."""
        return self.answer(*self.maps(x, lengths))

    def plan(self, frames: int, bands: int) -> StridePlan:
        """What becomes of a map of so many frames and bands."""
        time, frequency = zip(*self.strides, strict=True)
        return StridePlan(tuple(time), tuple(frequency), *self.sizes(frames, bands)[-1])

    def sizes(self, frames: int, bands: int) -> list[tuple[int, int]]:
        """Frames and bands after each block."""
        found = []
        for time, frequency in self.strides:
            frames, bands = _size_after(frames, self.options, time), _size_after(bands, self.options, frequency)
            found.append((frames, bands))
        return found


def _size_after(size: int, options: map_networks.MapLayers, stride: int) -> int:
    if options.padding == "valid":
        return max(0, size - options.convolutions * (options.width - 1)) // stride
    return -(-size // stride)
