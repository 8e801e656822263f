"""Risk and coverage against counting rows one threshold at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqpool.evaluation.abstention import abstention_facts, risk_coverage, suggested_threshold
from seqpool.evaluation.answers import interpret

ROWS = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.3, 0.5, 0.6, 0.9, 0.99])), min_size=1)


@given(ROWS)
def test_the_curve_counts_rows(rows: list[tuple[float, float]]) -> None:
    correct, confidence = map(np.array, zip(*rows, strict=True))
    weight = np.array([1 + (place % 3) for place in range(len(rows))], dtype=float)
    curve = risk_coverage(correct, confidence, weight)
    assert list(curve.confidence) == sorted(set(confidence.tolist()), reverse=True)
    for threshold in (0.0, 0.3, 0.45, 0.6, 0.95, 1.0):
        chosen = confidence >= threshold
        coverage, risk = curve.at(threshold)
        assert coverage == pytest.approx(weight[chosen].sum() / weight.sum())
        if chosen.any():
            assert risk == pytest.approx(weight[chosen & (correct == 0)].sum() / weight[chosen].sum())
        else:
            assert np.isnan(risk)
    assert curve.at(0.0)[1] == pytest.approx(1 - np.average(correct, weights=weight))


@given(ROWS)
def test_the_suggestion_halves_the_errors_and_leaves_out_as_few_as_it_can(rows: list[tuple[float, float]]) -> None:
    correct, confidence = map(np.array, zip(*rows, strict=True))
    curve = risk_coverage(correct, confidence)
    threshold = suggested_threshold(curve)
    all_wrong = float((1 - correct).mean())
    good = [
        level
        for level in sorted(set(confidence.tolist()))
        if (1 - correct[confidence >= level]).mean() <= all_wrong / 2 + 1e-12
    ]
    if all_wrong == 0 or not good:
        assert threshold == 0.0
    else:
        assert set(confidence[confidence >= threshold]) == set(confidence[confidence >= good[0]])
        assert threshold not in confidence


def test_known_values() -> None:
    curve = risk_coverage([1, 1, 0, 1, np.nan, 0], [0.9, 0.8, 0.7, 0.6, 0.95, 0.5])
    np.testing.assert_allclose(curve.coverage, [0.2, 0.4, 0.6, 0.8, 1.0])
    np.testing.assert_allclose(curve.risk, [0, 0, 1 / 3, 1 / 4, 2 / 5])
    assert curve.area == pytest.approx(np.mean([0, 0, 1 / 3, 1 / 4, 2 / 5]))
    assert suggested_threshold(curve) == pytest.approx(0.75)
    assert suggested_threshold(risk_coverage([1, 1], [0.9, 0.5])) == 0.0
    assert np.isnan(risk_coverage([], []).area)
    with pytest.raises(ValueError, match="shape"):
        risk_coverage([1, 0], [0.5])


def test_what_an_artifact_keeps() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(1000)
    correct = rng.random(1000) < confidence
    facts = abstention_facts(correct, confidence)
    chosen = confidence >= facts["suggested_below"]
    assert (facts["coverage"], facts["risk"]) == pytest.approx((chosen.mean(), 1 - correct[chosen].mean()))
    assert facts["risk"] <= facts["risk_of_all"] / 2 == pytest.approx((1 - correct.mean()) / 2)
    curve = facts["risk_coverage"]
    np.testing.assert_allclose(curve["coverage"], np.arange(1, 21) / 20, atol=1e-6)
    for coverage, risk, least in zip(*curve.values(), strict=True):
        assert (confidence >= least).mean() == pytest.approx(coverage)
        assert 1 - correct[confidence >= least].mean() == pytest.approx(risk)
    assert abstention_facts([np.nan], [0.5]) == {}


def test_confidence_and_correctness_of_answers() -> None:
    logits = np.log([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.1, 0.8, 0.1]])
    many = interpret(logits, "multiclass", ["a", "b", "c"])
    np.testing.assert_allclose(many.confidence(), [0.7, 0.4, 0.8])
    np.testing.assert_array_equal(many.correct(np.array([0.0, 1.0, np.nan])), [1, 0, np.nan])
    binary = interpret(np.array([[2.0], [-2.0]]), "binary", ["no", "yes"], thresholds=[0.95])
    np.testing.assert_allclose(binary.confidence(), [1 - 1 / (1 + np.exp(-2)), 1 / (1 + np.exp(-2))])
    np.testing.assert_array_equal(binary.correct(np.array([1.0, 0.0])), [0, 1])
    labels = interpret(np.array([[3.0, -1.0], [3.0, 3.0], [0.5, 0.5]]), "multilabel", ["x", "y"], thresholds=[0.5, 0.5])
    np.testing.assert_allclose(labels.confidence(), [1 / (1 + np.exp(-z)) for z in (1.0, 3.0, 0.5)])
    truth = np.array([[1.0, 0.0], [np.nan, 0.0], [np.nan, np.nan]])
    np.testing.assert_array_equal(labels.correct(truth), [1, 0, np.nan])
    value = interpret(np.array([[1.0]]), "regression", ["y"])
    assert np.isnan([value.confidence(), value.correct(np.array([1.0]))]).all()
