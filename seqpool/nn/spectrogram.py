"""Sound as a map of frequency and time, in the graph: the same in training, in use, on any device and exported."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from scipy.signal import savgol_coeffs
from scipy.signal.windows import hann
from torch import Tensor, nn

from seqpool.nn.pcen import pcen
from seqpool.options import spectrogram as options_of
from seqpool.pooling.masks import zero_padding
from seqpool.signal.filter_banks import filter_bank

DELTA_WIDTH = 9
"""Frames that a slope or curvature is fitted to, as in librosa."""

_SMALLEST = 1e-20
"""What silence is divided by."""


class Spectrogram(nn.Module):
    """The front end that `seqpool.options.spectrogram.Spectrogram` describes, for one sampling rate.

    Nothing in it is trained, and nothing of a row depends on the batch or on what stands past its length.

    Attributes:
        window, hop, transform: in samples. bands: rows of the map. frame_rate_hz: frames per second.
    """

    window_values: Tensor
    filters: Tensor
    delta_taps: Tensor

    def __init__(self, options: options_of.Spectrogram, rate_hz: float) -> None:
        """Raises ValueError where window, hop or a band holds nothing at this rate."""
        super().__init__()
        self.options = options
        self.rate_hz = rate_hz
        self.window, self.hop = round(options.window_s * rate_hz), round(options.hop_s * rate_hz)
        if self.window < 2 or self.hop < 1:
            raise ValueError(
                f"window_s {options.window_s:g} and hop_s {options.hop_s:g} are {self.window} and {self.hop} samples "
                f"at {rate_hz:g} Hz, expected at least 2 and 1"
            )
        self.transform = 1 << (self.window - 1).bit_length()
        if options.transform_s is not None:
            self.transform = round(options.transform_s * rate_hz)
        self.frame_rate_hz = rate_hz / self.hop
        before = (self.transform - self.window) // 2
        values = np.zeros(self.transform)
        values[before : before + self.window] = hann(self.window, sym=False)
        self.register_buffer("window_values", torch.from_numpy(values), persistent=False)
        if options.bands == "linear":
            filters = np.zeros((0, self.transform // 2 + 1))
        else:
            highest = rate_hz / 2 if options.highest_hz is None else options.highest_hz
            filters = filter_bank(
                options.bands,
                options.band_count,
                options.lowest_hz,
                highest,
                rate_hz,
                self.transform,
                equal_area=options.equal_area,
            )
        self.register_buffer("filters", torch.from_numpy(filters), persistent=False)
        self.bands = len(filters) or self.transform // 2 + 1
        taps = [savgol_coeffs(DELTA_WIDTH, order, deriv=order)[::-1].copy() for order in (1, 2)]
        self.register_buffer("delta_taps", torch.from_numpy(np.stack(taps)), persistent=False)

    def output_channels(self, channels: int) -> int:
        """Channels of the map for that many channels of sound."""
        return channels * len(self.options.views)

    def frames(self, samples: Tensor) -> Tensor:
        """(N,) lengths in samples as lengths in frames; 0 stays 0."""
        return torch.where(samples > 0, samples // self.hop + 1, 0)

    def forward(
        self, x: Tensor, lengths: Tensor | None = None, frequency_factor: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """(N, C, L) samples to (N, C · views, bands, 1 + L // hop), channel by channel; with lengths (N,) in samples
        the pair with the lengths in frames.

        frequency_factor: (N,) the row's frequencies are multiplied by this before they are summed into bands.
        """
        frames = None if lengths is None else self.frames(lengths)
        power = zero_padding(self.power(zero_padding(x, lengths)), frames)
        maps = self._compressed(self.band_power(power, frequency_factor), frames)
        if self.options.normalise == "clip":
            maps = _standardised(maps, frames)
        views = torch.stack([self._view(maps, name, frames) for name in self.options.views], dim=2)
        result = zero_padding(views.flatten(1, 2), frames)
        return result if frames is None else (result, frames)

    def power(self, x: Tensor) -> Tensor:
        """(N, C, L) to (N, C, transform // 2 + 1, 1 + L // hop): squared magnitude, not scaled."""
        half = self.transform // 2
        padded = F.pad(x, (half, self.transform - half))
        pieces = padded.unfold(-1, self.transform, self.hop)[..., : x.shape[-1] // self.hop + 1, :]
        spectrum = torch.fft.rfft(pieces * self.window_values.to(x.dtype))
        power: Tensor = spectrum.real.square() + spectrum.imag.square()
        return power.transpose(-1, -2)

    def band_power(self, power: Tensor, frequency_factor: Tensor | None = None) -> Tensor:
        """Power of the transform's frequencies, multiplied by each row's factor (N,), summed into bands."""
        filters = self.filters.to(power.dtype)
        if frequency_factor is None:
            return torch.matmul(filters, power) if len(filters) else power
        lower, share = _moved_bins(power.shape[-2], frequency_factor)
        share = share.to(power.dtype)
        if not len(filters):
            index, share = lower[:, None, :, None].expand(*power.shape), share[:, None, :, None]
            return power.gather(-2, index) * (1 - share) + power.gather(-2, index + 1) * share
        # the bands look elsewhere instead of the power being moved, which is many times larger
        rows = (len(frequency_factor), *filters.shape)
        index, share = lower[:, None, :].expand(*rows), share[:, None, :]
        moved = torch.zeros(rows, dtype=power.dtype, device=power.device)
        moved.scatter_add_(-1, index, filters * (1 - share)).scatter_add_(-1, index + 1, filters * share)
        return torch.matmul(moved[:, None], power)

    def _compressed(self, power: Tensor, frames: Tensor | None) -> Tensor:
        options = self.options
        if options.level == "clip":
            power = power / _clip_mean(power, frames).clamp(min=_SMALLEST)
        if options.compression == "log":
            return torch.log(power + options.log_floor)
        if options.compression == "pcen":
            return pcen(power, options.pcen, self.frame_rate_hz)
        if options.compression == "decibel":
            # padding is 0 here, so it is never a clip's peak
            decibel = 10 * torch.log10(power.clamp(min=options.log_floor))
            peak = decibel.amax(dim=(-2, -1), keepdim=True)
            return decibel if options.range_db is None else torch.maximum(decibel, peak - options.range_db)
        return power

    def _view(self, maps: Tensor, name: str, frames: Tensor | None) -> Tensor:
        if name == "plain":
            return maps
        if name == "row":
            total = zero_padding(maps, frames).sum(dim=-1, keepdim=True)
            return maps - total / _count(maps, frames)
        return self._delta(maps, 1 if name == "delta" else 2, frames)

    def _delta(self, maps: Tensor, order: int, frames: Tensor | None) -> Tensor:
        """Slope or curvature per frame by a fitted polynomial (Savitzky & Golay 1964)."""
        half = DELTA_WIDTH // 2
        steps = torch.arange(-half, maps.shape[-1] + half, device=maps.device).clamp(min=0)
        last = torch.full((1,), maps.shape[-1], device=maps.device) if frames is None else frames
        places = torch.minimum(steps, last[:, None].clamp(min=1) - 1).view(-1, 1, 1, steps.shape[0])
        around = maps.gather(-1, places.expand(*maps.shape[:-1], -1))
        rows = around.reshape(-1, 1, around.shape[-1])
        return F.conv1d(rows, self.delta_taps[order - 1].to(rows)[None, None]).reshape(maps.shape)


def _count(maps: Tensor, frames: Tensor | None) -> Tensor:
    """Valid frames of each row, at least 1: (N or 1, 1, 1, 1)."""
    if frames is None:
        return maps.new_full((1, 1, 1, 1), maps.shape[-1])
    return frames.clamp(min=1).to(maps.dtype).view(-1, 1, 1, 1)


def _clip_mean(maps: Tensor, frames: Tensor | None) -> Tensor:
    """Mean over bands and valid frames, (N, C, 1, 1)."""
    total = zero_padding(maps, frames).sum(dim=(-2, -1), keepdim=True)
    return total / (_count(maps, frames) * maps.shape[-2])


def _standardised(maps: Tensor, frames: Tensor | None) -> Tensor:
    """Mean 0 and deviation 1 over each clip; a clip of one value becomes 0."""
    centred = maps - _clip_mean(maps, frames)
    deviation = _clip_mean(centred.square(), frames).sqrt()
    return centred / deviation.clamp(min=1e-5)


def _moved_bins(bins: int, factor: Tensor) -> tuple[Tensor, Tensor]:
    """Where power at each frequency comes from when row n's is multiplied by factor[n]: (N, bins) the bin below, and
    the share of the one above it."""
    places = (torch.arange(bins, device=factor.device) / factor[:, None]).clamp(max=bins - 1)
    lower = places.floor().clamp(max=bins - 2)
    return lower.long(), places - lower


def frames_of(duration_s: float, options: options_of.Spectrogram, rate_hz: float) -> int:
    """Frames of a clip of so many seconds."""
    return math.floor(duration_s * rate_hz + 0.5) // max(round(options.hop_s * rate_hz), 1) + 1
