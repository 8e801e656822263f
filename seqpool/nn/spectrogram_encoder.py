"""Sound to answers: a spectrogram, blocks whose strides balance time and frequency, a pool, a head."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqpool.nn.map_layers import MapBlock, MapLayers
from seqpool.nn.spectrogram import Spectrogram, frames_of
from seqpool.nn.spectrogram_augmentation import masked_spectrogram
from seqpool.options import map_networks
from seqpool.pooling.balance import balanced_plan
from seqpool.pooling.geometry import Geometry, conv_geometry, stack


class SpectrogramEncoder(nn.Module):
    """forward takes (N, channels, L) samples with or without lengths (N,) and returns (N, outputs) logits.

    A row gives the same values alone, padded, or in any batch.
    """

    def __init__(
        self,
        options: map_networks.SpectrogramEncoder,
        channels: int,
        rate_hz: float,
        outputs: int,
        length: int | None,
    ) -> None:
        """length: of every input in samples, needed where the options keep frames apart. Raises ValueError."""
        super().__init__()
        self.options = options
        self.length = length if options.fixed_length else None
        self.front = Spectrogram(options.front, rate_hz)
        columns = None if length is None else length // self.front.hop + 1
        self.layers = MapLayers(
            options,
            strides_of(options, rate_hz, self.front.bands),
            self.front.output_channels(channels),
            self.front.bands,
            columns,
            outputs,
        )

    def maps(self, x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """(N, channels, L) samples to the final map (N, C, bands', frames') and its lengths in frames'."""
        augment = self.options.augment
        if self.training and lengths is not None and bool((lengths == x.shape[2]).all()):
            lengths = None  # nothing is padded, and without masks a step takes half the time
        if torch.compiler.is_compiling() and self.length is None:
            # an exported graph refuses axes of size 1: padding, which changes nothing, makes a second final frame
            lengths = lengths if lengths is not None else torch.full(x.shape[:1], x.shape[2], device=x.device)
            x = F.pad(x, (0, self.front.hop * math.prod(time for time, _ in self.layers.strides)))
        factor = None
        if self.training and augment.frequency_warp:
            factor = 1 + augment.frequency_warp * (2 * torch.rand(len(x), device=x.device) - 1)
        found = self.front(x, lengths, factor)
        spectrogram, frames = found if isinstance(found, tuple) else (found, None)
        if self.training:
            spectrogram = masked_spectrogram(spectrogram, frames, augment, self.front.frame_rate_hz)
        return self.layers.maps(spectrogram, frames)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits (N, outputs)."""
        if self.length is not None and x.shape[2] != self.length:
            raise ValueError(f"the input has {x.shape[2]} samples, this network takes {self.length}")
        return self.layers.answer(*self.maps(x, lengths))

    def geometry(self) -> Geometry:
        """Jump, receptive field and start in samples of one column of the final map."""
        front = conv_geometry(self.front.transform, self.front.hop, padding=self.front.transform // 2)
        blocks = [block.time_geometry() for block in self.layers.blocks if isinstance(block, MapBlock)]
        return stack([front, *blocks])


def strides_of(options: map_networks.SpectrogramEncoder, rate_hz: float, bands: int) -> map_networks.Strides:
    """The strides given, or those that balance the final map of a typical clip. Raises ValueError."""
    if options.strides is not None:
        return options.strides
    wanted = options.balance
    assert wanted is not None
    plan = balanced_plan(
        frames_of(wanted.clip_s, options.front, rate_hz),
        bands,
        len(options.channels),
        wanted.ratio,
        least_frames=wanted.least_frames,
        least_bands=wanted.least_bands,
        cells=wanted.cells,
    )
    pairs = tuple(zip(plan.time, plan.frequency, strict=True))
    return pairs if wanted.first == "small" else pairs[::-1]
