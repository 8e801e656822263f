"""Judges networks of beats on recordings with marks, at the marked beats and at those that the network finds itself."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.evaluation.ec57 import CLASSES, average_scores, beat_matrix, beat_scores, interval_error_s, j_kappa
from seqpool.evaluation.intervals import bootstrap_intervals
from seqpool.evaluation.peaks import NARROW_WINDOW_S, PeakTally, peak_scores, peak_tally
from seqpool.io.output import open_output
from seqpool.nn.beat_classifier import Read, beat_probabilities
from seqpool.nn.beat_network import BeatNetwork
from seqpool.nn.peak_finder import found_peaks
from seqpool.options.beat_inputs import BeatSignal
from seqpool.options.training import BEAT_CLASSES
from seqpool.train.beat_part import BeatPart, MarkedBeats
from seqpool.train.beats import Beats
from seqpool.train.judged_parts import judged_parts

PREDICTIONS = "predictions.tsv"
SCORES = "metrics.json"
TABLE = "ec57.tsv"
RESAMPLES = 200

MARKED, DETECTED = "marked", "detected"
"""Where beats are classified: at the reference's R peaks, or at the detector's."""


@dataclass(frozen=True)
class BeatAnswer:
    """What is said of a recording.

    name: in the folder. at: MARKED or DETECTED. marked: the reference. found_s: (found,) R peaks in seconds, and
    probabilities (found, BEAT_CLASSES) of each.
    """

    name: str
    at: str
    marked: MarkedBeats
    found_s: NDArray[np.float64]
    probabilities: NDArray[np.float64]

    def classes(self) -> tuple[str, ...]:
        """The most probable class of each beat found."""
        return tuple(BEAT_CLASSES[place] for place in self.probabilities.argmax(axis=1))

    def matrix(self) -> NDArray[np.int64]:
        """Beats by reference and found class, as `beat_matrix` has it, outside episodes of flutter."""
        marked = self.marked
        return beat_matrix(marked.peaks_s, marked.classes, self.found_s, self.classes(), excluded_s=marked.flutter_s)


def marked_answers(
    network: BeatNetwork, part: BeatPart, signal: BeatSignal, temperature: float = 1.0
) -> list[BeatAnswer]:
    """What a network says of the marked beats of a part's recordings."""
    return [
        _answer(network, name, MARKED, one, one.peaks_s, signal, temperature)
        for name, one in zip(part.ids, part.recordings, strict=True)
    ]


def detected_answers(
    network: BeatNetwork, part: BeatPart, signal: BeatSignal, temperature: float = 1.0
) -> list[BeatAnswer]:
    """What a network says of the beats that it finds in a part's recordings."""
    network.eval()
    found = []
    for name, one in zip(part.ids, part.recordings, strict=True):
        peaks_s = found_peaks(network.detector, _reader(one), one.values.shape[1], signal.rate_hz)
        found.append(_answer(network, name, DETECTED, one, peaks_s, signal, temperature))
    return found


def _reader(marked: MarkedBeats) -> Read:
    return lambda start, stop: marked.values[:, start:stop]


def _answer(
    network: BeatNetwork,
    name: str,
    at: str,
    marked: MarkedBeats,
    peaks_s: NDArray[np.float64],
    signal: BeatSignal,
    temperature: float,
) -> BeatAnswer:
    network.eval()
    samples = marked.values.shape[1]
    probabilities = beat_probabilities(
        network, _reader(marked), samples, signal.rate_hz, peaks_s, temperature=temperature
    )
    return BeatAnswer(name, at, marked, peaks_s, probabilities)


def class_figures(matrix: NDArray[np.int64]) -> dict[str, float]:
    """Figures of a matrix as `beat_matrix` makes it: `accuracy`, `kappa` and `j_kappa` over N, S, V and F where both
    sides have a beat; sensitivity, positive predictivity and F1 of each class, missed and invented beats counted."""
    counts = matrix[:4, :4]
    kappa, _, both = j_kappa(matrix)
    found = {
        "accuracy": _share(np.trace(counts), counts.sum()),
        "kappa": kappa,
        "j_kappa": both,
    }
    for place, name in enumerate(BEAT_CLASSES):
        right, marked = matrix[place, place], matrix[place].sum()
        # a beat of class Q has no right answer among these
        called = matrix[:, place].sum() - matrix[CLASSES.index("Q"), place]
        found[f"f1[{name}]"] = _share(2 * right, marked + called)
        found[f"sensitivity[{name}]"] = _share(right, marked)
        found[f"positive_predictivity[{name}]"] = _share(right, called)
    return found


def _share(part: np.int64, whole: np.int64) -> float:
    return float(part / whole) if whole else float("nan")


def _peak_tallies(answer: BeatAnswer) -> dict[str, PeakTally]:
    """The R peaks found in a recording against those marked, by the end of the names of their figures."""
    marked_s, found_s, flutter_s = answer.marked.peaks_s, answer.found_s, answer.marked.flutter_s
    return {
        _WITHIN_150: peak_tally(marked_s, found_s, excluded_s=flutter_s),
        _WITHIN_50: peak_tally(marked_s, found_s, excluded_s=flutter_s, window_s=NARROW_WINDOW_S),
        f"{_WITHIN_150} flutter too": peak_tally(marked_s, found_s),
        f"{_WITHIN_50} flutter too": peak_tally(marked_s, found_s, window_s=NARROW_WINDOW_S),
    }


_WITHIN_150, _WITHIN_50 = " within 150 ms", " within 50 ms"


def _peak_figures(tallies: Sequence[dict[str, PeakTally]]) -> dict[str, float]:
    """Figures of R peaks over recordings, without episodes of ventricular flutter and (`flutter too`) with them."""
    found = {}
    for name in tallies[0] if tallies else ():
        scores = peak_scores(one[name] for one in tallies)
        found[f"r_peak_f1{name}"] = scores["f1"]
        if name.startswith(_WITHIN_150):
            found[f"r_peak_error_mean_ms{name}"] = scores["error_mean_ms"]
            found[f"r_peak_error_sd_ms{name}"] = scores["error_sd_ms"]
    return found


def scores_of(answers: Sequence[BeatAnswer]) -> dict[str, Any]:
    """Every score, gross over recordings, with its bootstrap interval over recordings; those of classes at detections
    end in ` at detections`. A score without anything to be a share of is left out."""
    marked = [one for one in answers if one.at == MARKED]
    detected = [one for one in answers if one.at == DETECTED]
    at_marks = np.stack([one.matrix() for one in marked])
    at_detections = np.stack([one.matrix() for one in detected])
    tallies = [_peak_tallies(one) for one in detected]

    def figures(rows: NDArray[np.int64]) -> dict[str, float]:
        own = class_figures(at_detections[rows].sum(axis=0))
        return {
            **class_figures(at_marks[rows].sum(axis=0)),
            **{f"{name} at detections": value for name, value in own.items()},
            **_peak_figures([tallies[row] for row in rows]),
        }

    found = bootstrap_intervals(figures, len(marked), resamples=RESAMPLES)
    return {
        name: {"value": one.estimate, "lower": one.lower, "upper": one.upper}
        for name, one in found.items()
        if not np.isnan(one.estimate)
    }


def judge_beats(folder: Path, data: Beats, parts: tuple[str, ...]) -> dict[str, Any]:
    """Scores of the run's artifact by part, with bootstrap intervals.

    Writes into the folder predictions.tsv (`id split at time_s label`, `p_<class>`, `decision`: a row per marked beat,
    then one per detected beat, whose label is left empty), ec57.tsv and metrics.json. Raises UsageError where the run
    has no artifact yet, or the data none of the parts.
    """
    artifact, chosen = judged_parts(folder, data, parts)
    network, signal, temperature = artifact.network, artifact.input, artifact.facts.temperature
    assert isinstance(network, BeatNetwork)
    assert isinstance(signal, BeatSignal)
    scores: dict[str, Any] = {}
    by_part: dict[str, list[BeatAnswer]] = {}
    for name, part in chosen:
        assert isinstance(part, BeatPart)
        answers = marked_answers(network, part, signal, temperature)
        answers += detected_answers(network, part, signal, temperature)
        scores[name] = {"rows": len(part.ids), "scores": scores_of(answers)}
        by_part[name] = answers
    _write_predictions(folder / PREDICTIONS, by_part)
    write_table(folder / TABLE, [one for answers in by_part.values() for one in answers])
    with open_output(folder / SCORES) as stream:
        json.dump(scores, stream, indent=1, sort_keys=True)
        stream.write("\n")
    return scores


def _write_predictions(path: Path, by_part: dict[str, list[BeatAnswer]]) -> None:
    with open_output(path) as stream:
        columns = ["id", "split", "at", "time_s", "label", *(f"p_{name}" for name in BEAT_CLASSES), "decision"]
        stream.write("\t".join(columns) + "\n")
        for part, answers in by_part.items():
            for one in answers:
                labels = one.marked.classes if one.at == MARKED else ("",) * len(one.found_s)
                rows = zip(one.found_s, labels, one.probabilities, one.classes(), strict=True)
                stream.writelines(
                    f"{one.name}\t{part}\t{one.at}\t{time:.6f}\t{label}\t"
                    + "\t".join(f"{value:.6f}" for value in values)
                    + f"\t{decision}\n"
                    for time, label, values, decision in rows
                )


_EC57 = ("qrs", "ventricular", "supraventricular")


def write_table(path: Path, answers: Iterable[BeatAnswer]) -> None:
    """A report in the manner of ANSI/AAMI EC57: of each recording, gross and on average, sensitivity and positive
    predictivity of beats at all, of V and of S by that standard's rules, of N and F plainly, and the root mean square
    error of RR intervals. Episodes of ventricular flutter are left out."""
    chosen = list(answers)
    with open_output(path) as stream:
        names = [f"{name}_{what}" for name in _EC57 for what in ("sensitivity", "positive_predictivity")]
        plain = [f"{what}_{name}" for name in ("N", "F") for what in ("sensitivity", "positive_predictivity")]
        stream.write("\t".join(["record", "at", "beats", *names, *plain, "rr_error_ms"]) + "\n")
        for at in (MARKED, DETECTED):
            rows = [one for one in chosen if one.at == at]
            matrices = [one.matrix() for one in rows]
            errors = [1000 * interval_error_s(one.marked.peaks_s, one.found_s) for one in rows]
            lines = [(one.name, matrix, beat_scores(matrix)) for one, matrix in zip(rows, matrices, strict=True)]
            if rows:
                total = np.sum(matrices, axis=0)
                lines += [("gross", total, beat_scores(total)), ("average", total, average_scores(matrices))]
                errors += [float("nan"), _mean(errors)]
            for (name, matrix, scores), error in zip(lines, errors, strict=True):
                figures = class_figures(matrix)
                if name == "average":
                    each = [class_figures(one) for one in matrices]
                    figures = {key: _mean([one[key] for one in each]) for key in figures}
                values = [getattr(scores, column) for column in names]
                values += [figures[f"{what.rpartition('_')[0]}[{what[-1]}]"] for what in plain]
                texts = ["" if np.isnan(value) else f"{value:.6f}" for value in values]
                last = "" if np.isnan(error) else f"{error:.3f}"
                stream.write("\t".join([name, at, str(int(matrix[:5].sum())), *texts, last]) + "\n")


def _mean(values: list[float]) -> float:
    defined = [value for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else float("nan")


def pooled_answers(folders: Sequence[Path], data: Beats) -> list[BeatAnswer]:
    """What several runs say of their test parts, from their predictions.tsv: each recording once."""
    _ = data.parts
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    for folder in folders:
        with (folder / "splits.tsv").open(encoding="utf-8", newline="") as stream:
            judged = [row["id"] for row in csv.DictReader(stream, delimiter="\t") if row["part"] == "test"]
        rows |= {(name, at): [] for name in judged for at in (MARKED, DETECTED)}
        with (folder / PREDICTIONS).open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream, delimiter="\t"):
                if row["split"] == "test":
                    rows[row["id"], row["at"]].append(row)
    return [
        BeatAnswer(
            name=name,
            at=at,
            marked=data.recording(name).beats,
            found_s=np.array([float(row["time_s"]) for row in found], dtype=np.float64),
            probabilities=np.array(
                [[float(row[f"p_{one}"]) for one in BEAT_CLASSES] for row in found], dtype=np.float64
            ).reshape(-1, len(BEAT_CLASSES)),
        )
        for (name, at), found in rows.items()
    ]
