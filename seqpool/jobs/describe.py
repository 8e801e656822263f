"""What a config or an artifact is, in words a person can read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seqpool.artifact import load_artifact
from seqpool.errors import UsageError
from seqpool.jobs.layer_table import layer_table
from seqpool.nn.build import build_network
from seqpool.options.config import check_config, read_config
from seqpool.options.facts import Facts
from seqpool.options.inputs import Letters, NetworkInput
from seqpool.options.networks import network_config
from seqpool.options.training import BEAT_CLASSES, WAVE_OUTPUTS
from seqpool.zoo.shipped import model_file


def describe(path: str | Path) -> Iterator[str]:
    """Lines about a config (a YAML file), an artifact or a shipped model. Raises DataError or UsageError."""
    if str(path).endswith((".yaml", ".yml")):
        yield from _of_config(str(path))
    else:
        yield from _of_artifact(model_file(path))


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
    yield from _abstention(facts)
    yield f"seed       {facts.seed}; written by seqpool {facts.package_version}, format {facts.format_version}"
    yield f"licence    {facts.licence}"
    yield from _scores(facts)
    yield "network options"
    yield from _indented(facts.network["init_args"])
    yield "training data"
    yield from _indented(facts.data)
    yield from layer_table(artifact.network, artifact.input, facts.length)


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
        sizes = {
            "waves": len(WAVE_OUTPUTS),
            "beats": len(BEAT_CLASSES),
            "coding": len(getattr(experiment.data, "classes", ())),
        }
        outputs = sizes.get(experiment.model.target, 1)
        network = build_network(experiment.model.network, network_input, outputs, _ANY_LENGTH)
    except UsageError as error:
        yield f"layers     not shown: {error}"
        return
    yield from layer_table(network, network_input, None)


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
    if facts.target == "coding":
        return f"coding where the probability of all frames together is at least {facts.thresholds[0]:.4f}"
    if facts.target == "waves":
        return f"each sample's most probable label; P waves where {facts.classes[-1]} is above {facts.thresholds[0]:g}"
    if not facts.thresholds:
        return "the class of the largest probability"
    names = facts.classes[1:] if facts.target == "binary" else facts.classes
    return ", ".join(f"{name} from {value:.4f}" for name, value in zip(names, facts.thresholds, strict=True))


def _abstention(facts: Facts) -> Iterator[str]:
    """The suggested --abstain-below and what it would have done on validation."""
    found = facts.metrics.get("abstention")
    if not found:
        return
    if not found["suggested_below"]:
        yield "abstain    no threshold halves the errors on validation"
        return
    yield (
        f"abstain    --abstain-below {found['suggested_below']:.4f} would decide {100 * found['coverage']:.1f} % of "
        f"validation, {100 * found['risk']:.1f} % of it wrongly (of all: {100 * found['risk_of_all']:.1f} %)"
    )


_SHOWN = ("f1[P ", "f1[QRS ", "f1[T ", "error_sd_ms[", "f1[N]", "f1[S]", "f1[V]", "f1[F]")
"""Beginnings of the names of scores of single classes that are shown."""


def _scores(facts: Facts) -> Iterator[str]:
    scores = facts.metrics.get("scores", {})
    if not scores:
        return
    metrics = facts.metrics
    yield f"figures    on {metrics.get('part')} ({metrics.get('rows')} rows; {metrics.get('protocol')})"
    for name, entry in scores.items():
        if "[" not in name or name.startswith(_SHOWN) or facts.job == "coding":
            yield f"  {name:34} {entry['value']:.4f}  (95 % interval {entry['lower']:.4f} to {entry['upper']:.4f})"


def _indented(values: dict[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        text = json.dumps(value, ensure_ascii=False)
        yield f"  {name:20} {text if len(text) < 400 else text[:397] + '...'}"


def facts_as_json(path: str | Path) -> str:
    """The artifact's description as JSON."""
    return json.dumps(asdict(load_artifact(model_file(path)).facts), indent=1, ensure_ascii=False, sort_keys=True)
