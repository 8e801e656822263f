"""The scores of a classification as one flat table, named as in scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from seqpool.evaluation.arrays import (
    Kind,
    Values,
    as_probabilities,
    as_values,
    as_weights,
    known_class_indices,
    known_labels,
    mean_of_defined,
    weighted_mean,
)
from seqpool.evaluation.confusion import (
    accuracy,
    balanced_accuracy,
    confusion_matrix,
    f1_scores,
    matthews_corrcoef,
)
from seqpool.evaluation.ranking import average_precision, roc_auc


def classification_metrics(
    target: ArrayLike,
    probabilities: ArrayLike,
    decisions: ArrayLike,
    classes: Sequence[str],
    kind: Kind,
    weight: ArrayLike | None = None,
) -> dict[str, float]:
    """Scores by name. An entry is NaN where it is undefined (no rows; for ranking scores: one class only).

    target: binary (rows,) 0 or 1; multiclass (rows,) class index; multilabel (rows, classes) 0 or 1; NaN is missing.
    probabilities: binary (rows,) of target 1; else (rows, classes); in [0, 1].
    decisions: binary (rows,) 0 or 1; multiclass (rows,) class index; multilabel (rows, classes) 0 or 1.
    classes: name of each class; binary: the name of target 0, then of target 1.
    weight: (rows,) at least 0, default 1.

    All kinds: `accuracy` (multilabel: share of rows whose known labels are all decided rightly), `f1_macro` and
    `f1[<class>]`. Binary: `roc_auc`, `average_precision`. Multiclass: `roc_auc_ovr`, `average_precision_ovr` (each
    class against the rest). Both: `balanced_accuracy`, `matthews_corrcoef`. Multilabel: `roc_auc`,
    `average_precision`. Where a score is a mean over classes, its parts follow as `<name>[<class>]`, and classes for
    which it is undefined are left out of the mean.

    Raises ValueError for shapes or values that do not fit the kind.
    """
    if kind == "binary":
        return _binary(target, probabilities, decisions, classes, weight)
    if kind == "multiclass":
        return _multiclass(target, probabilities, decisions, classes, weight)
    if kind == "multilabel":
        return _multilabel(target, probabilities, decisions, classes, weight)
    raise ValueError(f"kind must be binary, multiclass or multilabel, got {kind!r}.")


def _binary(
    target: ArrayLike,
    probabilities: ArrayLike,
    decisions: ArrayLike,
    classes: Sequence[str],
    weight: ArrayLike | None,
) -> dict[str, float]:
    if len(classes) != 2:
        raise ValueError(f"binary needs the names of two classes, got {len(classes)}.")
    labels = as_values(target, "target", 1)
    known_labels(labels)
    scores = as_probabilities(probabilities, labels.shape)
    ranking = {
        "roc_auc": roc_auc(labels, scores, weight),
        "average_precision": average_precision(labels, scores, weight),
    }
    return ranking | _of_confusion(confusion_matrix(labels, decisions, 2, weight), classes)


def _multiclass(
    target: ArrayLike,
    probabilities: ArrayLike,
    decisions: ArrayLike,
    classes: Sequence[str],
    weight: ArrayLike | None,
) -> dict[str, float]:
    true = as_values(target, "target", 1)
    known = known_class_indices(true, len(classes))
    scores = as_probabilities(probabilities, (len(true), len(classes)))
    one_hot = np.where(known[:, None], true[:, None] == np.arange(len(classes)), np.nan)
    ranking = _ranking(one_hot, scores, classes, weight, suffix="_ovr")
    return ranking | _of_confusion(confusion_matrix(true, decisions, len(classes), weight), classes)


def _multilabel(
    target: ArrayLike,
    probabilities: ArrayLike,
    decisions: ArrayLike,
    classes: Sequence[str],
    weight: ArrayLike | None,
) -> dict[str, float]:
    labels = as_values(target, "target", 2)
    if labels.shape[1] != len(classes):
        raise ValueError(f"target must have {len(classes)} columns, one for each class, got {labels.shape[1]}.")
    known = known_labels(labels)
    scores = as_probabilities(probabilities, labels.shape)
    decided = as_values(decisions, "decisions", 2)
    if decided.shape != labels.shape:
        raise ValueError(f"decisions must have shape {labels.shape}, got {decided.shape}.")
    weights = as_weights(weight, len(labels))
    f1 = [
        float(f1_scores(confusion_matrix(labels[:, column], decided[:, column], 2, weights))[1])
        for column in range(len(classes))
    ]
    rows = known.any(axis=1)
    right = (~known | (labels == decided)).all(axis=1)
    return {
        **_ranking(labels, scores, classes, weights, suffix=""),
        "accuracy": weighted_mean(right[rows], weights[rows]),
        "f1_macro": mean_of_defined(f1),
        **_by_class("f1", f1, classes),
    }


def _ranking(
    labels: Values, scores: Values, classes: Sequence[str], weight: ArrayLike | None, suffix: str
) -> dict[str, float]:
    """Mean over classes, then each class, of the two ranking scores. labels, scores: (rows, classes)."""
    found: dict[str, float] = {}
    for name, score in (("roc_auc", roc_auc), ("average_precision", average_precision)):
        values = [score(labels[:, column], scores[:, column], weight) for column in range(len(classes))]
        found[name + suffix] = mean_of_defined(values)
        found |= _by_class(name + suffix, values, classes)
    return found


def _of_confusion(matrix: Values, classes: Sequence[str]) -> dict[str, float]:
    f1 = [float(value) for value in f1_scores(matrix)]
    return {
        "accuracy": accuracy(matrix),
        "balanced_accuracy": balanced_accuracy(matrix),
        "matthews_corrcoef": matthews_corrcoef(matrix),
        "f1_macro": mean_of_defined(f1),
        **_by_class("f1", f1, classes),
    }


def _by_class(name: str, values: Sequence[float], classes: Sequence[str]) -> dict[str, float]:
    return {f"{name}[{label}]": value for label, value in zip(classes, values, strict=True)}
