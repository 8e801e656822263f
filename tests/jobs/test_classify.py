"""Classification of recordings against the same answer computed by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb
from scipy.signal import butter, resample_poly, sosfiltfilt

from seqpool.errors import DataError, UsageError
from seqpool.io.ecg.recording_file import RecordingFile
from seqpool.jobs.classify import classify
from seqpool.options.signal_input import Signal
from seqpool.signal import prepared_signal
from tests.jobs.recording_models import save_model


def write(folder: Path, name: str, signal: np.ndarray, rate_hz: int = 100, leads: tuple[str, ...] = ("II",)) -> Path:
    folder.mkdir(exist_ok=True)
    columns = np.atleast_2d(signal).T
    wfdb.wrsamp(
        name, fs=rate_hz, units=["mV"] * len(leads), sig_name=list(leads), p_signal=columns,
        fmt=["16"] * len(leads), write_dir=str(folder),
    )  # fmt: skip
    return folder / name


def beats(rate_hz: int, seconds: float = 20.0, spacing_s: float = 0.8) -> np.ndarray:
    phase = (np.arange(round(seconds * rate_hz)) / rate_hz) % spacing_s
    return np.exp(-(((phase - 0.2) / 0.03) ** 2)) + 0.3 * np.exp(-(((phase - 0.5) / 0.06) ** 2))


def score(signal: np.ndarray) -> float:
    """What `MeanPower` says of a signal at 100 Hz, by scipy and numpy alone."""
    filtered = sosfiltfilt(butter(2, [0.5, 40], "bandpass", fs=100, output="sos"), signal, padlen=300)
    scaled = filtered / np.median(np.ptp(filtered.reshape(-1, 100), axis=1))
    return float(100 * (np.mean(np.clip(scaled, -5, 5) ** 2) - 0.05))


def test_one_row_per_recording_as_computed_by_hand(tmp_path: Path) -> None:
    model = save_model(tmp_path / "m.safetensors")
    record = write(tmp_path / "r", "a", beats(100))
    table = classify(record, model)
    one = score(wfdb.rdrecord(str(record)).p_signal[:, 0])
    logits = np.array([one, 2 * one]) / 2.0  # the temperature
    wanted = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose([table["p_low"][0], table["p_high"][0]], wanted, atol=1e-4)
    assert list(table.columns) == [
        "record", "task", "lead", "duration_s", "p_low", "p_high", "confidence", "decision",
    ]  # fmt: skip
    assert table["record"][0] == str(record)
    assert table["lead"][0] == "II"
    assert table["duration_s"][0] == 20.0
    assert table["decision"][0] == ("high" if one > 0 else "low")
    assert table["confidence"][0] == pytest.approx(wanted.max(), abs=1e-4)
    assert table.to_pandas().shape == (1, 8)


def test_rate_and_unit_do_not_change_the_answer(tmp_path: Path) -> None:
    model = save_model(tmp_path / "m.safetensors")
    fine = beats(1000)
    wanted = classify(write(tmp_path / "r", "a", beats(100)), model)["p_low"][0]
    for rate_hz, signal in ((250, resample_poly(fine, 1, 4)), (360, beats(360)), (500, beats(500))):
        record = write(tmp_path / "r", f"r{rate_hz}", signal, rate_hz)
        assert classify(record, model)["p_low"][0] == pytest.approx(wanted, abs=0.02)
    micro = tmp_path / "r" / "micro"
    wfdb.wrsamp("micro", fs=100, units=["uV"], sig_name=["II"], p_signal=beats(100)[:, None] * 1000, fmt=["16"],
                write_dir=str(tmp_path / "r"))  # fmt: skip
    assert classify(micro, model)["p_low"][0] == pytest.approx(wanted, abs=1e-3)


def test_windows_are_rows_and_their_average_is_the_answer(tmp_path: Path) -> None:
    model = save_model(tmp_path / "m.safetensors", Signal(window_s=10, stride_s=10, normalise="none", highpass_hz=None))
    loud = np.concatenate([beats(100, 10), 2 * beats(100, 15, 0.6)])
    record = write(tmp_path / "r", "a", loud)
    rows = classify(record, model, windows=True)
    np.testing.assert_allclose(rows["start_s"], [0, 10, 15])
    np.testing.assert_allclose(rows["end_s"], [10, 20, 25])
    assert rows["p_high"][0] < rows["p_high"][1]
    one = classify(record, model)
    assert len(one) == 1
    assert one["p_high"][0] == pytest.approx(rows["p_high"].mean())
    assert one["duration_s"][0] == 25.0


def test_a_model_without_windows_has_one(tmp_path: Path) -> None:
    rows = classify(write(tmp_path, "a", beats(100)), save_model(tmp_path / "m.safetensors"), windows=True)
    assert (rows["start_s"][0], rows["end_s"][0]) == (0.0, 20.0)


def test_a_long_recording_is_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than a block at once, and the numbers of reading it whole."""
    model = save_model(tmp_path / "m.safetensors", Signal(window_s=10))
    record = write(tmp_path, "a", beats(100, 300.0))
    wanted = classify(record, model, windows=True)
    spans = []
    whole = RecordingFile.signal

    def signal(self: RecordingFile, start: int = 0, stop: int | None = None) -> np.ndarray:
        if stop is not None:  # the check of the unit looks at all of a short recording
            spans.append(stop - start)
        return whole(self, start, stop)

    monkeypatch.setattr(RecordingFile, "signal", signal)
    monkeypatch.setattr(prepared_signal, "READ_S", 20)
    monkeypatch.setattr(prepared_signal, "MEMORY_BYTES", 1000)
    found = classify(record, model, windows=True)
    assert (max(spans), sum(spans)) == (2000, 30000)
    for name, values in wanted.columns.items():
        np.testing.assert_array_equal(found[name], values)


def test_targets(tmp_path: Path) -> None:
    record = write(tmp_path, "a", beats(100))
    one = score(wfdb.rdrecord(str(record)).p_signal[:, 0])
    positive = 1 / (1 + np.exp(-one / 2))
    binary = save_model(tmp_path / "b.safetensors", target="binary", thresholds=[positive - 0.01])
    table = classify(record, binary)
    assert table["p_high"][0] == pytest.approx(positive, abs=1e-4)
    assert table["decision"][0] == "high"
    many = save_model(tmp_path / "l.safetensors", target="multilabel", thresholds=[0.0, 1.0], classes=["x", "y"])
    assert classify(record, many)["decision"][0] == "x"
    both = save_model(tmp_path / "l2.safetensors", target="multilabel", thresholds=[0.0, 0.0], classes=["x", "y"])
    assert classify(record, both)["decision"][0] == "x;y"
    value = save_model(
        tmp_path / "v.safetensors", target="regression", classes=["age"], offset=[50.0], scale=[2.0], temperature=1.0
    )
    table = classify(record, value)
    assert table["y_age"][0] == pytest.approx(50 + 2 * one, abs=1e-2)
    assert table["decision"][0] == ""
    assert np.isnan(table["confidence"][0])


def test_abstention(tmp_path: Path) -> None:
    record = write(tmp_path, "a", beats(100))
    model = save_model(tmp_path / "m.safetensors")
    sure = float(classify(record, model)["confidence"][0])
    assert classify(record, model, abstain_below=sure + 0.01)["decision"][0] == ""
    assert classify(record, model, abstain_below=sure - 0.01)["decision"][0] != ""


def test_leads(tmp_path: Path) -> None:
    model = save_model(tmp_path / "m.safetensors")
    pair = np.stack([beats(100), beats(100, spacing_s=0.5)])
    assert classify(write(tmp_path, "a", pair, leads=("V1", "ii")), model)["lead"][0] == "II"
    assert classify(tmp_path / "a", model, lead="v1")["lead"][0] == "V1"
    write(tmp_path, "b", pair, leads=("V1", "V2"))
    with pytest.raises(DataError, match="choose a lead with --lead: the leads are V1, V2"):
        classify(tmp_path / "b", model)
    together = save_model(tmp_path / "t.safetensors", Signal(leads=("V1", "II"), all_leads=True))
    assert classify(tmp_path / "a", together)["lead"][0] == "V1;II"
    with pytest.raises(UsageError, match="takes 2 leads together"):
        classify(tmp_path / "a", together, lead="II")


def test_bad_recordings_do_not_stop_the_others(tmp_path: Path) -> None:
    model = save_model(tmp_path / "m.safetensors")
    write(tmp_path / "r", "a", beats(100))
    write(tmp_path / "r", "b", np.zeros(2000))
    write(tmp_path / "r", "c", beats(100))
    errors: list[str] = []
    table = classify([tmp_path / "r", "nothing"], model, on_error=lambda error: errors.append(str(error)))
    assert [Path(name).name for name in table["record"]] == ["a", "c"]
    assert len(errors) == 2
    assert "constant" in errors[0]
    with pytest.raises(DataError, match="constant"):
        classify(tmp_path / "r", model)


def test_a_model_of_letters_is_refused(tmp_path: Path) -> None:
    record = write(tmp_path, "a", beats(100))
    network = {"class_path": "MotifDetector", "init_args": {"filters": 2, "width": 3, "hidden": 2}}
    model = _letter_model(tmp_path / "m.safetensors", network)
    with pytest.raises(UsageError, match="the model takes sequences"):
        classify(record, model)


def _letter_model(path: Path, network: dict) -> Path:
    from seqpool.artifact import input_config, save_artifact
    from seqpool.nn.build import build_network
    from seqpool.options.facts import Facts
    from seqpool.options.inputs import Letters
    from seqpool.options.networks import network_record

    built = build_network(network_record(network), Letters("dna"), 1, None)
    facts = Facts(
        job="sequence", network=network, input=input_config(Letters("dna")), target="binary", classes=["n", "p"],
        length=None, parameters=1, offset=[], scale=[], temperature=1.0, thresholds=[0.5], geometry={}, data={},
        metrics={}, seed=0, licence="none",
    )  # fmt: skip
    save_artifact(path, facts, built)
    return path
