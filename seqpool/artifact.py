"""A trained model as one file: weights and everything needed to use them.

A `.safetensors` file whose one metadata entry `seqpool` is JSON that a person can read. No pickle anywhere. Reading is
strict: an unknown version, a missing field, a wrong shape or a weight that is not finite is one sentence.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import nn

from seqpool.errors import DataError, SeqpoolError
from seqpool.io.output import open_binary_output
from seqpool.nn.build import build_network
from seqpool.options.check import plain, record
from seqpool.options.facts import METADATA_KEY, Facts, read_facts
from seqpool.options.inputs import INPUTS, NetworkInput
from seqpool.options.networks import network_record


@dataclass(frozen=True)
class Artifact:
    """A model that is ready to use: `network` is in evaluation mode and returns logits (or scaled values)."""

    facts: Facts
    input: NetworkInput
    network: nn.Module

    @property
    def takes_one_length(self) -> bool:
        """Whether every input must have the length `facts.length`."""
        return bool(getattr(network_record(self.facts.network), "fixed_length", False))


def input_config(network_input: NetworkInput) -> dict[str, Any]:
    """`{kind, ...}` of an input record."""
    kind = next(kind for kind, cls in INPUTS.items() if type(network_input) is cls)
    return {"kind": kind, **plain(network_input)}


def save_artifact(path: str | Path, facts: Facts, network: nn.Module) -> None:
    """Writes the file, whole or not at all; the same model gives the same bytes.

    Raises DataError where the file cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    text = json.dumps(asdict(facts), sort_keys=True, ensure_ascii=False, indent=1)
    with open_binary_output(path) as stream:
        stream.write(save(tensors, metadata={METADATA_KEY: text}))


def load_artifact(path: str | Path) -> Artifact:
    """The model in a file. Raises DataError for a file that is damaged or of another kind."""
    name, facts, tensors = str(path), read_facts(path), _tensors(path)
    try:
        values = dict(facts.input)
        network_input: NetworkInput = record(INPUTS[values.pop("kind")], values, key=("input",))
        network = build_network(network_record(facts.network), network_input, facts.outputs, facts.length)
    except (SeqpoolError, KeyError, AttributeError) as error:
        raise DataError(f"{name} describes a model that cannot be built: {error}") from error
    expected = network.state_dict()
    for missing in expected.keys() - tensors.keys():
        raise DataError(f"{name} lacks the weight {missing}: the file is damaged.")
    for tensor_name, tensor in tensors.items():
        if tensor_name not in expected:
            raise DataError(f"{name} holds the weight {tensor_name}, which its network does not have.")
        if tensor.shape != expected[tensor_name].shape:
            raise DataError(
                f"{name}: weight {tensor_name} is {tuple(tensor.shape)}, expected {tuple(expected[tensor_name].shape)}."
            )
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise DataError(f"{name}: weight {tensor_name} is not finite.")
    network.load_state_dict(tensors)
    return Artifact(facts, network_input, network.eval().requires_grad_(False))


def _tensors(path: str | Path) -> dict[str, torch.Tensor]:
    with safe_open(str(path), framework="pt") as opened:
        return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
