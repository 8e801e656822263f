"""Judges the artifact of a run on the parts that were not trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from seqpool.io.output import open_output
from seqpool.train.beat_judge import judge_beats
from seqpool.train.beats import Beats
from seqpool.train.coding_fragments import CodingFragments
from seqpool.train.data_module import DataModule, Part
from seqpool.train.finish import answers_of, scores_with_intervals
from seqpool.train.frame_judge import judge_fragments
from seqpool.train.judged_parts import judged_parts
from seqpool.train.outputs import outputs_of
from seqpool.train.wave_judge import judge_waves
from seqpool.train.waves import Waves

PREDICTIONS = "predictions.tsv"
SCORES = "metrics.json"


def judge(folder: Path, data: DataModule, parts: tuple[str, ...]) -> dict[str, Any]:
    """Scores of the run's artifact by part, with bootstrap intervals; rows with tags are scored by tag too.

    Writes predictions.tsv and metrics.json into the folder (`judge_waves`, `judge_beats` and `judge_fragments` say what
    of theirs). Raises UsageError where the run has no artifact yet, or the data none of the parts.
    """
    if isinstance(data, Waves):
        return judge_waves(folder, data, parts)
    if isinstance(data, Beats):
        return judge_beats(folder, data, parts)
    if isinstance(data, CodingFragments):
        return judge_fragments(folder, data, parts)
    artifact, chosen = judged_parts(folder, data, parts)
    scores: dict[str, Any] = {}
    lines = []
    for name, part in chosen:
        answers = answers_of(outputs_of(artifact.network, part, data.options.batch_size), artifact.facts)
        scores[name] = {"rows": len(part.ids), "scores": scores_with_intervals(answers, part.target)}
        for tag, flagged in sorted(data.tags_of(part).items()):
            without = np.flatnonzero(~flagged)
            scores[name][f"without {tag}"] = {"rows": len(without), "scores": answers.metrics(part.target, without)}
        decisions = answers.decision_names()
        for row, sequence in enumerate(part.ids):
            values = "\t".join(f"{value:.6f}" for value in answers.values[row])
            lines.append(f"{sequence}\t{name}\t{label_text(part, row, answers.classes)}\t{values}\t{decisions[row]}\n")
        columns = answers.columns()
    with open_output(folder / PREDICTIONS) as stream:
        stream.write("\t".join(["id", "split", "label", *columns, "decision"]) + "\n")
        stream.writelines(lines)
    with open_output(folder / SCORES) as stream:
        json.dump(scores, stream, indent=1, sort_keys=True)
        stream.write("\n")
    return scores


def label_text(part: Part, row: int, classes: tuple[str, ...]) -> str:
    """The true answer of a row: a class name, names joined by `;`, or values joined by `;`."""
    target = part.target[row]
    if target.ndim == 0:
        return "" if np.isnan(target) else classes[int(target)]
    known = target[~np.isnan(target)]
    if np.isin(known, (0, 1)).all():
        return ";".join(name for name, value in zip(classes, target, strict=True) if value == 1)
    return ";".join("" if np.isnan(value) else f"{value:g}" for value in target)
