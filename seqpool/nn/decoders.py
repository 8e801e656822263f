"""An answer at every sample: levels of convolution and pooling, and a decoder that brings them back to the samples."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqpool.nn.convolution import ConvolutionBlock, SameConv1d
from seqpool.options import networks
from seqpool.options.pooling import Pooling
from seqpool.pooling import global_pool, local_pool
from seqpool.pooling.geometry import Geometry, stack
from seqpool.pooling.masks import zero_padding
from seqpool.pooling.modules import LocalPool

Level = tuple[Tensor, Tensor | None]
"""Maps (N, C, L) and how many of their positions are valid (N,)."""


def twice_as_many(x: Tensor, lengths: Tensor | None = None) -> Tensor:
    """(N, C, L) to (N, C, 2 L) by straight lines between the centres of the cells, the end cells held.

    Output t lies at (t + 1/2) / 2 - 1/2 of the input, where the centre of a cell pooled over two positions is, so that
    pooling by the average and coming back leaves a ramp where it was (torch: linear, align_corners=False). What stands
    past a length is not looked at.
    """
    before = torch.cat([x[..., :1], x[..., :-1]], dim=-1)
    after = torch.cat([x[..., 1:], x[..., -1:]], dim=-1)
    if lengths is not None:
        last = torch.arange(x.shape[-1], device=x.device) >= (lengths - 1)[:, None, None]
        after = torch.where(last, x, after)
    pairs = torch.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], dim=-1)
    return pairs.flatten(-2)


def brought_to(level: Level, doublings: int) -> Tensor:
    """A level after so many doublings of its positions."""
    x, lengths = level
    for _ in range(doublings):
        x = twice_as_many(x, lengths)
        lengths = None if lengths is None else 2 * lengths
    return x


class UNetDecoder(nn.Module):
    """From the deepest level up: doubled, joined with the level of that rate, convolved (Ronneberger et al. 2015).

    forward takes the levels, finest first, each with half the positions of the one before, and returns maps of the
    finest level's positions.
    """

    def __init__(self, channels: Sequence[int], width: int, convolutions: int, dropout: float) -> None:
        super().__init__()
        below = channels[-1]
        blocks = []
        for own in reversed(channels[:-1]):
            blocks.append(ConvolutionBlock(below + own, own, width, convolutions=convolutions, dropout=dropout))
            below = own
        self.blocks = nn.ModuleList(blocks)
        self.output_channels = below

    def forward(self, levels: Sequence[Level]) -> Tensor:
        """(N, output_channels, L) of the finest level."""
        x, lengths = levels[-1]
        for block, (skip, skip_lengths) in zip(self.blocks, reversed(levels[:-1]), strict=True):
            x, lengths = block(torch.cat([twice_as_many(x, lengths), skip], dim=1), skip_lengths)
        return x


class FeaturePyramidDecoder(nn.Module):
    """Every level to a common number of channels, added from the deepest up, one convolution (Lin et al. 2017)."""

    def __init__(self, channels: Sequence[int], common: int, width: int, dropout: float) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(SameConv1d(own, common, 1) for own in channels)
        self.block = ConvolutionBlock(common, common, width, dropout=dropout)
        self.output_channels = common

    def forward(self, levels: Sequence[Level]) -> Tensor:
        """(N, common, L) of the finest level."""
        x: Tensor | None = None
        lengths: Tensor | None = None
        for lateral, (level, level_lengths) in zip(reversed(self.laterals), reversed(levels), strict=True):
            own = lateral(level)
            x = own if x is None else own + twice_as_many(x, lengths)
            lengths = level_lengths
        assert x is not None
        found: Tensor = self.block(x, lengths)[0]
        return found


class HypercolumnDecoder(nn.Module):
    """All levels brought to the finest one's positions, stacked, one convolution (Hariharan et al. 2015)."""

    def __init__(self, channels: Sequence[int], hidden: int, width: int, dropout: float) -> None:
        super().__init__()
        self.block = ConvolutionBlock(sum(channels), hidden, width, dropout=dropout)
        self.output_channels = hidden

    def forward(self, levels: Sequence[Level]) -> Tensor:
        """(N, hidden, L) of the finest level."""
        column = torch.cat([brought_to(level, doublings) for doublings, level in enumerate(levels)], dim=1)
        found: Tensor = self.block(column, levels[0][1])[0]
        return found


class SampleLabeller(nn.Module):
    """Labels every sample of a signal.

    forward takes (N, channels, L), and returns (N, outputs, L) logits; with lengths (N,) the pair of the logits, 0 past
    a length, and the lengths. The first `outputs` - `whole_outputs` channels speak of their sample; the last
    `whole_outputs` of the whole row and are the same at all of its positions. A row gives the same values alone,
    padded, or in any batch: it is lengthened with zeros to a multiple of `multiple` and cut again at the end.
    """

    def __init__(self, options: networks.SampleLabeller, channels: int, outputs: int) -> None:
        """`outputs`: all of them, those of the whole row included. Raises ValueError where too few are left."""
        super().__init__()
        self.options = options
        self.doublings = options.stem_pool.bit_length() - 1
        self.multiple = 2 ** (self.doublings + len(options.channels) - 1)
        if outputs <= options.whole_outputs:
            raise ValueError(f"{outputs} outputs leave none for the samples beside {options.whole_outputs} of the row")
        self.stem = ConvolutionBlock(channels, options.stem, options.stem_width)
        self.stem_pools = nn.ModuleList(_halving(options.pool, options.stem) for _ in range(self.doublings))
        inputs = [options.stem, *options.channels[:-1]]
        self.levels = nn.ModuleList(
            ConvolutionBlock(one, own, options.width, convolutions=options.convolutions, dropout=options.block_dropout)
            for one, own in zip(inputs, options.channels, strict=True)
        )
        self.pools = nn.ModuleList(_halving(options.pool, own) for own in options.channels[:-1])
        self.decoder = _decoder(options)
        self.samples = SameConv1d(self.decoder.output_channels, outputs - options.whole_outputs, 1)
        self.whole_pool = global_pool(options.whole_pool, options.channels[-1]) if options.whole_outputs else None
        self.whole = (
            None
            if self.whole_pool is None
            else nn.Linear(self.whole_pool.output_channels(options.channels[-1]), options.whole_outputs)
        )

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Logits (N, outputs, L), with lengths the pair."""
        size = x.shape[2]
        x = F.pad(zero_padding(x, lengths), (0, -size % self.multiple))
        whole_cells = None if lengths is None else (lengths + self.multiple - 1) // self.multiple * self.multiple
        levels = self._levels(x, whole_cells)
        logits = brought_to((self.samples(self.decoder(levels)), levels[0][1]), self.doublings)
        if self.whole is not None and self.whole_pool is not None:
            deepest, deepest_lengths = levels[-1]
            said = self.whole(self.whole_pool(deepest, lengths=deepest_lengths))
            logits = torch.cat([logits, said[:, :, None].expand(-1, -1, logits.shape[2])], dim=1)
        logits = zero_padding(logits[:, :, :size], lengths)
        return logits if lengths is None else (logits, lengths)

    def _levels(self, x: Tensor, lengths: Tensor | None) -> list[Level]:
        x, lengths = self.stem(x, lengths)
        for pool in self.stem_pools:
            x, lengths = _pooled(pool, x, lengths)
        levels = []
        for level, pool in itertools.zip_longest(self.levels, self.pools):
            x, lengths = level(x, lengths)
            levels.append((x, lengths))
            if pool is not None:
                x, lengths = _pooled(pool, x, lengths)
        return levels

    def geometries(self) -> list[Geometry]:
        """Jump, receptive field and start of each level on the way down, finest first."""
        found = []
        whole = stack([self.stem.geometry(), *(_geometry(pool) for pool in self.stem_pools)])
        for level, pool in itertools.zip_longest(self.levels, self.pools):
            assert isinstance(level, ConvolutionBlock)
            whole = whole >> level.geometry()
            found.append(whole)
            if pool is not None:
                whole = whole >> _geometry(pool)
        return found


def _halving(choice: Pooling, channels: int) -> LocalPool:
    """A pool over pairs whose cells lie between their two positions, where `twice_as_many` expects them."""
    pool = local_pool(choice, 2, 2, channels)
    if pool.output_channels(channels) != channels:
        raise ValueError(f"pool {choice.name} changes the channels, expected one that only halves the positions")
    if pool.geometry.centre() != Fraction(1, 2):
        raise ValueError(
            f"pool {pool} has its cells {float(pool.geometry.centre()):g} positions from the first, where coming back "
            "expects 0.5 (with blur, another number of taps has it)"
        )
    return pool


def _geometry(pool: nn.Module) -> Geometry:
    assert isinstance(pool, LocalPool)
    return pool.geometry


def _pooled(pool: nn.Module, x: Tensor, lengths: Tensor | None) -> Level:
    if lengths is None:
        return pool(x), None
    output, new_lengths = pool(zero_padding(x, lengths), lengths=lengths)
    return output, new_lengths


def _decoder(options: networks.SampleLabeller) -> UNetDecoder | FeaturePyramidDecoder | HypercolumnDecoder:
    channels, dropout = options.channels, options.block_dropout
    if options.decoder == "unet":
        return UNetDecoder(channels, options.width, options.convolutions, dropout)
    if options.decoder == "fpn":
        return FeaturePyramidDecoder(channels, options.decoder_channels, options.width, dropout)
    return HypercolumnDecoder(channels, options.decoder_channels, options.width, dropout)
