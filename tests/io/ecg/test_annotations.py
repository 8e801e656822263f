"""Annotations against the counts that the publishers' files hold, and damaged files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import wfdb

from seqpool.errors import DataError
from seqpool.io.ecg.annotations import read_annotations

LEADS = ("i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")

# record: N, S, V, F, Q, beats, annotations (README of the data; the sums are de Chazal's DS1)
DS1 = {
    "101": (1860, 3, 0, 0, 2, 1865, 1874), "106": (1507, 0, 520, 0, 0, 2027, 2098),
    "108": (1740, 4, 17, 2, 0, 1763, 1824), "109": (2492, 0, 38, 2, 0, 2532, 2535),
    "112": (2537, 2, 0, 0, 0, 2539, 2550), "114": (1820, 12, 43, 4, 0, 1879, 1890),
    "115": (1953, 0, 0, 0, 0, 1953, 1962), "116": (2302, 1, 109, 0, 0, 2412, 2421),
    "118": (2166, 96, 16, 0, 0, 2278, 2301), "119": (1543, 0, 444, 0, 0, 1987, 2094),
    "122": (2476, 0, 0, 0, 0, 2476, 2479), "124": (1536, 31, 47, 5, 0, 1619, 1634),
    "201": (1635, 128, 198, 2, 0, 1963, 2039), "203": (2529, 2, 444, 1, 4, 2980, 3108),
    "205": (2571, 3, 71, 11, 0, 2656, 2672), "207": (1543, 107, 210, 0, 0, 1860, 2385),
    "208": (1586, 2, 992, 373, 2, 2955, 3040), "209": (2621, 383, 1, 0, 0, 3005, 3052),
    "215": (3195, 3, 164, 1, 0, 3363, 3400), "220": (1954, 94, 0, 0, 0, 2048, 2069),
    "223": (2045, 73, 473, 14, 0, 2605, 2643), "230": (2255, 0, 1, 0, 0, 2256, 2466),
}  # fmt: skip


@pytest.mark.data
def test_beat_counts_of_ds1(data: Path) -> None:
    total: Counter[str] = Counter()
    rhythms: Counter[str] = Counter()
    for record, wanted in DS1.items():
        found = read_annotations(data / "ecg/mitdb_ds1" / record, samples=650_000)
        samples, classes = found.beats()
        counts = Counter(classes)
        assert (*(counts[name] for name in "NSVFQ"), len(samples), len(found)) == wanted, record
        assert found.notes == ()
        total += counts
        rhythms += Counter(text for symbol, text in zip(found.symbol, found.text, strict=True) if symbol == "+")
    assert dict(total) == {"N": 45866, "S": 944, "V": 3788, "F": 415, "Q": 8}
    assert rhythms["(AFIB"] > 0
    assert not any("\0" in text for text in rhythms)


def marks(raw: bytes) -> Counter[int]:
    """Types of the marks of an annotation file by annot(5), without wfdb: words of 6 bits of type, 10 of time."""
    counts: Counter[int] = Counter()
    at = 0
    while at + 2 <= len(raw):
        word = int.from_bytes(raw[at : at + 2], "little")
        at += 2
        kind, time = word >> 10, word & 0x3FF
        if word == 0:
            break
        if kind == 59:
            at += 4
        elif kind == 63:
            at += time + time % 2
        elif kind < 50:
            counts[kind] += 1
    return counts


@pytest.mark.data
def test_ludb_symbols_without_loss(data: Path) -> None:
    types = {"N": 1, "p": 24, "t": 27, "(": 39, ")": 40}
    of_two: Counter[str] = Counter()
    for place, header in enumerate(sorted((data / "ecg/ludb/data").glob("*.hea"))):
        for lead in LEADS if place % 8 == 0 else ("ii",):  # all leads of all records took a minute and agreed too
            found = read_annotations(header.with_suffix(""), lead, samples=5000)
            counts = Counter(found.symbol)
            raw = header.with_suffix(f".{lead}").read_bytes()
            assert {types[symbol]: number for symbol, number in counts.items()} == dict(marks(raw)), (header, lead)
            assert (np.diff(found.sample) >= 0).all()
            if lead == "ii":
                of_two += counts
    assert dict(of_two) == {"N": 1463, "p": 1123, "t": 1312, "(": 3885, ")": 3898}


@pytest.mark.data
def test_damaged_annotations(data: Path) -> None:
    bad = data / "ecg/formats/bad"
    assert read_annotations(bad / "good_reference").sample.tolist() == [100, 400, 700]
    cut = read_annotations(bad / "truncated_half")
    assert "ends early" in cut.notes[0]
    assert len(cut) <= 1
    longer = read_annotations(bad / "dat_longer", samples=1800)
    assert longer.sample.tolist() == [100, 400]
    assert "1 annotations of dat_longer.atr lie past the end of the record (1800 samples)" in longer.notes[0]
    with pytest.raises(DataError, match="no such annotation file"):
        read_annotations(bad / "missing_dat")


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_cut_file_gives_a_beginning(tmp_path: Path, cut: int) -> None:
    samples, symbols = np.array([10, 400, 5000, 99999]), ["N", "+", "V", "~"]
    wfdb.wrann("r", "atr", samples, symbols, aux_note=["", "(AFIB", "", ""], write_dir=str(tmp_path))
    raw = (tmp_path / "r.atr").read_bytes()
    (tmp_path / "r.atr").write_bytes(raw[: max(len(raw) - cut, 0)])
    if len(raw) - cut < 2:
        with pytest.raises(DataError, match="damaged"):
            read_annotations(tmp_path / "r")
        return
    found = read_annotations(tmp_path / "r")
    assert found.notes
    assert found.sample.tolist() == samples[: len(found)].tolist()
    assert list(found.symbol) == symbols[: len(found)]
