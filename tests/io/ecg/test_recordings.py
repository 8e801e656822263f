"""What an input stands for: files, names, folders, RECORDS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb

from seqpool.errors import DataError
from seqpool.io.ecg.leads import canonical_lead, distinct
from seqpool.io.ecg.recordings import find_recordings, read_recording, record_name


def write(folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    wave = np.sin(np.arange(500) / 5.0)[:, None]
    wfdb.wrsamp(name, fs=100, units=["mV"], sig_name=["II"], p_signal=wave, fmt=["16"], write_dir=str(folder))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b", "a", "c.d"):
        write(tmp_path / "x", name) if "." not in name else None
    write(tmp_path / "x/deep", "z")
    return tmp_path / "x"


def test_folder_is_recursive_and_sorted(folder: Path) -> None:
    names = [Path(name).relative_to(folder).as_posix() for name in find_recordings([str(folder)])]
    assert names == ["a", "b", "deep/z"]


def test_records_file_is_obeyed(folder: Path) -> None:
    (folder / "RECORDS").write_text("b\ndeep/\n\nmissing\n")
    names = [Path(name).relative_to(folder).as_posix() for name in find_recordings([str(folder)])]
    assert names == ["b", "deep/z", "missing"]
    with pytest.raises(DataError, match="no such recording"):
        read_recording(folder / "missing")
    (folder / "RECORDS").write_text("../../etc\n")
    with pytest.raises(DataError, match="outside the folder"):
        find_recordings([str(folder)])


def test_other_inputs_stand_for_themselves(folder: Path, tmp_path: Path) -> None:
    assert find_recordings(["nothing", str(folder / "a.dat")]) == ["nothing", str(folder / "a.dat")]
    assert find_recordings([str(folder / "a.dat"), str(folder / "a.hea")]) == [str(folder / "a.dat")]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no recording in this folder"):
        find_recordings([str(tmp_path / "empty")])


@pytest.mark.parametrize("ending", ["", ".hea", ".dat"])
def test_a_name_with_or_without_ending(folder: Path, ending: str) -> None:
    recording = read_recording(str(folder / "a") + ending)
    assert recording.source == str(folder / "a")
    assert record_name(str(folder / "a") + ending) == str(folder / "a")


def test_links_in_a_circle_end(folder: Path) -> None:
    (folder / "deep/round").symlink_to(folder)
    assert len(find_recordings([str(folder)])) == 3


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match="not a recording of a known format"):
        read_recording(tmp_path / "notes.txt")


def test_files_of_other_formats_by_name(folder: Path) -> None:
    text = "time_s,II\n" + "\n".join(f"{at / 100:.2f},{np.sin(at / 5):.3f}" for at in range(500))
    (folder / "c.csv").write_text(text)
    named, ended = read_recording(folder / "c"), read_recording(folder / "c.csv")
    np.testing.assert_array_equal(named.signal, ended.signal)
    assert named.source == ended.source == str(folder / "c")
    np.save(folder / "c.npy", np.sin(np.arange(500) / 5))
    with pytest.raises(DataError, match=r"several recordings have this name \(c.csv, c.npy\)"):
        read_recording(folder / "c")
    # beside a WFDB record of the same name, a file is itself
    (folder / "a.csv").write_text(text)
    assert read_recording(folder / "a.csv").leads == ("II",)
    assert len(find_recordings([str(folder / "a.csv"), str(folder / "a"), str(folder / "a.dat")])) == 2


@pytest.mark.data
def test_segments_are_not_recordings(data: Path) -> None:
    folder = data / "ecg/formats/wfdb/multi-segment"
    names = [Path(name).name for name in find_recordings([str(folder)])]
    assert names == ["041s", "s25047_cut"]


@pytest.mark.data
def test_published_folders(data: Path) -> None:
    assert len(find_recordings([str(data / "ecg/cinc2017")])) == 7628
    assert len(find_recordings([str(data / "ecg/mitdb_ds1")])) == 22


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("mlii", "MLII"), ("AVR", "aVR"), ("v1", "V1"), ("ECG II", "II"), ("ecg i", "I"), ("", "3"), (None, "3"),
     ("foo  bar", "foo bar"), ("vx", "vx"), ("ECG", "ECG"), ("ECG 1", "1")],
)  # fmt: skip
def test_lead_names(name: str | None, wanted: str) -> None:
    assert canonical_lead(name, 2) == wanted


def test_equal_names_are_numbered() -> None:
    assert distinct(["ECG", "ECG", "II", "ECG"]) == ["ECG", "ECG (2)", "II", "ECG (3)"]
