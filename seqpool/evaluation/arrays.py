"""The shapes that every score reads: known entries of a target, their scores and their weights."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]
Kind = Literal["binary", "multiclass", "multilabel"]


def as_values(values: ArrayLike, name: str, dimensions: int) -> Values:
    """float64 array of `dimensions` axes. Raises ValueError naming the argument."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != dimensions:
        raise ValueError(f"{name} must have {dimensions} axes, got shape {array.shape}.")
    return array


def as_scores(values: ArrayLike, name: str, shape: tuple[int, ...]) -> Values:
    """float64 array of that shape without NaN or infinity. Raises ValueError naming the argument."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {np.count_nonzero(~np.isfinite(array))} entries that are not.")
    return array


def as_probabilities(values: ArrayLike, shape: tuple[int, ...]) -> Values:
    """float64 array of that shape, every entry in [0, 1]. Raises ValueError."""
    array = as_scores(values, "probabilities", shape)
    if array.size and (array.min() < 0 or array.max() > 1):
        raise ValueError(f"probabilities must lie in [0, 1], got {array.min()} to {array.max()}.")
    return array


def as_weights(weight: ArrayLike | None, rows: int) -> Values:
    """(rows,) finite weights of at least 0, all 1 where none are given. Raises ValueError."""
    if weight is None:
        return np.ones(rows)
    array = as_scores(weight, "weight", (rows,))
    if array.size and array.min() < 0:
        raise ValueError(f"weight must be at least 0, got {array.min()}.")
    return array


def known_labels(target: Values) -> NDArray[np.bool_]:
    """Where a target of 0 and 1 is not missing (NaN). Raises ValueError for any other value."""
    known = ~np.isnan(target)
    if not np.isin(target[known], (0.0, 1.0)).all():
        raise ValueError("target must be 0, 1 or NaN (missing).")
    return known


def known_class_indices(target: Values, classes: int) -> NDArray[np.bool_]:
    """Where a target of class indices 0 ... classes - 1 is not missing (NaN). Raises ValueError for any other value."""
    known = ~np.isnan(target)
    if not np.isin(target[known], np.arange(classes)).all():
        raise ValueError(f"target must be a class index below {classes} or NaN (missing).")
    return known


def weighted_mean(values: NDArray[Any], weight: Values) -> float:
    """Mean of values (rows,) under weights (rows,); NaN where the weights sum to 0."""
    total = float(weight.sum())
    return float(np.dot(weight, values) / total) if total > 0 else float("nan")


def mean_of_defined(values: ArrayLike) -> float:
    """Mean of the entries that are not NaN; NaN where there is none."""
    array = np.asarray(values, dtype=np.float64)
    defined = array[~np.isnan(array)]
    return float(defined.mean()) if defined.size else float("nan")
