"""EDF and BDF: against edfio's own values, gaps at their times, and headers that cannot be."""

from __future__ import annotations

import sys
from pathlib import Path

import edfio
import numpy as np
import pytest

from seqpool.errors import DataError
from seqpool.io.ecg.recordings import open_recording, read_recording

WAVE = np.sin(np.arange(1000) / 10.0)


def write(path: Path, waves: list[np.ndarray], labels: list[str], units: list[str], rate_hz: float = 250) -> None:
    """A plain file by edfio, with one second per data record."""
    signals = [
        edfio.EdfSignal(wave, rate_hz, label=label, physical_dimension=unit, physical_range=(-2000, 2000))
        for wave, label, unit in zip(waves, labels, units, strict=True)
    ]
    edfio.Edf(signals, data_record_duration=1).write(path)


def records(path: Path, onsets: list[float], kind: bytes = b"EDF+D") -> np.ndarray:
    """A file of one lead, 100 Hz, one second per record, each at its onset; the digital values, by hand (EDF+ page)."""
    digital = np.random.default_rng(3).integers(-500, 500, 100 * len(onsets)).astype("<i2")
    fields = [
        (b"0", 8), (b"X X X X", 80), (b"Startdate 02-JAN-2020 X X X", 80), (b"02.01.20", 8), (b"03.04.05", 8),
        (b"768", 8), (kind, 44), (str(len(onsets)).encode(), 8), (b"1", 8), (b"2", 4),
        (b"ECG II", 16), (b"EDF Annotations", 16), (b"", 160), (b"uV", 8), (b"", 8), (b"-2048", 8), (b"-1", 8),
        (b"2047", 8), (b"1", 8), (b"-2048", 8), (b"-32768", 8), (b"2047", 8), (b"32767", 8), (b"", 160), (b"100", 8),
        (b"20", 8), (b"", 64),
    ]  # fmt: skip
    content = b"".join(value.ljust(width) for value, width in fields)
    for record, onset in enumerate(onsets):
        content += digital[100 * record : 100 * record + 100].tobytes() + f"+{onset:g}\x14\x14".encode().ljust(
            40, b"\0"
        )
    path.write_bytes(content)
    return digital


@pytest.mark.parametrize(("unit", "factor"), [("mV", 1.0), ("uV", 1e-3), ("V", 1e3)])
def test_units_names_and_skipped(tmp_path: Path, unit: str, factor: float) -> None:
    write(tmp_path / "r.edf", [WAVE / factor, WAVE, WAVE], ["ECG ii", "Resp", "Marker"], [unit, "", "mV"])
    recording = read_recording(tmp_path / "r.edf", unit=unit if unit == "V" else None)
    np.testing.assert_allclose(recording.signal[0], WAVE, atol=0.04 * factor)
    assert recording.leads[0] == "II"
    assert ("Marker", "it is a status channel") in recording.skipped
    assert recording.source == str(tmp_path / "r")


def test_gaps_stand_at_their_times(tmp_path: Path) -> None:
    digital = records(tmp_path / "r.edf", [0.25, 1.25, 4.75, 5.75, 105.75])
    recording = read_recording(tmp_path / "r.edf")
    assert recording.signal.shape == (1, 10650)
    assert recording.gaps == ((200, 450), (650, 10550))
    present = ~np.isnan(recording.signal[0])
    np.testing.assert_allclose(recording.signal[0, present], digital / 1000, rtol=1e-6)
    assert np.flatnonzero(~present).tolist() == [*range(200, 450), *range(650, 10550)]
    assert recording.start is not None
    assert recording.start.isoformat() == "2020-01-02T03:04:05.250000"


@pytest.mark.parametrize("step", [1, 7, 100, 333, 20_000])
def test_blocks_equal_the_whole(tmp_path: Path, step: int) -> None:
    records(tmp_path / "r.edf", [0, 1, 4.5, 5.5, 9.99])
    opened = open_recording(tmp_path / "r.edf")
    blocks = list(opened.blocks(step))
    assert [block.shape[1] for block in blocks[:-1]] == [step] * (len(blocks) - 1)
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), read_recording(tmp_path / "r.edf").signal)


@pytest.mark.parametrize(
    ("onsets", "sentence"),
    [([0, 1, 1.5], "begins at 1.5 s, before"), ([0, 1, 90000], "gaps of 89998 s"), ([5, 4], "before the one before")],
)
def test_onsets_that_cannot_be(tmp_path: Path, onsets: list[float], sentence: str) -> None:
    records(tmp_path / "r.edf", onsets)
    with pytest.raises(DataError, match=sentence):
        read_recording(tmp_path / "r.edf")


def test_continuous_files_ignore_the_onsets(tmp_path: Path) -> None:
    digital = records(tmp_path / "r.edf", [0, 7, 9], b"EDF+C")
    np.testing.assert_allclose(read_recording(tmp_path / "r.edf").signal[0], digital / 1000, rtol=1e-6)


@pytest.mark.parametrize(
    ("at", "field", "sentence"),
    [
        (252, b"many", "number of signals"), (252, b"0   ", "no voltage signal"), (184, b"99      ", "not 768 bytes"),
        (244, b"0       ", "lasts 0 s"), (244, b"-1      ", "lasts -1 s"), (244, b"nan     ", "duration"),
        (688, b"1.5     ", "whole number"), (496, b"-1      ", "physical limits -1 and -1"),
    ],
)  # fmt: skip
def test_headers_that_cannot_be(tmp_path: Path, at: int, field: bytes, sentence: str) -> None:
    records(tmp_path / "r.edf", [0, 1])
    raw = bytearray((tmp_path / "r.edf").read_bytes())
    if at == 496:  # both physical limits of the first signal
        raw[464:472] = field
        raw[480:488] = field
    else:
        raw[at : at + len(field)] = field
    (tmp_path / "r.edf").write_bytes(raw)
    with pytest.raises(DataError, match=sentence):
        read_recording(tmp_path / "r.edf")


def test_without_edfio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records(tmp_path / "r.edf", [0, 1])
    monkeypatch.setitem(sys.modules, "edfio", None)
    with pytest.raises(DataError, match=r"needs edfio, .* pip install 'seqpool\[edf\]'"):
        read_recording(tmp_path / "r.edf")


@pytest.mark.data
def test_made_gaps_of_the_samples(data: Path) -> None:
    folder = data / "ecg/formats/edf"
    discontinuous = read_recording(folder / "made_edfplus_d_gaps.edf")
    assert discontinuous.gaps == ((3600, 6300), (9900, 43200))
    whole = read_recording(folder / "made_edfplus_c.edf").signal
    present = ~np.isnan(discontinuous.signal[0])
    np.testing.assert_array_equal(discontinuous.signal[:, present], whole)
    mixed = read_recording(folder / "made_mixed_rates.edf")
    assert mixed.leads == ("MLII",)
    assert dict(mixed.skipped) == {"V1": "its rate is 180 Hz", "Marker": "it is a status channel"}
