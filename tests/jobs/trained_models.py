"""Artifacts of small networks on letters, with weights as the test wants them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seqpool.artifact import input_config, save_artifact
from seqpool.nn.build import build_network
from seqpool.options.facts import Facts
from seqpool.options.inputs import Letters
from seqpool.options.networks import network_config, network_record


def saved_network(
    path: Path,
    class_path: str,
    init_args: dict[str, Any],
    *,
    alphabet: str = "dna",
    change: Callable[[nn.Module], None] = lambda network: None,
) -> nn.Module:
    """Write a network with random weights, changed, to an artifact, and return it."""
    torch.manual_seed(0)
    record, letters = network_record({"class_path": class_path, "init_args": init_args}), Letters(alphabet)
    network = build_network(record, letters, 1, None)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn_like(parameter) / 2)
        change(network)
    facts = Facts(
        job="sequence", network=network_config(record), input=input_config(letters), target="binary",
        classes=["no", "yes"], length=None, parameters=1, offset=[], scale=[], temperature=1.0, thresholds=[0.5],
        geometry={}, data={}, metrics={}, seed=0, licence="none",
    )  # fmt: skip
    save_artifact(path, facts, network)
    return network.eval()
