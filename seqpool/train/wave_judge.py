"""Judges networks of waves on recordings with marks: the waves that `seqpool delineate` would find, against them."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from seqpool.evaluation.delineation import RecordTally, delineation_scores, share_of_beats_with_p, tally
from seqpool.evaluation.intervals import bootstrap_intervals
from seqpool.io.output import open_output
from seqpool.nn.wave_finder import delineated
from seqpool.options.signal_input import Signal
from seqpool.records import POINTS, WAVES, Delineation
from seqpool.train.data_module import Part
from seqpool.train.judged_parts import judged_parts
from seqpool.train.wave_part import WavePart
from seqpool.train.waves import MarkedRecording, Waves

PREDICTIONS = "predictions.tsv"
SCORES = "metrics.json"
RESAMPLES = 200

PRESENCE = 0.8
"""Probability of P waves in a row above which they stand: one invented in fibrillation misleads more than one missed,
and in cross-validation on LUDB all but one recording with P waves lie above it (docs/experiments-ecg.md)."""

FIBRILLATION = "beats_with_p_in_fibrillation"


def waves_found(network: nn.Module, recording: MarkedRecording, signal: Signal, presence: float) -> Delineation:
    """The waves in a recording's judged lead, in whole samples of the recording."""
    lead = next(iter(recording.leads.values()))
    length_s = lead.values.shape[1] / signal.rate_hz
    window_s = signal.window_s or length_s
    found = delineated(
        network,
        lead.values,
        signal.rate_hz,
        window_s=window_s,
        stride_s=signal.stride_s or window_s / 2,
        presence=presence,
    )
    moved = found.moved(0.0, recording.rate_hz / signal.rate_hz)
    return Delineation(moved.wave, *(np.rint(getattr(moved, point)) for point in POINTS))


def tally_of(recording: MarkedRecording, found: Delineation) -> RecordTally:
    """What is right and wrong of the waves found in a recording."""
    assert recording.marked.span is not None
    return tally(recording.marked.waves, found, recording.marked.span, recording.rate_hz)


def tallies_of(network: nn.Module, data: Waves, part: Part) -> list[RecordTally]:
    """The tally of every recording of a part, in order."""
    network.eval()
    recordings = [data.recording(name) for name in part.ids]
    return [tally_of(one, waves_found(network, one, data.options.signal, PRESENCE)) for one in recordings]


def scores_of(tallies: Sequence[RecordTally], fibrillation: np.ndarray[Any, np.dtype[np.bool_]]) -> dict[str, Any]:
    """Every score with its bootstrap interval over recordings. fibrillation: (recordings,) flags."""

    def figures(rows: np.ndarray[Any, np.dtype[np.int64]]) -> Mapping[str, float]:
        scores = delineation_scores(tallies[row] for row in rows)
        if fibrillation.any():
            scores[FIBRILLATION] = share_of_beats_with_p(tallies[row] for row in rows if fibrillation[row])
        return scores

    found = bootstrap_intervals(figures, len(tallies), resamples=RESAMPLES)
    return {
        name: {"value": interval.estimate, "lower": interval.lower, "upper": interval.upper}
        for name, interval in found.items()
    }


def judge_waves(folder: Path, data: Waves, parts: tuple[str, ...]) -> dict[str, Any]:
    """Scores of the run's artifact by part, with bootstrap intervals.

    Writes predictions.tsv (`id split wave onset_sample peak_sample offset_sample`) and metrics.json into the folder.
    Raises UsageError where the run has no artifact yet, or the data none of the parts.
    """
    artifact, chosen = judged_parts(folder, data, parts)
    assert isinstance(artifact.input, Signal)
    scores: dict[str, Any] = {}
    lines = []
    for name, part in chosen:
        assert isinstance(part, WavePart)
        recordings = [data.recording(one) for one in part.ids]
        found = [waves_found(artifact.network, one, artifact.input, artifact.facts.thresholds[0]) for one in recordings]
        tallies = [tally_of(one, waves) for one, waves in zip(recordings, found, strict=True)]
        scores[name] = {"rows": len(part.ids), "scores": scores_of(tallies, part.fibrillation)}
        for one, waves in zip(recordings, found, strict=True):
            lines += [
                f"{one.name}\t{name}\t{WAVES[wave]}\t{onset:.0f}\t{peak:.0f}\t{offset:.0f}\n"
                for wave, onset, peak, offset in zip(waves.wave, waves.onset, waves.peak, waves.offset, strict=True)
            ]
    with open_output(folder / PREDICTIONS) as stream:
        stream.write("\t".join(["id", "split", "wave", *(f"{point}_sample" for point in POINTS)]) + "\n")
        stream.writelines(lines)
    with open_output(folder / SCORES) as stream:
        json.dump(scores, stream, indent=1, sort_keys=True)
        stream.write("\n")
    return scores


def pooled_scores(folders: Sequence[Path], data: Waves) -> dict[str, Any]:
    """Scores of the test parts of several runs taken together, from their predictions.tsv: each recording once."""
    found: dict[str, list[dict[str, str]]] = {}
    judged: dict[str, None] = {}
    for folder in folders:
        with (folder / "splits.tsv").open(encoding="utf-8", newline="") as stream:
            judged |= {row["id"]: None for row in csv.DictReader(stream, delimiter="\t") if row["part"] == "test"}
        with (folder / PREDICTIONS).open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream, delimiter="\t"):
                if row["split"] == "test":
                    found.setdefault(row["id"], []).append(row)
    _ = data.parts
    recordings = [data.recording(name) for name in judged]
    tallies = [tally_of(one, _read_back(found.get(one.name, []))) for one in recordings]
    flags = {
        name: bool(flag)
        for _, part in data.parts.named()
        if isinstance(part, WavePart)
        for name, flag in zip(part.ids, part.fibrillation, strict=True)
    }
    return {"rows": len(recordings), "scores": scores_of(tallies, np.array([flags[one.name] for one in recordings]))}


def _read_back(rows: Sequence[Mapping[str, str]]) -> Delineation:
    return Delineation(
        np.array([WAVES.index(row["wave"]) for row in rows], dtype=np.int8),
        *(np.array([float(row[f"{point}_sample"]) for row in rows], dtype=np.float64) for point in POINTS),
    )
