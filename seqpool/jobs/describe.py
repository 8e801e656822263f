"""What a config or an artifact is, in words a person can read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from seqpool.artifact import Facts, load_artifact
from seqpool.errors import UsageError
from seqpool.nn.build import build_network
from seqpool.nn.convolution import ConvolutionBlock
from seqpool.nn.encoder import Encoder
from seqpool.nn.motif_detector import MotifDetector
from seqpool.options.config import check_config, read_config
from seqpool.options.inputs import Letters, NetworkInput
from seqpool.options.networks import network_config
from seqpool.pooling.geometry import Geometry


def describe(path: str | Path) -> Iterator[str]:
    """Lines about an artifact (by its ending, .safetensors) or a config (YAML). Raises DataError or UsageError."""
    if str(path).endswith((".yaml", ".yml")):
        yield from _of_config(str(path))
    else:
        yield from _of_artifact(path)


def _of_artifact(path: str | Path) -> Iterator[str]:
    artifact = load_artifact(path)
    facts = artifact.facts
    yield f"model      {path}"
    yield f"job        {facts.job}, {facts.target}: {', '.join(facts.classes)}"
    yield f"network    {facts.network['class_path']}, {facts.parameters:,} weights"
    yield f"input      {_words(facts.input)}"
    if facts.length is not None and artifact.takes_one_length:
        yield f"length     {facts.length} positions, no other"
    yield f"decision   temperature {facts.temperature:.4g}, {_thresholds(facts)}"
    yield f"seed       {facts.seed}; written by seqpool {facts.package_version}, format {facts.format_version}"
    yield f"licence    {facts.licence}"
    yield from _scores(facts)
    yield "network options"
    yield from _indented(facts.network["init_args"])
    yield "training data"
    yield from _indented(facts.data)
    yield from layer_table(artifact.network, artifact.input)


def _of_config(path: str) -> Iterator[str]:
    experiment = check_config(read_config([path]))
    yield f"config     {path}"
    yield f"data       {experiment.data_class}"
    yield f"target     {experiment.model.target}"
    network_input = _input_of(experiment.data)
    chosen = network_config(experiment.model.network)
    yield f"network    {chosen['class_path']}"
    yield from _indented(chosen["init_args"])
    try:
        network = build_network(experiment.model.network, network_input, 1, _ANY_LENGTH)
    except UsageError as error:
        yield f"layers     not shown: {error}"
        return
    yield from layer_table(network, network_input)


_ANY_LENGTH = 1000
"""A length to build networks that keep positions apart, whose layers do not depend on it."""


def _input_of(data: Any) -> NetworkInput:
    """What the data would give: its signal record, or letters (DNA where the files would tell)."""
    signal = getattr(data, "signal", None)
    if signal is not None:
        assert hasattr(signal, "channels")
        return signal  # type: ignore[no-any-return]
    return Letters(getattr(data, "alphabet", None) or "dna")


def _words(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value not in (None, False, []))


def _thresholds(facts: Facts) -> str:
    if facts.target == "regression":
        return "values as they are"
    if not facts.thresholds:
        return "the class of the largest probability"
    names = facts.classes[1:] if facts.target == "binary" else facts.classes
    return ", ".join(f"{name} from {value:.4f}" for name, value in zip(names, facts.thresholds, strict=True))


def _scores(facts: Facts) -> Iterator[str]:
    scores = facts.metrics.get("scores", {})
    if not scores:
        return
    metrics = facts.metrics
    yield f"figures    on {metrics.get('part')} ({metrics.get('rows')} rows; {metrics.get('protocol')})"
    for name, entry in scores.items():
        if "[" not in name:
            yield f"  {name:26} {entry['value']:.4f}  (95 % interval {entry['lower']:.4f} to {entry['upper']:.4f})"


def _indented(values: dict[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        text = json.dumps(value, ensure_ascii=False)
        yield f"  {name:20} {text if len(text) < 400 else text[:397] + '...'}"


def layer_table(network: nn.Module, network_input: NetworkInput) -> Iterator[str]:
    """Layer by layer: channels, jump and receptive field in positions (and seconds), weights."""
    rate = getattr(network_input, "rate_hz", None)
    unit = "letters" if isinstance(network_input, Letters) else "samples"
    yield f"layers (receptive field and jump in {unit}{' and seconds' if rate else ''})"
    inner = getattr(network, "network", network)
    if isinstance(inner, MotifDetector):
        for layer in inner.filter_layers():
            count, letters, width = layer.weight.shape
            strands = "one strand" if layer.strands == "forward" else "both strands"
            size = f"{count * letters * width:,} weights"
            yield f"  {count} filters of width {width}, {strands}, then global {inner.options.pool}: {size}"
        yield f"  head: {sum(p.numel() for p in inner.head.parameters()):,} weights"
        return
    if not isinstance(inner, Encoder):
        yield f"  {type(inner).__name__}: {sum(p.numel() for p in inner.parameters()):,} weights"
        return
    whole = Geometry()
    yield f"  {'layer':10} {'channels':>8} {'jump':>7} {'field':>7} {'weights':>9}" + (
        "  field in seconds" if rate else ""
    )
    for i, block in enumerate(inner.blocks):
        assert isinstance(block, ConvolutionBlock)
        whole = whole >> block.geometry()
        weights = sum(p.numel() for p in block.parameters())
        seconds = f"  {float(whole.receptive_field) / rate:.3f}" if rate else ""
        yield (
            f"  {f'block {i + 1}':10} {inner.options.channels[i]:>8} {int(whole.jump):>7} "
            f"{int(whole.receptive_field):>7} {weights:>9,}{seconds}"
        )
    rest = sum(p.numel() for p in inner.parameters()) - sum(p.numel() for p in inner.blocks.parameters())
    yield f"  {'head':10} {'':8} {'':7} {'':7} {rest:>9,}"
    if rate:
        yield from _warnings(whole, float(rate))


def _warnings(whole: Geometry, rate_hz: float) -> Iterator[str]:
    """A receptive field shorter than a beat cannot see one (75 beats a minute: 0.8 s)."""
    seconds = float(whole.receptive_field) / rate_hz
    if seconds < 0.8:
        yield f"  warning: the receptive field of {seconds:.2f} s is shorter than a heartbeat (0.8 s at 75 a minute)"


def facts_as_json(path: str | Path) -> str:
    """The artifact's description as JSON."""
    return json.dumps(asdict(load_artifact(path).facts), indent=1, ensure_ascii=False, sort_keys=True)
