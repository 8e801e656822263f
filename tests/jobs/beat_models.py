"""Artifacts of a network that finds beats by the height of the signal, so that its answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from seqpool.artifact import input_config, save_artifact
from seqpool.nn.build import build_network
from seqpool.options import networks
from seqpool.options.beat_inputs import BeatSignal
from seqpool.options.facts import Facts

HEIGHT_MV = 0.5
"""A sample above this is near an R peak."""

SHAPE = networks.BeatNetwork(
    detector=networks.SampleLabeller(stem=1, stem_width=1, stem_pool=1, channels=(1,), width=1, convolutions=1),
    stem=2,
    channels=(2,),
    feature_units=4,
    hidden=4,
)
"""A detector whose convolutions are 1 wide, and a small classifier."""


def save_beat_model(path: Path, **changes: Any) -> Path:
    """Writes an artifact at 125 Hz, without filters and scaling; the keywords replace facts.

    A sample's logit is that of its height: beats are where the signal is higher than HEIGHT_MV. Classes are those of
    weights from a seed.
    """
    reads = BeatSignal(leads=("MLII", "II"), rate_hz=125, highpass_hz=None, lowpass_hz=None, normalise="none")
    values: dict[str, Any] = {
        "job": "beats", "network": networks.network_config(SHAPE), "input": input_config(reads), "target": "multiclass",
        "classes": ["N", "S", "V", "F"], "length": None, "parameters": 1, "offset": [], "scale": [],
        "temperature": 1.0, "thresholds": [], "geometry": {}, "data": {}, "metrics": {}, "seed": 0, "licence": "none",
    }  # fmt: skip
    torch.manual_seed(0)
    network: Any = build_network(SHAPE, reads, 4, None)
    for name, tensor in network.detector.named_parameters():
        tensor.data.fill_(0.0 if name.endswith("bias") else 1.0)
    network.detector.samples.weight.data.fill_(10.0)
    network.detector.samples.bias.data.fill_(-10.0 * HEIGHT_MV)
    save_artifact(path, Facts(**{**values, **changes}), network)
    return path
