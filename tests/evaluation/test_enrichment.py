"""Fisher's test against SciPy's, and against whole numbers where SciPy's is 0."""

from __future__ import annotations

from math import comb, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from seqpool.evaluation.enrichment import fisher_log_p_values


def log_p_of(hits: int, total: int, other_hits: int, other_total: int) -> float:
    return float(fisher_log_p_values(np.array([hits]), total, np.array([other_hits]), other_total)[0])


def whole_number_log_p(hits: int, total: int, other_hits: int, other_total: int) -> float:
    drawn = hits + other_hits
    ways = sum(comb(total, k) * comb(other_total, drawn - k) for k in range(hits, min(total, drawn) + 1))
    return log(ways) - log(comb(total + other_total, drawn))


@st.composite
def tables(draw: st.DrawFn, largest: int) -> tuple[int, int, int, int]:
    total, other_total = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    return draw(st.integers(0, total)), total, draw(st.integers(0, other_total)), other_total


@given(tables(100_000))
def test_equals_scipy(table: tuple[int, int, int, int]) -> None:
    hits, total, other_hits, other_total = table
    expected = fisher_exact([[hits, total - hits], [other_hits, other_total - other_hits]], alternative="greater")
    if expected.pvalue > 1e-280:  # below, SciPy's loses its digits
        assert np.exp(log_p_of(*table)) == pytest.approx(expected.pvalue, rel=1e-9)
    else:
        assert log_p_of(*table) < np.log(1e-279)


@given(tables(300))
def test_equals_whole_numbers(table: tuple[int, int, int, int]) -> None:
    assert log_p_of(*table) == pytest.approx(whole_number_log_p(*table), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    "table",
    [
        (3_900, 4_000, 60, 3_000),  # far beyond the smallest float
        (4_000, 4_000, 0, 3_000),
        (1_200, 4_000, 100, 3_000),
        (1, 1, 0, 100_000),
        (0, 5, 0, 7),
        (5, 5, 7, 7),
        (0, 5, 7, 7),
        (2, 40_000, 0, 30_000),
    ],
)
def test_extreme_tables(table: tuple[int, int, int, int]) -> None:
    assert log_p_of(*table) == pytest.approx(whole_number_log_p(*table), rel=1e-9, abs=1e-12)


def test_both_ways_of_adding_up_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Around the p-value where the tail is summed in logarithms instead."""
    hits = np.arange(300, 520)
    other = np.full(len(hits), 200)
    summed = fisher_log_p_values(hits, 2_000, other, 3_000)
    monkeypatch.setattr("seqpool.evaluation.enrichment._SMALLEST", 1e-5)
    np.testing.assert_allclose(fisher_log_p_values(hits, 2_000, other, 3_000), summed, rtol=1e-9)
    assert summed.min() < np.log(1e-40)


def test_no_sequences_and_wrong_counts() -> None:
    assert log_p_of(0, 0, 0, 0) == 0.0
    for table in ((6, 5, 0, 7), (-1, 5, 0, 7), (1, 5, 8, 7)):
        with pytest.raises(ValueError, match="number of sequences with a hit"):
            log_p_of(*table)
