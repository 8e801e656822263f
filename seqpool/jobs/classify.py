"""What a trained model says of recordings: files in, one row per recording (or per window of it) out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqpool.artifact import Artifact, load_artifact
from seqpool.errors import DataError, UsageError
from seqpool.evaluation.answers import Answers, interpret
from seqpool.evaluation.decisions import decide
from seqpool.io.ecg.recording_file import RecordingFile
from seqpool.io.tables import Table, concatenated
from seqpool.jobs.beats import BEAT_COLUMNS, BEATS, beat_rows, beats_of_recordings
from seqpool.jobs.pictures import marks_of_windows
from seqpool.jobs.recording_inputs import OnError, OnNote, found_recordings, of_each_recording, raised
from seqpool.options.signal_input import Signal
from seqpool.plots.ecg_paper import Marks
from seqpool.signal.prepared_signal import PreparedSignal, prepared_signal
from seqpool.signal.windows import average_of_windows, window_starts
from seqpool.zoo.shipped import default_model, model_file

TASK = "rhythm"

BATCH_WINDOWS = 32


@dataclass(frozen=True)
class ClassifiedRecording:
    """What the model says of one recording.

    record: the name as given, without ending. lead: the lead used, or the leads joined by `;`.
    start_s, end_s: (windows,) of the windows; one window of the whole recording where the model uses none.
    windows: an answer per window. answer: one row, the windows' probabilities averaged by their lengths.
    """

    record: str
    lead: str
    duration_s: float
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    windows: Answers
    answer: Answers


def signal_input(artifact: Artifact) -> Signal:
    """What the model reads. Raises UsageError for a model that does not take recordings."""
    if not isinstance(artifact.input, Signal):
        raise UsageError(
            f"the model takes sequences ({artifact.facts.job}), not recordings: use seqpool predict with it."
        )
    if artifact.facts.job == "waves":
        raise UsageError("the model finds waves, it does not classify: use seqpool delineate with it.")
    if artifact.facts.job == "beats":
        raise UsageError(f"the model finds beats, and was asked for the {TASK}: use --task beats with it.")
    return artifact.input


def classified(
    names: Iterable[str],
    artifact: Artifact,
    *,
    lead: str | None = None,
    unit: str | None = None,
    rate_hz: float | None = None,
    ignore_checksum: bool = False,
    on_error: OnError,
    on_note: OnNote,
) -> Iterator[ClassifiedRecording]:
    """Answers for recordings, one by one in order, each read once in blocks: by a model of windows in constant memory.

    lead: the lead to use by a model that takes one. unit: of the samples, in place of what the file says. rate_hz: for
    files that carry none. A recording that cannot be read or judged is given to `on_error` and has no answer; what was
    missing or assumed to `on_note`.
    Raises UsageError where the model does not take recordings, or cannot take a lead's name.
    """
    reads = signal_input(artifact)
    if lead is not None and reads.all_leads:
        raise UsageError(f"the model takes {len(reads.leads)} leads together ({', '.join(reads.leads)}), not one.")

    def answer(opened: RecordingFile) -> tuple[ClassifiedRecording, list[str]]:
        with prepared_signal(opened, reads, lead) as prepared:
            return _answered(opened.source, prepared, reads, artifact), [*opened.notes, *prepared.notes]

    yield from of_each_recording(
        names, answer, unit=unit, rate_hz=rate_hz, ignore_checksum=ignore_checksum, on_error=on_error, on_note=on_note
    )


def _answered(record: str, prepared: PreparedSignal, reads: Signal, artifact: Artifact) -> ClassifiedRecording:
    samples = prepared.samples
    window_s = reads.window_s or samples / reads.rate_hz
    stride_s = reads.stride_s or window_s / 2
    window, stride = (max(round(seconds * reads.rate_hz), 1) for seconds in (window_s, stride_s))
    starts = window_starts(samples, window, stride)
    length = min(window, samples)
    wanted = artifact.facts.length if artifact.takes_one_length else None
    if wanted is not None and length != wanted:
        raise DataError(
            f"{record}: {length / reads.rate_hz:g} s of signal, the model takes {wanted / reads.rate_hz:g} s."
        )
    windows = interpreted(_outputs(prepared, starts, length, artifact), artifact)
    end = np.minimum((starts + length) / reads.rate_hz, prepared.duration_s)
    return ClassifiedRecording(
        record=record,
        lead=";".join(prepared.leads),
        duration_s=prepared.duration_s,
        start_s=starts / reads.rate_hz,
        end_s=end,
        windows=windows,
        answer=averaged(windows, np.full(len(starts), length), artifact),
    )


def _outputs(
    prepared: PreparedSignal, starts: NDArray[np.int64], length: int, artifact: Artifact
) -> NDArray[np.float64]:
    """(windows, outputs) of windows of one length."""
    found = []
    with torch.inference_mode():
        for first in range(0, len(starts), BATCH_WINDOWS):
            pieces = [prepared.read(start, start + length) for start in starts[first : first + BATCH_WINDOWS].tolist()]
            # no lengths: every window is whole
            found.append(artifact.network(torch.from_numpy(np.stack(pieces))).numpy().astype(np.float64))
    return np.concatenate(found)


def interpreted(outputs: NDArray[np.float64], artifact: Artifact) -> Answers:
    """What (windows, outputs) of the model's network say."""
    facts = artifact.facts
    return interpret(
        outputs,
        facts.target,
        facts.classes,
        temperature=facts.temperature,
        thresholds=facts.thresholds,
        offset=facts.offset,
        scale=facts.scale,
    )


def averaged(windows: Answers, lengths: NDArray[np.int64], artifact: Artifact) -> Answers:
    """One row: the mean of the windows' values, and the decision on it."""
    if len(windows.values) == 1:
        return windows
    values = average_of_windows(windows.values, lengths)[None]
    if windows.target == "regression":
        return replace(windows, values=values)
    judged = values[:, 1] if windows.target == "binary" else values
    target: Any = windows.target
    thresholds = list(artifact.facts.thresholds) or ([] if target == "multiclass" else [0.5] * judged.size)
    return replace(windows, values=values, decisions=decide(judged, thresholds, target))


def table_columns(artifact: Artifact, *, windows: bool) -> dict[str, Any]:
    """Names and types of the columns of `classify`."""
    letter = "y" if artifact.facts.target == "regression" else "p"
    where: dict[str, Any] = {"start_s": np.float64, "end_s": np.float64} if windows else {}
    values: dict[str, Any] = {f"{letter}_{name}": np.float64 for name in artifact.facts.classes}
    return {
        "record": str, "task": str, "lead": str, "duration_s": np.float64, **where, **values,
        "confidence": np.float64, "decision": str,
    }  # fmt: skip


def table_rows(
    result: ClassifiedRecording, *, windows: bool, abstain_below: float | None = None
) -> dict[str, NDArray[Any]]:
    """The rows of one recording: one, or one per window. abstain_below: less confidence leaves the decision empty."""
    answers = result.windows if windows else result.answer
    rows = len(answers.values)
    sure = answers.confidence()
    decisions = [
        "" if abstain_below is not None and certainty < abstain_below else name
        for name, certainty in zip(answers.decision_names(), sure, strict=True)
    ]
    return {
        "record": np.array([result.record] * rows, dtype=object),
        "task": np.array([TASK] * rows, dtype=object),
        "lead": np.array([result.lead] * rows, dtype=object),
        "duration_s": np.full(rows, result.duration_s),
        **({"start_s": result.start_s, "end_s": result.end_s} if windows else {}),
        **{name: answers.values[:, place] for place, name in enumerate(answers.columns())},
        "confidence": sure,
        "decision": np.array(decisions, dtype=object),
    }


def drawn(result: ClassifiedRecording, abstain_below: float | None = None) -> tuple[dict[str, Marks], str]:
    """Marks by lead, and the title, of a picture of the recording."""
    rows = table_rows(result, windows=True, abstain_below=abstain_below)
    if result.windows.target == "regression":
        name = result.windows.columns()[0]
        labels = [f"{name} {value:.4g}" for value in rows[name]]
    else:
        decided = zip(rows["decision"], rows["confidence"], strict=True)
        labels = [f"{name or 'undecided'} {certainty:.2f}" for name, certainty in decided]
    one = table_rows(result, windows=False, abstain_below=abstain_below)
    answer = one["decision"][0]
    title = f"{Path(result.record).name}   lead {result.lead}" + (f"   {answer}" if answer else "")
    marks = marks_of_windows(result.start_s, result.end_s, labels)
    return dict.fromkeys(result.lead.split(";"), marks), title


def classify(
    records: str | Path | Iterable[str | Path],
    model: str | Path | None = None,
    *,
    task: str = TASK,
    lead: str | None = None,
    unit: str | None = None,
    rate_hz: float | None = None,
    ignore_checksum: bool = False,
    windows: bool = False,
    abstain_below: float | None = None,
    on_error: OnError | None = None,
) -> Table:
    """What `seqpool classify` prints, as columns.

    records: files, WFDB names or folders. model: an artifact or the name of a shipped model; None: the shipped model
    for the task. task: `rhythm` or `beats`. The options are those of the command. on_error: takes the error of a
    recording that cannot be judged, which then has no row; None: it is raised.
    """
    if task not in (TASK, BEATS):
        raise UsageError(f"task is {task!r}, expected {TASK} or {BEATS}.")
    if task == BEATS and windows:
        raise UsageError(f"windows is for the task {TASK}: beats have a row each.")
    given = [records] if isinstance(records, str | Path) else list(records)
    artifact = load_artifact(default_model(task) if model is None else model_file(model))
    if artifact.facts.job == "audio":
        from seqpool.jobs.classify_audio import classify_clips

        return classify_clips(given, artifact, rate_hz, on_error, windows=windows, abstain_below=abstain_below)
    names = found_recordings([str(name) for name in given], on_error or raised)
    asked: dict[str, Any] = {
        "lead": lead, "unit": unit, "rate_hz": rate_hz, "ignore_checksum": ignore_checksum,
        "on_error": on_error or raised, "on_note": lambda note: None,
    }  # fmt: skip
    if task == BEATS:
        found = beats_of_recordings(names, artifact, **asked)
        return concatenated([beat_rows(beats, abstain_below) for beats in found], BEAT_COLUMNS)
    results = classified(names, artifact, **asked)
    rows = [table_rows(result, windows=windows, abstain_below=abstain_below) for result in results]
    return concatenated(rows, table_columns(artifact, windows=windows))
