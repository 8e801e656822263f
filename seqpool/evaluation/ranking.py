"""How well scores order positives before negatives: area under the ROC curve, average precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from seqpool.evaluation.arrays import Values, as_scores, as_values, as_weights, known_labels


def roc_auc(target: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Area under the ROC curve, in [0, 1]: the probability that a positive scores above a negative, ties counting half.

    target: (rows,) 0, 1 or NaN (missing, left out). score: (rows,) any finite numbers. weight: (rows,) at least 0.
    NaN where there is no positive or no negative. Source: Hanley and McNeil, Radiology 143 (1982) 29-36; the same as
    `sklearn.metrics.roc_auc_score`.
    """
    positive, negative = _weights_by_score(target, score, weight)
    pairs = positive.sum() * negative.sum()
    if not pairs > 0:
        return float("nan")
    below = np.cumsum(negative) - negative
    return min(1.0, float(np.dot(positive, below + negative / 2) / pairs))


def average_precision(target: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Average precision, in [0, 1]: precision at each distinct score, weighted by the gain in recall there.

    Arguments as in `roc_auc`. NaN where there is no positive. No interpolation between points (Davis and Goadrich, ICML
    2006, show that linear interpolation is too optimistic); the same as `sklearn.metrics.average_precision_score`.
    """
    positive, negative = _weights_by_score(target, score, weight)
    total = positive.sum()
    if not total > 0:
        return float("nan")
    true_positives = np.cumsum(positive[::-1])
    called = true_positives + np.cumsum(negative[::-1])
    gained = positive[::-1] > 0  # elsewhere recall stays, and precision could be 0 / 0
    precision = true_positives[gained] / called[gained]
    return min(1.0, float(np.dot(precision, positive[::-1][gained]) / total))


def _weights_by_score(target: ArrayLike, score: ArrayLike, weight: ArrayLike | None) -> tuple[Values, Values]:
    """Weight of the positives and of the negatives at each distinct score, from the lowest score to the highest."""
    labels = as_values(target, "target", 1)
    known = known_labels(labels)
    scores = as_scores(score, "score", labels.shape)[known]
    weights = as_weights(weight, len(labels))[known]
    distinct, place = np.unique(scores, return_inverse=True)
    positive = np.bincount(place, weights * labels[known], minlength=len(distinct))
    negative = np.bincount(place, weights * (1 - labels[known]), minlength=len(distinct))
    return positive.astype(np.float64), negative.astype(np.float64)
