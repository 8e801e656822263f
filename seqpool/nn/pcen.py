"""Per-channel energy normalisation, as a convolution over time."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from seqpool.options.spectrogram import Pcen

FORGOTTEN = 1e-10
"""The smoothed energy looks back to where a frame's weight falls below this."""


def smoothing(time_constant: float) -> float:
    """Weight of the new frame in the smoothed energy; time_constant in frames (librosa's formula)."""
    square = time_constant**2
    return (math.sqrt(1 + 4 * square) - 1) / (2 * square)


def pcen(power: Tensor, options: Pcen, frame_rate_hz: float) -> Tensor:
    """(N, C, F, T) power to its energy-normalised form.

    M[t] = (1 - b) M[t-1] + b E[t]; P = (E / (eps + M)^gain + bias)^power - bias^power, without cancellation. Frames
    look at earlier ones only, so padding behind a row does not matter.
    """
    energy = options.scale * power
    b = smoothing(options.time_constant_s * frame_rate_hz)
    taps = math.ceil(math.log(FORGOTTEN) / math.log1p(-b)) if b < 1 else 1
    steps = torch.arange(taps, dtype=torch.float64)
    kernel = (b * (1 - b) ** steps).flip(0).to(energy)
    rows = energy.reshape(-1, 1, energy.shape[-1])
    smooth = F.conv1d(F.pad(rows, (taps - 1, 0)), kernel[None, None]).reshape(energy.shape)
    frames = torch.arange(1, energy.shape[-1] + 1, device=energy.device)
    start = torch.exp(math.log1p(-b) * frames) if b < 1 else torch.zeros_like(frames)
    smooth = smooth + start.to(energy) * (energy[..., :1] if options.start == "first" else 1.0)
    gain = torch.exp(-options.gain * (math.log(options.eps) + torch.log1p(smooth / options.eps)))
    above: Tensor = torch.expm1(options.power * torch.log1p(energy * gain / options.bias))
    return above * float(options.bias**options.power)
