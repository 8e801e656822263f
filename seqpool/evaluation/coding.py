"""Coding or not, and in which frame of which strand: answers of a network and how often they are right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from seqpool.evaluation.ranking import roc_auc


@dataclass(frozen=True)
class CodingAnswers:
    """What a network says of some fragments.

    p_coding: (rows,) probability, after calibration. reading: (rows,) 1 + place of the likeliest strand and frame in
    +0 +1 +2 -0 -1 -2; 0 where the fragment is too short for any. coding: (rows,) the decision.
    evidence: (rows,) log-odds that it codes, before rounding: what rows are ranked by.
    """

    p_coding: NDArray[np.float64]
    reading: NDArray[np.int64]
    coding: NDArray[np.bool_]
    evidence: NDArray[np.float64]

    @property
    def frame(self) -> NDArray[np.int64]:
        """(rows,) 0 to 2, from the strand's own 5' end; -1 where there is none."""
        return np.where(self.reading > 0, (self.reading - 1) % 3, -1)

    @property
    def strand(self) -> list[str]:
        """`+` or `-` of each row; empty where there is none."""
        return ["" if place == 0 else "+" if place <= 3 else "-" for place in self.reading.tolist()]


def coding_answers(outputs: NDArray[np.float64], *, temperature: float = 1.0, threshold: float = 0.5) -> CodingAnswers:
    """Answers of (rows, 1 + readings) logits, the first of no coding; a reading that is not there has minus infinity.

    Exchanging the strands of every row changes not a bit but the strand.
    """
    logits = outputs / temperature
    by_strand = [np.logaddexp.reduce(logits[:, first : first + 3], axis=1) for first in range(1, logits.shape[1], 3)]
    evidence = np.logaddexp.reduce(by_strand, axis=0) - logits[:, 0]
    p_coding = expit(evidence)
    best = outputs[:, 1:].argmax(axis=1) + 1
    reading = np.where(np.isfinite(outputs[:, 1:]).any(axis=1), best, 0)
    return CodingAnswers(p_coding, reading, p_coding >= threshold, evidence)


def coding_scores(
    target: NDArray[np.float64],
    evidence: NDArray[np.float64],
    reading: NDArray[np.int64],
    rows: NDArray[np.int64] | slice = slice(None),
) -> dict[str, float]:
    """Of these rows: `roc_auc` of coding against not, and `frame_accuracy`, the share of coding fragments whose frame
    and strand are right, whatever was decided. NaN where a score is not defined.

    target, reading: (fragments,) 0 for no coding, else 1 + place of strand and frame. evidence: (fragments,).
    """
    truth, coding = target[rows].astype(np.int64), target[rows] > 0
    right = reading[rows][coding] == truth[coding]
    return {
        "roc_auc": roc_auc(coding.astype(np.int64), evidence[rows]),
        "frame_accuracy": float(right.mean()) if len(right) else float("nan"),
    }


def scores_by_length(
    target: NDArray[np.float64],
    evidence: NDArray[np.float64],
    reading: NDArray[np.int64],
    lengths: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> dict[str, float]:
    """`coding_scores` of fragments of each length, named `roc_auc[60]`."""
    found: dict[str, float] = {}
    for length in sorted(set(lengths.tolist())):
        some = rows[lengths[rows] == length]
        found |= {f"{name}[{length}]": value for name, value in coding_scores(target, evidence, reading, some).items()}
    return found
