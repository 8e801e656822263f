"""The baseline beside configs/ptbxl.yaml: logistic regression on beat-averaged features.

    python scripts/baseline_ptbxl.py [FOLDER]        default: $SEQPOOL_DATA/ecg/ptbxl

Each record becomes its average beat (12 leads, 0.25 s before to 0.45 s after the R peaks that sleepecg finds on lead
II, in millivolts at 50 Hz after a 0.5-40 Hz band-pass) and the mean and spread of its RR intervals. One regression
per superclass; the strength of its penalty is chosen by 4-fold cross-validation over the training folds. Folds 1-8
train, fold 9 is judged: AUROC per class and their mean, with a bootstrap interval over records.
Needs the dev extra (scikit-learn, sleepecg).
"""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import numpy as np
import sleepecg
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from seqpool.evaluation.intervals import bootstrap_intervals
from seqpool.evaluation.ranking import roc_auc
from seqpool.io.ecg.recordings import read_recording
from seqpool.signal.filters import design, zero_phase

CLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
RATE_HZ = 100
BEFORE, AFTER = 25, 45  # samples around an R peak
PENALTIES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1)


def features(path: Path) -> np.ndarray:
    """(12 x 35 + 2,) average beat of each lead, every second sample, and mean and spread of the RR intervals."""
    recording = read_recording(path)
    signal = zero_phase(recording.signal.astype(np.float64), design(RATE_HZ, 0.5, 40.0), RATE_HZ)
    peaks = np.asarray(sleepecg.detect_heartbeats(signal[recording.leads.index("II")], RATE_HZ), dtype=int)
    inside = peaks[(peaks >= BEFORE) & (peaks < signal.shape[1] - AFTER)]
    if not len(inside):
        return np.zeros(12 * (BEFORE + AFTER) // 2 + 2)
    beats = np.stack([signal[:, peak - BEFORE : peak + AFTER] for peak in inside])
    average = np.median(beats, axis=0)[:, ::2]
    intervals = np.diff(peaks) / RATE_HZ if len(peaks) > 1 else np.array([1.0])
    return np.concatenate([average.ravel(), [intervals.mean(), intervals.std()]])


def main(folder: Path) -> None:
    """Prints the table."""
    with (folder / "superclasses.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    x = np.stack([features(folder / row["record"]) for row in rows])
    y = np.array([[int(row[name]) for name in CLASSES] for row in rows])
    fold = np.array([int(row["strat_fold"]) for row in rows])
    patient = np.array([row["patient_id"] for row in rows])
    train, judged = fold <= 8, fold == 9
    scores = np.zeros((int(judged.sum()), len(CLASSES)))
    for place in range(len(CLASSES)):
        best = max(PENALTIES, key=lambda c: _cross_validated(x[train], y[train, place], patient[train], c))
        model = _model(best).fit(x[train], y[train, place])
        scores[:, place] = model.decision_function(x[judged])
        print(f"{CLASSES[place]}: C = {best:g}", file=sys.stderr)
    truth = y[judged]

    def aurocs(chosen: np.ndarray) -> dict[str, float]:
        each = {name: roc_auc(truth[chosen, i], scores[chosen, i]) for i, name in enumerate(CLASSES)}
        return {"macro": float(np.mean(list(each.values()))), **each}

    print("AUROC\tvalue\tlower\tupper")
    for name, interval in bootstrap_intervals(aurocs, len(truth), resamples=1000).items():
        print(f"{name}\t{interval.estimate:.4f}\t{interval.lower:.4f}\t{interval.upper:.4f}")


def _model(penalty: float) -> object:
    return make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=2000))


def _cross_validated(x: np.ndarray, y: np.ndarray, patient: np.ndarray, penalty: float) -> float:
    scores = cross_val_predict(_model(penalty), x, y, groups=patient, cv=GroupKFold(4), method="decision_function")
    return roc_auc(y, scores)


if __name__ == "__main__":
    data = Path(os.environ.get("SEQPOOL_DATA") or Path.home() / ".cache" / "seqpool-data")
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else data / "ecg" / "ptbxl")
