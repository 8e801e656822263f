"""Rhythm notes of WFDB annotations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seqpool.io.ecg.annotations import Annotations, read_annotations
from seqpool.io.ecg.rhythm_notes import FLUTTER, rhythms_of
from seqpool.signal import holter_report


def test_a_rhythm_lasts_until_the_next_note() -> None:
    marks = [(10, "+", "(N"), (15, "N", ""), (50, "+", "(AFIB"), (60, "[", ""), (70, "!", ""), (80, "]", ""),
             (90, "+", "noted"), (95, "+", "(XYZ"), (99, "[", "")]  # fmt: skip
    samples, symbols, texts = zip(*marks, strict=True)
    found = list(rhythms_of(Annotations(np.array(samples), symbols, texts), 120))
    assert found == [
        ("normal", 10, 50), ("af", 50, 95), (FLUTTER, 60, 80), ("xyz", 95, 120), (FLUTTER, 99, 120),
    ]  # fmt: skip
    assert list(rhythms_of(Annotations(np.array([5]), ("N",), ("",)), 10)) == []


def test_flutter_is_called_the_same_in_reports() -> None:
    assert FLUTTER == holter_report.FLUTTER


@pytest.mark.data
def test_seconds_of_each_rhythm_in_mit_bih(data: Path) -> None:
    """The table of the data's README, counted when the data was packed."""
    seconds: dict[str, float] = {}
    brackets = 0
    for path in sorted((data / "ecg/mitdb_ds1").glob("*.atr")):
        marks = read_annotations(path.with_suffix(""))
        brackets += sum(symbol == "[" for symbol in marks.symbol)
        places = [place for place, symbol in enumerate(marks.symbol) if symbol == "+"]
        notes = Annotations(marks.sample[places], ("+",) * len(places), tuple(marks.text[place] for place in places))
        for name, start, stop in rhythms_of(notes, 650_000):
            seconds[name] = seconds.get(name, 0) + (stop - start) / 360
    assert {name: round(value) for name, value in seconds.items()} == {
        "normal": 33817, "af": 2061, "ventricular_bigeminy": 1087, "ventricular_trigeminy": 1011, "pre_excitation": 741,
        "atrial_flutter": 314, "supraventricular_tachycardia": 176, "ventricular_tachycardia": 168,
        "idioventricular": 146, FLUTTER: 144, "nodal": 54,
    }  # fmt: skip
    assert brackets == 6
