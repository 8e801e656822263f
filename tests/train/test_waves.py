"""Waves as data: labels that move with the signal, turns of an epoch, sides; and training on the demo recordings."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wfdb
from hypothesis import given
from hypothesis import strategies as st

from seqpool.errors import DataError, UsageError
from seqpool.jobs.describe import describe
from seqpool.options.config import Experiment, check_config, read_config
from seqpool.options.facts import read_facts
from seqpool.options.recordings import SignalAugmentation
from seqpool.records import WAVES, Delineation
from seqpool.train.recording_part import varied_in_time
from seqpool.train.run import fit
from seqpool.train.several import fit_several, judge_all
from seqpool.train.wave_part import UNKNOWN, LabelledLead, labels_of, unknown_stretches
from seqpool.train.waves import Waves

NONE = float("nan")
SIGNAL = {"leads": ["II"], "rate_hz": 125}


def waves(*rows: tuple[str, float, float, float]) -> Delineation:
    points = np.array([row[1:] for row in rows], dtype=float).reshape(-1, 3).T
    return Delineation(np.array([WAVES.index(row[0]) for row in rows], dtype=np.int8), *points)


def lead(marked: Delineation, samples: int = 300, known: tuple[float, float] = (10.0, 250.0)) -> LabelledLead:
    values = np.zeros((1, samples), dtype=np.float32)
    return LabelledLead(values, marked, known, tuple(unknown_stretches(marked, 125)))


def spans(labels: np.ndarray, label: int) -> list[tuple[int, int]]:
    places = np.flatnonzero(labels[:-1] == label)
    pieces = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(places) else []
    return [(int(piece[0]), int(piece[-1])) for piece in pieces]


def test_labels_lie_between_the_marks_and_only_where_somebody_looked() -> None:
    labels = labels_of(lead(waves(("P", 19.5, 25, 30.5), ("QRS", 40, 45, 50), ("T", 60, 75, 90))), 0.0, 1.0, 300)
    assert spans(labels, 1) == [(20, 30)]
    assert spans(labels, 2) == [(41, 49)]
    assert spans(labels, 3) == [(61, 89)]
    assert spans(labels, UNKNOWN) == [(0, 9), (251, 299)]
    assert labels[-1] == 1
    assert labels_of(lead(waves(("QRS", 40, 45, 50))), 0.0, 1.0, 300)[-1] == 0
    assert labels_of(lead(waves(("P", 20, 25, 30))), 260.0, 1.0, 40)[-1] == UNKNOWN


def test_a_missing_bracket_hides_the_samples_that_it_would_decide() -> None:
    marked = waves(("QRS", NONE, 45, 50), ("T", 60, 75, NONE), ("QRS", 130, 140, 150))
    labels = labels_of(lead(marked), 0.0, 1.0, 300)
    # 0.25 s before the peak at 45, as there is no wave before; after the T's peak as far as that
    assert spans(labels, UNKNOWN) == [(0, 9), (14, 44), (76, 106), (251, 299)]
    assert spans(labels, 2) == [(46, 49), (131, 149)]


@given(st.integers(0, 5000))
def test_labels_move_with_the_signal(seed: int) -> None:
    """A signal that is 1 inside the wave and 0 outside, cropped and stretched: still where its label is."""
    marked = waves(("QRS", 99.5, 110, 140.5))
    one = lead(marked, known=(0.0, 299.0))
    one.values[0, 100:141] = 1.0
    augment = SignalAugmentation(stretch=0.3, crop_s=1.6)
    values, start, scale = varied_in_time(one.values, augment, np.random.default_rng(seed), 125.0)
    labels = labels_of(one, start, scale, values.shape[1])[:-1]
    sure = (values[0] == 0) | (values[0] == 1)
    np.testing.assert_array_equal(labels[sure] == 2, values[0][sure] == 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    for number, name in enumerate("abcdef"):
        signal = rng.normal(0, 0.3, (1000, 2))
        wfdb.wrsamp(name, fs=125, units=["mV"] * 2, sig_name=["i", "ii"], p_signal=signal, fmt=["16"] * 2,
                    write_dir=str(tmp_path))  # fmt: skip
        symbols = "(p)(N)(t)" if number % 3 else "(N)(t)"
        samples = np.arange(len(symbols)) * 20 + 100
        for ending in ("i", "ii"):
            wfdb.wrann(name, ending, samples + (ending == "i"), list(symbols), fs=125, write_dir=str(tmp_path))
    (tmp_path / "rhythms.csv").write_text(
        "ID,Rhythms\n" + "".join(f"{n},{'Atrial flutter' if n in 'ad' else 'Sinus rhythm'}\n" for n in "abcdef")
    )
    return tmp_path


def module(folder: Path, **changes: Any) -> Waves:
    return Waves({"folder": str(folder), "signal": SIGNAL, **changes}, target="waves")


def test_an_epoch_takes_other_leads_and_recordings_without_p_more_often(folder: Path) -> None:
    data = module(folder, other_leads=["I", "V1"], other_leads_each=1, without_p_times=3,
                  table=str(folder / "rhythms.csv"))  # fmt: skip
    part = data.parts.train
    assert part.ids == list("abcdef")
    assert part.target.tolist() == [0, 1, 1, 0, 1, 1]  # type: ignore[attr-defined]
    assert part.fibrillation.tolist() == [True, False, False, True, False, False]  # type: ignore[attr-defined]
    assert part.draws == 4 * 2 + 2 * 3 * 2  # type: ignore[attr-defined]
    rows = [row for batch in data.train_dataloader() for row in batch.row.tolist()]
    assert sorted(rows) == list(range(20))
    assert data.parts.facts["leads"] == {"judged": "II", "also trained on": ["I", "V1"]}
    judged, other = data.recordings[1].leads.values()
    x, lengths, labels = part.labelled(np.array([6, 7]), 0, 0)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(x[0], judged.values)
    np.testing.assert_array_equal(x[1], other.values)
    assert lengths.tolist() == [1000, 1000]
    assert spans(labels[0], 2) == [(161, 199)]
    assert spans(labels[1], 2) == [(162, 200)]


def test_variation_is_a_function_of_seed_epoch_and_recording(folder: Path) -> None:
    augment = {"crop_s": 4, "stretch": 0.2, "gain": 0.2, "sign_flip": 0.3, "noise": 0.1, "drift": 0.2}
    whole = module(folder, augment=augment).parts.train
    some = module(folder, augment=augment, split={"by": "order", "folds": 3, "test": [0]}).parts.train
    assert some.ids == ["b", "c", "e", "f"]
    first = whole.inputs(np.array([1, 4]), 3, 7)[0]
    np.testing.assert_array_equal(first, some.inputs(np.array([0, 2]), 3, 7)[0])
    assert not np.array_equal(first, whole.inputs(np.array([1, 4]), 4, 7)[0])
    assert not np.array_equal(first, whole.inputs(np.array([1, 4]), 3, 8)[0])


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"annotator": "atr"}, DataError, r"a\.atr: no such annotation file"),
        ({"other_leads_each": 1}, UsageError, "other_leads_each is 1, expected at most the 0"),
        ({"augment": {"lead_dropout": 0.5}}, UsageError, "lead_dropout is for networks of several leads"),
        ({"signal": {"rate_hz": 125}}, UsageError, "signal.leads names the lead that is judged"),
        ({"split": {"by": "group", "column": "x", "folds": 2, "test": [0]}}, UsageError, "they take folds, order"),
        ({"signal": {**SIGNAL, "leads": ["V6"]}}, DataError, r"a\.v6: no such annotation file"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    folder: Path, changes: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        _ = module(folder, **changes).parts


def test_a_recording_without_marks_is_left_out_and_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "b.ii").unlink()
    assert module(folder).parts.train.ids == list("acdef")
    assert "1 recordings cannot be used and are left out (first: " in capsys.readouterr().err


def demo(repository: Path, *overrides: tuple[str, str]) -> Experiment:
    given_ones = [("data.folder", str(repository / "data" / "ecg_demo")), *overrides]
    return check_config(read_config([str(repository / "configs" / "demo_waves.yaml")], given_ones))


FEW = (("trainer.max_epochs", "2"), ("model.network.channels", "[4, 8]"))


def test_demo_waves_are_found(repository: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    experiment = demo(repository)
    facts = read_facts(fit(experiment, run))
    assert (facts.job, facts.target, facts.classes) == ("waves", "waves", ["none", "P", "QRS", "T", "any P"])
    assert facts.data["leads"]["judged"] == "II"
    assert facts.thresholds == [0.8]
    scores = judge_all(experiment, run, ("validation", "test"))
    assert json.loads((run / "metrics.json").read_text()) == scores
    for part in ("validation", "test"):
        figures = {name: entry["value"] for name, entry in scores[part]["scores"].items()}
        for wave, most_ms in (("P", 20), ("QRS", 14), ("T", 28)):
            for point in ("onset", "offset"):
                assert figures[f"f1[{wave} {point}]"] > (0.9 if wave == "P" else 0.97)
                assert figures[f"error_sd_ms[{wave} {point}]"] < most_ms
    lines = list(describe(run / "model.safetensors"))
    assert any("P waves where any P is above 0.8" in line for line in lines)
    assert any(line.strip().startswith("f1[T offset]") for line in lines)
    assert facts.metrics["scores"]["f1[T offset]"] == scores["validation"]["scores"]["f1[T offset]"]
    with (run / "predictions.tsv").open() as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert {row["wave"] for row in rows} == set(WAVES)
    # every second recording has no P wave
    assert not [row for row in rows if row["wave"] == "P" and int(row["id"][1:]) % 2 == 0]


def test_a_run_that_was_cut_short_repeats_the_uninterrupted_one(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fit(demo(repository, *FEW), tmp_path / "whole")
    from seqpool.train.wave_model import WaveModel

    plain_step = WaveModel.training_step

    def dies(self: Any, batch: Any, batch_idx: int) -> Any:
        if self.current_epoch == 1 and batch_idx == 3:
            raise RuntimeError("the power went")
        return plain_step(self, batch, batch_idx)

    monkeypatch.setattr(WaveModel, "training_step", dies)
    with pytest.raises(RuntimeError, match="the power went"):
        fit(demo(repository, *FEW), tmp_path / "cut")
    monkeypatch.setattr(WaveModel, "training_step", plain_step)
    resumed = fit(demo(repository, *FEW), tmp_path / "cut")
    assert (tmp_path / "cut" / "metrics.csv").read_text() == (tmp_path / "whole" / "metrics.csv").read_text()
    assert resumed.read_bytes() == whole.read_bytes()


def test_every_fold_is_judged_and_all_together(repository: Path, tmp_path: Path) -> None:
    split = ("data.split", "{by: order, folds: 2, test: [0]}")
    fit_several(
        demo(repository, split, ("trainer.max_epochs", "6")), tmp_path / "run", folds=True, seeds=None, init=None
    )
    lines = (tmp_path / "run" / "summary.tsv").read_text().splitlines()
    found = {tuple(line.split("\t")[1:3]): float(line.split("\t")[3]) for line in lines[1:]}
    both = [found["error_mean_ms[QRS onset]", f"fold{number}"] for number in (0, 1)]
    assert min(both) < found["error_mean_ms[QRS onset]", "pooled"] < max(both)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        (("model.network", "Encoder"), "expected SampleLabeller"),
        (("model.network.whole_outputs", "0"), "whole_outputs should be 1"),
        (("model.class_weights", "{p: 2}"), "class_weights names p, expected some of none, P, QRS, T"),
    ],
)
def test_a_config_for_other_answers_is_refused(repository: Path, override: tuple[str, str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        demo(repository, override)


def test_model_and_data_that_do_not_go_together(repository: Path, tmp_path: Path) -> None:
    config = read_config([str(repository / "configs" / "demo_ecg.yaml")])
    config.values["data"] = read_config([str(repository / "configs" / "demo_waves.yaml")]).values["data"]
    config.values["data"]["init_args"]["folder"] = str(repository / "data" / "ecg_demo")
    with pytest.raises(UsageError, match="it goes with the model WaveModel"):
        fit(check_config(config), tmp_path / "run")
