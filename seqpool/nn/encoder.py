"""Blocks of convolution and pooling, a pool over all positions, a head."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from seqpool.nn.convolution import ConvolutionBlock, SameConv1d
from seqpool.nn.heads import dense_head, last_dense
from seqpool.nn.intervals import interval_of
from seqpool.options import networks
from seqpool.options.pooling import Pooling
from seqpool.pooling import GlobalAvgPool1d, global_pool
from seqpool.pooling.geometry import Geometry, stack
from seqpool.pooling.intervals import Bounds
from seqpool.pooling.masks import zero_padding


class Encoder(nn.Module):
    """Stacked conv/pool encoder for signals, and for letters where position matters.

    forward takes (N, channels, L) with or without lengths (N,) and returns (N, outputs) logits. A row gives the same
    values alone, padded, or in any batch.
    """

    def __init__(self, options: networks.Encoder, channels: int, outputs: int, length: int | None) -> None:
        """`length`: of every input, needed where the options keep positions apart. Raises ValueError without it."""
        super().__init__()
        if options.fixed_length and length is None:
            raise ValueError("skip and global_pool: flatten need inputs of one length, and these differ in length")
        if options.head == "class_maps" and (options.skip or options.pool_each or options.composition):
            raise ValueError("class_maps pools maps only: leave out skip, pool_each and composition")
        self.options = options
        self.length = length if options.fixed_length else None
        self.embedding = SameConv1d(channels, options.embedding, 1) if options.embedding else None
        inputs = (options.embedding or channels) + options.positions
        blocks = []
        for i, filters in enumerate(options.channels):
            block = ConvolutionBlock(
                inputs,
                filters,
                options.per_block("width")[i],
                stride=options.per_block("stride")[i],
                dilation=options.per_block("dilation")[i],
                convolutions=options.convolutions,
                pool=options.pool,
                pool_size=options.per_block("pool_size")[i],
                residual=options.residual,
                normalise=options.normalise,
                dropout=options.block_dropout,
            )
            blocks.append(block)
            inputs = block.output_channels
        self.blocks = nn.ModuleList(blocks)
        self.maps = SameConv1d(inputs, outputs, 1) if options.head == "class_maps" else None
        pooled = [block.output_channels for block in (blocks if options.pool_each else blocks[-1:])]
        self.pools = nn.ModuleList()
        if isinstance(options.global_pool, Pooling):
            self.pools = nn.ModuleList(
                global_pool(options.global_pool, outputs if self.maps is not None else one) for one in pooled
            )
        self.head: nn.Module | None = None
        if self.maps is not None:
            if not self.pools or self.pools[0].output_channels(outputs) != outputs:  # type: ignore[operator]
                raise ValueError("class_maps needs a global pool with one value per channel, such as average or max")
        else:
            features = self._feature_count(channels, pooled)
            self.head = dense_head(features, outputs, hidden=options.hidden, dropout=options.dropout)

    def _feature_count(self, channels: int, pooled: list[int]) -> int:
        options = self.options
        if self.pools:
            features = sum(pool.output_channels(one) for pool, one in zip(self.pools, pooled, strict=True))  # type: ignore[operator]
        else:
            assert self.length is not None
            length = self.length
            for i, block in enumerate(self.blocks):
                assert isinstance(block, ConvolutionBlock)
                length = -(-length // options.per_block("stride")[i])
                length = length if block.pool is None else block.pool.output_length(length)
            features = pooled[-1] * length
        if options.skip:
            assert self.length is not None
            features += channels * self.length
        return int(features + (channels if options.composition else 0))

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits (N, outputs)."""
        if self.length is not None and x.shape[2] != self.length:
            raise ValueError(f"the input has {x.shape[2]} positions, this network takes {self.length}")
        entry = x = zero_padding(x, lengths)
        entry_lengths = lengths
        if self.embedding is not None:
            x = self.embedding(x)
        if self.options.positions:
            x = torch.cat([x, self._positions(x)], dim=1)
        pooled = []
        for i, block in enumerate(self.blocks):
            x, lengths = block(x, lengths)
            if self.options.pool_each and i < len(self.blocks) - 1:
                pooled.append(self.pools[i](x, lengths=lengths))
        if self.maps is not None:
            maps = self.maps(zero_padding(x, lengths))
            return self.pools[0](maps, lengths=lengths)  # type: ignore[no-any-return]
        if self.pools:
            pooled.append(self.pools[-1](x, lengths=lengths))
        else:
            pooled.append(zero_padding(x, lengths).flatten(1))
        if self.options.skip:
            pooled.append(entry.flatten(1))
        if self.options.composition:
            count = entry.shape[2] if entry_lengths is None else entry_lengths.clamp(min=1)[:, None]
            pooled.append(entry.sum(dim=2) / count)
        assert self.head is not None
        return self.head(torch.cat(pooled, dim=1))  # type: ignore[no-any-return]

    def interval(
        self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None, *, first: Bounds | None = None
    ) -> Bounds:
        """Bounds of the logits while the input (N, channels, L) stays in a box.

        first: bounds of what `first_linear` gives, where the caller knows more than a box.
        """
        lower, upper = zero_padding(lower, lengths), zero_padding(upper, lengths)
        entry = bounds = Bounds(lower, upper, lengths)
        if self.embedding is not None:
            bounds = interval_of(self.embedding, lower, upper, None)._replace(lengths=lengths)
        if self.options.positions:
            places = self._positions(lower)
            wide = [torch.cat([end, places], dim=1) for end in (bounds.lower, bounds.upper)]
            bounds = Bounds(wide[0], wide[1], lengths)
        features: list[Bounds] = []
        for i, block in enumerate(self.blocks):
            assert isinstance(block, ConvolutionBlock)
            bounds = block.interval(*bounds, first=first if i == 0 else None)
            if self.options.pool_each and i < len(self.blocks) - 1:
                features.append(interval_of(self.pools[i], *bounds))
        if self.maps is not None:
            low, high, own = bounds
            maps = interval_of(self.maps, zero_padding(low, own), zero_padding(high, own))
            return interval_of(self.pools[0], maps.lower, maps.upper, own)
        low, high, own = bounds
        if self.pools:
            features.append(interval_of(self.pools[-1], low, high, own))
        else:
            features.append(Bounds(zero_padding(low, own).flatten(1), zero_padding(high, own).flatten(1)))
        if self.options.skip:
            features.append(Bounds(entry.lower.flatten(1), entry.upper.flatten(1)))
        if self.options.composition:
            features.append(GlobalAvgPool1d().interval(*entry))
        assert self.head is not None
        lowest = torch.cat([one.lower for one in features], dim=1)
        return interval_of(self.head, lowest, torch.cat([one.upper for one in features], dim=1))

    def first_linear(self) -> tuple[SameConv1d, nn.Module | None, nn.Module | None] | None:
        """The first convolution on the input with what is linear around it, as `SameConv1d.followed_by` takes them;
        None where more of the network sees the input."""
        options, block = self.options, self.blocks[0]
        assert isinstance(block, ConvolutionBlock)
        if self.embedding is not None or options.positions or options.skip or options.composition:
            return None
        alone = block.shortcut is None or block.first_linear()[2] is not None
        return block.first_linear() if alone else None

    def last_layers(self) -> list[nn.Linear]:
        """The dense layer that gives the logits; none where maps are pooled."""
        return [] if self.head is None else [last_dense(self.head)]

    def _positions(self, x: Tensor) -> Tensor:
        """(N, positions, L) sines and cosines of wavelengths from 4 to 1024 positions (Vaswani et al. 2017)."""
        pairs = self.options.positions // 2
        waves = 4.0 * 256.0 ** (torch.arange(pairs, device=x.device) / max(pairs - 1, 1))
        angle = 2 * math.pi * torch.arange(x.shape[2], device=x.device)[None, :] / waves[:, None]
        return torch.cat([angle.sin(), angle.cos()]).to(x.dtype).expand(x.shape[0], -1, -1)

    def geometry(self) -> Geometry:
        """Jump, receptive field and start of the positions that the global pool sees."""
        return stack([block.geometry() for block in self.blocks if isinstance(block, ConvolutionBlock)])
