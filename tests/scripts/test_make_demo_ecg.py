"""The committed demo ECG is what the script makes, and its beats lie where it says."""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import wfdb

from seqpool.io.ecg.recordings import find_recordings, read_recording


@pytest.fixture(scope="module")
def script(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_demo_ecg", repository / "scripts/make_demo_ecg.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def beats(repository: Path) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    with (repository / "data/ecg_demo/beats.tsv").open() as stream:
        for row in csv.DictReader(stream, delimiter="\t"):
            found.setdefault(row["record"], []).append(float(row["time_s"]))
    return found


@pytest.fixture(scope="module")
def signals(repository: Path) -> dict[str, np.ndarray]:
    names = find_recordings([str(repository / "data/ecg_demo")])
    return {Path(name).name: read_recording(name).signal[0].astype(np.float64) for name in names}


def test_the_script_makes_the_committed_files(
    script: ModuleType, repository: Path, signals: dict[str, np.ndarray], beats: dict[str, list[float]]
) -> None:
    counts, labels, times, marks = script.make()
    with (repository / "data/ecg_demo/REFERENCE.csv").open() as stream:
        assert [row[1] for row in csv.reader(stream)] == labels
    for number, (name, signal) in enumerate(signals.items()):
        # another processor may round the last digit otherwise
        assert np.abs(signal * 1000 - counts[number]).max() < 1.01, name
        np.testing.assert_allclose(beats[name], times[number], atol=6e-5)
        waves = wfdb.rdann(str(repository / "data/ecg_demo" / name), "waves")
        assert list(zip(waves.sample.tolist(), waves.symbol, strict=True)) == marks[number]


def test_marked_waves_are_where_the_signal_moves(
    repository: Path, signals: dict[str, np.ndarray], beats: dict[str, list[float]]
) -> None:
    """R peaks of the table are the complexes' peaks; P and T peaks are near the largest sample of their wave."""
    for name in ("e01", "e02", "e03"):
        waves = wfdb.rdann(str(repository / "data/ecg_demo" / name), "waves")
        peaks = waves.sample[np.array(waves.symbol) == "N"] / 125
        assert all(np.abs(np.array(beats[name]) - peak).min() < 0.0081 for peak in peaks)
        assert len(peaks) >= len(beats[name]) - 2
        assert ("p" in waves.symbol) == (name != "e02")
        for symbol in set(waves.symbol) & {"p", "t"}:
            places = np.flatnonzero(np.array(waves.symbol) == symbol)
            error = []
            for place in places:
                begin, peak, end = waves.sample[place - 1 : place + 2]
                piece = signals[name][begin : end + 1]
                line = np.linspace(piece[0], piece[-1], len(piece))
                error.append(begin + int(np.argmax(piece - line)) - peak)
            assert abs(np.median(error)) <= 3


def test_r_peaks_lie_where_the_table_says(signals: dict[str, np.ndarray], beats: dict[str, list[float]]) -> None:
    errors = []
    for name, signal in signals.items():
        for time_s in beats[name]:
            at = round(time_s * 125)
            if 8 <= at < len(signal) - 9:
                near = signal[at - 8 : at + 9]
                assert near.max() == signal[max(at - 30, 0) : at + 31].max()  # the R wave is the largest around
                errors.append((at - 8 + int(np.argmax(near))) / 125 - time_s)
    assert len(errors) > 700
    assert np.abs(errors).max() < 0.010
    assert abs(np.mean(errors)) < 0.001


def test_two_rhythms(repository: Path, signals: dict[str, np.ndarray], beats: dict[str, list[float]]) -> None:
    with (repository / "data/ecg_demo/REFERENCE.csv").open() as stream:
        labels = dict(csv.reader(stream))
    assert sorted(labels.values()) == ["irregular"] * 30 + ["regular"] * 30
    p_height: dict[str, list[float]] = {"regular": [], "irregular": []}
    for name, label in labels.items():
        rr = np.diff(beats[name])
        assert (rr.std() / rr.mean() < 0.06) == (label == "regular"), name
        # the P wave lies 70 degrees before R (scaled by the rate): its height over the line before it
        at = [t - 70 / 360 * gap * gap**-0.25 for t, gap in zip(beats[name][1:], rr, strict=True)]
        line = [t - 0.12 for t in at]
        times = np.arange(1250) / 125
        average = np.mean(np.interp(at, times, signals[name]) - np.interp(line, times, signals[name]))
        p_height[label].append(float(average))
    assert np.mean(p_height["regular"]) > 0.08
    assert abs(np.mean(p_height["irregular"])) < 0.03


def test_size(repository: Path) -> None:
    assert sum(path.stat().st_size for path in (repository / "data/ecg_demo").iterdir()) < 300_000
