"""What decisions got right: the confusion matrix and the scores that are read from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from seqpool.evaluation.arrays import Values, as_values, as_weights, known_class_indices, mean_of_defined


def confusion_matrix(target: ArrayLike, decisions: ArrayLike, classes: int, weight: ArrayLike | None = None) -> Values:
    """(classes, classes) summed weights: rows are the true class, columns the decided one, as in scikit-learn.

    target: (rows,) class index or NaN (missing, left out). decisions: (rows,) class index. weight: (rows,) at least 0.
    Raises ValueError for other values.
    """
    true = as_values(target, "target", 1)
    known = known_class_indices(true, classes)
    decided = as_values(decisions, "decisions", 1)
    if decided.shape != true.shape:
        raise ValueError(f"decisions must have shape {true.shape}, got {decided.shape}.")
    if not np.isin(decided[known], np.arange(classes)).all():
        raise ValueError(f"decisions must be class indices below {classes}.")
    weights = as_weights(weight, len(true))[known]
    cell = true[known].astype(np.int64) * classes + decided[known].astype(np.int64)
    return np.bincount(cell, weights, minlength=classes * classes).astype(np.float64).reshape(classes, classes)


def accuracy(matrix: Values) -> float:
    """Share of the weight that was decided rightly, in [0, 1]; NaN for an empty matrix."""
    total = matrix.sum()
    return float(np.trace(matrix) / total) if total > 0 else float("nan")


def balanced_accuracy(matrix: Values) -> float:
    """Mean recall over the classes that occur in the target, in [0, 1]; NaN for an empty matrix."""
    true = matrix.sum(axis=1)
    occurs = true > 0
    return mean_of_defined(np.diag(matrix)[occurs] / true[occurs])


def f1_scores(matrix: Values) -> Values:
    """(classes,) harmonic mean of precision and recall of each class, in [0, 1].

    NaN for a class that neither occurs nor is ever decided: a mean over the defined ones is scikit-learn's
    `f1_score(average="macro", zero_division=nan)`.
    """
    either = matrix.sum(axis=0) + matrix.sum(axis=1)
    scores = np.full(len(matrix), np.nan)
    np.divide(2 * np.diag(matrix), either, out=scores, where=either > 0)
    return scores


def matthews_corrcoef(matrix: Values) -> float:
    """Matthews correlation of target and decision, in [-1, 1].

    0 where either is constant (as in scikit-learn); NaN for an empty matrix. Sources: Matthews, Biochim. Biophys. Acta
    405 (1975) 442-451; for more than two classes Gorodkin, Comput. Biol. Chem. 28 (2004) 367-374.
    """
    true, decided, total = matrix.sum(axis=1), matrix.sum(axis=0), matrix.sum()
    if not total > 0:
        return float("nan")
    true, decided = true / total, decided / total
    spread = (1 - np.dot(true, true)) * (1 - np.dot(decided, decided))
    if np.count_nonzero(true) < 2 or np.count_nonzero(decided) < 2 or not spread > 0:
        return 0.0
    shared = np.trace(matrix) / total - np.dot(true, decided)
    return float(np.clip(shared / np.sqrt(spread), -1.0, 1.0))
