"""The same recording in several formats gives the same `Recording`; mutated files a recording or one sentence."""

from __future__ import annotations

from pathlib import Path

import edfio
import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st

from seqpool.errors import DataError
from seqpool.io.ecg.recordings import read_recording
from seqpool.records import Recording
from tests.io.ecg.test_clinical_formats import aecg, ishne, scp, sequence_set
from tests.io.ecg.test_edf import records

LEADS = ("MLII", "V1")


def digital() -> np.ndarray:
    """(samples, 2) whole numbers of 5 uV."""
    times = np.arange(3600) / 360
    return np.rint(200 * np.stack([np.sin(9 * times), 0.5 * np.cos(7 * times)], axis=1)).astype(int)


@pytest.mark.parametrize("unit", ["mV", "uV"])
def test_wfdb_edf_bdf_csv_npy(tmp_path: Path, unit: str) -> None:
    steps = digital()
    factor = {"mV": 0.005, "uV": 5.0}[unit]
    wfdb.wrsamp("w", fs=360, units=[unit] * 2, sig_name=list(LEADS), d_signal=steps, fmt=["212"] * 2,
                adc_gain=[1 / factor] * 2, baseline=[0, 0], write_dir=str(tmp_path))  # fmt: skip
    for kind, file in ((edfio.EdfSignal, edfio.Edf), (edfio.BdfSignal, edfio.Bdf)):
        signals = [
            kind.from_digital(column.astype(np.int16 if file is edfio.Edf else np.int32), 360, label=f"ECG {lead}",
                              physical_dimension=unit, physical_range=(-2048 * factor, 2047 * factor),
                              digital_range=(-2048, 2047))
            for lead, column in zip(LEADS, steps.T, strict=True)
        ]  # fmt: skip
        file(signals, data_record_duration=1).write(tmp_path / ("e.edf" if file is edfio.Edf else "b.bdf"))
    head = ",".join(["time_s", *(f"{lead} [{unit}]" for lead in LEADS)])
    rows = [f"{at / 360:.6f},{one * factor:.3f},{two * factor:.3f}" for at, (one, two) in enumerate(steps)]
    (tmp_path / "c.csv").write_text("\n".join([head, *rows]))
    np.save(tmp_path / "n.npy", steps * factor)
    whole = read_recording(tmp_path / "w")
    assert (whole.leads, whole.rate_hz) == (LEADS, 360.0)
    for name in ("e.edf", "b.bdf", "c.csv"):
        other = read_recording(tmp_path / name)
        assert (other.leads, other.rate_hz, other.gaps) == (whole.leads, whole.rate_hz, whole.gaps)
        np.testing.assert_allclose(other.signal, whole.signal, rtol=3e-7, atol=1e-9)
    array = read_recording(tmp_path / "n.npy", rate_hz=360, unit=unit)
    np.testing.assert_allclose(array.signal, whole.signal, rtol=3e-7, atol=1e-9)


def originals(folder: Path) -> dict[str, bytes]:
    """A small valid file of each format."""
    records(folder / "r.edf", [0, 1, 5])
    wave = digital()[:1000].T
    np.save(folder / "r.npy", wave / 200)
    csv = "time_s,II\n" + "\n".join(f"{at / 250:.3f},{value}" for at, value in enumerate(wave[0] / 200))
    return {
        ".edf": (folder / "r.edf").read_bytes(), ".npy": (folder / "r.npy").read_bytes(), ".csv": csv.encode(),
        ".ecg": ishne(wave, [6, 11]), ".scp": scp(wave[0]),
        ".xml": aecg(f"<series>{sequence_set()}</series>").encode(),
    }  # fmt: skip


def read_or_sentence(path: Path) -> str:
    """Reads a file; empty where that gave a recording, else the one sentence."""
    sentence = ""
    try:
        assert isinstance(read_recording(path, rate_hz=250), Recording)
    except DataError as error:
        sentence = str(error)
    assert "\n" not in sentence
    return sentence


@pytest.fixture(scope="module")
def originals_by_ending(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return originals(tmp_path_factory.mktemp("originals"))


@pytest.mark.parametrize("ending", [".edf", ".npy", ".csv", ".ecg", ".scp", ".xml"])
@settings(max_examples=60)
@given(data_=st.data())
def test_mutated_files(
    tmp_path_factory: pytest.TempPathFactory, originals_by_ending: dict[str, bytes], ending: str, data_: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp() / "mutations"
    folder.mkdir(exist_ok=True)
    raw = bytearray(originals_by_ending[ending])
    for _ in range(data_.draw(st.integers(1, 6))):
        # most changes in the header, where they hurt
        at = data_.draw(st.one_of(st.integers(0, min(800, len(raw) - 1)), st.integers(0, len(raw) - 1)))
        raw[at] = data_.draw(st.integers(0, 255))
    if data_.draw(st.booleans()):
        del raw[data_.draw(st.integers(0, len(raw))) :]
    path = folder / f"m{ending}"
    path.write_bytes(bytes(raw))
    read_or_sentence(path)


@pytest.mark.data
@pytest.mark.parametrize(
    "name",
    ["dicom/waveform_ecg.dcm", "ge-muse-xml/braveheart_example1.xml", "philips-xml/129DYPRG_1-03.xml",
     "hl7-aecg/minimum_aecg.xml", "scp/Example.scp", "edf/short_psg.edf"],
)  # fmt: skip
def test_mutated_samples(data: Path, tmp_path: Path, name: str) -> None:
    source = data / "ecg/formats" / name
    raw = np.frombuffer(source.read_bytes(), np.uint8)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        mutated = raw.copy()
        changes = rng.integers(1, 30)
        mutated[rng.integers(0, len(raw), changes)] = rng.integers(0, 256, changes)
        if seed % 3 == 0:
            mutated = mutated[: rng.integers(1, len(raw))]
        path = tmp_path / f"{seed}{source.suffix}"
        path.write_bytes(mutated.tobytes())
        read_or_sentence(path)
