"""Judges what a network says of fragments: coding or not, frame and strand, by length."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from seqpool.evaluation.calibration import fit_temperature
from seqpool.evaluation.coding import CodingAnswers, coding_answers, scores_by_length
from seqpool.evaluation.decisions import fit_thresholds
from seqpool.evaluation.intervals import bootstrap_intervals
from seqpool.io.output import open_output
from seqpool.options.coding import NONCODING
from seqpool.options.facts import Facts
from seqpool.train.coding_fragments import CodingFragments, FragmentPart
from seqpool.train.judged_parts import judged_parts
from seqpool.train.outputs import outputs_of

PREDICTIONS = "predictions.tsv"
SCORES = "metrics.json"
RESAMPLES = 200


def with_coding_figures(facts: Facts, network: nn.Module, data: CodingFragments) -> Facts:
    """Temperature, the threshold of the probability of coding (largest MCC), and the figures on validation."""
    facts = replace(facts, thresholds=[0.5])
    part = data.parts.validation
    if part is None:
        return facts
    assert isinstance(part, FragmentPart)
    outputs = outputs_of(network, part, data.options.batch_size)
    # a reading that is not there has no finite logit, and is nobody's answer
    finite = np.where(np.isfinite(outputs), outputs, -1e4)
    temperature = fit_temperature(part.target, finite, "multiclass")
    answers = coding_answers(outputs, temperature=temperature)
    threshold = float(fit_thresholds((part.target > 0).astype(np.float64), answers.p_coding, "binary")[0])
    metrics = {
        "part": "validation",
        "protocol": "temperature and threshold were fitted on this part; intervals over its genes and gaps",
        "rows": len(part.ids),
        "scores": scores_of(answers, part),
    }
    return replace(facts, temperature=temperature, thresholds=[threshold], metrics=metrics)


def answers_of_fragments(outputs: NDArray[np.float64], facts: Facts) -> CodingAnswers:
    """What these outputs of an artifact's network say."""
    return coding_answers(outputs, temperature=facts.temperature, threshold=facts.thresholds[0])


def scores_of(answers: CodingAnswers, part: FragmentPart) -> dict[str, Any]:
    """Every score by name and length, with its bootstrap interval over the genes and gaps the fragments come from."""

    def figures(rows: NDArray[np.int64]) -> dict[str, float]:
        return scores_by_length(part.target, answers.evidence, answers.reading, part.lengths, rows)

    found = bootstrap_intervals(figures, len(part.ids), groups=part.groups, resamples=RESAMPLES)
    return {
        name: {"value": interval.estimate, "lower": interval.lower, "upper": interval.upper}
        for name, interval in found.items()
    }


def judge_fragments(folder: Path, data: CodingFragments, parts: tuple[str, ...]) -> dict[str, Any]:
    """Scores of the run's artifact by part, with bootstrap intervals.

    Writes predictions.tsv (`id split label p_coding frame strand decision`) and metrics.json into the folder. Raises
    UsageError where the run has no artifact yet, or the data none of the parts.
    """
    artifact, chosen = judged_parts(folder, data, parts)
    scores: dict[str, Any] = {}
    lines = []
    for name, part in chosen:
        assert isinstance(part, FragmentPart)
        outputs = outputs_of(artifact.network, part, data.options.batch_size)
        answers = answers_of_fragments(outputs, artifact.facts)
        scores[name] = {"rows": len(part.ids), "scores": scores_of(answers, part)}
        labels = [data.parts.classes[int(target)] for target in part.target]
        for row, (frame, strand) in enumerate(zip(answers.frame.tolist(), answers.strand, strict=True)):
            decision = "coding" if answers.coding[row] else NONCODING
            lines.append(
                f"{part.ids[row]}\t{name}\t{labels[row]}\t{answers.p_coding[row]:.6f}\t{frame}\t{strand}\t{decision}\n"
            )
    with open_output(folder / PREDICTIONS) as stream:
        stream.write("\t".join(["id", "split", "label", "p_coding", "frame", "strand", "decision"]) + "\n")
        stream.writelines(lines)
    with open_output(folder / SCORES) as stream:
        json.dump(scores, stream, indent=1, sort_keys=True)
        stream.write("\n")
    return scores
