"""After the last epoch: calibration on validation, figures with intervals, the artifact."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from seqpool.artifact import input_config, save_artifact
from seqpool.evaluation.abstention import abstention_facts
from seqpool.evaluation.answers import Answers, interpret
from seqpool.evaluation.calibration import calibrated_probabilities, fit_temperature
from seqpool.evaluation.decisions import fit_thresholds
from seqpool.evaluation.intervals import bootstrap_intervals
from seqpool.nn.beat_classifier import logits_of
from seqpool.nn.beat_network import BeatNetwork
from seqpool.nn.decoders import SampleLabeller
from seqpool.options.audio import Audio
from seqpool.options.config import Experiment
from seqpool.options.facts import Facts
from seqpool.options.images import Image
from seqpool.options.inputs import Letters, NetworkInput
from seqpool.options.networks import network_config
from seqpool.options.training import BeatModel
from seqpool.train import beat_judge
from seqpool.train.beat_part import UNTAUGHT, BeatPart
from seqpool.train.beats import Beats
from seqpool.train.coding_fragments import CodingFragments
from seqpool.train.data_module import DataModule, Parts
from seqpool.train.frame_judge import with_coding_figures
from seqpool.train.outputs import outputs_of
from seqpool.train.sequence_model import SequenceModel
from seqpool.train.trained_network import TrainedNetwork
from seqpool.train.wave_judge import PRESENCE, scores_of, tallies_of
from seqpool.train.wave_part import WavePart
from seqpool.train.waves import Waves

JOBS: dict[type[NetworkInput], str] = {Letters: "sequence", Audio: "audio", Image: "image"}
"""What an artifact is for, by what its network eats; `recording` where it is neither of these."""

RESAMPLES = 200
"""Bootstrap resamples of each interval."""


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


def write_artifact(path: Path, model: TrainedNetwork, data: DataModule, experiment: Experiment) -> None:
    """The trained network with everything needed to use it."""
    network, parts = model.network, data.parts
    assert network is not None
    network.to("cpu").eval()
    facts = Facts(
        job=_job(model, parts),
        network=network_config(experiment.model.network),
        input=input_config(parts.input),
        target=model.target,
        classes=list(parts.classes),
        length=parts.length,
        parameters=sum(p.numel() for p in network.parameters()),
        offset=[],
        scale=[],
        temperature=1.0,
        thresholds=[],
        geometry=_geometry(network),
        data=parts.facts,
        metrics={},
        seed=experiment.seed,
        licence=str(parts.facts.get("licence") or "that of the training data"),
    )
    if isinstance(model, SequenceModel):
        facts = _with_decisions(facts, model, network, parts, experiment.data.batch_size)
    elif isinstance(data, Beats):
        assert isinstance(experiment.model, BeatModel)
        facts = _with_beat_figures(replace(facts, temperature=experiment.model.temperature), network, data)
    elif isinstance(data, CodingFragments):
        facts = with_coding_figures(facts, network, data)
    else:
        assert isinstance(data, Waves)
        facts = _with_wave_figures(facts, network, data)
    save_artifact(path, facts, network)


def _job(model: TrainedNetwork, parts: Parts) -> str:
    if model.target in ("waves", "beats", "coding"):
        return model.target
    return JOBS.get(type(parts.input), "recording")


def _with_decisions(facts: Facts, model: SequenceModel, network: nn.Module, parts: Parts, batch_size: int) -> Facts:
    """Scale, temperature, thresholds and the figures on validation."""
    target = model.target
    if target == "regression":
        facts = replace(facts, offset=model.offset.cpu().double().tolist(), scale=model.scale.cpu().double().tolist())
    else:
        facts = replace(facts, thresholds=[0.5] * {"binary": 1, "multilabel": len(parts.classes)}.get(target, 0))
    part = parts.validation
    if part is None or not len(part.ids):
        return facts
    outputs = outputs_of(network, part, batch_size)
    if target != "regression":
        kind: Any = target
        logits = outputs[:, 0] if target == "binary" else outputs
        temperature = fit_temperature(part.target, logits, kind)
        probabilities = calibrated_probabilities(logits, temperature, kind)
        facts = replace(
            facts, temperature=temperature, thresholds=fit_thresholds(part.target, probabilities, kind).tolist()
        )
    answers = answers_of(outputs, facts)
    metrics = {
        "part": "validation",
        "protocol": "temperature and thresholds were fitted on this part",
        "rows": len(part.ids),
        "scores": scores_with_intervals(answers, part.target),
        "abstention": abstention_facts(answers.correct(part.target), answers.confidence()),
    }
    return replace(facts, metrics=metrics)


def _with_wave_figures(facts: Facts, network: nn.Module, data: Waves) -> Facts:
    """The threshold of P waves at all, and the figures on validation."""
    facts = replace(facts, thresholds=[PRESENCE])
    part = data.parts.validation
    if part is None:
        return facts
    assert isinstance(part, WavePart)
    metrics = {
        "part": "validation",
        "protocol": "one-to-one matches within 150 ms inside the annotated span; recordings trained on are others",
        "rows": len(part.ids),
        "scores": scores_of(tallies_of(network, data, part), part.fibrillation),
    }
    return replace(facts, metrics=metrics)


def _with_beat_figures(facts: Facts, network: nn.Module, data: Beats) -> Facts:
    """The temperature, and the figures on validation."""
    part = data.parts.validation
    if part is None:
        return facts
    assert isinstance(part, BeatPart)
    assert isinstance(network, BeatNetwork)
    target = np.concatenate([one.class_numbers() for one in part.recordings])
    logits = np.concatenate([logits_of(network, one.difference, one.features) for one in part.recordings])
    taught = target != UNTAUGHT
    temperature = fit_temperature(target[taught].astype(np.float64), logits[taught], "multiclass")
    signal = data.options.signal
    answers = beat_judge.marked_answers(network, part, signal, temperature)
    answers += beat_judge.detected_answers(network, part, signal, temperature)
    metrics = {
        "part": "validation",
        "protocol": "the temperature was fitted on this part; gross over recordings that were not trained on; "
        "AAMI classes, e and j are N, Q is left out; detected beats match within 150 ms, flutter excluded",
        "rows": len(part.ids),
        "scores": beat_judge.scores_of(answers),
    }
    return replace(facts, temperature=temperature, metrics=metrics)


def _geometry(network: nn.Module) -> dict[str, Any]:
    inner = getattr(network, "network", network)
    if isinstance(inner, BeatNetwork):
        inner = inner.detector
    if isinstance(inner, SampleLabeller):
        return {name: float(value) for name, value in asdict(inner.geometries()[-1]).items()}
    if not hasattr(inner, "geometry"):
        return {}
    geometry: Any = inner.geometry
    return {name: float(value) for name, value in asdict(geometry()).items()}
