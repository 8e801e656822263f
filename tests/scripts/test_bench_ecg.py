"""The day that is measured holds the records that it is made of."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from seqpool.io.ecg.recordings import open_recording


@pytest.mark.data
def test_a_long_record_is_its_records_joined(repository: Path, data: Path, tmp_path: Path) -> None:
    """Read with its checksums, which are those of all samples."""
    spec = importlib.util.spec_from_file_location("bench_ecg", repository / "scripts/bench_ecg.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    folder = data / "ecg/mitdb_ds1"
    opened = open_recording(script.write_long(tmp_path, "long", folder, 2000.0))
    assert opened.samples == 2000 * 360
    assert opened.leads == ("MLII", "V1")
    first, second = open_recording(folder / "101"), open_recording(folder / "106")
    assert np.array_equal(opened.signal(649_000, 651_000)[:, :1000], first.signal(649_000, 650_000))
    assert np.array_equal(opened.signal(650_000, 660_000), second.signal(0, 10_000))
