"""Marks of waves: pairing, every symbol of LUDB, and wfdb reading back what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given
from hypothesis import strategies as st

from seqpool.errors import DataError
from seqpool.io.ecg.wave_annotations import paired, read_waves, write_waves
from seqpool.records import WAVES, Delineation

NONE = float("nan")


@pytest.mark.parametrize(
    ("symbols", "waves", "unclear"),
    [
        ("(p)(N)(t)", [("P", 0, 1, 2), ("QRS", 3, 4, 5), ("T", 6, 7, 8)], ()),
        ("N)(t)", [("QRS", NONE, 0, 1), ("T", 2, 3, 4)], ()),  # paced: no onset
        ("(N)(t(N)", [("QRS", 0, 1, 2), ("T", 3, 4, NONE), ("QRS", 5, 6, 7)], ()),
        ("N()(t)", [("QRS", NONE, 0, NONE), ("T", 3, 4, 5)], ((1, 2),)),  # brackets without a peak
        ("((tt))", [("T", 1, 2, NONE), ("T", NONE, 3, 4)], ((0, 0), (5, 5))),
        ("p()", [("P", NONE, 0, NONE)], ((1, 2),)),
        (")(p)(", [("P", 1, 2, 3)], ((0, 0), (4, 4))),
        ("(p|)", [("P", 0, 1, 3)], ()),  # an artefact mark is no wave
        ("|+", [], ()),
    ],
)
def test_pairing(symbols: str, waves: list[tuple[str, float, float, float]], unclear: tuple[object, ...]) -> None:
    found = paired(range(len(symbols)), list(symbols))
    assert [WAVES[wave] for wave in found.waves.wave] == [wave for wave, *_ in waves]
    points = np.array([points for _, *points in waves], dtype=float).reshape(-1, 3)
    np.testing.assert_array_equal(np.stack([found.waves.onset, found.waves.peak, found.waves.offset], axis=1), points)
    assert found.unclear == unclear


@given(st.lists(st.sampled_from("()pNt|"), max_size=30))
def test_no_mark_is_lost_or_used_twice(symbols: list[str]) -> None:
    found = paired(range(len(symbols)), symbols)
    points = np.concatenate([found.waves.onset, found.waves.peak, found.waves.offset])
    used = points[np.isfinite(points)].astype(int).tolist()
    used += [sample for pair in found.unclear for sample in set(pair)]
    assert sorted(used) == [place for place, symbol in enumerate(symbols) if symbol != "|"]


@pytest.mark.data
def test_every_symbol_of_ludb(data: Path) -> None:
    """Peaks and brackets of all leads against the bytes as wfdb counts them, and the counts that are published for
    lead II of these 160 recordings."""
    folder = data / "ecg" / "ludb" / "data"
    counts = {"p": 0, "N": 0, "t": 0, "(": 0, ")": 0}
    for header in folder.glob("*.hea"):
        record = str(header.with_suffix(""))
        symbols = wfdb.rdann(record, "ii").symbol
        found = read_waves(record, "ii")
        for symbol, wave in (("p", "P"), ("N", "QRS"), ("t", "T")):
            assert len(found.waves.of(wave)) == symbols.count(symbol)
            counts[symbol] += symbols.count(symbol)
        strays = [sample for pair in found.unclear for sample in set(pair)]
        brackets = np.isfinite(found.waves.onset).sum() + np.isfinite(found.waves.offset).sum()
        assert brackets + len(strays) == symbols.count("(") + symbols.count(")")
        counts["("] += symbols.count("(")
        counts[")"] += symbols.count(")")
    assert counts == {"p": 1123, "N": 1463, "t": 1312, "(": 3885, ")": 3898}


def test_wfdb_reads_back_what_was_written(tmp_path: Path) -> None:
    waves = Delineation(
        np.array([0, 1, 2, 1], dtype=np.int8),
        np.array([10.0, 50.4, NONE, 300]),
        np.array([20.0, 60, 120, 310]),
        np.array([30.0, 70, 140, NONE]),
    )
    write_waves(tmp_path, "r1", waves, 500)
    found = wfdb.rdann(str(tmp_path / "r1"), "seqpool")
    assert "".join(found.symbol) == "(p)(N)t)(N"
    assert found.sample.tolist() == [10, 20, 30, 50, 60, 70, 120, 140, 300, 310]
    assert found.num.tolist() == [0, 0, 0, 1, 0, 1, 0, 2, 1, 0]
    assert found.fs == 500
    assert [path.name for path in tmp_path.iterdir()] == ["r1.seqpool"]
    back = read_waves(tmp_path / "r1", "seqpool").waves
    np.testing.assert_array_equal(back.onset, np.round(waves.onset))
    with pytest.raises(DataError, match="r2: there is nothing to annotate"):
        write_waves(tmp_path, "r2", waves.rows(np.zeros(4, dtype=bool)), 500)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"r1\.ii: no such annotation file"):
        read_waves(tmp_path / "r1", "ii")
