"""Several runs of one experiment: every fold, several seeds; each in a folder of its own, each resumable."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from seqpool.artifact import load_artifact
from seqpool.errors import UsageError
from seqpool.evaluation.answers import Answers
from seqpool.io.output import open_output
from seqpool.options.check import plain
from seqpool.options.config import Experiment
from seqpool.options.splits import Split
from seqpool.train import beat_judge
from seqpool.train.beats import Beats
from seqpool.train.data_module import DataModule
from seqpool.train.finish import answers_of
from seqpool.train.judge import judge
from seqpool.train.messages import say
from seqpool.train.outputs import outputs_of
from seqpool.train.run import fit
from seqpool.train.run_folder import MODEL
from seqpool.train.splits import each_fold_as_test
from seqpool.train.wave_judge import pooled_scores
from seqpool.train.waves import Waves

SUMMARY = "summary.tsv"

_OF_WHOLE_RECORDINGS = ("waves", "beats")
"""Kinds of answer that are judged over all folds together, and not averaged over seeds."""

_NOT_AVERAGED = (*_OF_WHOLE_RECORDINGS, "coding")
"""Kinds of answer whose seeds are not averaged."""


@dataclass(frozen=True)
class Member:
    """One run of several: its folder, fold and seed (None where there is only one)."""

    folder: Path
    experiment: Experiment
    fold: str | None
    seed: int | None


def data_of(experiment: Experiment) -> DataModule:
    """The data module of an experiment."""
    module = import_module(experiment.data.module)
    data = getattr(module, experiment.data_class)(plain(experiment.data), experiment.model.target)
    assert isinstance(data, DataModule)
    return data


def members(experiment: Experiment, folder: Path, *, folds: bool, seeds: int | None) -> list[Member]:
    """The runs: foldF, seedS, or foldF/seedS. Raises UsageError for a split without folds."""
    by_fold: list[tuple[str | None, Path, Experiment]] = [(None, folder, experiment)]
    if folds:
        names = data_of(experiment).parts.facts.get("folds") or []
        if experiment.data.split is None:
            raise UsageError("--folds all needs data.split with folds, and the config has no split.")
        turns = each_fold_as_test(experiment.data.split, names)
        by_fold = [
            (name, folder / f"fold{name}", _with_split(experiment, turn))
            for name, turn in zip(names, turns, strict=True)
        ]
    if seeds is None:
        return [Member(place, one, fold, None) for fold, place, one in by_fold]
    chosen = range(experiment.seed, experiment.seed + seeds)
    return [
        Member(place / f"seed{seed}", _with_seed(one, seed), fold, seed)
        for fold, place, one in by_fold
        for seed in chosen
    ]


def _with_split(experiment: Experiment, split: Split) -> Experiment:
    """The experiment with other folds as validation and test, in what its config.yaml will say too."""
    values = deepcopy(experiment.values)
    rule = values["data"]["init_args"]["split"]
    rule["test"] = list(split.test)
    if split.validation:
        rule["validation"] = list(split.validation)
    return replace(experiment, values=values, data=replace(experiment.data, split=split))


def _with_seed(experiment: Experiment, seed: int) -> Experiment:
    return replace(experiment, values={**experiment.values, "seed_everything": seed}, seed=seed)


def fit_several(experiment: Experiment, folder: Path, *, folds: bool, seeds: int | None, init: str | None) -> None:
    """Trains and judges every member; a finished one is left as it is. Writes summary.tsv.

    Raises UsageError, DataError.
    """
    found = []
    for member in members(experiment, folder, folds=folds, seeds=seeds):
        say(f"run {member.folder}")
        fit(member.experiment, member.folder, init=init)
        found.append((member, judge(member.folder, data_of(member.experiment), ("validation", "test"))))
    write_summary(folder, found)


def judge_all(experiment: Experiment, folder: Path, parts: tuple[str, ...]) -> dict[str, Any]:
    """Scores of a run, or of each run below the folder. Raises UsageError where there is none."""
    if (folder / MODEL).is_file():
        return judge(folder, data_of(experiment), parts)
    runs = sorted(path.parent.relative_to(folder) for path in folder.glob("**/" + MODEL)) if folder.is_dir() else []
    if not runs:
        raise UsageError(f"{folder} holds no {MODEL}: run seqpool fit with the same --run first.")
    folds = any(part.startswith("fold") for run in runs for part in run.parts)
    seeds = [int(part.removeprefix("seed")) for run in runs for part in run.parts if part.startswith("seed")]
    experiment = _with_seed(experiment, min(seeds)) if seeds else experiment
    count = max(seeds) - min(seeds) + 1 if seeds else None
    found = [
        (member, judge(member.folder, data_of(member.experiment), parts))
        for member in members(experiment, folder, folds=folds, seeds=count)
        if (member.folder / MODEL).is_file()
    ]
    write_summary(folder, found)
    return {
        f"{member.folder.relative_to(folder)} {part}": scores
        for member, by_part in found
        for part, scores in by_part.items()
    }


def write_summary(folder: Path, found: list[tuple[Member, dict[str, Any]]]) -> None:
    """summary.tsv: every score of every run, mean and deviation over runs, and scores of the seeds' average.

    Figures of waves and of beats are also given for all folds' test parts taken together (`pooled`).
    The average is of calibrated probabilities (of values for a regression) over the seeds of a fold.
    """
    rows: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for member, by_part in found:
        for part, scores in by_part.items():
            for name, value in _flat(part, scores):
                rows.setdefault(name, []).append((str(member.folder.relative_to(folder)), value))
    averages: dict[tuple[str, str], list[float]] = {}
    runs = [member for member, _ in found]
    for members_of_fold in _by_fold(runs):
        if len(members_of_fold) > 1 and runs[0].experiment.model.target not in _NOT_AVERAGED:
            for name, value in _scores_of_average(members_of_fold).items():
                averages.setdefault(name, []).append(value)
    with open_output(folder / SUMMARY) as stream:
        stream.write("part\tscore\trun\tvalue\n")
        for (part, score), values in rows.items():
            for run_name, value in values:
                stream.write(f"{part}\t{score}\t{run_name}\t{value:.6g}\n")
            numbers = np.array([value for _, value in values])
            stream.write(f"{part}\t{score}\tmean\t{numbers.mean():.6g}\n")
            if len(numbers) > 1:
                stream.write(f"{part}\t{score}\tsd\t{numbers.std(ddof=1):.6g}\n")
            if (part, score) in averages:
                mean = np.mean(averages[part, score])
                stream.write(f"{part}\t{score}\tseeds averaged\t{mean:.6g}\n")
        for score, entry in _pooled(folder, runs).items():
            stream.write(f"test\t{score}\tpooled\t{entry['value']:.6g}\n")
    say(f"summary: {folder / SUMMARY}")


def _pooled(folder: Path, found: list[Member]) -> dict[str, Any]:
    """Scores of waves or beats over the test parts of all folds as one, for the first seed; none for other kinds of
    answer. Of beats the table of EC57 too, in the folder."""
    members_of_folds = [runs[0] for runs in _by_fold(found)]
    if len(members_of_folds) < 2 or found[0].experiment.model.target not in _OF_WHOLE_RECORDINGS:
        return {}
    data = data_of(found[0].experiment)
    if isinstance(data, Beats):
        answers = beat_judge.pooled_answers([member.folder for member in members_of_folds], data)
        beat_judge.write_table(folder / beat_judge.TABLE, answers)
        return beat_judge.scores_of(answers)
    assert isinstance(data, Waves)
    scores: dict[str, Any] = pooled_scores([member.folder for member in members_of_folds], data)["scores"]
    return scores


def _by_fold(found: list[Member]) -> Iterator[list[Member]]:
    for fold in dict.fromkeys(member.fold for member in found):
        yield [member for member in found if member.fold == fold]


def _scores_of_average(found: list[Member]) -> dict[tuple[str, str], float]:
    """Scores of the mean of the members' probabilities, decided at one half (multi-class: the largest)."""
    data = data_of(found[0].experiment)
    artifacts = [load_artifact(member.folder / MODEL) for member in found]
    scores: dict[tuple[str, str], float] = {}
    for name, part in data.parts.named()[1:]:
        each = [answers_of(outputs_of(one.network, part, data.options.batch_size), one.facts) for one in artifacts]
        values = np.mean([answers.values for answers in each], axis=0)
        decisions = None
        if each[0].target == "multilabel":
            decisions = (values >= 0.5).astype(np.int64)
        elif each[0].target != "regression":
            decisions = values.argmax(axis=1)
        average = Answers(each[0].target, each[0].classes, values, decisions)
        rows = {name: np.arange(len(part.ids))}
        rows |= {f"{name} without {tag}": np.flatnonzero(~flag) for tag, flag in data.tags_of(part).items()}
        for label, chosen in rows.items():
            scores |= {(label, score): value for score, value in average.metrics(part.target, chosen).items()}
    return scores


def _flat(part: str, scores: dict[str, Any]) -> Iterator[tuple[tuple[str, str], float]]:
    for name, value in scores["scores"].items():
        yield (part, name), value["value"] if isinstance(value, dict) else value
    for tag, inner in scores.items():
        if tag.startswith("without "):
            for name, value in inner["scores"].items():
                yield (f"{part} {tag}", name), value
