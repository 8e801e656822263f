"""Bootstrap intervals against SciPy's, against theory, and their treatment of groups and pairs."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from seqpool.evaluation.intervals import bootstrap_intervals, paired_differences
from seqpool.evaluation.ranking import roc_auc


def mean_of(values: np.ndarray):
    return lambda rows: {"mean": float(values[rows].mean()) if len(rows) else float("nan")}


def test_agrees_with_scipy() -> None:
    values = np.random.default_rng(0).exponential(size=200)
    ours = bootstrap_intervals(mean_of(values), 200, resamples=4000)["mean"]
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(1)
    )
    assert ours.estimate == pytest.approx(values.mean())
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert ours.lower == pytest.approx(theirs.confidence_interval.low, abs=0.06 * width)
    assert ours.upper == pytest.approx(theirs.confidence_interval.high, abs=0.06 * width)


def test_groups_widen_the_interval_by_their_size() -> None:
    # 100 groups of 9 equal rows hold the information of 100 rows: the interval is 3 times as wide
    values = np.repeat(np.random.default_rng(2).normal(size=100), 9)
    groups = np.repeat([f"patient {index}" for index in range(100)], 9)
    alone = bootstrap_intervals(mean_of(values), 900)["mean"]
    grouped = bootstrap_intervals(mean_of(values), 900, groups=groups)["mean"]
    assert (grouped.upper - grouped.lower) / (alone.upper - alone.lower) == pytest.approx(3, rel=0.15)


def test_a_group_is_drawn_whole() -> None:
    groups = np.array(["b", "a", "b", "c", "a", "b"])
    seen = []

    def record(rows: np.ndarray) -> dict[str, float]:
        seen.append(rows)
        return {"rows": float(len(rows))}

    bootstrap_intervals(record, 6, groups=groups, resamples=50)
    for rows in seen:
        times = np.bincount(rows, minlength=6)
        for name in "abc":
            assert len(set(times[groups == name])) == 1
    assert any(len(rows) != 6 for rows in seen)


def test_groups_of_one_row_are_rows() -> None:
    values = np.random.default_rng(4).normal(size=50)
    plain = bootstrap_intervals(mean_of(values), 50, resamples=200)
    assert bootstrap_intervals(mean_of(values), 50, groups=range(50), resamples=200) == plain


def test_a_function_of_the_seed() -> None:
    values = np.random.default_rng(5).normal(size=50)
    first = bootstrap_intervals(mean_of(values), 50, resamples=100, seed=1)
    assert bootstrap_intervals(mean_of(values), 50, resamples=100, seed=1) == first
    assert bootstrap_intervals(mean_of(values), 50, resamples=100, seed=2) != first


def test_paired_difference_is_narrower_than_its_parts() -> None:
    random = np.random.default_rng(6)
    values = random.normal(size=300)
    close = values + 0.1 + 0.01 * random.normal(size=300)
    difference = paired_differences(mean_of(close), mean_of(values), 300)["mean"]
    assert difference.estimate == pytest.approx((close - values).mean())
    assert 0.095 < difference.lower < difference.upper < 0.105
    alone = bootstrap_intervals(mean_of(values), 300)["mean"]
    assert difference.upper - difference.lower < 0.05 * (alone.upper - alone.lower)


def test_a_model_against_itself_differs_by_nothing() -> None:
    values = np.random.default_rng(7).normal(size=30)
    found = paired_differences(mean_of(values), mean_of(values), 30, resamples=20)["mean"]
    assert (found.estimate, found.lower, found.upper) == (0, 0, 0)


def test_coverage_of_a_known_area() -> None:
    # positives N(1, 1), negatives N(0, 1): the area is Phi(1 / sqrt 2)
    truth = scipy.stats.norm.cdf(1 / np.sqrt(2))
    target = np.repeat([0.0, 1.0], 60)
    held = 0
    for trial in range(60):
        scores = np.random.default_rng([8, trial]).normal(size=120) + target
        found = bootstrap_intervals(
            lambda rows, scores=scores: {"roc_auc": roc_auc(target[rows], scores[rows])}, 120, resamples=150
        )["roc_auc"]
        held += found.lower <= truth <= found.upper
    assert held >= 50  # of 60; 57 expected, fewer than 50 has a probability of 0.0002


def test_resamples_without_a_value_are_counted() -> None:
    target, scores = np.array([0.0, 0, 0, 1]), np.array([0.1, 0.2, 0.3, 0.4])
    found = bootstrap_intervals(lambda rows: {"roc_auc": roc_auc(target[rows], scores[rows])}, 4)["roc_auc"]
    assert (found.estimate, found.lower, found.upper) == (1, 1, 1)
    # the one positive is absent from a resample with probability (3/4)^4 = 0.316; alone in it with (1/4)^4
    assert found.resamples == pytest.approx(1000 * (1 - 0.75**4 - 0.25**4), abs=60)


def test_no_rows() -> None:
    found = bootstrap_intervals(mean_of(np.empty(0)), 0)["mean"]
    assert np.isnan([found.estimate, found.lower, found.upper]).all()
    assert found.resamples == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [({"level": 1.0}, "level"), ({"resamples": 0}, "resamples"), ({"groups": ["a"]}, "groups must have 2")],
)
def test_refusals(options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bootstrap_intervals(mean_of(np.ones(2)), 2, **options)
