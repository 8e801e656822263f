"""When to leave a question open: how often answers are wrong among those of at least some confidence.

Sources: El-Yaniv and Wiener, "On the foundations of noise-free selective classification", JMLR 2010; Geifman and
El-Yaniv, "Selective classification for deep neural networks", NeurIPS 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from seqpool.evaluation.arrays import Values, as_values, as_weights

SHARE_OF_ERRORS = 0.5
"""The suggestion leaves out as few answers as bring the error rate down to this share of its value over all."""


@dataclass(frozen=True)
class RiskCoverage:
    """Answers of at least a confidence, the surest first; every column is (distinct confidences,).

    confidence: falling. coverage: share of the rows answered, in (0, 1]. risk: share of these that are wrong.
    """

    confidence: Values
    coverage: Values
    risk: Values

    @property
    def area(self) -> float:
        """Mean risk over coverages (AURC), in [0, 1], smaller is better; NaN without rows."""
        if not len(self.coverage):
            return float("nan")
        return float(np.dot(np.diff(self.coverage, prepend=0.0), self.risk))

    def at(self, threshold: float) -> tuple[float, float]:
        """Coverage and risk of answering from a confidence of `threshold` on; risk NaN where nothing is answered."""
        answered = int((self.confidence >= threshold).sum())
        if not answered:
            return 0.0, float("nan")
        return float(self.coverage[answered - 1]), float(self.risk[answered - 1])


def risk_coverage(correct: ArrayLike, confidence: ArrayLike, weight: ArrayLike | None = None) -> RiskCoverage:
    """The curve. correct: (rows,) 0 or 1, NaN unknown. confidence: (rows,) finite. weight: (rows,) at least 0, default
    1. Raises ValueError for shapes or values that do not fit."""
    right = as_values(correct, "correct", 1)
    sure = as_values(confidence, "confidence", 1)
    if sure.shape != right.shape:
        raise ValueError(f"confidence must have shape {right.shape}, got {sure.shape}.")
    weights = as_weights(weight, len(right))
    rows = ~np.isnan(right) & (weights > 0)
    distinct, place = np.unique(-sure[rows], return_inverse=True)
    answered = np.cumsum(np.bincount(place, weights[rows], minlength=len(distinct)))
    wrong = np.cumsum(np.bincount(place, weights[rows] * (1 - right[rows]), minlength=len(distinct)))
    total = answered[-1] if len(answered) else 1.0
    return RiskCoverage(-distinct, answered / total, wrong / np.maximum(answered, 1e-300))


def suggested_threshold(curve: RiskCoverage) -> float:
    """The confidence below which to abstain: the largest coverage with at most SHARE_OF_ERRORS of the whole's risk.

    Midway between the last confidence that is answered and the first that is not. 0 (always answer) where nothing is
    wrong, or no confidence tells wrong answers from right ones so well.
    """
    if not len(curve.risk) or curve.risk[-1] == 0:
        return 0.0
    good = np.flatnonzero(curve.risk <= SHARE_OF_ERRORS * curve.risk[-1])
    if not len(good):
        return 0.0
    last = int(good[-1])
    return float((curve.confidence[last] + curve.confidence[last + 1]) / 2)


POINTS = 21
"""The curve is kept at so many coverages, the first of which, 0, says nothing."""


def abstention_facts(correct: ArrayLike, confidence: ArrayLike) -> dict[str, Any]:
    """What an artifact keeps: the suggestion, what it does, and the curve at coverages of 0.05, 0.1, ... 1."""
    curve = risk_coverage(correct, confidence)
    if not len(curve.risk):
        return {}
    threshold = suggested_threshold(curve)
    coverage, risk = curve.at(threshold)
    places = np.unique(np.searchsorted(curve.coverage, np.linspace(0, 1, POINTS)[1:] - 1e-9))
    return {
        "suggested_below": threshold,
        "coverage": coverage,
        "risk": risk,
        "risk_of_all": float(curve.risk[-1]),
        "area_under_risk_coverage": curve.area,
        "risk_coverage": {name: getattr(curve, name)[places].tolist() for name in ("coverage", "risk", "confidence")},
    }
