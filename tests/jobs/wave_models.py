"""Artifacts of a network that finds waves by the height of the signal, so that its answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from seqpool.artifact import input_config, save_artifact
from seqpool.options.facts import Facts
from seqpool.options.signal_input import Signal
from seqpool.options.training import WAVE_OUTPUTS

LEVELS = (0.0, 0.3, 1.0, 0.6)
"""Heights of none, P, QRS and T."""


class Heights(nn.Module):
    """The label whose height is nearest the sample's; P waves are there when `weight` is positive."""

    def __init__(self, channels: int, outputs: int, length: int | None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(5.0))

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """(N, 5, L)."""
        near = -200.0 * (x - torch.tensor(LEVELS)[None, :, None]).abs()
        return torch.cat([near, self.weight.expand(x.shape[0], 1, x.shape[2])], dim=1)


def save_wave_model(path: Path, *, with_p: bool = True, **changes: Any) -> Path:
    """Writes an artifact of `Heights` at 250 Hz, without filters and scaling; the keywords replace facts."""
    reads = Signal(leads=("II",), rate_hz=250, highpass_hz=None, lowpass_hz=None, normalise="none", window_s=4.0)
    values: dict[str, Any] = {
        "job": "waves", "network": {"class_path": f"{__name__}.Heights", "init_args": {}},
        "input": input_config(reads), "target": "waves", "classes": list(WAVE_OUTPUTS), "length": None,
        "parameters": 1, "offset": [], "scale": [], "temperature": 1.0, "thresholds": [0.5], "geometry": {},
        "data": {"leads": {"judged": "II", "also trained on": ["V1"]}}, "metrics": {}, "seed": 0, "licence": "none",
    }  # fmt: skip
    network = Heights(1, 5, None)
    if not with_p:
        network.weight.data.fill_(-5.0)
    save_artifact(path, Facts(**{**values, **changes}), network)
    return path
