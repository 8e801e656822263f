"""Beats as data: draws, variation, rough copies, flutter; and training, judging and folds on simulated records."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wfdb
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score

from seqpool.errors import DataError, UsageError
from seqpool.io.ecg.annotations import read_annotations
from seqpool.jobs.describe import describe
from seqpool.options.beats import BeatAugmentation
from seqpool.options.config import Experiment, check_config, read_config
from seqpool.options.facts import read_facts
from seqpool.train.beat_judge import class_figures
from seqpool.train.beat_part import BeatBatch, BeatPart, varied_beats
from seqpool.train.beats import Beats, flutter_episodes
from seqpool.train.run import fit
from seqpool.train.several import fit_several, judge_all
from tests.signal.simulated_beats import RATE_HZ, lead, rhythm

CONFIG = "configs/beats.yaml"


def write_record(folder: Path, name: str, pattern: str, *, seed: int, extra: Sequence[tuple[float, str]] = ()) -> None:
    """A WFDB record of lead MLII beside a silent one, its beats marked in `name.atr`; S is written as A."""
    peaks = rhythm(pattern, seed=seed)
    signal = np.stack([np.zeros(len(lead(peaks, pattern))), lead(peaks, pattern, noise=0.02, seed=seed)], axis=1)
    wfdb.wrsamp(name, fs=RATE_HZ, units=["mV"] * 2, sig_name=["V1", "MLII"], p_signal=signal, fmt=["16"] * 2,
                write_dir=str(folder))  # fmt: skip
    marks = [*zip(peaks, pattern.replace("S", "A"), strict=True), (0.0, "+"), *extra]
    marks.sort()
    wfdb.wrann(name, "atr", np.rint(np.array([at for at, _ in marks]) * RATE_HZ).astype(int), [s for _, s in marks],
               fs=RATE_HZ, aux_note=["(N" if s == "+" else "" for _, s in marks], write_dir=str(folder))  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("beats")
    for number, name in enumerate("abcdef"):
        pattern = "NNNNNVNNNNNNSNNN" * (6 + number)
        write_record(
            place, name, pattern, seed=number, extra=[(7.0, "["), (7.2, "!"), (9.0, "]")] if name == "c" else ()
        )
    return place


def module(folder: Path, **changes: Any) -> Beats:
    options = {
        "signal": {"leads": ["MLII"], "rate_hz": RATE_HZ},
        "beats": {"N": 30, "S": 10, "V": 10},
        "batch_size": 20,
    }
    return Beats({"folder": str(folder), **options, **changes}, target="beats")


def part_of(data: Beats) -> BeatPart:
    part = data.parts.train
    assert isinstance(part, BeatPart)
    return part


def batches(data: Beats, seed: int | None, epoch: int = 0) -> list[BeatBatch]:
    found = data.batches_class(data.parts.train, 20, multiclass=False, seed=seed, epoch=lambda: epoch)
    return list(found)  # type: ignore[arg-type]


def test_an_epoch_takes_as_many_of_each_class_as_asked(folder: Path) -> None:
    data = module(folder)
    part = part_of(data)
    assert part.ids == list("abcdef")
    drawn = part.drawn(0, 7)
    classes = [part.recordings[one].classes[beat] for one, beat in drawn.tolist()]
    assert [classes.count(name) for name in "NSVF"] == [30, 10, 10, 0]
    np.testing.assert_array_equal(drawn, part.drawn(0, 7))
    assert not np.array_equal(drawn, part.drawn(1, 7))
    assert not np.array_equal(drawn, part.drawn(0, 8))
    found = batches(data, 7)
    assert [len(one.target) for one in found] == [20, 20, 10]
    assert [len(one.x) for one in found] == [32, 32, 32]
    assert sorted(row for one in found for row in one.row.tolist()) == list(range(50))
    again = batches(data, 7)
    for one, other in zip(found, again, strict=True):
        for mine, theirs in zip(one, other, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    facts = data.parts.facts
    assert facts["leads"]["a"] == "MLII"
    assert facts["classes"]["train"] == {"N": 714, "S": 51, "V": 51, "F": 0, "Q": 0}


def test_recordings_give_by_the_root_of_how_many_they_have(folder: Path) -> None:
    part = part_of(module(folder, beats={"V": 20000}))
    holder = part.drawn(0, 0)[:, 0]
    roots = np.sqrt(6 + np.arange(6))
    np.testing.assert_allclose(np.bincount(holder) / 20000, roots / roots.sum(), atol=0.01)


def test_as_they_are_recordings_come_one_by_one(folder: Path) -> None:
    data = module(folder)
    part = part_of(data)
    found = batches(data, None)
    assert [len(one.target) for one in found] == [len(one.classes) for one in part.recordings]
    np.testing.assert_array_equal(found[3].features, part.recordings[3].features)
    assert set(found[3].row.tolist()) == {3}
    assert not len(found[3].x)


def test_episodes_of_flutter_teach_the_detector_nothing(folder: Path) -> None:
    part = part_of(module(folder, augment={"crop_s": 80}))
    assert part.recordings[2].flutter_s == ((7.0, 9.0),)
    marks = read_annotations(folder / "c")
    assert flutter_episodes(marks, RATE_HZ, 60.0) == ((7.0, 9.0),)
    _, _, known = part.windows.batch(np.arange(len(part.windows)), 0, 0)
    share = (~known).double().mean(dim=1)
    turns = np.arange(len(part.windows)) % 6
    assert share[turns == 2].max() == pytest.approx(2.2 / 80, rel=0.05)


def test_beats_that_do_not_vary_stay_as_they_are() -> None:
    beats = np.random.default_rng(0).standard_normal((4, 50)).astype(np.float32)
    still = BeatAugmentation(gain=0, shift_s=0, noise=0, drift=0)
    np.testing.assert_array_equal(varied_beats(beats, still, np.random.default_rng(1), RATE_HZ), beats)
    shifted = varied_beats(
        beats, BeatAugmentation(gain=0, shift_s=0.024, noise=0, drift=0), np.random.default_rng(1), RATE_HZ
    )
    for own, other in zip(beats, shifted, strict=True):
        assert any(np.array_equal(own[10:40], other[10 - step : 40 - step]) for step in range(-3, 4))


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"annotator": "qrs"}, DataError, r"a\.qrs: no such annotation file"),
        ({"beats": {"n": 5}}, UsageError, "beats names n, expected some of N, S, V, F"),
        ({"beats": {"N": 1}}, UsageError, "at least two in all"),
        ({"augment": {"gain": 0.1}}, UsageError, "augment needs crop_s"),
        ({"vary": {"gain": -1}}, UsageError, "gain, shift_s, noise and drift are at least 0"),
        ({"signal": {"leads": ["MLII"], "all_leads": True}}, UsageError, "expected one lead at a time"),
        ({"signal": {"leads": ["MLII"], "beats": {"clusters": 0}}}, UsageError, "clusters is 0, expected at least 1"),
        ({"split": {"by": "group", "column": "x", "folds": 2, "test": [0]}}, UsageError, "they take folds, order"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    folder: Path, changes: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        _ = module(folder, **changes).parts


def experiment(repository: Path, folder: Path, *overrides: tuple[str, str]) -> Experiment:
    small = (
        ("data.folder", str(folder)),
        ("data.beats", "{N: 200, S: 60, V: 60}"),
        ("data.batch_size", "32"),
        ("data.windows_per_step", "8"),
        ("data.augment.crop_s", "4.096"),
        ("data.split", "{by: order, folds: 3, validation: [1], test: [0]}"),
        ("model.network.members", "1"),
        ("model.network.channels", "[4, 6]"),
        ("model.network.detector.channels", "[6, 8, 8]"),
        ("model.optimizer.learning_rate", "1e-2"),
        ("trainer.max_epochs", "6"),
    )
    return check_config(read_config([str(repository / CONFIG)], [*small, *overrides]))


def test_simulated_beats_are_found_and_told_apart(repository: Path, folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    whole = experiment(repository, folder)
    facts = read_facts(fit(whole, run))
    assert (facts.job, facts.target, facts.classes) == ("beats", "beats", ["N", "S", "V", "F"])
    assert facts.input["kind"] == "beats"
    assert facts.input["beats"]["far_beats"] == 300
    assert facts.network["init_args"]["gate"] == {"limit": 0.07, "factor": 0.05}
    scores = judge_all(whole, run, ("validation", "test"))
    assert json.loads((run / "metrics.json").read_text()) == scores
    for part in ("validation", "test"):
        figures = {name: entry["value"] for name, entry in scores[part]["scores"].items()}
        assert figures["r_peak_f1 within 150 ms"] > 0.97
        assert figures["r_peak_error_sd_ms within 150 ms"] < 15
        for suffix in ("", " at detections"):
            assert figures[f"accuracy{suffix}"] > 0.95
            assert figures[f"f1[V]{suffix}"] > 0.95
            assert figures[f"f1[S]{suffix}"] > 0.85
    assert facts.metrics["scores"]["f1[V]"] == scores["validation"]["scores"]["f1[V]"]
    _check_against_scikit_learn(run, scores["test"]["scores"])
    lines = list(describe(run / "model.safetensors"))
    assert any(line.strip().startswith("f1[V] at detections") for line in lines)
    assert any("classifiers of single beats" in line for line in lines)


def _check_against_scikit_learn(run: Path, scores: dict[str, Any]) -> None:
    with (run / "predictions.tsv").open() as stream:
        rows = [
            row for row in csv.DictReader(stream, delimiter="\t") if (row["split"], row["at"]) == ("test", "marked")
        ]
    truth, decision = [row["label"] for row in rows], [row["decision"] for row in rows]
    assert scores["accuracy"]["value"] == pytest.approx(accuracy_score(truth, decision))
    assert scores["kappa"]["value"] == pytest.approx(cohen_kappa_score(truth, decision))
    assert scores["f1[V]"]["value"] == pytest.approx(f1_score(truth, decision, labels=["V"], average="macro"))
    for row in rows[::50]:
        assert sum(float(row[f"p_{name}"]) for name in "NSVF") == pytest.approx(1, abs=1e-5)
    with (run / "ec57.tsv").open() as stream:
        table = {(row["record"], row["at"]): row for row in csv.DictReader(stream, delimiter="\t")}
    assert {"a", "b", "gross", "average"} <= {name for name, _ in table}
    assert float(table["gross", "marked"]["qrs_sensitivity"]) == 1
    assert table["gross", "detected"]["supraventricular_positive_predictivity"]


def test_figures_count_missed_and_invented_beats_and_leave_out_class_q() -> None:
    matrix = np.zeros((6, 6), dtype=np.int64)
    matrix[0, 0], matrix[2, 2], matrix[2, 5], matrix[5, 2], matrix[4, 2] = 90, 6, 2, 3, 4
    figures = class_figures(matrix)
    assert figures["accuracy"] == 1
    assert figures["sensitivity[V]"] == 6 / 8
    assert figures["positive_predictivity[V]"] == 6 / 9
    assert figures["f1[V]"] == 12 / 17
    assert np.isnan(figures["sensitivity[F]"])


FEW = (("trainer.max_epochs", "2"), ("data.beats", "{N: 40, V: 40}"))


def test_a_run_that_was_cut_short_repeats_the_uninterrupted_one(
    repository: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seqpool.train.beat_model import BeatModel

    whole = fit(experiment(repository, folder, *FEW), tmp_path / "whole")
    plain_step = BeatModel.training_step

    def dies(self: Any, batch: Any, batch_idx: int) -> Any:
        if self.current_epoch == 1 and batch_idx == 1:
            raise RuntimeError("the power went")
        return plain_step(self, batch, batch_idx)

    monkeypatch.setattr(BeatModel, "training_step", dies)
    with pytest.raises(RuntimeError, match="the power went"):
        fit(experiment(repository, folder, *FEW), tmp_path / "cut")
    monkeypatch.setattr(BeatModel, "training_step", plain_step)
    resumed = fit(experiment(repository, folder, *FEW), tmp_path / "cut")
    assert (tmp_path / "cut" / "metrics.csv").read_text() == (tmp_path / "whole" / "metrics.csv").read_text()
    assert resumed.read_bytes() == whole.read_bytes()


def test_every_fold_is_judged_and_all_together(repository: Path, folder: Path, tmp_path: Path) -> None:
    split = ("data.split", "{by: order, folds: 2, test: [0]}")
    run = tmp_path / "run"
    fit_several(experiment(repository, folder, *FEW, split), run, folds=True, seeds=None, init=None)
    lines = [line.split("\t") for line in (run / "summary.tsv").read_text().splitlines()[1:]]
    found = {(score, name): float(value) for _, score, name, value in lines}
    both = [found["accuracy", f"fold{number}"] for number in (0, 1)]
    assert min(both) <= found["accuracy", "pooled"] <= max(both)
    with (run / "ec57.tsv").open() as stream:
        records = [row["record"] for row in csv.DictReader(stream, delimiter="\t") if row["at"] == "marked"]
    assert sorted(records) == sorted([*"abcdef", "average", "gross"])
    # each fold's folder says what it was trained on, and any of them what all are judged by
    own = [read_config([str(run / f"fold{number}" / "config.yaml")], []).values for number in (0, 1)]
    assert [values["data"]["init_args"]["split"]["test"] for values in own] == [["0"], ["1"]]
    again = judge_all(check_config(read_config([str(run / "fold1" / "config.yaml")], [])), run, ("test",))
    assert {part: judged["scores"]["accuracy"]["value"] for part, judged in again.items()} == {
        f"fold{number} test": pytest.approx(both[number], abs=1e-6) for number in (0, 1)
    }


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        (("model.network", "Encoder"), "expected BeatNetwork"),
        (("model.mix_up", "-1"), "mix_up is at least 0"),
        (("model.temperature", "0"), "temperature above 0"),
        (("model.network.detector.whole_outputs", "1"), "detector.whole_outputs should be 0"),
        (("model.network.gate.limit", "0"), "limit is above 0"),
    ],
)
def test_a_config_for_other_answers_is_refused(
    repository: Path, folder: Path, override: tuple[str, str], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        experiment(repository, folder, override)


def test_model_and_data_that_do_not_go_together(repository: Path, folder: Path, tmp_path: Path) -> None:
    config = read_config([str(repository / "configs" / "demo_ecg.yaml")])
    config.values["data"] = {"class_path": "Beats", "init_args": {"folder": str(folder)}}
    with pytest.raises(UsageError, match="it goes with the model BeatModel"):
        fit(check_config(config), tmp_path / "run")


@pytest.mark.data
def test_the_beats_of_ds1_are_counted_as_de_chazal_counts(data: Path) -> None:
    counts = dict.fromkeys("NSVFQ", 0)
    for path in sorted((data / "ecg" / "mitdb_ds1").glob("*.atr")):
        _, classes = read_annotations(path.with_suffix("")).beats()
        for name in classes:
            counts[name] += 1
    assert counts == {"N": 45866, "S": 944, "V": 3788, "F": 415, "Q": 8}
