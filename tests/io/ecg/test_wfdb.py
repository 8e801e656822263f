"""WFDB records: against wfdb's own physical values, against the counts of the data's README, and bad files."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st

from seqpool.errors import DataError
from seqpool.io.ecg.recordings import read_recording
from seqpool.records import Recording

ALL_FORMATS = ["16", "24", "32", "61", "80", "160", "212", "310", "311", "508", "516", "524", "8"]


def write(folder: Path, name: str = "r", **changes: object) -> Path:
    """A small two-lead record by wfdb itself."""
    wave = np.sin(np.arange(1000) / 10.0)
    arguments: dict[str, object] = {
        "fs": 250, "units": ["mV", "mV"], "sig_name": ["i", "Resp II"],
        "p_signal": np.stack([wave, wave / 2], axis=1), "fmt": ["16", "16"],
    }  # fmt: skip
    arguments.update(changes)
    wfdb.wrsamp(name, write_dir=str(folder), **arguments)
    return folder / name


@pytest.mark.parametrize("format_name", ALL_FORMATS)
def test_every_storage_format_gives_wfdb_s_values(tmp_path: Path, format_name: str) -> None:
    low, high = (-50, 50) if format_name in ("8", "80", "508") else (-500, 500)
    digits = np.random.default_rng(0).integers(low, high, (1000, 2))
    if format_name in ("8", "61", "160", "310", "311"):  # wfdb reads these and does not write them
        raw = _packed(digits[:, 0], format_name)
        (tmp_path / "r.dat").write_bytes(raw)
        sums = int(digits[:, 0].sum()) & 0xFFFF
        (tmp_path / "r.hea").write_text(
            f"r 1 250 1000\nr.dat {format_name} 200(3)/mV 10 0 {digits[0, 0]} {sums} 0 II\n"
        )
        wanted = (digits[:, :1] - 3) / 200
    else:
        wfdb.wrsamp(
            "r", fs=250, units=["mV", "mV"], sig_name=["I", "II"], d_signal=digits, fmt=[format_name] * 2,
            adc_gain=[200.0, 100.0], baseline=[3, -7], write_dir=str(tmp_path),
        )  # fmt: skip
        wanted = (digits - [3, -7]) / [200.0, 100.0]
    recording = read_recording(tmp_path / "r")
    np.testing.assert_array_equal(recording.signal, wanted.T.astype(np.float32))


def _packed(digits: np.ndarray, format_name: str) -> bytes:
    """Samples in formats that wfdb does not write, by signal(5)."""
    if format_name == "61":
        return digits.astype(">i2").tobytes()
    if format_name == "160":
        return (digits + 2**15).astype("<u2").tobytes()
    if format_name == "8":  # first differences; the header's initial value is the first sample
        return np.diff(digits, prepend=digits[0]).astype("i1").tobytes()
    words = np.concatenate([digits, np.zeros(-len(digits) % 3, int)]).reshape(-1, 3) & 0x3FF
    if format_name == "310":
        first = (words[:, 0] << 1) | ((words[:, 2] & 0x1F) << 11)
        second = (words[:, 1] << 1) | ((words[:, 2] >> 5) << 11)
        return np.stack([first, second], axis=1).astype("<u2").tobytes()
    return (words[:, 0] | (words[:, 1] << 10) | (words[:, 2] << 20)).astype("<u4").tobytes()


@pytest.mark.parametrize(("unit", "factor"), [("mV", 1.0), ("uV", 1e-3), ("V", 1e3), ("nV", 1e-6), ("MV", 1.0)])
def test_units_of_the_header(tmp_path: Path, unit: str, factor: float) -> None:
    write(tmp_path, units=[unit, unit], p_signal=np.stack([np.sin(np.arange(1000) / 10.0)] * 2, 1) / factor)
    recording = read_recording(tmp_path / "r")
    np.testing.assert_allclose(recording.signal[0], np.sin(np.arange(1000) / 10.0), atol=1e-4)


def test_names_missing_samples_and_left_out_signals(tmp_path: Path) -> None:
    wave = np.stack([np.sin(np.arange(1000) / 10.0)] * 3, axis=1)
    wave[100:120, 0] = np.nan
    write(tmp_path, p_signal=wave, units=["mV", "mmHg", "mV"], sig_name=["avr", "ABP", "ECG V2"], fmt=["212"] * 3)
    recording = read_recording(tmp_path / "r.hea")
    assert recording.leads == ("aVR", "V2")
    assert recording.skipped == (("ABP", "its unit 'mmHg' is no voltage"),)
    assert recording.source == str(tmp_path / "r")
    missing = np.isnan(recording.signal)
    assert missing[0, 100:120].all()
    assert missing.sum() == 20
    assert recording.rate_hz == 250
    assert recording.duration_s == 4.0


def test_unit_overrides_and_silences_the_amplitude_check(tmp_path: Path) -> None:
    write(tmp_path, p_signal=np.stack([np.sin(np.arange(1000) / 10.0)] * 2, axis=1) * 1000)
    with pytest.raises(DataError, match=r"1000 times too large .*--unit"):
        read_recording(tmp_path / "r")
    recording = read_recording(tmp_path / "r", unit="uV")
    assert 0.9 < np.abs(recording.signal).max() < 1.1
    write(tmp_path, "small", p_signal=np.stack([np.sin(np.arange(1000) / 10.0)] * 2, axis=1) / 1000)
    with pytest.raises(DataError, match="1000 times too small"):
        read_recording(tmp_path / "small")


def test_checksum_zero_is_a_placeholder(tmp_path: Path) -> None:
    write(tmp_path)
    header = tmp_path / "r.hea"
    words = [line.split(" ") for line in header.read_text().splitlines()]
    for line in words[1:]:
        line[6] = "0"
    header.write_text("\n".join(" ".join(line) for line in words) + "\n")
    assert read_recording(tmp_path / "r").notes == ()


# file, what the sentence must say (None: it reads), words the notes must hold
BAD: list[tuple[str, str | None, str]] = [
    ("good_reference", None, ""),
    ("truncated_half", "holds 1800 samples per signal and the header promises 3600", ""),
    ("truncated_mid_sample", "holds 3599 samples per signal and the header promises 3600", ""),
    ("dat_longer", None, "holds 3600 samples per signal, only the 1800"),
    ("wrong_checksum", r"signal 1 \(MLII\) has checksum -11656, the header says 12345.*--ignore-checksum", ""),
    ("checksum_zero", None, ""),
    ("nan_gap", None, ""),
    ("nan_all", None, ""),
    ("constant", None, ""),
    ("one_sample", "too short", ""),
    ("empty_dat", "truncated", ""),
    ("amplitude_x40", "about 40 times too large", ""),
    ("gain_zero", None, "no gain"),
    ("unknown_lead", None, ""),
    ("no_lead_names", None, ""),
    ("zero_rate", "sampling rate of 0 ", ""),
    ("negative_rate", "sampling rate of -360", ""),
    ("no_rate", None, "250 Hz"),
    ("rate_1e9", r"1e\+09 Hz cannot be an ECG's", ""),
    ("nsamp_1e12", "promises 1000000000000", ""),
    ("nsig_3", "announces 3 signals and describes 2", ""),
    ("unknown_format", "storage format 999", ""),
    ("missing_dat", "missing_dat.dat.* is missing", ""),
    ("header_missing", "header header_missing.hea is missing", ""),
    ("header_missing.dat", "header header_missing.hea beside it is missing", ""),
    ("name_mismatch", None, "calls the record 'other_name'"),
    ("path_traversal", "outside its own folder", ""),
    ("not_a_header", "not a WFDB header", ""),
    ("not_a_header_binary", "not a WFDB header", ""),
    ("empty", "is empty", ""),
    ("self_reference", "segment of itself", ""),
    ("clipped_spike", None, ""),
    ("inverted_lead", None, ""),
    ("hum_50hz", None, ""),
]


@pytest.mark.data
@pytest.mark.parametrize(("name", "wrong", "note"), BAD, ids=[row[0] for row in BAD])
def test_bad_files(data: Path, name: str, wrong: str | None, note: str) -> None:
    path = data / "ecg/formats/bad" / name
    if wrong is not None:
        with pytest.raises(DataError, match=wrong) as failure:
            read_recording(path)
        assert "\n" not in str(failure.value)
        return
    recording = read_recording(path)
    assert note in " ".join(recording.notes)
    assert bool(note) == bool(recording.notes)
    if name == "nan_gap":
        assert np.flatnonzero(np.isnan(recording.signal[0])).tolist() == list(range(500, 700))
    if name == "nan_all":
        assert np.isnan(recording.signal[0]).all()
    if name == "no_lead_names":
        assert recording.leads == ("1", "2")


@pytest.mark.data
def test_every_bad_wfdb_row_of_the_readme_is_tested(data: Path) -> None:
    text = (data / "ecg/formats/bad/README.md").read_text()
    rows = {line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")}
    named = {row for row in rows if "." not in row and row != "file"}
    assert named <= {row[0] for row in BAD}


@pytest.mark.data
def test_override_and_ignore_read_bad_files(data: Path) -> None:
    bad = data / "ecg/formats/bad"
    assert "checksum" in read_recording(bad / "wrong_checksum", ignore_checksum=True).notes[0]
    good = read_recording(bad / "good_reference").signal
    # the converter of the bad file clipped nothing: forty times the good one's millivolts
    np.testing.assert_allclose(read_recording(bad / "amplitude_x40", unit="mV").signal, 40 * good, rtol=1e-5, atol=1e-4)


def expected_rows(data: Path) -> list[dict[str, str]]:
    with (data / "ecg/formats/expected.tsv").open(newline="") as stream:
        return [row for row in csv.DictReader(stream, delimiter="\t") if row["file"].startswith("wfdb/")]


@pytest.mark.data
def test_sample_files_read_as_wfdb_says(data: Path) -> None:
    """Values in millivolts equal wfdb's own physical values, by its own skew, missing samples and frames."""
    checked = 0
    for row in expected_rows(data):
        path = data / "ecg/formats" / row["file"]
        if row["outcome"] != "reads":
            continue
        recording = read_recording(path, unit="mV")
        name = str(path.with_suffix(""))
        theirs = wfdb.rdrecord(name, smooth_frames=False)
        seen = 0
        for place, lead in enumerate(theirs.sig_name):
            values = theirs.e_p_signal[place]
            ours = [row for row, name in enumerate(recording.leads) if _same(name, lead)]
            if not ours or len(values) != recording.signal.shape[1]:
                continue
            np.testing.assert_allclose(recording.signal[ours[0]], values, rtol=1e-6, atol=1e-6, err_msg=row["file"])
            seen += 1
        assert seen == len(recording.leads), (row["file"], recording.leads, theirs.sig_name)
        checked += 1
    assert checked >= 28


def _same(ours: str, theirs: str) -> bool:
    return ours.lower() == theirs.lower().removeprefix("ecg ")


@pytest.mark.data
def test_rate_rule_and_segments(data: Path) -> None:
    samples = data / "ecg/formats/wfdb"
    mixed = read_recording(samples / "mixedsignals")
    assert mixed.leads == ("II", "III", "V")
    assert mixed.rate_hz == pytest.approx(62.4725 * 4)
    assert {name for name, _ in mixed.skipped} == {"ABP", "Pleth", "Resp"}
    frame = read_recording(samples / "test01_00s_frame")  # no lead name is known: the rate of most signals wins
    assert (frame.leads, frame.rate_hz) == (("ECG_1", "ECG_3"), 500)
    fixed = read_recording(samples / "multi-segment/041s/041s")
    assert fixed.signal.shape == (3, 8000)
    assert fixed.rate_hz == 500
    variable = read_recording(samples / "multi-segment/s25047_cut/s25047_cut")
    assert variable.leads == ("II", "V")
    assert variable.gaps == ((0, 25740),)
    assert np.isnan(variable.signal[:, :25740]).all()
    assert variable.skipped == (("ABP", "no segment holds it"),)
    piece = read_recording(samples / "multi-segment/s25047_cut/3234460_0001")
    np.testing.assert_array_equal(variable.signal[:, 25740 : 25740 + 28637], piece.signal)


@pytest.mark.data
def test_whole_sets_read(data: Path) -> None:
    record = read_recording(data / "ecg/mitdb_ds1/114")
    assert record.leads == ("V5", "MLII")
    assert record.signal.shape == (2, 650_000)
    assert record.notes == ()
    lead = read_recording(data / "ecg/ludb/data/1").leads
    assert lead == ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    challenge = read_recording(data / "ecg/cinc2017/A00001.mat")
    raw = np.fromfile(data / "ecg/cinc2017/A00001.mat", "<i2", offset=24)
    np.testing.assert_array_equal(challenge.signal[0], (raw / 1000).astype(np.float32))


@settings(max_examples=300, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=8), cut=st.integers(0, 200))
def test_mutated_headers_give_a_recording_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], cut: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "mutated"
    if not (folder / "good.hea").is_file():
        folder.mkdir(exist_ok=True)
        write(folder, "good")
        shutil.copy(folder / "good.dat", folder / "r.dat")
    text = bytearray((folder / "good.hea").read_bytes())
    for place, value in changes:
        text[place % len(text)] = value
    (folder / "good2.hea").write_bytes(bytes(text[: len(text) - cut]) if cut < 20 else bytes(text))
    sentence = ""
    try:
        assert isinstance(read_recording(folder / "good2"), Recording)
    except DataError as error:
        sentence = str(error)
    assert "\n" not in sentence
