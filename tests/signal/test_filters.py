"""Filters: attenuation by the theory of Butterworth, no delay, and chunks against the whole."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqpool.signal.filters import CausalFilter, design, zero_phase


def gain_db(sections: np.ndarray, tone_hz: float, rate_hz: float) -> float:
    times = np.arange(round(60 * rate_hz)) / rate_hz
    tone = np.sin(2 * np.pi * tone_hz * times)
    middle = zero_phase(tone, sections, rate_hz)[len(tone) // 3 : 2 * len(tone) // 3]
    return float(20 * np.log10(np.sqrt(2 * np.mean(middle**2))))


@pytest.mark.parametrize("rate_hz", [100.0, 250.0, 500.0])
def test_two_passes_are_6_db_down_at_the_edges(rate_hz: float) -> None:
    sections = design(rate_hz, 0.5, 40.0)
    assert gain_db(sections, 0.5, rate_hz) == pytest.approx(-6.02, abs=0.1)
    assert gain_db(sections, 40.0, rate_hz) == pytest.approx(-6.02, abs=0.1)
    assert gain_db(sections, 8.0, rate_hz) == pytest.approx(0.0, abs=0.1)
    assert gain_db(sections, 0.1, rate_hz) < -40


def test_notch_takes_the_mains_only() -> None:
    sections = design(500.0, notch_hz=50.0)
    assert gain_db(sections, 50.0, 500.0) < -60
    assert gain_db(sections, 40.0, 500.0) > -0.2


def test_zero_phase_does_not_shift_a_peak() -> None:
    times = np.arange(5000) / 500
    pulse = np.exp(-(((times - 5.0) / 0.02) ** 2))
    assert int(np.argmax(zero_phase(pulse, design(500.0, 0.5, 40.0), 500.0))) == 2500


def test_no_sections_pass_everything() -> None:
    samples = np.random.default_rng(0).normal(size=100)
    np.testing.assert_array_equal(zero_phase(samples, design(100.0), 100.0), samples)
    np.testing.assert_array_equal(CausalFilter(design(100.0)).feed(samples), samples)


def test_an_offset_makes_no_step() -> None:
    assert np.abs(CausalFilter(design(360.0, 0.5, 40.0)).feed(np.full(1000, 5.0))).max() < 1e-9
    assert np.abs(zero_phase(np.full(1000, 5.0), design(360.0, 0.5, 40.0), 360.0)).max() < 1e-9


@pytest.mark.parametrize("rate_hz", [100.0, 250.0, 500.0, 1000.0])
def test_stable_at_a_twentieth_of_a_hertz(rate_hz: float) -> None:
    samples = np.random.default_rng(0).normal(size=round(120 * rate_hz))
    assert np.abs(CausalFilter(design(rate_hz, 0.05, 40.0, 5)).feed(samples)).max() < 10


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=8), st.sampled_from([None, 0.5]), st.booleans())
def test_causal_chunks_equal_the_whole(cuts: list[int], highpass_hz: float | None, notch: bool) -> None:
    samples = np.random.default_rng(len(cuts)).normal(size=(2, 1500))
    sections = design(250.0, highpass_hz, 40.0, 2, 50.0 if notch else None)
    whole = CausalFilter(sections).feed(samples)
    stream = CausalFilter(sections)
    edges = [0, *sorted(cuts), 1500]
    pieces = [stream.feed(samples[:, a:b]) for a, b in pairwise(edges)]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole)


@pytest.mark.parametrize("edges", [(0.0, 40.0), (0.5, 50.0), (0.5, 60.0)])
def test_edges_beyond_half_the_rate_are_refused(edges: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="less than half the rate"):
        design(100.0, *edges)
