"""After the last epoch: calibration on validation, figures with intervals, the artifact."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from seqpool.artifact import input_config, save_artifact
from seqpool.evaluation.answers import Answers, interpret
from seqpool.evaluation.calibration import calibrated_probabilities, fit_temperature
from seqpool.evaluation.decisions import fit_thresholds
from seqpool.evaluation.intervals import bootstrap_intervals
from seqpool.options.config import Experiment
from seqpool.options.facts import Facts
from seqpool.options.inputs import Letters
from seqpool.options.networks import network_config
from seqpool.train.data_module import Batches, Part, Parts
from seqpool.train.sequence_model import SequenceModel

RESAMPLES = 200
"""Bootstrap resamples of each interval."""


def outputs_of(network: nn.Module, part: Part, batch_size: int) -> NDArray[np.float64]:
    """(rows, outputs) of a network in evaluation mode on a part, in order."""
    network.eval()
    with torch.inference_mode():
        found = [
            network(batch.x, batch.lengths).cpu().numpy().astype(np.float64)
            for batch in Batches(part, batch_size, multiclass=False)
        ]
    return np.concatenate(found) if found else np.zeros((0, 1))


def answers_of(outputs: NDArray[np.float64], facts: Facts) -> Answers:
    """What these outputs of an artifact's network say."""
    return interpret(
        outputs,
        facts.target,
        facts.classes,
        temperature=facts.temperature,
        thresholds=facts.thresholds,
        offset=facts.offset,
        scale=facts.scale,
    )


def scores_with_intervals(answers: Answers, truth: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Every score by name, with its bootstrap interval over rows."""
    found = bootstrap_intervals(lambda rows: answers.metrics(truth, rows), len(truth), resamples=RESAMPLES)
    return {
        name: {"value": interval.estimate, "lower": interval.lower, "upper": interval.upper}
        for name, interval in found.items()
    }


def write_artifact(path: Path, model: SequenceModel, parts: Parts, experiment: Experiment) -> None:
    """The trained network with everything needed to use it."""
    network = model.network
    assert network is not None
    network.to("cpu").eval()
    target = model.target
    regression = target == "regression"
    temperature = 1.0
    thresholds = [0.5] * {"binary": 1, "multilabel": len(parts.classes)}.get(target, 0)
    outputs = None
    if parts.validation is not None and len(parts.validation.ids):
        outputs = outputs_of(network, parts.validation, experiment.data.batch_size)
        if not regression:
            kind: Any = target
            truth = parts.validation.target
            logits = outputs[:, 0] if target == "binary" else outputs
            temperature = fit_temperature(truth, logits, kind)
            thresholds = fit_thresholds(truth, calibrated_probabilities(logits, temperature, kind), kind).tolist()
    facts = Facts(
        job="sequence" if isinstance(parts.input, Letters) else "recording",
        network=network_config(experiment.model.network),
        input=input_config(parts.input),
        target=target,
        classes=list(parts.classes),
        length=parts.length,
        parameters=sum(p.numel() for p in network.parameters()),
        offset=model.offset.cpu().double().tolist() if regression else [],
        scale=model.scale.cpu().double().tolist() if regression else [],
        temperature=temperature,
        thresholds=thresholds,
        geometry=_geometry(network),
        data=parts.facts,
        metrics={},
        seed=experiment.seed,
        licence=str(parts.facts.get("licence") or "that of the training data"),
    )
    if outputs is not None:
        assert parts.validation is not None
        facts.metrics["part"] = "validation"
        facts.metrics["protocol"] = "temperature and thresholds were fitted on this part"
        facts.metrics["rows"] = len(parts.validation.ids)
        facts.metrics["scores"] = scores_with_intervals(answers_of(outputs, facts), parts.validation.target)
    save_artifact(path, facts, network)


def _geometry(network: nn.Module) -> dict[str, Any]:
    inner = getattr(network, "network", network)
    if not hasattr(inner, "geometry"):
        return {}
    geometry: Any = inner.geometry
    return {name: float(value) for name, value in asdict(geometry()).items()}
