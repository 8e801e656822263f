"""Recordings as data: labels, sides, duplicates, conflicts, augmentation as a function of (seed, epoch, row)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import edfio
import numpy as np
import pytest
import wfdb

from seqpool.errors import DataError, UsageError
from seqpool.options.recordings import SignalAugmentation
from seqpool.train.recording_part import varied
from seqpool.train.recordings import Recordings

LABELS = {"a": "N", "b": "A", "c": "N", "d": "A", "e": "N", "f": "A"}


def write(folder: Path, name: str, seed: int, samples: int = 1000) -> None:
    rng = np.random.default_rng(seed)
    beat = np.sin(np.arange(samples) / 4.0) ** 21 + rng.normal(0, 0.02, samples)
    wfdb.wrsamp(name, fs=125, units=["mV"], sig_name=["II"], p_signal=beat[:, None], fmt=["16"], write_dir=str(folder))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed, name in enumerate(LABELS):
        write(tmp_path, name, seed, 1000 + 50 * seed)
    (tmp_path / "t.csv").write_text("".join(f"{name} , {label}\n" for name, label in LABELS.items()))
    return tmp_path


def module(folder: Path, target: str = "multiclass", **changes: Any) -> Recordings:
    options: dict[str, Any] = {"folder": str(folder), "table": str(folder / "t.csv"), "columns": ["record", "label"]}
    return Recordings({**options, **changes}, target=target)  # type: ignore[arg-type]


def test_headerless_table_and_random_split(folder: Path) -> None:
    parts = module(folder, split={"by": "random", "stratify": "label", "shares": [0.67, 0.33]}).parts
    assert parts.classes == ("A", "N")
    assert parts.validation is not None
    assert sorted([*parts.train.ids, *parts.validation.ids]) == list("abcdef")
    assert sorted(parts.validation.target) == [0, 1]
    for part in (parts.train, parts.validation):
        assert [parts.classes[int(label)] for label in part.target] == [LABELS[name] for name in part.ids]
    assert parts.facts["split"]["rows"] == {"train": 4, "validation": 2, "test": 0}
    assert parts.facts["classes"]["train"] == {"A": 2, "N": 2}
    assert parts.facts["files"][0]["name"] == "t.csv"
    assert parts.input.channels == 1


def test_classes_are_called_and_ordered_as_named(folder: Path) -> None:
    parts = module(folder, class_names={"N": "normal", "A": "af"}).parts
    assert parts.classes == ("normal", "af")
    called = {"N": "normal", "A": "af"}
    assert [parts.classes[int(label)] for label in parts.train.target] == [
        called[LABELS[name]] for name in parts.train.ids
    ]


def test_batches_are_padded_with_zeros(folder: Path) -> None:
    part = module(folder).parts.train
    x, lengths = part.inputs(np.array([0, 5]), None, 0)
    assert x.dtype == np.float32
    assert x.shape == (2, 1, 1000)
    assert lengths.tolist() == [800, 1000]
    assert (x[0, 0, 800:] == 0).all()
    assert x[0, 0, 799] != 0


def test_every_format_that_is_read_can_train(folder: Path) -> None:
    """Recordings named without ending, some written again in other formats: the same parts."""
    wanted = module(folder).parts.train
    for name in ("a", "b"):
        record = wfdb.rdrecord(str(folder / name))
        rows = [f"{at / 125:.3f},{value}" for at, value in enumerate(record.p_signal[:, 0])]
        (folder / f"{name}.csv").write_text("\n".join(["time_s,II [mV]", *rows]))
    signal = edfio.EdfSignal(wfdb.rdrecord(str(folder / "c")).p_signal[:, 0], 125, label="ECG II",
                             physical_dimension="mV", physical_range=(-2, 2))  # fmt: skip
    edfio.Edf([signal], data_record_duration=0.4).write(folder / "c.edf")
    for name in "abc":
        (folder / f"{name}.hea").unlink()
        (folder / f"{name}.dat").unlink()
    found = module(folder).parts.train
    assert found.ids == wanted.ids
    every = np.arange(len(found.ids))
    for first, second in zip(found.inputs(every, None, 0), wanted.inputs(every, None, 0), strict=True):
        np.testing.assert_allclose(first, second, atol=2e-3)


def test_several_columns_are_targets(folder: Path) -> None:
    (folder / "m.csv").write_text("record,MI,CD\na,1,0\nb,0,\nc,1,1\n")
    parts = module(folder, "multilabel", table=str(folder / "m.csv"), columns=None, labels=["MI", "CD"]).parts
    np.testing.assert_array_equal(parts.train.target, [[1, 0], [0, np.nan], [1, 1]])
    assert parts.classes == ("MI", "CD")
    assert parts.facts["classes"]["train"] == {"MI": 2, "CD": 1}


def test_same_samples_stay_on_one_side(folder: Path) -> None:
    (folder / "f.dat").write_bytes((folder / "a.dat").read_bytes())
    (folder / "f.hea").write_text((folder / "a.hea").read_text().replace("a ", "f ", 1).replace("a.dat", "f.dat"))
    (folder / "t.csv").write_text("a,N\nb,A\nc,N\nd,A\ne,N\nf,N\n")
    for seed in range(6):
        parts = module(folder, split={"by": "random", "shares": [0.5, 0.5], "seed": seed}).parts
        assert parts.validation is not None
        assert ("a" in parts.train.ids) == ("f" in parts.train.ids)
        assert len(set(parts.train.digests) & set(parts.validation.digests)) == 0


def test_two_labels_for_the_same_samples_are_dropped(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "f.dat").write_bytes((folder / "a.dat").read_bytes())
    (folder / "f.hea").write_text((folder / "a.hea").read_text().replace("a ", "f ", 1).replace("a.dat", "f.dat"))
    parts = module(folder, split={"by": "order", "folds": 2, "validation": [0]}).parts
    assert parts.validation is not None
    assert sorted([*parts.train.ids, *parts.validation.ids]) == list("bcde")
    assert "2 recordings have samples that carry two labels (first: a): dropped." in capsys.readouterr().err
    assert parts.facts["split"]["left_out"] == 2


def test_a_group_stays_on_one_side_whatever_the_rule(folder: Path) -> None:
    rows = zip(LABELS.items(), [1, 1, 2, 2, "", ""], strict=True)
    (folder / "g.csv").write_text("record,label,patient\n" + "".join(f"{n},{la},{p}\n" for (n, la), p in rows))
    for seed in range(6):
        split = {"by": "random", "shares": [0.5, 0.5], "seed": seed}
        parts = module(folder, table=str(folder / "g.csv"), columns=None, group="patient", split=split).parts
        train = set(parts.train.ids)
        assert len(train & {"a", "b"}) in (0, 2)
        assert len(train & {"c", "d"}) in (0, 2)


def test_unreadable_recordings_are_left_out_and_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "b.dat").write_bytes(b"short")
    assert module(folder).parts.train.ids == ["a", "c", "d", "e", "f"]
    assert "1 recordings cannot be used and are left out (first: " in capsys.readouterr().err
    for name in LABELS:
        (folder / f"{name}.hea").unlink()
    with pytest.raises(DataError, match=r"a\.hea is missing"):
        _ = module(folder).parts


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"labels": "rhythm"}, UsageError, "data.labels is 'rhythm', but .* has columns record, label"),
        ({"labels": ["label", "record"]}, UsageError, "lists 2 columns"),
        ({"group": "patient"}, UsageError, "data.group is 'patient'"),
        ({"split": {"by": "chromosome", "test": ["1"]}}, UsageError, "is for letters"),
        ({"signal": {"rate_hz": 50}}, UsageError, "lowpass_hz is 40"),
        ({"augment": {"sign_flip": 2}}, UsageError, "sign_flip is 2"),
        ({"augment": {"sign": 1}}, UsageError, "augment.sign is not an option of SignalAugmentation"),
        ({"table": "nothing.csv"}, DataError, "nothing.csv"),
        ({"class_names": {"A": "af"}}, UsageError, "class_names lacks 'N'"),
        ({"class_names": {"A": "af", "N": "normal", "O": "other"}}, UsageError, "names 'O', which no row"),
        ({"class_names": {"A": "af", "N": "af"}}, UsageError, "calls two labels the same"),
    ],
)
def test_wrong_options(folder: Path, changes: dict[str, Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        _ = module(folder, **{"split": {"by": "random", "shares": [0.5, 0.5]}, **changes}).parts


def test_augmentation_depends_on_seed_epoch_and_row_alone(folder: Path) -> None:
    augment = {"sign_flip": 0.5, "gain": 0.2, "noise": 0.1, "stretch": 0.04, "crop_s": 5}
    part = module(folder, augment=augment).parts.train
    rows = np.arange(6)
    first, lengths = part.inputs(rows, 3, 7)
    again, _ = part.inputs(rows[::-1], 3, 7)
    np.testing.assert_array_equal(first, again[::-1])
    assert lengths.max() <= 500
    assert not np.array_equal(first, part.inputs(rows, 4, 7)[0][:, :, : first.shape[2]])
    assert not np.array_equal(first, part.inputs(rows, 3, 8)[0][:, :, : first.shape[2]])
    plain, whole = part.inputs(rows, None, 7)
    np.testing.assert_array_equal(plain, part.inputs(rows, None, 9)[0])
    assert whole.min() == 800


def test_each_variation_is_what_it_says() -> None:
    values = np.sin(np.arange(1000, dtype=np.float32) / 10)[None]

    def vary(seed: int, **options: float) -> np.ndarray:
        return varied(values, SignalAugmentation(**options), np.random.default_rng(seed), 100.0)

    np.testing.assert_array_equal(vary(0), values)
    signs = [float(np.sign((vary(seed, sign_flip=0.3) * values).sum())) for seed in range(300)]
    assert 0.2 < np.mean(np.array(signs) < 0) < 0.4
    gains = [np.log(vary(seed, gain=0.2).max() / values.max()) for seed in range(300)]
    assert np.std(gains) == pytest.approx(0.2, rel=0.15)
    noises = [(vary(seed, noise=0.1) - values).std() for seed in range(200)]
    assert 0.09 < max(noises) <= 0.105
    assert min(noises) < 0.01
    three = np.repeat(values, 3, axis=0)
    option = SignalAugmentation(lead_dropout=0.25)
    heard = [varied(three, option, np.random.default_rng(seed), 100.0).any(axis=1) for seed in range(400)]
    assert np.mean(heard) == pytest.approx(0.75 + 0.25**3, abs=0.04)
    assert np.any(heard, axis=1).all()
    assert (varied(values, option, np.random.default_rng(0), 100.0) == values).all()
    lengths = [vary(seed, stretch=0.04).shape[1] for seed in range(200)]
    assert 958 <= min(lengths) < 970
    assert 1030 < max(lengths) <= 1040
    slow = vary(3, stretch=0.04)
    np.testing.assert_allclose(
        slow[0], np.interp(np.linspace(0, 999, slow.shape[1]), np.arange(1000), values[0]), atol=1e-5
    )
    ramp = np.arange(1000, dtype=np.float32)[None]
    crops = [varied(ramp, SignalAugmentation(crop_s=4), np.random.default_rng(seed), 100.0)[0] for seed in range(300)]
    assert all(np.array_equal(crop, np.arange(crop[0], crop[0] + 400)) for crop in crops)
    assert min(crop[0] for crop in crops) < 20
    assert max(crop[0] for crop in crops) > 580


@pytest.mark.data
def test_identical_recordings_of_the_challenge_stay_together(data: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("A00227,N\nA01176,N\nA02656,N\nA03123,N\nA00001,N\nA00004,A\n")
    for seed in range(8):
        split = {"by": "random", "shares": [0.5, 0.5], "seed": seed}
        parts = module(data / "ecg/cinc2017", table=str(tmp_path / "t.csv"), split=split).parts
        train = set(parts.train.ids)
        assert len(train & {"A00227", "A01176"}) in (0, 2)
        assert len(train & {"A02656", "A03123"}) in (0, 2)


@pytest.mark.data
def test_published_folds_and_patients(data: Path, tmp_path: Path) -> None:
    folder = data / "ecg/ptbxl"
    lines = (folder / "superclasses.csv").read_text().splitlines()
    some = [lines[0], *[line for line in lines[1:] if line.endswith((",3", ",9"))]]
    (tmp_path / "t.csv").write_text("\n".join(some) + "\n")
    parts = Recordings(
        {
            "folder": str(folder), "table": str(tmp_path / "t.csv"), "labels": ["NORM", "MI", "STTC", "CD", "HYP"],
            "group": "patient_id", "split": {"by": "folds", "column": "strat_fold", "validation": [9]},
            "signal": {"leads": ["I", "II"], "all_leads": True, "normalise": "none"},
        },
        target="multilabel",
    ).parts  # fmt: skip
    assert parts.validation is not None
    assert (len(parts.train.ids), len(parts.validation.ids)) == (34, 81)
    assert parts.length == 1000
    wanted = sum(int(line.split(",")[2]) for line in some[1:])
    assert parts.facts["classes"]["train"]["NORM"] + parts.facts["classes"]["validation"]["NORM"] == wanted
