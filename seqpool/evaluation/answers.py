"""What a network's outputs say: probabilities or values, and decisions by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.evaluation.calibration import calibrated_probabilities
from seqpool.evaluation.classification import classification_metrics
from seqpool.evaluation.decisions import decide
from seqpool.evaluation.regression import regression_metrics


@dataclass(frozen=True)
class Answers:
    """values: (rows, classes) calibrated probabilities, or (rows, targets) values of a regression.

    decisions: binary and multiclass (rows,) class index, multilabel (rows, classes) 0 or 1; None for a regression.
    """

    target: str
    classes: tuple[str, ...]
    values: NDArray[np.float64]
    decisions: NDArray[np.int64] | None

    def decision_names(self) -> list[str]:
        """One class name per row; multi-label: names joined by `;`, empty for none; regression: empty."""
        if self.decisions is None:
            return [""] * len(self.values)
        if self.target == "multilabel":
            return [";".join(c for c, yes in zip(self.classes, row, strict=True) if yes) for row in self.decisions]
        return [self.classes[index] for index in self.decisions]

    def columns(self) -> list[str]:
        """Names of the value columns: `p_<class>`, or `y_<target>`."""
        return [f"{'y' if self.target == 'regression' else 'p'}_{name}" for name in self.classes]

    def confidence(self) -> NDArray[np.float64]:
        """(rows,) probability of the decision; multi-label: of the least certain yes or no; regression: NaN."""
        if self.decisions is None:
            return np.full(len(self.values), np.nan)
        if self.target == "multilabel":
            chosen = np.where(self.decisions == 1, self.values, 1 - self.values)
            return np.asarray(chosen.min(axis=1), dtype=np.float64)
        return np.asarray(self.values[np.arange(len(self.values)), self.decisions], dtype=np.float64)

    def correct(self, answers: NDArray[np.float64]) -> NDArray[np.float64]:
        """(rows,) 1 where the decision is true (multi-label: for every known label), 0 where it is not, NaN where
        that is not known."""
        if self.decisions is None:
            return np.full(len(self.values), np.nan)
        right = np.where(np.isnan(answers), np.nan, self.decisions == answers)
        if right.ndim == 1:
            return right
        known = ~np.isnan(right).all(axis=1)
        return np.where(known, np.nanmin(right, axis=1, initial=1.0), np.nan)

    def metrics(self, answers: NDArray[np.float64], rows: NDArray[np.int64] | slice = slice(None)) -> dict[str, float]:
        """Scores of these rows against the true labels or values, names as in scikit-learn."""
        if self.target == "regression":
            return regression_metrics(answers[rows], self.values[rows], self.classes)
        assert self.decisions is not None
        scores = self.values[:, 1] if self.target == "binary" else self.values
        return classification_metrics(answers[rows], scores[rows], self.decisions[rows], self.classes, self.target)  # type: ignore[arg-type]


def interpret(
    outputs: NDArray[np.float64],
    target: str,
    classes: Sequence[str],
    *,
    temperature: float = 1.0,
    thresholds: Sequence[float] = (),
    offset: Sequence[float] = (),
    scale: Sequence[float] = (),
) -> Answers:
    """Answers of (rows, outputs) logits, or of scaled values of a regression.

    binary: one logit, for the second class. thresholds: binary one, multilabel one per class (default 0.5).
    offset, scale: of each regression target: value = offset + scale * output.
    """
    names = tuple(classes)
    if target == "regression":
        values = outputs * (np.asarray(scale) if len(scale) else 1.0) + (np.asarray(offset) if len(offset) else 0.0)
        return Answers(target, names, values, None)
    if target == "binary":
        positive = calibrated_probabilities(outputs[:, 0], temperature, "binary")
        limits = list(thresholds) or [0.5]
        return Answers(target, names, np.stack([1 - positive, positive], axis=1), decide(positive, limits, "binary"))
    probabilities = calibrated_probabilities(outputs, temperature, target)  # type: ignore[arg-type]
    limits = list(thresholds) or ([] if target == "multiclass" else [0.5] * len(names))
    return Answers(target, names, probabilities, decide(probabilities, limits, target))  # type: ignore[arg-type]
