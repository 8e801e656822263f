"""A trained model as one file: weights and everything needed to use them.

A `.safetensors` file whose one metadata entry `seqpool` is JSON that a person can read. No pickle anywhere. Reading is
strict: an unknown version, a missing field, a wrong shape or a weight that is not finite is one sentence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from seqpool import __version__
from seqpool.errors import DataError, SeqpoolError
from seqpool.io.output import open_binary_output
from seqpool.nn.build import build_network
from seqpool.options.check import plain, record
from seqpool.options.inputs import INPUTS, NetworkInput
from seqpool.options.networks import network_record
from seqpool.options.training import TARGETS

FORMAT_VERSION = 1

METADATA_KEY = "seqpool"


@dataclass(frozen=True)
class Facts:
    """What the file says of the model.

    job: one of `sequence recording beats waves coding audio image`.
    network: `{class_path, init_args}`. input: `{kind, ...}` with every number of the preprocessing.
    target: binary, multiclass, multilabel or regression. classes: class names, or the targets' names of a regression.
    length: of every input where the network takes only one. parameters: number of trained weights.
    offset, scale: of each regression target: value = offset + scale * output.
    temperature: logits are divided by it. thresholds: per class; one for a binary target; empty for multi-class.
    geometry: receptive field and stride in positions. data: name, files, split rule. metrics: with protocol and part.
    """

    job: str
    network: dict[str, Any]
    input: dict[str, Any]
    target: str
    classes: list[str]
    length: int | None
    parameters: int
    offset: list[float]
    scale: list[float]
    temperature: float
    thresholds: list[float]
    geometry: dict[str, Any]
    data: dict[str, Any]
    metrics: dict[str, Any]
    seed: int
    licence: str
    format_version: int = FORMAT_VERSION
    package_version: str = field(default_factory=lambda: __version__)

    @property
    def outputs(self) -> int:
        """Logits or values per input."""
        return 1 if self.target == "binary" else len(self.classes)


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
    kind = next(kind for kind, cls in INPUTS.items() if isinstance(network_input, cls))
    return {"kind": kind, **plain(network_input)}


def save_artifact(path: str | Path, facts: Facts, network: nn.Module) -> None:
    """Writes the file, whole or not at all; the same model gives the same bytes.

    Raises DataError where the file cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    text = json.dumps(asdict(facts), sort_keys=True, ensure_ascii=False, indent=1)
    with open_binary_output(path) as stream:
        stream.write(save(tensors, metadata={METADATA_KEY: text}))


def read_facts(path: str | Path) -> Facts:
    """The JSON of an artifact, checked. Raises DataError."""
    return _facts(*_open(path))


def load_artifact(path: str | Path) -> Artifact:
    """The model in a file. Raises DataError for a file that is damaged or of another kind."""
    name, metadata, tensors = *_open(path), _tensors(path)
    facts = _facts(name, metadata)
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


def load(path: str | Path) -> nn.Module:
    """The network of an artifact: a `torch.nn.Module` in evaluation mode, on plain tensors."""
    return load_artifact(path).network


def _open(path: str | Path) -> tuple[str, Mapping[str, str]]:
    name = str(path)
    try:
        with safe_open(name, framework="pt") as opened:
            return name, opened.metadata() or {}
    except FileNotFoundError as error:
        raise DataError(f"model {name} does not exist.") from error
    except (SafetensorError, OSError) as error:
        raise DataError(f"{name} is not an artifact of seqpool, or is damaged: {error}.") from error


def _tensors(path: str | Path) -> dict[str, torch.Tensor]:
    with safe_open(str(path), framework="pt") as opened:
        return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118


def _facts(name: str, metadata: Mapping[str, str]) -> Facts:
    if METADATA_KEY not in metadata:
        raise DataError(
            f"{name} is a safetensors file without seqpool's description: it was not written by seqpool fit."
        )
    try:
        values = json.loads(metadata[METADATA_KEY])
    except ValueError as error:
        raise DataError(f"{name}: its description is not JSON: {error}.") from error
    if not isinstance(values, dict) or "format_version" not in values:
        raise DataError(f"{name}: its description names no format version.")
    if values["format_version"] != FORMAT_VERSION:
        raise DataError(
            f"{name} is of format version {values['format_version']}, this seqpool ({__version__}) reads "
            f"{FORMAT_VERSION}: it was written by seqpool {values.get('package_version', 'of another version')}."
        )
    names = {one.name for one in fields(Facts)}
    for missing in sorted(names - values.keys()):
        raise DataError(f"{name}: its description lacks {missing}.")
    try:
        facts: Facts = record(Facts, {key: value for key, value in values.items() if key in names})
    except SeqpoolError as error:
        raise DataError(f"{name}: its description is wrong: {error}") from error
    if facts.target not in TARGETS:
        raise DataError(f"{name}: target {facts.target!r} is none of {', '.join(TARGETS)}.")
    if facts.temperature <= 0 or not facts.classes:
        raise DataError(f"{name}: its description is wrong: temperature or classes.")
    return facts
