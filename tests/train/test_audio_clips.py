"""Clips as data: labels from folders, names and tables; sides; variation as a function of (seed, epoch, row)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from seqpool.errors import DataError, UsageError
from seqpool.options.audio import AudioAugmentation
from seqpool.train.audio_clips import AudioClips
from seqpool.train.sound_variation import varied_sound

NAMES = ["0_ann_1", "1_ann_1", "0_bob_1", "1_bob_1", "0_ann_2", "1_bob_2"]


def write(path: Path, seed: int, rate: int = 8000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).normal(0, 0.1, 800 + 50 * seed)
    wavfile.write(path, rate, noise.astype(np.float32))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed, name in enumerate(NAMES):
        write(tmp_path / "clips" / f"{name}.wav", seed)
    return tmp_path / "clips"


def module(folder: Path, target: str = "multiclass", **changes: Any) -> AudioClips:
    options: dict[str, Any] = {"labels": "{label}_{speaker}_{take}", "signal": {"rate_hz": 8000}}
    return AudioClips({"folder": str(folder), **options, **changes}, target=target)  # type: ignore[arg-type]


def test_a_pattern_gives_labels_and_columns_for_the_split(folder: Path) -> None:
    parts = module(folder, split={"by": "folds", "column": "speaker", "test": ["bob"]}).parts
    assert parts.test is not None
    assert sorted(parts.test.ids) == [name for name in sorted(NAMES) if "bob" in name]
    assert parts.classes == ("0", "1")
    assert [parts.classes[int(label)] for label in parts.train.target] == [name[0] for name in parts.train.ids]
    assert parts.facts["folds"] == ["ann", "bob"]
    assert parts.facts["classes"]["test"] == {"0": 1, "1": 2}


def test_folders_name_the_classes(folder: Path) -> None:
    for name in NAMES:
        (folder / name[0]).mkdir(exist_ok=True)
        (folder / f"{name}.wav").rename(folder / name[0] / f"{name}.wav")
    parts = module(folder, labels="folder").parts
    assert [parts.classes[int(label)] for label in parts.train.target] == [Path(n).parent.name for n in parts.train.ids]


def test_a_table_names_files_and_official_folds(folder: Path) -> None:
    lines = [f"{name}.wav,{'yes' if name[0] == '1' else 'no'},{fold % 3}" for fold, name in enumerate(NAMES)]
    (folder / "t.csv").write_text("\n".join(["file,class,fold", *lines]))
    split = {"by": "folds", "column": "fold", "validation": [1], "test": [2]}
    parts = module(folder, labels="class", table=str(folder / "t.csv"), split=split).parts
    assert (parts.train.ids, parts.test and parts.test.ids) == ([NAMES[0], NAMES[3]], [NAMES[2], NAMES[5]])
    assert parts.classes == ("no", "yes")


def test_batches_are_padded_and_resampling_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "0_eve_1.wav", 9, rate=16000)
    part = module(folder).parts.train
    assert "1 of 7 clips: resampled from 16000 to 8000 Hz." in capsys.readouterr().err
    x, lengths = part.inputs(np.arange(7), None, 0)
    expected = [(800 + 50 * NAMES.index(n)) if n in NAMES else 625 for n in part.ids]
    assert lengths.tolist() == expected
    assert x.shape == (7, 1, 1050)
    assert all((row[0, n:] == 0).all() for row, n in zip(x, lengths, strict=True))


def test_copies_stay_on_one_side_and_bad_files_are_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "0_zoe_1.wav").write_bytes((folder / "0_ann_1.wav").read_bytes())
    (folder / "1_zoe_1.wav").write_bytes(b"RIFF")
    for seed in range(4):
        parts = module(folder, split={"by": "random", "shares": [0.5, 0.5], "seed": seed}).parts
        assert ("0_ann_1" in parts.train.ids) == ("0_zoe_1" in parts.train.ids)
    assert "1 clips cannot be used and are left out (first: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"labels": "{speaker}"}, UsageError, "expected folder, or a pattern"),
        ({"labels": "{label}_{label}"}, UsageError, "names a field twice"),
        ({"labels": "{label}-{speaker}"}, DataError, "does not fit the pattern"),
        ({"columns": ["a"]}, UsageError, "there is no table"),
        ({"table": "nowhere.csv", "labels": "label"}, DataError, "nowhere.csv"),
        ({"group": "age"}, UsageError, "data.group is 'age'"),
        ({"split": {"by": "chromosome", "test": ["1"]}}, UsageError, "is for letters"),
        ({"augment": {"speed": 0.5}}, UsageError, "speed is 0.5"),
    ],
)
def test_wrong_options(folder: Path, changes: dict[str, Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        _ = module(folder, **{"split": {"by": "random", "shares": [0.5, 0.5]}, **changes}).parts


def test_variation_depends_on_seed_epoch_and_row_alone(folder: Path) -> None:
    part = module(folder, augment={"speed": 0.1, "shift_s": 0.02, "crop_s": 0.09}).parts.train
    rows = np.arange(6)
    first, lengths = part.inputs(rows, 3, 7)
    again, _ = part.inputs(rows[::-1], 3, 7)
    np.testing.assert_array_equal(first, again[::-1])
    assert not np.array_equal(first, part.inputs(rows, 4, 7)[0])
    assert lengths.max() == 720
    assert part.inputs(rows, None, 7)[1].max() == 1050


def test_each_variation_is_what_it_says() -> None:
    tone = np.sin(2 * np.pi * 200 * np.arange(8000) / 8000).astype(np.float32)[None]

    def vary(seed: int, **options: float) -> np.ndarray:
        return varied_sound(tone, AudioAugmentation(**options), np.random.default_rng(seed), 8000.0)

    np.testing.assert_array_equal(vary(0), tone)
    played = [vary(seed, speed=0.2) for seed in range(60)]
    pitches = [np.abs(np.fft.rfft(one[0], 80000)).argmax() / 10 for one in played]
    lengths = np.array([one.shape[1] for one in played])
    np.testing.assert_allclose(np.array(pitches) / 200, 8000 / lengths, atol=2e-3)
    assert (lengths.min(), lengths.max()) == (6667, 10000)
    for seed in range(20):
        moved = vary(seed, shift_s=0.05)
        offset = np.argmax(np.correlate(moved[0], tone[0, 400:-400], "valid")) - 400
        silent = np.flatnonzero(moved[0])
        assert moved.shape == tone.shape
        assert abs(offset) <= 400
        assert silent[0] >= offset
    assert all(vary(seed, crop_s=0.25).shape[1] == 2000 for seed in range(5))
