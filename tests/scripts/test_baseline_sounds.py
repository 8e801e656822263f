"""Features of sound by hand: of a tone, of silence, of the shortest clip."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from seqpool.nn.spectrogram import Spectrogram

RATE_HZ = 16000.0


@pytest.fixture(scope="module")
def baseline(repository: Path) -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("baseline_sounds", repository / "scripts" / "baseline_sounds.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_tone_has_its_frequency_as_centroid_and_no_spread(baseline: ModuleType) -> None:
    front = Spectrogram(baseline.FRONT, RATE_HZ)
    seconds = np.arange(16000) / RATE_HZ
    loud = baseline.features(np.sin(2 * np.pi * 2000 * seconds).astype(np.float32), front)
    quiet = baseline.features(0.1 * np.sin(2 * np.pi * 2000 * seconds).astype(np.float32), front)
    centroid, spread, flatness, level = (place + baseline.COEFFICIENTS for place in range(4))
    median = 2 * (baseline.COEFFICIENTS + 5) + 2 * (baseline.COEFFICIENTS + 5)
    assert loud[median + centroid] == pytest.approx(2000, abs=1)
    assert loud[median + spread] < 50
    assert loud[median + flatness] < 1e-3
    assert loud[median + level] - quiet[median + level] == pytest.approx(20, abs=1e-3)


@pytest.mark.parametrize("sound", [np.zeros(8000), np.ones(1), np.random.default_rng(0).normal(size=700)], ids=len)
def test_any_clip_has_227_finite_features(baseline: ModuleType, sound: np.ndarray) -> None:
    found = baseline.features(sound.astype(np.float32), Spectrogram(baseline.FRONT, RATE_HZ))
    assert found.shape == (227,)
    assert np.isfinite(found).all()
