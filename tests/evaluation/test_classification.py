"""Decision scores and the flat table against scikit-learn."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from seqpool.evaluation.classification import classification_metrics
from seqpool.evaluation.confusion import confusion_matrix
from tests.evaluation.cases import PROBABILITY, WEIGHT, class_cases, labels_scores_weights

Values = NDArray[np.float64]


def referee(true: NDArray[Any], decided: NDArray[Any], weight: Values, classes: list[str]) -> dict[str, float]:
    """What scikit-learn says of these decisions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where a class is missing
        f1 = sklearn.metrics.f1_score(
            true, decided, labels=range(len(classes)), average=None, sample_weight=weight, zero_division=np.nan
        )
        return {
            "accuracy": sklearn.metrics.accuracy_score(true, decided, sample_weight=weight),
            "balanced_accuracy": sklearn.metrics.balanced_accuracy_score(true, decided, sample_weight=weight),
            "matthews_corrcoef": sklearn.metrics.matthews_corrcoef(true, decided, sample_weight=weight),
            "f1_macro": sklearn.metrics.f1_score(
                true,
                decided,
                labels=range(len(classes)),
                average="macro",
                sample_weight=weight,
                zero_division=np.nan,
            ),
            **{f"f1[{name}]": float(value) for name, value in zip(classes, f1, strict=True)},
        }


@settings(max_examples=60)  # the referee is slow
@given(case=labels_scores_weights(), threshold=PROBABILITY)
def test_binary_equals_scikit_learn(case: tuple[Values, Values, Values], threshold: float) -> None:
    target, probabilities, weight = case
    decisions = (probabilities >= threshold).astype(int)
    found = classification_metrics(target, probabilities, decisions, ["no", "yes"], "binary", weight)
    rows = ~np.isnan(target) & (weight > 0)
    if not rows.any():
        assert all(np.isnan(value) for value in found.values())
        return
    expected = referee(target[rows], decisions[rows], weight[rows], ["no", "yes"])
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12, nan_ok=True)
    assert set(found) == set(expected) | {"roc_auc", "average_precision"}


@settings(max_examples=60)  # the referee is slow
@given(case=class_cases())
def test_multiclass_equals_scikit_learn(case: tuple[Values, Values, Values]) -> None:
    target, probabilities, weight = case
    classes = [f"c{index}" for index in range(probabilities.shape[1])]
    decisions = probabilities.argmax(axis=1)
    found = classification_metrics(target, probabilities, decisions, classes, "multiclass", weight)
    rows = ~np.isnan(target) & (weight > 0)
    if not rows.any():
        assert all(np.isnan(value) for value in found.values())
        return
    expected = referee(target[rows], decisions[rows], weight[rows], classes)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12, nan_ok=True)
    if len(set(target[rows])) == len(classes) > 2:
        expected = sklearn.metrics.roc_auc_score(
            target[rows], probabilities[rows], multi_class="ovr", average="macro", sample_weight=weight[rows]
        )
        assert found["roc_auc_ovr"] == pytest.approx(expected, abs=1e-12)


@st.composite
def multilabel_cases(draw: st.DrawFn) -> tuple[Values, Values, Values]:
    rows, classes = draw(st.integers(1, 20)), draw(st.integers(1, 4))
    label = st.sampled_from([0.0, 1.0, 0.0, 1.0, float("nan")])
    return (
        draw(arrays(np.float64, (rows, classes), elements=label)),
        draw(arrays(np.float64, (rows, classes), elements=PROBABILITY)),
        draw(arrays(np.float64, rows, elements=WEIGHT)),
    )


@settings(max_examples=60)  # the referee is slow
@given(case=multilabel_cases())
def test_multilabel_equals_scikit_learn_class_by_class(case: tuple[Values, Values, Values]) -> None:
    target, probabilities, weight = case
    classes = [f"c{index}" for index in range(target.shape[1])]
    decisions = (probabilities >= 0.5).astype(int)
    found = classification_metrics(target, probabilities, decisions, classes, "multilabel", weight)
    f1, areas = [], []
    for column, name in enumerate(classes):
        rows = ~np.isnan(target[:, column]) & (weight > 0)
        true, decided, score = target[rows, column], decisions[rows, column], probabilities[rows, column]
        expected = np.nan
        if rows.any():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected = sklearn.metrics.f1_score(
                    true, decided, average="binary", sample_weight=weight[rows], zero_division=np.nan
                )
        assert found[f"f1[{name}]"] == pytest.approx(expected, abs=1e-12, nan_ok=True)
        f1.append(expected)
        if len(set(true)) == 2:
            areas.append(sklearn.metrics.roc_auc_score(true, score, sample_weight=weight[rows]))
            assert found[f"roc_auc[{name}]"] == pytest.approx(areas[-1], abs=1e-12)
        else:
            assert np.isnan(found[f"roc_auc[{name}]"])
    assert found["roc_auc"] == pytest.approx(np.mean(areas) if areas else np.nan, nan_ok=True)
    defined = [value for value in f1 if not np.isnan(value)]
    assert found["f1_macro"] == pytest.approx(np.mean(defined) if defined else np.nan, nan_ok=True)
    complete = ~np.isnan(target).any(axis=1) & (weight > 0)
    if complete.any():
        expected = sklearn.metrics.accuracy_score(target[complete], decisions[complete], sample_weight=weight[complete])
        some = classification_metrics(
            target[complete],
            probabilities[complete],
            decisions[complete],
            classes,
            "multilabel",
            weight[complete],
        )
        assert some["accuracy"] == pytest.approx(expected)


def test_accuracy_of_rows_with_missing_labels() -> None:
    target = [[1, np.nan], [1, np.nan], [np.nan, np.nan], [0, 1]]
    decisions = [[1, 0], [0, 0], [1, 1], [0, 1]]
    found = classification_metrics(target, np.full((4, 2), 0.5), decisions, ["a", "b"], "multilabel")
    assert found["accuracy"] == pytest.approx(2 / 3)


def test_integer_weights_are_repetitions() -> None:
    random = np.random.default_rng(3)
    target = random.integers(3, size=40).astype(float)
    probabilities = random.dirichlet(np.ones(3), size=40)
    weight = random.integers(4, size=40)
    repeated = np.repeat(np.arange(40), weight)
    decisions = probabilities.argmax(axis=1)
    weighted = classification_metrics(target, probabilities, decisions, "abc", "multiclass", weight)
    plain = classification_metrics(target[repeated], probabilities[repeated], decisions[repeated], "abc", "multiclass")
    assert weighted == pytest.approx(plain, abs=1e-12)


def test_confusion_matrix_has_the_truth_in_rows() -> None:
    assert confusion_matrix([0, 0, 1, np.nan], [0, 1, 1, 1], 2).tolist() == [[1, 1], [0, 1]]


def test_class_names_cannot_hide_a_summary() -> None:
    found = classification_metrics([0, 1], [0.2, 0.9], [0, 1], ["macro", "micro"], "binary")
    assert {"f1_macro", "f1[macro]", "f1[micro]"} <= set(found)


@pytest.mark.parametrize(
    ("target", "probabilities", "decisions", "classes", "kind", "message"),
    [
        ([0, 1], [0.1, 0.9], [0, 1], ["a"], "binary", "two classes"),
        ([0, 2], [0.1, 0.9], [0, 1], ["a", "b"], "binary", "0, 1 or NaN"),
        ([0, 1], [0.1, 1.9], [0, 1], ["a", "b"], "binary", "lie in"),
        ([0, 1], [[0.1, 0.9]], [0, 1], ["a", "b"], "binary", "probabilities must have shape"),
        ([0, 1], [0.1, 0.9], [0, 2], ["a", "b"], "binary", "decisions must be class indices below 2"),
        ([0, 3], np.ones((2, 3)) / 3, [0, 1], "abc", "multiclass", "class index below 3"),
        ([0, 1], np.ones((2, 3)) / 3, [0], "abc", "multiclass", "decisions must have shape"),
        ([[0, 1]], [[0.5, 0.5]], [[0, 1]], "abc", "multilabel", "3 columns"),
        ([[0, 1]], [[0.5, 0.5]], [[0]], "ab", "multilabel", "decisions must have shape"),
        ([0.0], [0.5], [0], "ab", "regression", "kind must be"),
    ],
)
def test_refusals(target, probabilities, decisions, classes, kind, message) -> None:
    with pytest.raises(ValueError, match=message):
        classification_metrics(target, probabilities, decisions, classes, kind)
