"""Every sample of the public formats reads as the table beside it says, or gives one sentence."""

from __future__ import annotations

import csv
from pathlib import Path

import edfio
import numpy as np
import pytest
import wfdb

from seqpool.errors import DataError
from seqpool.io.ecg.leads import canonical_lead, millivolts_per
from seqpool.io.ecg.recordings import open_recording, read_recording
from seqpool.records import Recording

REFUSED = {
    "edf/annotations_only_hypnogram.edf": "no voltage signal",
    "edf/edfann.edf": "no voltage signal",
    "edf/made_bdfplus_d_gap.bdf": "data record 2 does not say when it begins",  # 80 bytes of text where 26 x 3 are said
    "wfdb/multi-segment/s25047_cut/3234460_layout.hea": "~",
}
"""The samples that are no recordings, and what the sentence says."""

ANY_UNIT = {"wfdb/binformats.hea", "wfdb/flacformats.hea", "wfdb/310derive.hea", "wfdb/311derive.hea"}
"""Test patterns and not ECGs: their amplitude is not judged."""


def rows(data: Path) -> dict[str, list[dict[str, str]]]:
    """The table's rows by file."""
    found: dict[str, list[dict[str, str]]] = {}
    with (data / "ecg/formats/expected.tsv").open(newline="") as stream:
        for row in csv.DictReader(stream, delimiter="\t"):
            found.setdefault(row["file"].partition("#")[0], []).append(row)
    return found


def listed(cell: str, number: int) -> list[str]:
    """A cell of one value per signal, or of one for all."""
    values = cell.split(";")
    return values if len(values) == number else values * number


def check(recording: Recording, row: dict[str, str], theirs: dict[str, np.ndarray]) -> None:
    """Leads, rate, samples and values of a recording against the table's row and another reader's values by name."""
    names = row["leads"].split(";")
    rates = [float(rate) for rate in listed(row["rate_hz"], len(names))]
    samples = [int(number) for number in listed(row["samples"], len(names))]
    units = listed(row["unit"], len(names))
    canonical = [canonical_lead(name, place) for place, name in enumerate(names)]
    assert recording.leads
    for lead, signal in zip(recording.leads, recording.signal, strict=True):
        place = canonical.index(lead)
        factor = millivolts_per(units[place])
        assert factor is not None
        present = signal if not recording.gaps else signal[~np.isnan(signal)]
        values = theirs[names[place]] * factor
        assert len(present) == len(values)
        np.testing.assert_allclose(present, values, rtol=3e-7, atol=1e-9, err_msg=f"{row['file']} {lead}")
        # of records of several samples per frame the table has the means of frames
        per_frame = len(values) / samples[place]
        assert per_frame in (1, 2, 3, 4)
        assert recording.rate_hz == pytest.approx(rates[place] * per_frame)
    first = canonical[0]
    if first in recording.leads and recording.rate_hz == rates[0]:
        factor = millivolts_per(units[0]) or 0.0
        wanted = [float(value) * factor for value in row["first_values_of_first_signal"].split()]
        ours = recording.signal[recording.leads.index(first), : len(wanted)]
        np.testing.assert_allclose(ours, wanted, rtol=1e-5, atol=1e-7)


def wfdb_values(path: Path) -> dict[str, np.ndarray]:
    record = wfdb.rdrecord(str(path.with_suffix("")), smooth_frames=False)
    return dict(zip(record.sig_name, record.e_p_signal, strict=True))


@pytest.mark.data
def test_wfdb_samples(data: Path) -> None:
    checked = 0
    for file, (row,) in ((file, found) for file, found in rows(data).items() if file.startswith("wfdb/")):
        path = data / "ecg/formats" / file
        if file in REFUSED:
            with pytest.raises(DataError, match=REFUSED[file]):
                read_recording(path)
            continue
        recording = read_recording(path, unit="mV" if file in ANY_UNIT else None)
        checked += 1
        if row["outcome"] == "reads":
            check(recording, row, wfdb_values(path))
    assert checked == 36


@pytest.mark.data
def test_edf_samples(data: Path) -> None:
    checked = 0
    for file, (row,) in ((file, found) for file, found in rows(data).items() if file.startswith("edf/")):
        path = data / "ecg/formats" / file
        if file in REFUSED:
            with pytest.raises(DataError, match=REFUSED[file]) as failure:
                read_recording(path)
            assert "\n" not in str(failure.value)
            continue
        opened = edfio.read_bdf(path) if path.suffix == ".bdf" else edfio.read_edf(path)
        check(read_recording(path), row, {signal.label: signal.data for signal in opened.signals})
        checked += 1
    assert checked == 11


@pytest.mark.data
@pytest.mark.parametrize("file", ["edf/made_edfplus_d_gaps.edf", "edf/made_bdf24.bdf", "wfdb/mixedsignals.hea",
                                  "wfdb/test01_00s_skewframe.hea", "wfdb/multi-segment/041s/041s.hea",
                                  "wfdb/binformats.hea", "wfdb/multi-segment/s25047_cut/s25047_cut.hea"])  # fmt: skip
def test_blocks_equal_the_whole(data: Path, file: str) -> None:
    path = data / "ecg/formats" / file
    whole = read_recording(path, unit="mV")
    opened = open_recording(path, unit="mV")
    for step in (997, opened.samples // 3):
        blocks = np.concatenate(list(opened.blocks(step)), axis=1)
        np.testing.assert_array_equal(blocks, whole.signal)
