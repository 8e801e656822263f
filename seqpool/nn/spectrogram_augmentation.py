"""Stretches of time and of frequency hidden from a network in training."""

from __future__ import annotations

import torch
from torch import Tensor

from seqpool.options.spectrogram import SpectrogramAugmentation
from seqpool.pooling.masks import zero_padding


def masked_spectrogram(
    maps: Tensor, lengths: Tensor | None, options: SpectrogramAugmentation, frame_rate_hz: float
) -> Tensor:
    """(N, C, F, T) with stretches set to the mean of each clip and channel (SpecAugment, Park et al. 2019).

    Every row has stretches of its own, in all channels the same; they lie within the row's length.
    """
    if not options.time_masks and not options.frequency_masks:
        return maps
    rows, _, bands, frames = maps.shape
    device = maps.device
    valid = torch.full((rows,), frames, device=device) if lengths is None else lengths
    hidden = torch.zeros((rows, 1, bands, frames), dtype=torch.bool, device=device)
    for _ in range(options.time_masks):
        stretch = _stretches(valid, max(options.time_mask_s * frame_rate_hz, 1.0), frames)
        hidden |= stretch[:, None, None, :]
    for _ in range(options.frequency_masks):
        everything = torch.full((rows,), bands, device=device)
        hidden |= _stretches(everything, float(options.frequency_mask_bands), bands)[:, None, :, None]
    count = (valid.clamp(min=1) * bands).to(maps.dtype)[:, None]
    mean = (zero_padding(maps, lengths).sum(dim=(2, 3)) / count)[:, :, None, None]
    return zero_padding(torch.where(hidden, mean, maps), lengths)


def _stretches(sizes: Tensor, longest: float, positions: int) -> Tensor:
    """(N, positions) bool: True in one stretch of each row of 0 to `longest` positions below the row's size."""
    width = torch.rand(len(sizes), device=sizes.device) * (longest + 1)
    width = torch.minimum(width.floor(), sizes).long()
    start = (torch.rand(len(sizes), device=sizes.device) * (sizes - width + 1)).long()
    place = torch.arange(positions, device=sizes.device)
    return (place >= start[:, None]) & (place < (start + width)[:, None])
