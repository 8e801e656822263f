"""Irregular rhythms by beats alone: simulated ones, and those that MIT-BIH notes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seqpool.jobs.holter import Reading, annotated
from seqpool.signal.fibrillation import irregular


def after(intervals: list[float] | np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(intervals)])


def test_simulated_rhythms() -> None:
    rng = np.random.default_rng(0)
    normal = np.full(200, "N")
    sinus = after(0.8 + 0.05 * np.sin(np.arange(199) / 3) + 0.01 * rng.standard_normal(199))
    fibrillation = after(rng.gamma(16, 0.7 / 16, 199))
    assert irregular(sinus, normal, 0, 60) is False
    assert irregular(fibrillation, normal, 0, 60) is True
    # every fourth beat early, with a pause after it: irregular only where it is not known to be ectopic
    ectopic = after(np.tile([0.8, 0.8, 0.5, 1.1, 0.8, 0.8], 33))
    classes = np.tile(["N", "N", "N", "V", "N", "N"], 34)[: len(ectopic)]
    assert irregular(ectopic, classes, 0, 60) is False
    assert irregular(sinus, np.full(200, "V"), 0, 60) is None
    assert irregular(sinus, normal, 10, 12) is None
    assert irregular(np.zeros(0), np.zeros(0, dtype=str), 0, 30) is None


@pytest.mark.data
def test_noted_fibrillation_is_irregular_and_normal_rhythm_is_not(data: Path) -> None:
    """Windows of 30 s that one note covers whole, by annotated beats."""
    told: dict[str, list[bool]] = {"af": [], "normal": []}
    for path in sorted((data / "ecg/mitdb_ds1").glob("*.atr")):
        opened = Reading().opened(str(path.with_suffix("")))
        found, _ = annotated(opened, "atr", None)
        assert found.rhythm is not None
        noted = [*found.rhythm.af.tolist(), *(span for one in found.rhythm.other.values() for span in one.tolist())]
        for start in np.arange(0, opened.duration_s - 30, 30).tolist():
            inside_af = any(begin <= start and start + 30 <= end for begin, end in found.rhythm.af.tolist())
            touches = any(begin < start + 30 and start < end for begin, end in noted)
            answer = irregular(found.times_s, found.classes, start, start + 30)
            if answer is not None and (inside_af or not touches):
                told["af" if inside_af else "normal"].append(answer)
    assert len(told["af"]) > 40
    assert len(told["normal"]) > 900
    assert np.mean(told["af"]) > 0.95
    assert np.mean(told["normal"]) < 0.1
