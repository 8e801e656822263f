"""How close predicted values are to measured ones, per target, missing values left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from seqpool.evaluation.arrays import Values, as_scores, as_values, as_weights, mean_of_defined, weighted_mean


def regression_metrics(
    target: ArrayLike, prediction: ArrayLike, names: Sequence[str], weight: ArrayLike | None = None
) -> dict[str, float]:
    """Mean over the targets of each score, then `<name>[<target>]`: `pearson_r`, `spearman_r`, `r2`,
    `root_mean_squared_error`, `mean_absolute_error`.

    target: (rows, targets), NaN is missing. prediction: (rows, targets) finite. names: of the targets. weight: (rows,)
    at least 0, default 1. Targets for which a score is undefined (NaN) are left out of its mean.
    Raises ValueError for shapes that do not agree.
    """
    true = as_values(target, "target", 2)
    if true.shape[1] != len(names):
        raise ValueError(f"target must have {len(names)} columns, one for each name, got {true.shape[1]}.")
    predicted = as_scores(prediction, "prediction", true.shape)
    scores: dict[str, Callable[[Values, Values, ArrayLike | None], float]] = {
        "pearson_r": pearson_r,
        "spearman_r": spearman_r,
        "r2": r2,
        "root_mean_squared_error": root_mean_squared_error,
        "mean_absolute_error": mean_absolute_error,
    }
    found: dict[str, float] = {}
    for name, score in scores.items():
        values = [score(true[:, column], predicted[:, column], weight) for column in range(len(names))]
        found[name] = mean_of_defined(values)
        found |= {f"{name}[{label}]": value for label, value in zip(names, values, strict=True)}
    return found


def pearson_r(target: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Pearson correlation, in [-1, 1]; NaN where either is constant or fewer than two values are known.

    target: (rows,), NaN is missing. prediction: (rows,) finite. weight: (rows,) at least 0.
    """
    return _correlation(*_known(target, prediction, weight))


def spearman_r(target: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Spearman correlation: Pearson's of the mid-ranks. Arguments and NaN as in `pearson_r`.

    A row of weight 2 counts as two rows of weight 1, in the ranks too.
    """
    true, predicted, weights = _known(target, prediction, weight)
    return _correlation(_mid_ranks(true, weights), _mid_ranks(predicted, weights), weights)


def r2(target: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Coefficient of determination, at most 1; 0 is what the mean as prediction reaches.

    NaN where the target is constant or fewer than two values are known. Arguments as in `pearson_r`.
    """
    true, predicted, weights = _known(target, prediction, weight)
    if _is_constant(true):
        return float("nan")
    scale = true.max() - true.min()  # so that no square of the target underflows
    left = np.dot(weights, ((true - predicted) / scale) ** 2)
    return float(1 - left / np.dot(weights, ((true - weighted_mean(true, weights)) / scale) ** 2))


def root_mean_squared_error(target: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Root of the mean squared difference, in the target's unit; NaN where no value is known.

    Arguments as in `pearson_r`.
    """
    true, predicted, weights = _known(target, prediction, weight)
    return float(np.sqrt(weighted_mean((true - predicted) ** 2, weights)))


def mean_absolute_error(target: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Mean of the differences without their signs, in the target's unit; NaN where no value is known.

    Arguments as in `pearson_r`.
    """
    true, predicted, weights = _known(target, prediction, weight)
    return float(weighted_mean(np.abs(true - predicted), weights))


def _known(target: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None) -> tuple[Values, Values, Values]:
    """Target, prediction and weight of the rows that are known and count."""
    true = as_values(target, "target", 1)
    weights = as_weights(weight, len(true))
    rows = ~np.isnan(true) & (weights > 0)
    return true[rows], as_scores(prediction, "prediction", true.shape)[rows], weights[rows]


def _is_constant(values: Values) -> bool:
    # by the extremes and not by the variance: the mean of equal numbers need not be that number
    return len(values) == 0 or bool(values.min() == values.max())


def _correlation(first: Values, second: Values, weights: Values) -> float:
    if _is_constant(first) or _is_constant(second):
        return float("nan")
    first = _standardised(first, weights)
    second = _standardised(second, weights)
    return float(np.clip(np.dot(first, second), -1.0, 1.0))


def _standardised(values: Values, weights: Values) -> Values:
    """Centred, times the root of the weight, of Euclidean length 1."""
    centred = values / np.abs(values).max()  # so that no square underflows or overflows
    centred = (centred - weighted_mean(centred, weights)) * np.sqrt(weights / weights.max())
    return np.asarray(centred / np.linalg.norm(centred))


def _mid_ranks(values: Values, weights: Values) -> Values:
    """Weight below plus half the weight at each value; with equal weights SciPy's average ranks but for a constant."""
    if len(values) == 0:
        return values
    place = rankdata(values, method="dense") - 1
    at = np.bincount(place, weights)
    return np.asarray((np.cumsum(at) - at / 2)[place])
