"""CSV, TSV, NPY and HDF5: what is stated, what is in the file, and lines that cannot be."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import h5py
import numpy as np
import pytest

from seqpool.errors import DataError
from seqpool.io.ecg.recordings import find_recordings, open_recording, read_recording
from seqpool.records import Recording

WAVE = np.round(np.sin(np.arange(500) / 10), 3)


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def rows(mark: str = ",", decimal: str = ".", time: bool = True, rate_hz: float = 250) -> str:
    lines = [
        mark.join([*([f"{at / rate_hz:.6f}"] if time else []), f"{value:.3f}", f"{-value:.3f}"])
        for at, value in enumerate(WAVE)
    ]
    return "\n".join(lines).replace(".", decimal) + "\n"


@pytest.mark.parametrize(
    ("head", "mark", "decimal", "encoding", "leads"),
    [
        ("time_s,ii,V1", ",", ".", "utf-8", ("II", "V1")),
        ("Zeit [s];II [mV];V1 (mV)", ";", ",", "latin-1", ("II", "V1")),
        ("t\tecg_mV\tV2_mV", "\t", ".", "utf-16", ("ecg", "V2")),
        ("time\t\t", "\t", ",", "utf-8-sig", ("1", "2")),
        ("# fs: 999\n# made\ntime,I,II", ",", ".", "utf-8", ("I", "II")),
        ("", " ", ".", "utf-8", ("1", "2")),
    ],
)  # fmt: skip
def test_conventions(tmp_path: Path, head: str, mark: str, decimal: str, encoding: str, leads: tuple[str, ...]) -> None:
    text = f"{head}\n" + rows(mark, decimal)
    recording = read_recording(write(tmp_path / "r.csv", text, encoding))
    assert (recording.leads, recording.rate_hz) == (leads, 250.0)
    np.testing.assert_allclose(recording.signal, [WAVE, -WAVE], atol=1e-6)


@pytest.mark.parametrize("rate_hz", [100, 128, 250, 257, 300, 360, 500, 1000, 62.4725])
@pytest.mark.parametrize("decimals", [3, 6, 9])
def test_the_rate_of_rounded_times(tmp_path: Path, rate_hz: float, decimals: int) -> None:
    lines = [f"{at / rate_hz:.{decimals}f},{np.sin(at / 9):.3f}" for at in range(10 * round(rate_hz))]
    recording = read_recording(write(tmp_path / "r.csv", "time,II\n" + "\n".join(lines)))
    assert recording.rate_hz == pytest.approx(rate_hz, rel=10.0**-decimals)
    if decimals == 6 or rate_hz == round(rate_hz):
        assert recording.rate_hz == rate_hz


def test_stated_rate_unit_and_count_columns(tmp_path: Path) -> None:
    text = "sample #\tMLII (uV)\n" + "\n".join(f"{at}\t{1000 * value:.0f}" for at, value in enumerate(WAVE))
    path = write(tmp_path / "r.tsv", text)
    with pytest.raises(DataError, match="state it with --rate-hz"):
        read_recording(path)
    recording = read_recording(path, rate_hz=360)
    assert (recording.leads, recording.rate_hz, recording.notes) == (("MLII",), 360.0, ())
    np.testing.assert_allclose(recording.signal[0], WAVE, atol=1e-6)
    counts = write(tmp_path / "c.csv", "\n".join(f"{1024 + 200 * value:.0f}" for value in WAVE))
    with pytest.raises(DataError, match=r"200 times too large \(raw converter values"):
        read_recording(counts, rate_hz=360)
    stepped = read_recording(counts, rate_hz=360, unit="5uV").signal[0]
    np.testing.assert_allclose(stepped - 5.12, WAVE, atol=0.003)


def test_times_that_differ_from_the_stated_rate_win(tmp_path: Path) -> None:
    recording = read_recording(write(tmp_path / "r.csv", "time,II,V1\n" + rows()), rate_hz=500)
    assert recording.rate_hz == 250
    assert "the stated 500 Hz is not used" in recording.notes[0]


@pytest.mark.parametrize("stamp", ["iso", "clock", "epoch_ms", "seconds"])
def test_gaps(tmp_path: Path, stamp: str) -> None:
    at = np.concatenate([np.arange(200), np.arange(300, 600)])
    texts = {
        "iso": [f"2001-01-01T10:00:{value / 100:09.6f}Z" for value in at],
        "clock": [f"10:00:{value / 100:05.2f}" for value in at],
        "epoch_ms": [str(978343200000 + 10 * value) for value in at],
        "seconds": [f"{value / 100:.2f}" for value in at],
    }[stamp]
    text = "timestamp,II\n" + "\n".join(f"{time},{value}" for time, value in zip(texts, WAVE, strict=True))
    recording = read_recording(write(tmp_path / "r.csv", text))
    assert (recording.rate_hz, recording.gaps) == (100.0, ((200, 300),))
    assert np.flatnonzero(np.isnan(recording.signal[0])).tolist() == list(range(200, 300))
    np.testing.assert_allclose(recording.signal[0, at], WAVE, atol=1e-6)
    assert recording.start == (datetime(2001, 1, 1, 10) if stamp in ("iso", "epoch_ms") else None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("time,II\n0,1\n0.004,x\n", "line 3 has 'x' in column 2"),
        ("time,II\n0,1\n0.004\n", "line 3 has 1 cells"),
        ("time,II\n0,1\n\n0.004,2\n0.004,3\n", "time in line 5 is not later"),
        ("time,II\n0,1\nnan,2\n1,2\n", "line 3 has no time"),
        ("II\n1\n-inf\n", "line 3 has an infinite value"),
        ("time,II\n0,1\n", "one row is too short"),
        ("time\n0\n1\n2\n", "no column beside the time"),
        ("time,II\n0,0.1\n1e6,0.2\n1000000.01,0.3\n1000000.02,0.1\n1000000.03,0.1\n", "gaps of 1e|not even"),
        ("", "is empty"), ("time,II\n", "no row of numbers"), ("a\0b", "binary data"),
    ],
)  # fmt: skip
def test_lines_that_cannot_be(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence) as failure:
        read_recording(write(tmp_path / "r.csv", text))
    assert "\n" not in str(failure.value)


def test_folders_hold_samples_and_labels(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "time,II,V1\n" + rows())
    write(tmp_path / "labels.csv", "record,label\na,N\nb,A\n")
    write(tmp_path / "notes.txt", "hello\n")
    np.save(tmp_path / "b.npy", WAVE)
    assert [Path(name).name for name in find_recordings([str(tmp_path)])] == ["a.csv", "b.npy"]
    with pytest.raises(DataError, match="no row of numbers"):
        read_recording(tmp_path / "labels.csv")


@pytest.mark.parametrize("shape", ["leads first", "samples first", "one lead"])
def test_arrays(tmp_path: Path, shape: str) -> None:
    values = np.stack([WAVE, -WAVE, WAVE / 2])
    stored = {"leads first": values, "samples first": values.T, "one lead": values[0]}[shape]
    np.save(tmp_path / "r.npy", stored)
    with pytest.raises(DataError, match="--rate-hz"):
        read_recording(tmp_path / "r.npy")
    recording = read_recording(tmp_path / "r.npy", rate_hz=250, unit="mV")
    np.testing.assert_allclose(recording.signal, np.atleast_2d(values if shape != "one lead" else WAVE), rtol=1e-6)
    opened = open_recording(tmp_path / "r.npy", rate_hz=250)
    assert opened.notes == ("no unit is stated, millivolts are assumed (--unit says otherwise)",)
    np.testing.assert_array_equal(np.concatenate(list(opened.blocks(77)), axis=1), recording.signal)


@pytest.mark.parametrize(
    ("array", "sentence"),
    [(np.zeros((2, 3, 4)), "shape"), (np.array(["a"]), "shape"), (np.zeros((400, 400)), "400 leads"),
     (np.array([{}], dtype=object), "not an array")],
)  # fmt: skip
def test_arrays_that_cannot_be(tmp_path: Path, array: np.ndarray, sentence: str) -> None:
    np.save(tmp_path / "r.npy", array, allow_pickle=True)
    with pytest.raises(DataError, match=sentence):
        read_recording(tmp_path / "r.npy", rate_hz=100)


def hdf5(path: Path, **attributes: object) -> Recording:
    with h5py.File(path, "w") as file:
        group = file.create_group("ecg")
        group["signal"] = (1000 * np.stack([WAVE, -WAVE])).astype("i2").T
        group["meta"] = "text"
        for name, value in attributes.items():
            group["signal"].attrs[name] = value
    return read_recording(path)


def test_hdf5(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = hdf5(tmp_path / "r.h5", fs=250, unit="uV", leads=["ii", "v5"])
    assert (recording.leads, recording.rate_hz) == (("II", "V5"), 250.0)
    np.testing.assert_allclose(recording.signal, [WAVE, -WAVE], atol=1e-3)
    with pytest.raises(DataError, match="state it with --rate-hz"):
        hdf5(tmp_path / "n.h5", unit="uV")
    with pytest.raises(DataError, match="expected a number above 0"):
        hdf5(tmp_path / "n.h5", fs=-1)
    with h5py.File(tmp_path / "two.h5", "w") as file:
        file["a"], file["b"] = WAVE, WAVE
    with pytest.raises(DataError, match=r"found 2 \(a, b\)"):
        read_recording(tmp_path / "two.h5", rate_hz=100)
    raw = (tmp_path / "r.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(DataError, match="damaged"):
        read_recording(tmp_path / "cut.h5")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError, match=r"needs h5py, .* pip install 'seqpool\[hdf5\]'"):
        read_recording(tmp_path / "r.h5")


# file, stated rate and unit, leads, samples, gaps, words of the sentence
SAMPLES = [
    ("time_mV_header.csv", None, None, ("MLII", "V1"), 3600),
    ("no_header_raw_counts.csv", 360, "5uV", ("1", "2"), 3600),
    ("semicolon_decimal_comma.csv", None, None, ("II",), 3600),
    ("tab_uV_bom.tsv", 360, None, ("MLII", "V1"), 3600),
    ("wearable_key_lines.csv", None, None, ("I",), 3600),
    ("missing_cells.csv", None, None, ("MLII", "V1"), 3600),
    ("irregular_timestamps.csv", None, None, ("ecg",), 3600),
]


@pytest.mark.data
@pytest.mark.parametrize(("name", "rate_hz", "unit", "leads", "samples"), SAMPLES, ids=[row[0] for row in SAMPLES])
def test_sample_files(
    data: Path, name: str, rate_hz: float | None, unit: str | None, leads: tuple[str, ...], samples: int
) -> None:
    """All were made from the first ten seconds of record 101."""
    recording = read_recording(data / "ecg/formats/csv" / name, rate_hz=rate_hz, unit=unit)
    assert (recording.leads, recording.rate_hz, recording.signal.shape[1]) == (leads, 360.0, samples)
    truth = read_recording(data / "ecg/mitdb_ds1/101").signal[: len(leads), :samples].astype(np.float64)
    ours = recording.signal - (5.12 if unit == "5uV" else 0)  # raw counts keep the converter's middle, 1024
    present = ~np.isnan(ours)
    np.testing.assert_allclose(ours[present], truth[present], atol=2e-6)
    missing = np.flatnonzero(~present[0])
    if name == "irregular_timestamps.csv":
        assert recording.gaps == ((1000, 1100),)
        assert missing.tolist() == list(range(1000, 1100))
    else:
        assert bool(len(missing)) == (name == "missing_cells.csv")


@pytest.mark.data
def test_a_row_per_beat_is_no_recording(data: Path) -> None:
    with pytest.raises(DataError, match="33 rows of 188 columns without names are not a recording"):
        read_recording(data / "ecg/formats/csv/one_row_per_beat.csv", rate_hz=360)
