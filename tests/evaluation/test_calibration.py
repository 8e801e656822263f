"""Temperature against a brute-force search and scikit-learn, calibration error against torchmetrics and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from scipy.optimize import minimize_scalar
from scipy.special import log_expit, log_softmax
from sklearn.linear_model import LogisticRegression
from torchmetrics.functional.classification import binary_calibration_error, multiclass_calibration_error

from seqpool.evaluation.calibration import (
    HIGHEST_TEMPERATURE,
    LOWEST_TEMPERATURE,
    calibrated_probabilities,
    expected_calibration_error,
    fit_temperature,
    reliability_table,
)
from tests.evaluation.cases import class_cases, labels_scores_weights

TRUE_TEMPERATURE = 2.5


def multiclass_case(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Class drawn from softmax(z); the network says 2.5 z, overconfident by that factor."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(rows, 4)) * 2
    target = (logits + random.gumbel(size=logits.shape)).argmax(axis=1).astype(float)
    return target, TRUE_TEMPERATURE * logits


def binary_case(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    logits = random.normal(size=rows) * 2
    return (random.random(rows) < 1 / (1 + np.exp(-logits))).astype(float), TRUE_TEMPERATURE * logits


def test_a_known_overconfidence_is_undone() -> None:
    assert fit_temperature(*multiclass_case(40_000), "multiclass") == pytest.approx(TRUE_TEMPERATURE, rel=0.03)
    target, logits = binary_case(40_000)
    assert fit_temperature(target, logits, "binary") == pytest.approx(TRUE_TEMPERATURE, rel=0.03)
    folded = fit_temperature(target.reshape(-1, 4), logits.reshape(-1, 4), "multilabel")
    assert folded == pytest.approx(fit_temperature(target, logits, "binary"), rel=1e-9)


def test_equals_a_search_for_the_highest_likelihood() -> None:
    target, logits = multiclass_case(300)
    weight = np.random.default_rng(1).integers(0, 3, size=300).astype(float)
    right = target.astype(int)[:, None]

    def loss(log_temperature: float) -> float:
        log_p = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -float(np.dot(weight, np.take_along_axis(log_p, right, axis=1)[:, 0]))

    best = np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9}).x)
    assert fit_temperature(target, logits, "multiclass", weight) == pytest.approx(best, rel=1e-5)


def test_equals_scikit_learns_regression_without_intercept() -> None:
    target, logits = binary_case(400)
    slope = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-9).fit(logits[:, None], target).coef_[0, 0]
    assert fit_temperature(target, logits, "binary") == pytest.approx(1 / slope, rel=1e-4)


def test_two_classes_and_their_logit_difference_agree() -> None:
    target, logits = binary_case(200)
    pair = np.stack([np.zeros_like(logits), logits], axis=1)
    assert fit_temperature(target, pair, "multiclass") == pytest.approx(fit_temperature(target, logits, "binary"))


@given(case=labels_scores_weights())
def test_likelihood_is_never_worse_than_uncalibrated(case) -> None:
    target, probabilities, weight = case
    logits = 12 * (probabilities - 0.5)
    temperature = fit_temperature(target, logits, "binary", weight)
    assert LOWEST_TEMPERATURE <= temperature <= HIGHEST_TEMPERATURE
    rows = ~np.isnan(target)
    sign = np.where(target[rows] == 1, 1, -1)

    def likelihood(at: float) -> float:
        return float(np.dot(weight[rows], log_expit(sign * logits[rows] / at)))

    assert likelihood(temperature) >= likelihood(1.0) - 1e-9


@pytest.mark.parametrize(
    ("target", "logits", "kind", "expected"),
    [
        ([], [], "binary", 1.0),
        ([np.nan, np.nan], [1.0, -1.0], "binary", 1.0),
        ([0, 1], [0.0, 0.0], "binary", 1.0),
        ([0, 1, 1], [-3.0, 2.0, 0.1], "binary", 1.0),  # nothing is wrong: no finite temperature is best
        ([1, 1, 1], [3.0, 2.0, 0.1], "binary", 1.0),
        ([0, 1], [3.0, -2.0], "binary", HIGHEST_TEMPERATURE),  # all is wrong
        ([0, 1] * 500 + [1], [-1e-3, 1e-3] * 500 + [-1e-3], "binary", LOWEST_TEMPERATURE),
        (np.empty(0), np.empty((0, 3)), "multiclass", 1.0),
        ([0, 1], [[2.0, 2.0, 2.0], [5.0, 5.0, 5.0]], "multiclass", 1.0),
        ([0, 1], [[2.0, 1.0, 0.0], [0.0, 5.0, 4.0]], "multiclass", 1.0),
        (np.full((2, 2), np.nan), np.zeros((2, 2)), "multilabel", 1.0),
    ],
)
def test_degenerate_temperatures(target, logits, kind, expected: float) -> None:
    assert fit_temperature(target, logits, kind) == expected


def test_probabilities_of_logits() -> None:
    assert calibrated_probabilities([0.0, np.log(9) * 2], 2.0, "binary") == pytest.approx([0.5, 0.9])
    multi = calibrated_probabilities(np.log([[0.5, 0.3, 0.2]]) * 3, 3.0, "multiclass")
    assert multi == pytest.approx(np.array([[0.5, 0.3, 0.2]]))
    assert calibrated_probabilities([[0.0, 1e9]], 1.0, "multilabel").tolist() == [[0.5, 1.0]]
    with pytest.raises(ValueError, match="temperature must be above 0"):
        calibrated_probabilities([0.0], 0.0, "binary")


@given(case=labels_scores_weights())
def test_binary_calibration_error_equals_torchmetrics(case) -> None:
    target, probabilities, _ = case
    # torchmetrics gives 1.0 a bin of its own, and its edges are float32: keep clear of both
    probabilities = 0.01 + 0.98 * probabilities + 1e-4
    known = ~np.isnan(target)
    found = expected_calibration_error(target, probabilities, "binary")
    if not known.any():
        assert np.isnan(found)
        return
    expected = binary_calibration_error(
        torch.from_numpy(probabilities[known]), torch.from_numpy(target[known]).int(), n_bins=15
    )
    assert found == pytest.approx(float(expected), abs=1e-6)


@given(case=class_cases())
def test_multiclass_calibration_error_equals_torchmetrics(case) -> None:
    target, probabilities, _ = case
    top = np.sort(probabilities, axis=1)
    on_edge = np.abs(top[:, -1] * 15 - np.round(top[:, -1] * 15)) < 1e-6
    tied = top[:, -1] - top[:, -2] < 1e-9
    known = ~np.isnan(target) & ~on_edge & ~tied
    if not known.any():
        return
    expected = multiclass_calibration_error(
        torch.from_numpy(probabilities[known]),
        torch.from_numpy(target[known]).long(),
        num_classes=probabilities.shape[1],
        n_bins=15,
    )
    found = expected_calibration_error(target[known], probabilities[known], "multiclass")
    assert found == pytest.approx(float(expected), abs=1e-6)


def test_reliability_table_by_hand() -> None:
    table = reliability_table([0, 1, 1, 0, np.nan], [0.1, 0.2, 1.0, 0.5, 0.6], "binary", [1, 3, 1, 1, 1], bins=2)
    assert table.lower.tolist() == [0.0, 0.5]
    assert table.upper.tolist() == [0.5, 1.0]
    assert table.weight.tolist() == [4, 2]  # 0.5 opens the upper bin, 1.0 belongs to it
    assert table.stated == pytest.approx([0.7 / 4, 0.75])
    assert table.observed == pytest.approx([0.75, 0.5])
    assert table.expected_calibration_error == pytest.approx((4 * (0.75 - 0.175) + 2 * 0.25) / 6)


def test_multilabel_pools_the_known_labels() -> None:
    target = np.array([[0, np.nan], [1, 1]])
    probabilities = np.array([[0.2, 0.9], [0.7, 0.6]])
    pooled = expected_calibration_error([0, 1, 1], [0.2, 0.7, 0.6], "binary")
    assert expected_calibration_error(target, probabilities, "multilabel") == pytest.approx(pooled)


def test_table_of_nothing_is_empty() -> None:
    table = reliability_table([], [], "binary")
    assert np.isnan(table.stated).all()
    assert np.isnan(table.expected_calibration_error)


@pytest.mark.parametrize("call", [fit_temperature, reliability_table])
def test_refusals(call) -> None:
    with pytest.raises(ValueError, match="kind must be"):
        call([0.0], [0.5], "regression")
    with pytest.raises(ValueError, match="0, 1 or NaN"):
        call([3.0], [0.5], "binary")
    with pytest.raises(ValueError, match="class index below 2"):
        call([2.0], [[0.5, 0.5]], "multiclass")
    with pytest.raises(ValueError, match="must have shape"):
        call([[1.0, 0.0]], [[0.5]], "multilabel")
