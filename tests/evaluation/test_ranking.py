"""Ranking scores against scikit-learn, against the definition by pairs, and where they are undefined."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from numpy.typing import NDArray

from seqpool.evaluation.ranking import average_precision, roc_auc
from tests.evaluation.cases import labels_scores_weights

Values = NDArray[np.float64]
SCORES = {
    roc_auc: sklearn.metrics.roc_auc_score,
    average_precision: sklearn.metrics.average_precision_score,
}


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.__name__)
@given(case=labels_scores_weights())
def test_equals_scikit_learn(score, case: tuple[Values, Values, Values]) -> None:
    target, scores, weight = case
    rows = ~np.isnan(target) & (weight > 0)
    found = score(target, scores, weight)
    if len(set(target[rows])) < 2:
        # average precision is defined without negatives, as 1; scikit-learn agrees
        assert np.isnan(found) or (score is average_precision and target[rows].all() and found == 1)
        return
    assert found == pytest.approx(SCORES[score](target[rows], scores[rows], sample_weight=weight[rows]), abs=1e-12)


@given(case=labels_scores_weights())
def test_roc_auc_is_the_share_of_ordered_pairs(case: tuple[Values, Values, Values]) -> None:
    target, scores, _ = case
    pairs = [(above > below) + (above == below) / 2 for above in scores[target == 1] for below in scores[target == 0]]
    found = roc_auc(target, scores)
    assert np.isnan(found) if not pairs else found == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.__name__)
@pytest.mark.parametrize(
    ("target", "scores", "roc", "precision"),
    [
        ([], [], np.nan, np.nan),
        ([np.nan, np.nan], [0.1, 0.9], np.nan, np.nan),
        ([0, 0, 0], [0.1, 0.5, 0.9], np.nan, np.nan),
        ([1, 1], [0.1, 0.5], np.nan, 1.0),
        ([0, 1, 1, 0], [0.3, 0.3, 0.3, 0.3], 0.5, 0.5),
        ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], 1.0, 1.0),
        ([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], 0.0, (1 / 3 + 2 / 4) / 2),
    ],
)
def test_degenerate_inputs(score, target: list[float], scores: list[float], roc: float, precision: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = score(target, scores)
    assert found == pytest.approx(roc if score is roc_auc else precision, nan_ok=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 2], [0.1, 0.2]), "0, 1 or NaN"),
        (([0, 1], [0.1]), "score must have shape"),
        (([0, 1], [0.1, np.nan]), "score must be finite"),
        (([[0, 1]], [[0.1, 0.2]]), "target must have 1 axes"),
        (([0, 1], [0.1, 0.2], [1, -1]), "weight must be at least 0"),
        (([0, 1], [0.1, 0.2], [1]), "weight must have shape"),
    ],
)
def test_refusals(arguments: tuple[list[float], ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        roc_auc(*arguments)
