"""Beats of recordings whose beats are known, of any length and rate; hostile signals end, with beats or a sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wfdb

import seqpool
from seqpool.artifact import load_artifact
from seqpool.errors import DataError, UsageError
from seqpool.io.ecg.recordings import open_recording
from seqpool.jobs.beats import BEAT_COLUMNS, RecordingBeats, beat_rows, beats_of, write_beats
from tests.jobs.beat_models import save_beat_model
from tests.jobs.recording_models import save_model


def beat_times(seconds: float) -> np.ndarray:
    """A beat every 0.7 to 0.9 s."""
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.uniform(0.7, 0.9, int(seconds)))
    return times[times < seconds - 0.5]


def bumps(times: np.ndarray, seconds: float, rate_hz: float) -> np.ndarray:
    """(samples,) a bump of 1 mV and 30 ms at each time; every fifth has 2 mV."""
    grid = np.arange(round(seconds * rate_hz)) / rate_hz
    signal = np.zeros_like(grid)
    for number, time in enumerate(times):
        near = slice(*np.searchsorted(grid, [time - 0.2, time + 0.2]))
        signal[near] += (2.0 if number % 5 == 4 else 1.0) * np.exp(-0.5 * ((grid[near] - time) / 0.03) ** 2)
    return signal


def write_record(folder: Path, name: str, leads: dict[str, np.ndarray], rate_hz: float) -> str:
    wfdb.wrsamp(name, fs=rate_hz, units=["mV"] * len(leads), sig_name=list(leads), fmt=["16"] * len(leads),
                p_signal=np.stack(list(leads.values()), axis=1), write_dir=str(folder))  # fmt: skip
    return str(folder / name)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_beat_model(tmp_path_factory.mktemp("model") / "beats.safetensors")


@pytest.mark.parametrize(("seconds", "rate_hz"), [(5, 360), (200, 125), (200, 360), (700, 500)])
def test_beats_of_any_length_and_rate(tmp_path: Path, model: Path, seconds: float, rate_hz: float) -> None:
    times = beat_times(seconds)
    signal = bumps(times, seconds, rate_hz)
    name = write_record(tmp_path, "a", {"V1": np.sin(np.arange(len(signal))), "MLII": signal}, rate_hz)
    table = seqpool.classify(name, model, task="beats")
    assert list(table.columns) == list(BEAT_COLUMNS)
    assert table["beat"].tolist() == list(range(1, len(times) + 1))
    assert np.abs(table["time_s"] - times).max() < 3e-3
    assert np.abs(table["sample"] - table["time_s"] * rate_hz).max() <= 0.5
    assert set(table["lead"]) == {"MLII"}
    assert set(table["record"]) == {name}
    probabilities = np.stack([table[f"p_{letter}"] for letter in "NSVFQ"])
    assert probabilities.sum(axis=0) == pytest.approx(np.ones(len(times)))
    assert table["class"].tolist() == ["NSVFQ"[place] for place in probabilities.argmax(axis=0)]
    assert not table["p_Q"].any()


def test_a_class_can_be_left_open(tmp_path: Path) -> None:
    probabilities = np.array([[0.9, 0.1, 0, 0, 0], [0.4, 0.3, 0.3, 0, 0], [0.2, 0, 0.8, 0, 0]])
    beats = RecordingBeats("r", "II", 3600, 360.0, np.array([1.0, 2.0, 3.0]), probabilities)
    assert beats.classes().tolist() == ["N", "N", "V"]
    assert beat_rows(beats, 0.5)["class"].tolist() == ["N", "", "V"]
    write_beats(tmp_path, "r", beats, 0.5)
    found = wfdb.rdann(str(tmp_path / "r"), "seqpool")
    assert (found.symbol, found.sample.tolist()) == (["N", "Q", "V"], [360, 720, 1080])
    assert found.fs == 360


def test_the_lead_is_the_models_or_the_one_asked_for(tmp_path: Path, model: Path) -> None:
    signals = {"V1": bumps(np.array([2.0, 3.0]), 10, 250), "II": bumps(np.array([5.0]), 10, 250)}
    name = write_record(tmp_path, "a", signals, 250)
    assert seqpool.classify(name, model, task="beats")["sample"].tolist() == [1250]
    assert seqpool.classify(name, model, task="beats", lead="v1")["sample"].tolist() == [500, 750]
    with pytest.raises(DataError, match="there is no lead V5"):
        seqpool.classify(name, model, task="beats", lead="V5")


HOSTILE = {
    "noise": lambda rng: rng.normal(0, 1, 25_000),
    "alternating": lambda rng: np.tile([0.0, 1.0], 12_500),
    "steps": lambda rng: np.repeat(rng.integers(0, 2, 250), 100).astype(float),
    "mostly missing at the end": lambda rng: np.where(np.arange(25_000) < 15_000, rng.normal(0, 1, 25_000), np.nan),
    "a beat at each end": lambda rng: np.concatenate([[1.0, 0.6], np.zeros(24_996), [0.6, 1.0]]),
    "no beat": lambda rng: 0.2 * np.sin(np.arange(25_000) / 40),
    "flat": lambda rng: np.zeros(25_000),
    "missing": lambda rng: np.full(25_000, np.nan),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_signals_end(tmp_path: Path, model: Path, kind: str) -> None:
    signal = HOSTILE[kind](np.random.default_rng(0))
    np.save(tmp_path / "a.npy", signal.astype(np.float32)[None])
    ask = {"task": "beats", "rate_hz": 250.0, "unit": "mV"}
    if kind in ("flat", "missing"):
        with pytest.raises(DataError, match=r"constant|missing"):
            seqpool.classify(tmp_path / "a.npy", model, **ask)
        return
    times = seqpool.classify(tmp_path / "a.npy", model, **ask)["time_s"]
    assert (np.diff(times) > 0.1).all()
    assert ((times >= 0) & (times < 100)).all()
    assert {"no beat": len(times) == 0, "a beat at each end": len(times) == 2}.get(kind, len(times) > 0)


def test_blocks_of_any_length_give_the_same(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in blocks of 7 s and of 300 s, seen in windows of 2 s and of 60 s: the beats are the same."""
    times = beat_times(300)
    name = write_record(tmp_path, "a", {"II": bumps(times, 300, 360)}, 360)
    artifact = load_artifact(model)
    whole, _ = beats_of(open_recording(name), artifact)
    monkeypatch.setattr("seqpool.signal.prepared_signal.READ_S", 7)
    blocks, _ = beats_of(open_recording(name), artifact)
    assert np.array_equal(whole.times_s, blocks.times_s)
    assert np.array_equal(whole.probabilities, blocks.probabilities)
    monkeypatch.setattr("seqpool.nn.peak_finder.WINDOW_S", 2.0)
    windows, _ = beats_of(open_recording(name), artifact)
    assert np.array_equal(whole.peak_samples(), windows.peak_samples())
    assert windows.times_s == pytest.approx(whole.times_s, abs=1e-6)  # float32 sums in another order
    assert windows.probabilities == pytest.approx(whole.probabilities, abs=1e-4)


def test_models_for_other_jobs(tmp_path: Path, model: Path) -> None:
    name = write_record(tmp_path, "a", {"II": bumps(beat_times(10), 10, 250)}, 250)
    with pytest.raises(UsageError, match="does not find beats"):
        seqpool.classify(name, save_model(tmp_path / "m.safetensors"), task="beats")
    with pytest.raises(UsageError, match=r"finds beats.*task beats"):
        seqpool.classify(name, model)
    with pytest.raises(UsageError, match="task is 'beat'"):
        seqpool.classify(name, model, task="beat")


def test_a_bad_recording_of_many(tmp_path: Path, model: Path) -> None:
    name = write_record(tmp_path, "a", {"II": bumps(beat_times(10), 10, 250)}, 250)
    sentences: list[str] = []
    table = seqpool.classify([tmp_path / "none", name], model, task="beats",
                             on_error=lambda error: sentences.append(str(error)))  # fmt: skip
    assert set(table["record"]) == {name}
    assert sentences == [f"{tmp_path / 'none'}: no such recording."]


def test_a_recording_ends_before_what_resampling_adds() -> None:
    beats = RecordingBeats("r", "II", 1000, 250.0, np.array([3.9999]), np.full((1, 5), 0.2))
    assert beats.peak_samples().tolist() == [999]
    assert replace(beats, times_s=np.array([0.0])).peak_samples().tolist() == [0]
