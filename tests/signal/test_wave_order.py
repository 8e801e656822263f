"""Waves from probabilities: crossings, any cutting, and the order of a heart beat."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from seqpool.records import WAVES
from seqpool.signal.wave_order import Runs, WaveRuns, waves_in_order, with_peaks

RATE = 250.0


def runs_of(probabilities: NDArray[np.float64], *cuts: int) -> Runs:
    found = WaveRuns()
    for piece in np.split(probabilities, sorted(cuts), axis=1):
        found.feed(piece)
    return found.runs()


def runs(*waves: tuple[str, float, float]) -> Runs:
    """Runs as (wave, onset, offset), whose mass is their length."""
    return Runs(
        np.array([WAVES.index(wave) for wave, _, _ in waves], dtype=np.int8),
        np.array([onset for _, onset, _ in waves], dtype=float),
        np.array([offset for _, _, offset in waves], dtype=float),
        np.array([offset - onset for _, onset, offset in waves], dtype=float),
    )


def listed(found: Runs) -> list[tuple[str, float, float]]:
    return [(WAVES[w], a, b) for w, a, b in zip(found.wave, found.onset.tolist(), found.offset.tolist(), strict=True)]


def test_an_edge_lies_where_two_lines_of_probability_cross() -> None:
    """p(QRS) = 1 - p(none) = (t - 10.3) / 10 + 1/2: one half, and so the edge, at 10.3."""
    rising = np.clip((np.arange(30) - 10.3) / 10 + 0.5, 0, 1)
    qrs = np.where(np.arange(30) <= 15, rising, np.clip((20.6 - np.arange(30)) / 10 + 0.5, 0, 1))
    found = runs_of(np.stack([1 - qrs, 0 * qrs, qrs, 0 * qrs]))
    assert listed(found) == [("QRS", pytest.approx(10.3), pytest.approx(20.6))]


def test_neighbouring_waves_share_their_edge_and_open_ends_reach_to_the_ends() -> None:
    p = np.array([[0.0, 0.0, 0.0, 0.0], [0.8, 0.8, 0.3, 0.0], [0.2, 0.2, 0.7, 1.0], [0.0, 0.0, 0.0, 0.0]])
    edge = 1 + 0.6 / (0.6 + 0.4)
    assert listed(runs_of(p)) == [("P", 0, pytest.approx(edge)), ("QRS", pytest.approx(edge), 3)]
    assert runs_of(p).mass.tolist() == pytest.approx([1.6, 1.7])


@given(st.integers(0, 10_000), st.lists(st.integers(0, 60), max_size=6))
def test_any_cutting_gives_the_same_runs(seed: int, cuts: list[int]) -> None:
    p = np.random.default_rng(seed).dirichlet(np.full(4, 0.3), size=60).T
    whole, cut = runs_of(p), runs_of(p, *cuts)
    np.testing.assert_array_equal(whole.wave, cut.wave)
    np.testing.assert_allclose(whole.onset, cut.onset)
    np.testing.assert_allclose(whole.offset, cut.offset)
    np.testing.assert_allclose(whole.mass, cut.mass)


BEAT = [("P", 100.0, 125.0), ("QRS", 140.0, 165.0), ("T", 200.0, 250.0)]


@pytest.mark.parametrize(
    ("given_runs", "wanted"),
    [
        (BEAT, BEAT),
        ([("T", 200, 222), ("T", 230, 250)], [("T", 200, 250)]),  # 32 ms apart: one wave
        ([("T", 200, 225), ("T", 240, 280)], [("T", 240, 280)]),  # 60 ms apart: the larger of two
        ([("P", 100, 109), ("QRS", 140, 149), ("T", 200, 219)], []),  # each shorter than it can be
        ([("QRS", 140, 165), ("QRS", 178, 200)], [("QRS", 140, 165)]),  # within the refractory period
        ([("QRS", 140, 155), ("QRS", 178, 203)], [("QRS", 178, 203)]),
        ([("QRS", 140, 165), ("P", 175, 195), ("T", 200, 250)], [("QRS", 140, 165), ("T", 200, 250)]),  # P before T
        ([("QRS", 140, 165), ("T", 200, 250), ("P", 300, 320), ("P", 360, 380)],
         [("QRS", 140, 165), ("T", 200, 250), ("P", 300, 320), ("P", 360, 380)]),  # blocked P waves
        ([("T", 20, 60), *BEAT], [("T", 20, 60), *BEAT]),
        ([], []),
    ],
)  # fmt: skip
def test_waves_stand_in_order(given_runs: list[tuple[str, float, float]], wanted: list[object]) -> None:
    assert listed(waves_in_order(runs(*given_runs), RATE)) == wanted


@given(st.integers(0, 10_000))
def test_whatever_the_probabilities_the_order_holds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = np.repeat(rng.dirichlet(np.full(4, 0.3), size=80), rng.integers(1, 30, 80), axis=0).T
    found = waves_in_order(runs_of(p), RATE)
    assert (found.onset[1:] >= found.offset[:-1]).all()
    text = "".join("PQT"[wave] for wave in found.wave)
    for interval in text.split("Q"):
        assert interval.count("T") <= 1
        assert "PT" not in interval
    centres = (found.onset + found.offset)[found.wave == 1] / 2
    assert (np.diff(centres) >= 0.2 * RATE).all()


def test_peaks_are_tops_of_parabolas_between_samples() -> None:
    places = np.arange(60)
    signal = 0.01 * places - 0.5 + np.maximum(0, 4 - 0.1 * (places - 30.3) ** 2)
    assert with_peaks(runs(("QRS", 22.0, 38.6)), signal).peak == pytest.approx([30.3], abs=0.15)
    assert with_peaks(runs(("QRS", 22.0, 38.6)), -signal).peak == pytest.approx([30.3], abs=0.15)
    assert with_peaks(runs(("P", 10.2, 10.4)), signal).peak == pytest.approx([10.3])
