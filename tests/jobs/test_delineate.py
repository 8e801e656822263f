"""Waves and intervals of recordings whose waves are known to the sample, of any length and rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb

import seqpool
from seqpool.errors import DataError, UsageError
from seqpool.jobs.delineate import delineate
from tests.jobs.recording_models import save_model
from tests.jobs.wave_models import save_wave_model

RR = 0.8
P, QRS, T = (0.10, 0.20), (0.26, 0.36), (0.50, 0.64)
"""Seconds within a beat."""


def write_blocks(folder: Path, name: str, beats: int, rate_hz: int = 250, leads: tuple[str, ...] = ("II",)) -> str:
    """Beats of rectangular waves, of the heights that the model looks for, each 2 % taller in its middle."""
    time = np.arange(int(beats * RR * rate_hz)) / rate_hz % RR
    signal = np.zeros_like(time)
    for (begin, end), height in ((P, 0.3), (QRS, 1.0), (T, 0.6)):
        inside = (time >= begin) & (time < end)
        signal[inside] = height * (1 + 0.02 * np.cos(np.pi * ((time[inside] - begin) / (end - begin) - 0.5)))
    wfdb.wrsamp(name, fs=rate_hz, units=["mV"] * len(leads), sig_name=list(leads), fmt=["16"] * len(leads),
                p_signal=np.stack([signal] * len(leads), axis=1), write_dir=str(folder))  # fmt: skip
    return str(folder / name)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_wave_model(tmp_path_factory.mktemp("model") / "waves.safetensors")


@pytest.mark.parametrize(("beats", "rate_hz"), [(4, 250), (60, 250), (40, 500), (40, 360)])
def test_waves_of_any_length_and_rate(tmp_path: Path, model: Path, beats: int, rate_hz: int) -> None:
    """One window of 4 s, and many: the stitched answer is that of the whole."""
    table = delineate(write_blocks(tmp_path, "a", beats, rate_hz), model)
    assert len(table) == 3 * beats
    assert table["wave"].tolist() == ["P", "QRS", "T"] * beats
    assert table["beat"].tolist() == np.repeat(np.arange(1, beats + 1), 3).tolist()
    starts = np.repeat(np.arange(beats) * RR, 3)
    for column, point in (("onset_sample", 0), ("offset_sample", 1)):
        wanted = (starts + np.tile([wave[point] for wave in (P, QRS, T)], beats)) * rate_hz
        assert np.abs(table[column] - wanted).max() < 1.01 * max(1, rate_hz / 250)
    assert (table["onset_sample"] <= table["peak_sample"]).all()
    assert (table["peak_sample"] <= table["offset_sample"]).all()
    if rate_hz == 250:  # resampling makes corners higher than the middle
        middle = (starts + np.tile([sum(wave) / 2 for wave in (P, QRS, T)], beats)) * rate_hz
        assert np.abs(table["peak_sample"] - middle).max() < 2


def test_no_p_wave_where_the_model_says_that_there_is_none(tmp_path: Path) -> None:
    name = write_blocks(tmp_path, "a", 20)
    without = save_wave_model(tmp_path / "no_p.safetensors", with_p=False)
    assert set(delineate(name, without)["wave"]) == {"QRS", "T"}
    assert np.isnan(delineate(name, without, intervals=True)["pr_ms"]).all()


def test_intervals(tmp_path: Path, model: Path) -> None:
    name = write_blocks(tmp_path, "a", 30, 500, ("II", "V1", "aVF"))
    table = seqpool.delineate(name, model, intervals=True, lead="all")
    assert table["lead"].tolist() == ["II", "V1", "aVF", "median"]
    assert table["record"].tolist() == [name] * 4
    qt = 1000 * (T[1] - QRS[0])
    wanted = {
        "rate_bpm": 75, "pr_ms": 160, "qrs_ms": 100, "qt_ms": qt,
        "qtc_bazett_ms": qt / 0.8**0.5, "qtc_fridericia_ms": qt / 0.8 ** (1 / 3),
    }  # fmt: skip
    for column, value in wanted.items():
        assert table[column] == pytest.approx([value] * 4, abs=5)


def test_the_lead_is_the_models_or_the_one_asked_for(tmp_path: Path, model: Path) -> None:
    name = write_blocks(tmp_path, "a", 5, 250, ("V1", "II"))
    assert set(delineate(name, model)["lead"]) == {"II"}
    assert set(delineate(name, model, lead="v1")["lead"]) == {"V1"}
    assert list(dict.fromkeys(delineate(name, model, lead="V1, II")["lead"])) == ["V1", "II"]
    with pytest.raises(DataError, match="there is no lead V5"):
        delineate(name, model, lead="V5")


def test_a_flat_lead_of_all_is_left_out(tmp_path: Path, model: Path) -> None:
    signal = np.zeros((1000, 2))
    signal[:, 0] = np.tile(np.repeat([0.0, 1.0], [150, 50]), 5)
    wfdb.wrsamp("a", fs=250, units=["mV"] * 2, sig_name=["II", "V1"], fmt=["16"] * 2, p_signal=signal,
                write_dir=str(tmp_path))  # fmt: skip
    assert set(delineate(tmp_path / "a", model, lead="all")["lead"]) == {"II"}
    with pytest.raises(DataError, match="lead V1 is constant"):
        delineate(tmp_path / "a", model, lead="V1")


def test_models_for_other_jobs(tmp_path: Path, model: Path) -> None:
    name = write_blocks(tmp_path, "a", 5)
    with pytest.raises(UsageError, match=r"does not find waves .*recording.*use seqpool classify"):
        delineate(name, save_model(tmp_path / "m.safetensors"))
    with pytest.raises(UsageError, match="use seqpool delineate"):
        seqpool.classify(name, model)


def test_a_bad_recording_of_many(tmp_path: Path, model: Path) -> None:
    name = write_blocks(tmp_path, "a", 5)
    sentences: list[str] = []
    table = delineate([str(tmp_path / "none"), name], model, on_error=lambda error: sentences.append(str(error)))
    assert set(table["record"]) == {name}
    assert sentences == [f"{tmp_path / 'none'}: no such recording."]
