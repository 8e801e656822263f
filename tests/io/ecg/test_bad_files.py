"""The README beside the bad files is the table of this test: each does what its row says, and stops no other."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from seqpool.errors import DataError
from seqpool.io.ecg.annotations import read_annotations
from seqpool.io.ecg.recordings import read_recording
from tests.io.ecg.test_wfdb import BAD as BAD_WFDB

OTHERS = [
    ("edf_truncated.edf", None, "promises 30 data records and 14 are whole"),
    ("edf_minus1_records.edf", None, "gives -1 data records, the file holds 5"),
    ("edf_dig_equal.edf", "digital limits 0 and 0", ""),
    ("edf_zero_duration.edf", "lasts 0 s", ""),
    ("edf_bad_date.edf", None, ""),
    ("edf_header_only.edf", "no data follows the header", ""),
    ("csv_text_in_numbers.csv", "line 3 has 'abc'", ""),
    ("csv_ragged.csv", "line 3 has 1 cells", ""),
    ("csv_inf.csv", "line 3 has an infinite value", ""),
    ("csv_empty.csv", "the file is empty", ""),
    ("csv_header_only.csv", "no row of numbers", ""),
    ("csv_latin1.csv", None, "Latin-1 is assumed"),
    ("xml_entity_expansion.xml", "declares the entity", ""),
    ("dicom_truncated.dcm", "damaged", ""),
]

BAD = [*BAD_WFDB, *OTHERS]
"""File, what the sentence must say (None: it reads), words the notes must hold."""


def readme_rows(data: Path) -> dict[str, str]:
    """What the README expects of each file."""
    text = (data / "ecg/formats/bad/README.md").read_text()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: row[2] for row in cells if row[0] != "file"}


@pytest.mark.data
def test_every_row_of_the_readme_is_tested(data: Path) -> None:
    rows = readme_rows(data)
    annotations = {"truncated_half.atr", "dat_longer.atr"}  # tests/io/ecg/test_annotations.py
    assert set(rows) == {name for name, *_ in BAD if name != "header_missing.dat"} | annotations
    for name, wrong, _ in BAD:
        expected = rows[name.removesuffix(".dat")]
        refused = re.match(r"(named |plausibility |too short )?error|refuse|same", expected) is not None
        either = re.search(r"error or|or an error|refused with|error that names the signal|reads; asks", expected)
        if not either and name != "nan_all":
            assert refused == (wrong is not None), (name, expected)


@pytest.mark.data
@pytest.mark.parametrize(("name", "wrong", "note"), OTHERS, ids=[row[0] for row in OTHERS])
def test_bad_files(data: Path, name: str, wrong: str | None, note: str) -> None:
    path = data / "ecg/formats/bad" / name
    if wrong is not None:
        with pytest.raises(DataError, match=wrong) as failure:
            read_recording(path, rate_hz=360 if name == "csv_inf.csv" else None)
        assert "\n" not in str(failure.value)
        return
    recording = read_recording(path)
    assert any(note in text for text in recording.notes) or not note
    if name == "edf_bad_date.edf":
        assert recording.start is None


@pytest.mark.data
def test_samples_at_and_marks_after_the_break(data: Path) -> None:
    bad = data / "ecg/formats/bad"
    good = read_recording(bad / "good_reference").signal
    half = read_recording(bad / "edf_truncated.edf").signal
    assert half.shape == (2, 14 * 360)
    np.testing.assert_allclose(half[:, :3600], good, atol=2e-4)
    assert read_annotations(bad / "truncated_half").notes
