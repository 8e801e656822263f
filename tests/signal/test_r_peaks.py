"""Peaks from probabilities: against bumps of known centres, any cutting, and SciPy's peaks that keep a distance."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import find_peaks

from seqpool.signal.r_peaks import REFRACTORY_S, THRESHOLD, PeakFinder, peak_target

RATE_HZ = 125.0


def peaks_of(probability: np.ndarray, cuts: list[int] | None = None) -> np.ndarray:
    """What the finder reads from probabilities that come in these pieces."""
    finder = PeakFinder(RATE_HZ)
    for begin, end in itertools.pairwise([0, *(cuts or []), len(probability)]):
        finder.feed(probability[begin:end])
    return finder.peaks_s()


@given(st.lists(st.floats(0.25, 2.0), max_size=20), st.floats(0.0, 1.0))
def test_what_is_taught_is_read_back(gaps: list[float], first: float) -> None:
    """Centres between samples too, and at the ends."""
    wanted = np.cumsum([first, *gaps])
    target = peak_target(wanted * RATE_HZ, int(wanted[-1] * RATE_HZ) + 1, RATE_HZ)
    found = peaks_of(target)
    assert len(found) == len(wanted)
    inside = (wanted > 0.05) & (wanted < len(target) / RATE_HZ - 0.05)  # elsewhere a part of the bump is cut off
    assert np.abs(found - wanted)[inside].max(initial=0) < 1e-3
    assert np.abs(found - wanted).max() < 0.03


def test_the_target_is_a_normal_bump() -> None:
    target = peak_target(np.array([50.25]), 100, RATE_HZ)
    places = np.arange(100)
    assert target == pytest.approx(np.exp(-0.5 * ((places - 50.25) / 3.0) ** 2), abs=1e-5)
    assert peak_target(np.zeros(0), 7, RATE_HZ).tolist() == [0.0] * 7


@given(st.integers(0, 10_000), st.lists(st.integers(0, 400), max_size=6))
def test_any_cutting_gives_the_same_peaks(seed: int, cuts: list[int]) -> None:
    probability = smooth_noise(seed)
    assert np.array_equal(peaks_of(probability), peaks_of(probability, sorted(cuts)))


@given(st.integers(0, 10_000))
def test_peaks_keep_a_distance_as_in_scipy(seed: int) -> None:
    probability = smooth_noise(seed)
    padded = np.concatenate([[0.0], probability, [0.0]])
    wanted = find_peaks(padded, height=THRESHOLD, distance=round(REFRACTORY_S * RATE_HZ))[0] - 1
    found = peaks_of(probability) * RATE_HZ
    assert len(found) == len(wanted)
    assert np.abs(found - wanted).max(initial=0) <= 6  # the centre is within its reach


@pytest.mark.parametrize("probability", [np.zeros(500), np.full(500, 0.2), np.zeros(0)])
def test_nothing_probable_is_no_peak(probability: np.ndarray) -> None:
    assert peaks_of(probability.astype(np.float32)).tolist() == []


def test_a_certain_plateau_is_one_peak() -> None:
    assert peaks_of(np.ones(40, dtype=np.float32)).size == 1


def smooth_noise(seed: int) -> np.ndarray:
    """(400,) probabilities whose peaks crowd."""
    rng = np.random.default_rng(seed)
    return np.convolve(rng.random(404), [0.1, 0.2, 0.4, 0.2, 0.1], "valid").astype(np.float32)
