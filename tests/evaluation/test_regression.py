"""Regression scores against SciPy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from seqpool.evaluation.regression import (
    mean_absolute_error,
    pearson_r,
    r2,
    regression_metrics,
    root_mean_squared_error,
    spearman_r,
)

Values = NDArray[np.float64]
NUMBER = st.integers(-4, 4).map(float) | st.floats(-100, 100, width=32).map(lambda value: round(value, 3))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Values, Values]:
    """Target with missing values, prediction."""
    rows = draw(st.integers(0, 25))
    target = draw(arrays(np.float64, rows, elements=NUMBER | st.just(float("nan"))))
    return target, draw(arrays(np.float64, rows, elements=NUMBER))


@given(case=pairs())
def test_equals_scipy_and_scikit_learn(case: tuple[Values, Values]) -> None:
    target, prediction = case
    known = ~np.isnan(target)
    true, predicted = target[known], prediction[known]
    if len(true) == 0:
        scores = (pearson_r, spearman_r, r2, root_mean_squared_error, mean_absolute_error)
        assert all(np.isnan(score(target, prediction)) for score in scores)
        return
    assert root_mean_squared_error(target, prediction) == pytest.approx(
        sklearn.metrics.root_mean_squared_error(true, predicted)
    )
    assert mean_absolute_error(target, prediction) == pytest.approx(
        sklearn.metrics.mean_absolute_error(true, predicted)
    )
    if len(set(true)) < 2:
        assert np.isnan(r2(target, prediction))
    else:
        assert r2(target, prediction) == pytest.approx(sklearn.metrics.r2_score(true, predicted), rel=1e-9)
    if min(len(set(true)), len(set(predicted))) < 2:
        assert np.isnan(pearson_r(target, prediction))
        assert np.isnan(spearman_r(target, prediction))
    else:
        assert pearson_r(target, prediction) == pytest.approx(scipy.stats.pearsonr(true, predicted)[0], abs=1e-9)
        assert spearman_r(target, prediction) == pytest.approx(scipy.stats.spearmanr(true, predicted)[0], abs=1e-9)


@given(case=pairs(), data=st.data())
def test_integer_weights_are_repetitions(case: tuple[Values, Values], data: st.DataObject) -> None:
    target, prediction = case
    weight = data.draw(arrays(np.int64, len(target), elements=st.integers(0, 3)))
    repeated = np.repeat(np.arange(len(target)), weight)
    for score in (pearson_r, spearman_r, r2, root_mean_squared_error, mean_absolute_error):
        plain = score(target[repeated], prediction[repeated])
        assert score(target, prediction, weight) == pytest.approx(plain, rel=1e-9, abs=1e-9, nan_ok=True)


@given(case=pairs(), exponent=st.sampled_from([-200, -8, 0, 8, 140]))
def test_correlation_does_not_depend_on_the_unit(case: tuple[Values, Values], exponent: int) -> None:
    target, prediction = case
    scaled = pearson_r(target * 10.0**exponent, prediction)
    assert scaled == pytest.approx(pearson_r(target, prediction), abs=1e-9, nan_ok=True)


def test_constant_that_its_mean_does_not_hit() -> None:
    constant = np.full(3, 0.1)
    assert constant.mean() != 0.1
    assert np.isnan(r2(constant, [1, 2, 3]))
    assert np.isnan(pearson_r(constant, [1, 2, 3]))


def test_each_target_and_their_mean() -> None:
    target = np.array([[1, 5], [2, 5], [3, np.nan], [4, 5]], dtype=float)
    prediction = np.array([[1, 1], [2, 2], [3, 3], [4, 4]], dtype=float)
    found = regression_metrics(target, prediction, ["dev", "hk"])
    assert found["r2[dev]"] == 1
    assert found["root_mean_squared_error[dev]"] == 0
    assert np.isnan(found["pearson_r[hk]"])
    assert found["pearson_r"] == pytest.approx(1)  # the undefined one is left out
    assert found["root_mean_squared_error"] == pytest.approx(np.sqrt((16 + 9 + 1) / 3) / 2)
    assert found["mean_absolute_error"] == pytest.approx((4 + 3 + 1) / 3 / 2)
    assert len(found) == 15


@pytest.mark.parametrize(
    ("target", "prediction", "names", "message"),
    [
        ([[1.0]], [[1.0]], ["a", "b"], "2 columns"),
        ([[1.0]], [[np.inf]], ["a"], "prediction must be finite"),
        ([[1.0]], [1.0], ["a"], "prediction must have shape"),
        ([1.0], [1.0], ["a"], "target must have 2 axes"),
    ],
)
def test_refusals(target, prediction, names, message) -> None:
    with pytest.raises(ValueError, match=message):
        regression_metrics(target, prediction, names)
