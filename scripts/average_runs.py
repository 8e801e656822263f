"""Scores of the average of several runs that judged the same rows: other configs, other kinds of model.

    python scripts/average_runs.py runs/digits runs/digits_pcen [--weights 1 2] [--logits]

Each argument is a folder in which `seqpool fit --folds all`, `--seeds N` or `seqpool test` left `predictions.tsv`, in
itself or below. Files at the same place below every folder (`foldgeorge/seed0`) are averaged: probabilities, or with
--logits their logarithms. The table on stdout has a row per place and a last one with the mean of the places:
accuracy, macro F1 and the F1 of each class, for each folder alone and for the average.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError
from seqpool.evaluation.answers import Answers
from seqpool.io.delimited import read_delimited
from seqpool.train.judge import PREDICTIONS

SMALLEST = 1e-6
"""Probabilities are written with six digits; what stands for 0 in a logarithm."""


@dataclass(frozen=True)
class Judged:
    """ids and labels of the rows; classes; probabilities (rows, classes)."""

    ids: list[str]
    labels: list[str]
    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]


def read_judged(file: Path) -> Judged:
    """A file of predictions: of the test part where it has one. Raises DataError where it has no probabilities."""
    table = read_delimited(str(file))
    if "test" in table["split"]:
        kept = [row for row, part in enumerate(table["split"]) if part == "test"]
        table = {name: [cells[row] for row in kept] for name, cells in table.items()}
    columns = [name for name in table if name.startswith("p_")]
    if len(columns) < 2:
        raise DataError(f"{file} has no columns p_<class> of two or more classes.")
    values = np.array([[float(cell) for cell in table[name]] for name in columns]).T
    return Judged(list(table["id"]), list(table["label"]), tuple(name[2:] for name in columns), values)


def average(runs: list[Judged], weights: list[float], *, logits: bool) -> Judged:
    """Weighted mean of the probabilities or of their logarithms. Raises DataError where rows or classes differ."""
    first = runs[0]
    if any((one.ids, one.labels, one.classes) != (first.ids, first.labels, first.classes) for one in runs):
        raise DataError("the runs judged other rows, labels or classes.")
    each = np.array([one.probabilities for one in runs])
    values = np.log(np.maximum(each, SMALLEST)) if logits else each
    mean = np.average(values, axis=0, weights=weights)
    if logits:
        mean = np.exp(mean)
    return Judged(first.ids, first.labels, first.classes, mean / mean.sum(axis=1, keepdims=True))


def scores_of(judged: Judged) -> dict[str, float]:
    """accuracy, f1_macro and f1[class] of the largest probability."""
    target = np.array([judged.classes.index(label) for label in judged.labels])
    values = judged.probabilities
    metrics = Answers("multiclass", judged.classes, values, values.argmax(axis=1)).metrics(target)
    return {name: metrics[name] for name in metrics if name in ("accuracy", "f1_macro") or name.startswith("f1[")}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of runs")
    parser.add_argument("--weights", nargs="+", type=float, help="of each folder (default: all alike)")
    parser.add_argument("--logits", action="store_true", help="average logarithms of probabilities")
    arguments = parser.parse_args()
    weights = arguments.weights or [1.0] * len(arguments.runs)
    if len(weights) != len(arguments.runs):
        parser.error(f"{len(weights)} weights for {len(arguments.runs)} folders")
    places = [{file.parent.relative_to(run) for file in run.glob("**/" + PREDICTIONS)} for run in arguments.runs]
    shared = sorted(set.intersection(*places))
    if not shared:
        sys.exit(f"the folders share no {PREDICTIONS} at the same place below them.")
    found: dict[str, list[dict[str, float]]] = {}
    for place in shared:
        each = [read_judged(run / place / PREDICTIONS) for run in arguments.runs]
        named = dict(zip([str(run) for run in arguments.runs], each, strict=True))
        for name, judged in {**named, "average": average(each, weights, logits=arguments.logits)}.items():
            found.setdefault(name, []).append(scores_of(judged))
    names = list(found["average"][0])
    print("\t".join(["place", "run", *names]))
    for name, rows in found.items():
        mean = {score: float(np.mean([row[score] for row in rows])) for score in names}
        for place, row in zip([*map(str, shared), "mean"], [*rows, mean], strict=True):
            print("\t".join([place, name, *(f"{row[score]:.4f}" for score in names)]))


if __name__ == "__main__":
    main()
