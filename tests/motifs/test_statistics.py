"""p-values against enumeration of all words, q-values against SciPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from seqpool.motifs.matrix import FORBIDDEN
from seqpool.motifs.statistics import iid_distribution, q_values


def enumerated(scores: np.ndarray, background: np.ndarray) -> dict[int, float]:
    """Probability of every integer score, over all words without a forbidden letter."""
    shares: dict[int, float] = {}
    for word in itertools.product(range(scores.shape[1]), repeat=len(scores)):
        cells = scores[np.arange(len(scores)), word]
        if (cells > FORBIDDEN).all():
            total = int(cells.sum())
            shares[total] = shares.get(total, 0.0) + float(np.prod(background[list(word)]))
    return shares


def random_matrix(seed: int, width: int, letters: int, *, forbidden: bool) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    scores = generator.integers(-3000, 2000, (width, letters)).astype(np.int32)
    if forbidden:
        scores[generator.integers(width), generator.integers(letters)] = FORBIDDEN
    return scores, generator.dirichlet(np.full(letters, 5.0))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.booleans(), st.floats(1e-5, 1))
def test_equals_enumeration(seed: int, width: int, forbidden: bool, p_value: float) -> None:
    scores, background = random_matrix(seed, width, 4, forbidden=forbidden)
    distribution = iid_distribution(scores, background)
    shares = enumerated(scores, background)
    attained = np.array(sorted(shares))
    tail = np.cumsum([shares[s] for s in attained][::-1])[::-1]
    assert distribution.p_value(attained) == pytest.approx(tail, rel=1e-12)
    assert distribution.highest == attained[-1]
    threshold = distribution.threshold(p_value)
    # the threshold parts the attained scores exactly where their p-values pass the limit
    assert ((attained >= threshold) == (distribution.p_value(attained) <= p_value)).all()


@pytest.mark.parametrize(("width", "letters"), [(7, 4), (8, 4), (3, 20)])
def test_wider_and_protein(width: int, letters: int) -> None:
    scores, background = random_matrix(1, width, letters, forbidden=False)
    shares = enumerated(scores, background)
    attained = np.array(sorted(shares))
    tail = np.cumsum([shares[s] for s in attained][::-1])[::-1]
    assert iid_distribution(scores, background).p_value(attained) == pytest.approx(tail, rel=1e-10)


@pytest.mark.parametrize(("width", "letters"), [(9, 4), (15, 4), (33, 4), (12, 20), (42, 20)])
def test_too_wide_to_enumerate_is_as_simulated(width: int, letters: int) -> None:
    """Scores that 20 to 50,000 of a million random windows reach, to five standard deviations."""
    scores, background = random_matrix(width, width, letters, forbidden=False)
    generator = np.random.default_rng(width)
    windows = 1_000_000
    total = np.zeros(windows, dtype=np.int64)
    for column in scores:
        total += column[generator.choice(letters, windows, p=background)]
    total.sort()
    distribution = iid_distribution(scores, background)
    for reached in (20, 100, 1000, 10_000, 50_000):
        score = int(total[-reached])
        share = float((total >= score).mean())
        p_value = float(distribution.p_value(score))
        assert abs(share - p_value) <= 5 * np.sqrt(p_value / windows)


def test_p_is_never_zero() -> None:
    scores = np.where(np.eye(20)[np.zeros(300, dtype=int)] > 0, 10, -10).astype(np.int32)
    distribution = iid_distribution(scores, np.full(20, 0.05))  # 20**-300 is below the smallest float
    assert distribution.p_value(distribution.highest) > 0


def test_nothing_is_rare_enough() -> None:
    distribution = iid_distribution(np.array([[1000, 0, 0, 0]], dtype=np.int32), np.full(4, 0.25))
    assert distribution.threshold(0.2) == distribution.highest + 1


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 400))
def test_q_equals_scipy_without_a_cut(seed: int, windows: int) -> None:
    scores, background = random_matrix(seed, 3, 4, forbidden=False)
    distribution = iid_distribution(scores, background)
    letters = np.random.default_rng(seed + 1).integers(0, 4, (windows, 3))
    observed = scores[np.arange(3), letters].sum(axis=1)
    histogram = np.bincount(observed - distribution.lowest, minlength=len(distribution.tail))
    q = q_values(distribution, distribution.lowest, histogram, windows)[observed - distribution.lowest]
    expected = false_discovery_control(np.minimum(distribution.p_value(observed), 1.0))
    assert q == pytest.approx(expected, rel=1e-9)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 400), st.floats(0.001, 0.5))
def test_a_cut_changes_no_q_below_its_p(seed: int, windows: int, p_value: float) -> None:
    scores, background = random_matrix(seed, 3, 4, forbidden=False)
    distribution = iid_distribution(scores, background)
    letters = np.random.default_rng(seed + 1).integers(0, 4, (windows, 3))
    observed = scores[np.arange(3), letters].sum(axis=1)
    expected = false_discovery_control(np.minimum(distribution.p_value(observed), 1.0))
    cut = distribution.threshold(p_value)
    kept = observed >= cut
    histogram = np.bincount(observed[kept] - cut, minlength=max(0, distribution.highest + 1 - cut))
    q = q_values(distribution, cut, histogram, windows)[observed[kept] - cut]
    assert (q >= expected[kept] * (1 - 1e-12)).all()
    small = expected[kept] <= p_value
    assert q[small] == pytest.approx(expected[kept][small], rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.booleans(), st.floats(1e-7, 0.5))
def test_a_short_distribution_is_the_end_of_the_whole_one(
    seed: int, width: int, forbidden: bool, p_value: float
) -> None:
    scores, background = random_matrix(seed, width, 4, forbidden=forbidden)
    whole = iid_distribution(scores, background)
    short = iid_distribution(scores, background, p_value)
    assert short.highest == whole.highest
    assert short.threshold(p_value) == whole.threshold(p_value)
    assert short.tail == pytest.approx(whole.tail[len(whole.tail) - len(short.tail) :], rel=1e-12)
