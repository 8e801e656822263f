"""Resampling against scipy's own, against a theorem, and against itself in chunks."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from seqpool.signal.resampling import Resampler, exact_ratio, resample

RATES = [100.0, 125.0, 250.0, 300.0, 360.0, 500.0, 1000.0, 62.4725 * 4]


def test_ratios_are_exact() -> None:
    assert exact_ratio(360, 100) == Fraction(5, 18)
    assert exact_ratio(62.4725, 125) == Fraction(1250000, 624725)


@pytest.mark.parametrize("from_hz", [100.0, 250.0, 300.0, 360.0, 500.0, 1000.0])
@pytest.mark.parametrize("to_hz", [100.0, 125.0, 250.0, 360.0])
def test_interior_equals_scipy(from_hz: float, to_hz: float) -> None:
    noise = np.random.default_rng(1).normal(size=2000)
    noise[0] = 0.0  # ours takes the first sample as its zero
    ratio = exact_ratio(from_hz, to_hz)
    theirs = resample_poly(noise, ratio.numerator, ratio.denominator)
    ours = resample(noise, from_hz, to_hz)
    assert len(ours) == len(theirs) == -(-2000 * ratio.numerator // ratio.denominator)
    edge = len(ours) // 8
    np.testing.assert_allclose(ours[edge:-edge], theirs[edge:-edge], atol=1e-12)


@pytest.mark.parametrize("from_hz", RATES)
def test_a_constant_stays_and_a_slow_sine_stays_a_sine(from_hz: float) -> None:
    times = np.arange(round(10 * from_hz)) / from_hz
    np.testing.assert_allclose(resample(np.full(len(times), 5.12), from_hz, 125), 5.12, rtol=1e-14)
    ours = resample(np.sin(2 * np.pi * 5 * times), from_hz, 125)
    wanted = np.sin(2 * np.pi * 5 * np.arange(len(ours)) / 125)
    np.testing.assert_allclose(ours[125:-125], wanted[125:-125], atol=2e-3)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_chunks_give_the_whole_to_the_bit(data: st.DataObject) -> None:
    from_hz = data.draw(st.sampled_from([100.0, 250.0, 300.0, 360.0, 500.0]))
    to_hz = data.draw(st.sampled_from([100.0, 125.0, 250.0, 300.0]))
    samples = np.random.default_rng(data.draw(st.integers(0, 99))).normal(size=data.draw(st.integers(1, 4000)))
    whole = resample(samples, from_hz, to_hz)
    resampler = Resampler(from_hz, to_hz)
    pieces, at = [], 0
    while at < len(samples):
        size = data.draw(st.integers(1, 1500))
        pieces.append(resampler.feed(samples[at : at + size]))
        at += size
    pieces.append(resampler.finish())
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_memory_does_not_grow_with_the_signal() -> None:
    resampler = Resampler(360, 100)
    chunk = np.random.default_rng(0).normal(size=3600)
    for _ in range(50):
        resampler.feed(chunk)
    assert resampler._held is not None
    assert resampler._held.shape[-1] < 2 * 360
