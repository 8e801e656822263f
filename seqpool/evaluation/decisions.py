"""From probabilities to decisions: thresholds fitted on validation, and their use."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqpool.evaluation.arrays import Kind, Values, as_probabilities, as_values, as_weights, known_labels

UNINFORMED = 0.5
"""The threshold where the data favours none."""

ROUNDING = 1e-12
"""Scores closer than this are equal, so that the choice is the same on every machine."""


def fit_thresholds(target: ArrayLike, probabilities: ArrayLike, kind: Kind, weight: ArrayLike | None = None) -> Values:
    """Thresholds in [0, 1] at or above which a label is decided to be 1: binary (1,), multilabel (classes,).

    binary: the highest Matthews correlation; multilabel: each class's highest F1; multiclass needs none, (0,): its
    decision is the largest probability.
    target: binary (rows,), multilabel (rows, classes), of 0, 1 or NaN (missing). probabilities: of the same shape.
    weight: (rows,) at least 0, default 1.

    A threshold lies midway between two neighbouring probabilities (or between 0 and the lowest); of equally good ones
    the one nearest 0.5, then the lower, is taken. 0.5 where none is better than deciding nothing: no known row, one
    class only, no positive, or (binary) probabilities without relation to the target.
    Raises ValueError for shapes or values that do not fit the kind.
    """
    if kind == "multiclass":
        return np.empty(0)
    if kind == "binary":
        labels = as_values(target, "target", 1)
        scores = as_probabilities(probabilities, labels.shape)
        return np.array([_best_threshold(labels, scores, as_weights(weight, len(labels)), _matthews_corrcoef)])
    if kind == "multilabel":
        labels = as_values(target, "target", 2)
        scores = as_probabilities(probabilities, labels.shape)
        weights = as_weights(weight, len(labels))
        columns = range(labels.shape[1])
        return np.array([_best_threshold(labels[:, at], scores[:, at], weights, _f1) for at in columns])
    raise ValueError(f"kind must be binary, multiclass or multilabel, got {kind!r}.")


def decide(probabilities: ArrayLike, thresholds: ArrayLike, kind: Kind) -> NDArray[np.int64]:
    """Decisions: binary (rows,) 0 or 1; multiclass (rows,) class index; multilabel (rows, classes) 0 or 1.

    probabilities: binary (rows,) of target 1, else (rows, classes). thresholds: as `fit_thresholds` returns them.
    A probability equal to its threshold decides for 1; of equal largest probabilities the first class is taken.
    """
    scores = as_values(probabilities, "probabilities", 1 if kind == "binary" else 2)
    if kind == "multiclass":
        return np.asarray(scores.argmax(axis=1), dtype=np.int64)
    limits = as_values(thresholds, "thresholds", 1)
    wanted = 1 if kind == "binary" else scores.shape[1]
    if limits.shape != (wanted,):
        raise ValueError(f"thresholds must have shape ({wanted},), got {limits.shape}.")
    return (scores >= limits).astype(np.int64)


def _best_threshold(
    labels: Values, scores: Values, weights: Values, score: Callable[[Values, Values, float, float], Values]
) -> float:
    rows = known_labels(labels) & (weights > 0)
    distinct, place = np.unique(scores[rows], return_inverse=True)
    positive = np.bincount(place, weights[rows] * labels[rows], minlength=len(distinct)).astype(np.float64)
    negative = np.bincount(place, weights[rows] * (1 - labels[rows]), minlength=len(distinct)).astype(np.float64)
    if not (positive.sum() > 0 and negative.sum() > 0):
        return UNINFORMED
    midway = (np.concatenate([[0.0], distinct[:-1]]) + distinct) / 2
    # between two neighbouring floats the mean may round down onto the lower one, which would then be decided 1 as well
    candidates = np.where(midway > np.concatenate([[-1.0], distinct[:-1]]), midway, distinct)
    # the candidate below each distinct score decides that score and all above it to be 1
    true_positives = np.cumsum(positive[::-1])[::-1]
    false_positives = np.cumsum(negative[::-1])[::-1]
    values = score(true_positives, false_positives, float(positive.sum()), float(negative.sum()))
    best = values.max()
    if best <= ROUNDING:
        return UNINFORMED
    equal = candidates[values >= best - ROUNDING]
    return float(equal[np.lexsort((equal, np.abs(equal - UNINFORMED)))[0]])


def _matthews_corrcoef(true_positives: Values, false_positives: Values, positives: float, negatives: float) -> Values:
    """Of each candidate; 0 where all or nothing is decided to be 1."""
    decided = true_positives + false_positives
    spread = decided * (positives + negatives - decided) * positives * negatives
    shared = true_positives * negatives - false_positives * positives
    values = np.zeros(len(decided))
    np.divide(shared, np.sqrt(np.maximum(spread, 0.0)), out=values, where=spread > 0)
    return values


def _f1(true_positives: Values, false_positives: Values, positives: float, negatives: float) -> Values:
    """Of each candidate. There is at least one positive, so none is undefined."""
    return 2 * true_positives / (true_positives + false_positives + positives)
