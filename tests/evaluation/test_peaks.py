"""R peaks against marks: worked tallies, and the shares against wfdb's comparison."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wfdb.processing import compare_annotations

from seqpool.evaluation.peaks import NARROW_WINDOW_S, peak_scores, peak_tally


def test_a_worked_tally() -> None:
    marked = np.array([1.0, 2.0, 3.0, 4.0, 9.0])
    found = np.array([1.01, 2.1, 2.98, 6.0, 9.1, 20.0])
    wide = peak_tally(marked, found)
    assert wide.errors_ms == pytest.approx([10, 100, -20, 100])
    assert (wide.missed, wide.extra) == (1, 2)
    narrow = peak_tally(marked, found, window_s=NARROW_WINDOW_S)
    assert narrow.errors_ms == pytest.approx([10, -20])
    assert (narrow.missed, narrow.extra) == (3, 4)
    without = peak_tally(marked, found, excluded_s=[(8.0, 10.0), (19.0, 21.0)])
    assert without.errors_ms == pytest.approx([10, 100, -20])
    assert (without.missed, without.extra) == (1, 1)


def test_a_pair_across_the_edge_of_an_episode_does_not_count() -> None:
    tally = peak_tally(np.array([1.0, 2.0]), np.array([1.05, 2.0]), excluded_s=[(0.5, 1.02)])
    assert tally.errors_ms == pytest.approx([0])
    assert (tally.missed, tally.extra) == (0, 0)


def test_scores_are_gross() -> None:
    tallies = [
        peak_tally(np.array([1.0, 2.0]), np.array([1.01, 2.03])),
        peak_tally(np.array([1.0]), np.array([5.0, 6.0])),
    ]
    scores = peak_scores(tallies)
    assert scores == pytest.approx(
        {"f1": 4 / 7, "sensitivity": 2 / 3, "precision": 1 / 2, "error_mean_ms": 20, "error_sd_ms": 10}
    )
    assert all(np.isnan(value) for value in peak_scores([]).values())
    assert all(np.isnan(value) for value in peak_scores([peak_tally(np.zeros(0), np.zeros(0))]).values())


@given(st.lists(st.integers(400, 900), min_size=2, max_size=12), st.integers(0, 1000))
def test_counts_are_wfdbs(gaps: list[int], seed: int) -> None:
    """Marks further apart than two windows, detections around them: as wfdb's comparison, whose window is open."""
    rng = np.random.default_rng(seed)
    marked = np.cumsum(gaps)
    found = np.sort(marked + rng.integers(-190, 190, len(marked)))[rng.random(len(marked)) < 0.8]
    if not len(found):
        return
    theirs = compare_annotations(marked, found, 151)
    ours = peak_tally(marked / 1e3, found / 1e3)
    assert (len(ours.errors_ms), ours.missed, ours.extra) == (theirs.tp, theirs.fn, theirs.fp)
