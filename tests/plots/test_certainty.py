"""The shares that a picture of certainty shows, counted by hand."""

from __future__ import annotations

import numpy as np

from seqpool.plots.certainty import shares


def test_shares_of_letters() -> None:
    """Four sequences: one change breaks the first, two the second, three the third; the last is proven for one."""
    grid, withstood, certain = shares([0, 1, 2, 1], [1, 2, 3, np.inf], "letters")
    assert grid.tolist() == [0, 1, 2, 3, 4]
    assert withstood.tolist() == [1, 0.75, 0.5, 0.25, 0.25]
    assert certain.tolist() == [1, 0.75, 0.25, 0, 0]


def test_shares_of_signals_fall_and_are_in_order() -> None:
    random = np.random.default_rng(0)
    proven = random.random(50)
    attacked = np.where(random.random(50) < 0.2, np.inf, proven + 0.001 + random.random(50))
    grid, withstood, certain = shares(proven, attacked, "mV")
    assert np.all(certain <= withstood)
    for curve in (withstood, certain):
        assert np.all(np.diff(curve) <= 0)
    assert (grid[0], certain[0], withstood[0], certain[-1]) == (0, 1, 1, 0)
