"""Artifacts of a network whose answer can be computed by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from seqpool.artifact import input_config, save_artifact
from seqpool.options.facts import Facts
from seqpool.options.signal_input import Signal


class MeanPower(nn.Module):
    """Output j of a signal (N, C, L) is (j + 1) · weight · (its mean square over valid samples - 0.05)."""

    def __init__(self, channels: int, outputs: int, length: int | None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(100.0))
        self.outputs = outputs

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """(N, outputs)."""
        total = (x**2).sum(dim=(1, 2))
        samples = torch.full((len(x),), x.shape[2]) if lengths is None else lengths
        score = self.weight * (total / (samples * x.shape[1]) - 0.05)
        return score[:, None] * torch.arange(1, self.outputs + 1)


def save_model(path: Path, signal: Signal | None = None, **changes: Any) -> Path:
    """Writes an artifact of `MeanPower`; the keywords replace facts."""
    reads = signal or Signal(leads=("II", "I"))
    values: dict[str, Any] = {
        "job": "recording", "network": {"class_path": f"{__name__}.MeanPower", "init_args": {}},
        "input": input_config(reads), "target": "multiclass", "classes": ["low", "high"], "length": None,
        "parameters": 1, "offset": [], "scale": [], "temperature": 2.0, "thresholds": [], "geometry": {}, "data": {},
        "metrics": {}, "seed": 0, "licence": "none",
    }  # fmt: skip
    facts = Facts(**{**values, **changes})
    save_artifact(path, facts, MeanPower(reads.channels, facts.outputs, None))
    return path
