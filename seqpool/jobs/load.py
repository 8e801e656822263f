"""A trained network to use from Python."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from seqpool.artifact import load_artifact
from seqpool.zoo.shipped import model_file


def load(model: str | Path) -> nn.Module:
    """The network of an artifact, or of a shipped model by its name: a `torch.nn.Module` in evaluation mode, on plain
    tensors. Raises DataError for a damaged file, UsageError for a name that is neither."""
    return load_artifact(model_file(model)).network
