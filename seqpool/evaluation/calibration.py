"""From logits to probabilities that mean what they say: one temperature, and how far off the result still is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import expit, softmax

from seqpool.evaluation.arrays import (
    Kind,
    Values,
    as_probabilities,
    as_scores,
    as_values,
    as_weights,
    known_class_indices,
    known_labels,
)

LOWEST_TEMPERATURE = 0.05
HIGHEST_TEMPERATURE = 20.0


def fit_temperature(target: ArrayLike, logits: ArrayLike, kind: Kind, weight: ArrayLike | None = None) -> float:
    """The temperature T in [0.05, 20] whose probabilities of `logits / T` give the target the highest likelihood.

    target: binary (rows,) 0 or 1; multiclass (rows,) class index; multilabel (rows, classes) 0 or 1; NaN is missing.
    logits: binary (rows,), else (rows, classes); finite. weight: (rows,) at least 0, default 1. Multilabel: one
    temperature for all classes.

    The likelihood is concave in 1 / T, so the answer is unique and found as the root of its slope. 1 where nothing can
    be learnt: no known row, logits that are all equal, or no row on the wrong side (the likelihood then grows for ever
    as T falls). Source: Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017.
    Raises ValueError for shapes or values that do not fit the kind.
    """
    if kind == "multiclass":
        true = as_values(target, "target", 1)
        scores = as_scores(logits, "logits", (len(true), np.shape(logits)[-1]))
        rows = known_class_indices(true, scores.shape[1])
        weights = as_weights(weight, len(true))[rows]
        scores = scores[rows]
        right = np.take_along_axis(scores, true[rows].astype(np.int64)[:, None], axis=1)[:, 0]
    elif kind in ("binary", "multilabel"):
        labels = as_values(target, "target", 1 if kind == "binary" else 2)
        known = known_labels(labels)
        flat = as_scores(logits, "logits", labels.shape)[known]
        row_weights = as_weights(weight, len(labels))
        weights = np.broadcast_to(row_weights.reshape(-1, *[1] * (labels.ndim - 1)), labels.shape)[known]
        # a label of 0 or 1 is a choice between the two classes of logits 0 and z
        scores = np.stack([np.zeros_like(flat), flat], axis=1)
        right = np.where(labels[known] == 1, flat, 0.0)
    else:
        raise ValueError(f"kind must be binary, multiclass or multilabel, got {kind!r}.")
    return _best_temperature(scores, right, weights)


def _best_temperature(scores: Values, right: Values, weights: Values) -> float:
    """scores: (rows, classes) logits. right: (rows,) the logit of the true class. weights: (rows,)."""
    counts = weights > 0
    scores, right, weights = scores[counts], right[counts], weights[counts]
    if len(scores) == 0 or (scores.max(axis=1) == right).all() or (scores == scores[:, :1]).all():
        return 1.0

    def slope(inverse_temperature: float) -> float:
        """Derivative of the negative log-likelihood: expected logit under the model minus the true class's."""
        expected = (softmax(inverse_temperature * scores, axis=1) * scores).sum(axis=1)
        return float(np.dot(weights, expected - right))

    if slope(1 / HIGHEST_TEMPERATURE) >= 0:
        return HIGHEST_TEMPERATURE
    if slope(1 / LOWEST_TEMPERATURE) <= 0:
        return LOWEST_TEMPERATURE
    return float(1 / brentq(slope, 1 / HIGHEST_TEMPERATURE, 1 / LOWEST_TEMPERATURE, xtol=1e-12, rtol=1e-12))


def calibrated_probabilities(logits: ArrayLike, temperature: float, kind: Kind) -> Values:
    """Probabilities of `logits / temperature`, of the logits' shape, in [0, 1].

    logits: binary (rows,), of target 1; else (rows, classes). multiclass: each row sums to 1; otherwise each entry
    stands alone. Raises ValueError for a temperature that is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, got {temperature}.")
    scores = as_values(logits, "logits", 1 if kind == "binary" else 2) / temperature
    return np.asarray(softmax(scores, axis=1) if kind == "multiclass" else expit(scores), dtype=np.float64)


@dataclass(frozen=True)
class ReliabilityTable:
    """Stated against observed, bin by bin; every column is (bins,).

    lower, upper: edges of each bin of equal width, [lower, upper), the last one closed.
    weight: summed row weight in it. stated: mean stated probability. observed: share that came true.
    The last two are NaN in an empty bin.
    """

    lower: Values
    upper: Values
    weight: Values
    stated: Values
    observed: Values

    @property
    def expected_calibration_error(self) -> float:
        """Mean |stated - observed| over the rows, in [0, 1]; NaN without rows."""
        filled = self.weight > 0
        if not filled.any():
            return float("nan")
        gap = np.abs(self.stated[filled] - self.observed[filled])
        return float(np.dot(self.weight[filled], gap) / self.weight.sum())


def reliability_table(
    target: ArrayLike, probabilities: ArrayLike, kind: Kind, weight: ArrayLike | None = None, bins: int = 15
) -> ReliabilityTable:
    """How often what was stated with probability p came true, in `bins` bins of equal width.

    target, weight: as in `fit_temperature`. probabilities: binary (rows,) of target 1, else (rows, classes).
    binary and multilabel: every known label is one statement, of probability p. multiclass: each row is one, that its
    most probable class is the true one (Guo et al., ICML 2017). Raises ValueError for shapes or values that do not fit.
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, got {bins}.")
    if kind == "multiclass":
        true = as_values(target, "target", 1)
        scores = as_probabilities(probabilities, (len(true), np.shape(probabilities)[-1]))
        known = known_class_indices(true, scores.shape[1])
        stated = scores[known].max(axis=1)
        came_true = scores[known].argmax(axis=1) == true[known]
        weights = as_weights(weight, len(true))[known]
    elif kind in ("binary", "multilabel"):
        labels = as_values(target, "target", 1 if kind == "binary" else 2)
        known = known_labels(labels)
        stated = as_probabilities(probabilities, labels.shape)[known]
        came_true = labels[known] == 1
        row_weights = as_weights(weight, len(labels)).reshape(-1, *[1] * (labels.ndim - 1))
        weights = np.broadcast_to(row_weights, labels.shape)[known]
    else:
        raise ValueError(f"kind must be binary, multiclass or multilabel, got {kind!r}.")
    return _in_bins(stated, came_true, weights, bins)


def _in_bins(stated: Values, came_true: NDArray[np.bool_], weights: Values, bins: int) -> ReliabilityTable:
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.minimum(np.searchsorted(edges, stated, side="right") - 1, bins - 1)

    def summed(values: Values) -> Values:
        return np.bincount(place, values, minlength=bins).astype(np.float64)

    total = summed(weights)
    share = np.where(total > 0, total, np.nan)
    return ReliabilityTable(
        lower=edges[:-1],
        upper=edges[1:],
        weight=total,
        stated=summed(weights * stated) / share,
        observed=summed(weights * came_true) / share,
    )


def expected_calibration_error(
    target: ArrayLike, probabilities: ArrayLike, kind: Kind, weight: ArrayLike | None = None, bins: int = 15
) -> float:
    """Mean gap between stated and observed probability, in [0, 1]; NaN without known rows.

    Arguments as in `reliability_table`. Source: Naeini, Cooper and Hauskrecht, AAAI 2015.
    """
    return reliability_table(target, probabilities, kind, weight, bins).expected_calibration_error
