"""Annotation files as wfdb reads them, and what is never written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb

from seqpool.errors import DataError
from seqpool.io.ecg.annotation_writer import write_annotations


def test_wfdb_reads_back_what_was_written(tmp_path: Path) -> None:
    samples = np.array([0, 7, 1500, 2_000_000])
    write_annotations(tmp_path, "r1", samples, ["N", "V", "S", "Q"], None, 360)
    found = wfdb.rdann(str(tmp_path / "r1"), "seqpool")
    assert found.sample.tolist() == samples.tolist()
    assert found.symbol == ["N", "V", "S", "Q"]
    assert found.fs == 360
    assert [path.name for path in tmp_path.iterdir()] == ["r1.seqpool"]


def test_the_reference_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="annotations named atr"):
        write_annotations(tmp_path, "r1", np.array([1]), ["N"], None, 360, "atr")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="r1: there is nothing to annotate"):
        write_annotations(tmp_path, "r1", np.zeros(0, dtype=np.int64), [], None, 360)
    with pytest.raises(DataError, match=r"r1\.seqpool cannot be written: No such file"):
        write_annotations(tmp_path / "none", "r1", np.array([1]), ["N"], None, 360)
