"""Fitted thresholds against a search over every possible one with scikit-learn's scores."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from seqpool.evaluation.decisions import decide, fit_thresholds
from tests.evaluation.cases import labels_scores_weights


def score_at(threshold: float, target, probabilities, weight, kind: str) -> float:
    decided = (probabilities >= threshold).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "binary":
            return float(sklearn.metrics.matthews_corrcoef(target, decided, sample_weight=weight))
        return float(sklearn.metrics.f1_score(target, decided, sample_weight=weight))


@settings(max_examples=60)  # the referee is slow
@given(case=labels_scores_weights(), kind=st.sampled_from(["binary", "multilabel"]))
def test_no_threshold_is_better(case, kind: str) -> None:
    target, probabilities, weight = case
    column = (slice(None), None) if kind == "multilabel" else slice(None)
    (threshold,) = fit_thresholds(target[column], probabilities[column], kind, weight)
    assert 0 <= threshold <= 1
    rows = ~np.isnan(target) & (weight > 0)
    if len(set(target[rows])) < 2:
        assert threshold == 0.5
        return
    known = target[rows], probabilities[rows], weight[rows], kind
    best = max(score_at(at, *known) for at in [*probabilities[rows], 2.0])
    if best < 1e-9:
        assert threshold == 0.5
    else:
        assert score_at(threshold, *known) == pytest.approx(best, abs=1e-9)


@given(case=labels_scores_weights(), seed=st.integers(0, 5))
def test_order_of_rows_does_not_matter(case, seed: int) -> None:
    target, probabilities, weight = case
    order = np.random.default_rng(seed).permutation(len(target))
    shuffled = fit_thresholds(target[order], probabilities[order], "binary", weight[order])
    assert shuffled.tolist() == fit_thresholds(target, probabilities, "binary", weight).tolist()


@pytest.mark.parametrize(
    ("target", "probabilities", "kind", "expected"),
    [
        ([], [], "binary", [0.5]),
        ([np.nan], [0.2], "binary", [0.5]),
        ([1, 1], [0.2, 0.4], "binary", [0.5]),
        ([0, 1], [0.3, 0.3], "binary", [0.5]),
        ([0, 1], [0.8, 0.2], "binary", [0.5]),  # the wrong way round
        ([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.9], "binary", [0.4]),
        # below or above the pair in the wrong order is as good: the one nearer to 0.5
        ([0, 1, 0, 1], [0.1, 0.5, 0.6, 0.9], "binary", [0.3]),
        ([0, 1, 0, 1], [0.1, 0.3, 0.6, 0.7], "binary", [0.65]),
        ([[0, 1], [1, 1]], [[0.2, 0.5], [0.4, 0.9]], "multilabel", [0.3, 0.5]),
        # without information F1 is highest when all is decided positive
        ([[0], [1]], [[0.3], [0.3]], "multilabel", [0.15]),
        (np.empty((0, 3)), np.empty((0, 3)), "multilabel", [0.5, 0.5, 0.5]),
        ([0, 2], np.ones((2, 3)) / 3, "multiclass", []),
    ],
)
def test_known_thresholds(target, probabilities, kind: str, expected: list[float]) -> None:
    assert fit_thresholds(target, probabilities, kind) == pytest.approx(np.array(expected))


def test_neighbouring_floats_are_told_apart() -> None:
    lower = 0.3
    upper = np.nextafter(lower, 1)
    (threshold,) = fit_thresholds([0, 1], [lower, upper], "binary")
    assert decide([lower, upper], [threshold], "binary").tolist() == [0, 1]


def test_decisions() -> None:
    assert decide([0.2, 0.4, 0.6], [0.4], "binary").tolist() == [0, 1, 1]
    assert decide([[0.2, 0.6], [0.6, 0.2]], [0.5, 0.2], "multilabel").tolist() == [[0, 1], [1, 1]]
    assert decide([[0.4, 0.4, 0.2], [0.1, 0.2, 0.7]], [], "multiclass").tolist() == [0, 2]
    with pytest.raises(ValueError, match="thresholds must have shape"):
        decide([0.2], [0.5, 0.5], "binary")


def test_refuses_an_unknown_kind() -> None:
    with pytest.raises(ValueError, match="kind must be"):
        fit_thresholds([0.0], [0.5], "regression")
