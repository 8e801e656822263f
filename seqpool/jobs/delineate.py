"""P, QRS and T waves of recordings: files in, one row per wave (or per lead, of intervals) out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.artifact import Artifact, load_artifact
from seqpool.errors import DataError, UsageError
from seqpool.io.ecg.recording_file import RecordingFile
from seqpool.io.ecg.recordings import find_recordings
from seqpool.io.tables import Table, concatenated
from seqpool.jobs.pictures import marks_of_waves
from seqpool.jobs.recording_inputs import OnError, OnNote, of_each_recording, raised
from seqpool.nn.wave_finder import delineated
from seqpool.options.signal_input import Signal
from seqpool.plots.ecg_paper import Marks
from seqpool.records import POINTS, WAVES, Delineation
from seqpool.signal.leads import choose_lead
from seqpool.signal.prepared_signal import prepared_signal
from seqpool.signal.wave_intervals import Intervals, beat_numbers, intervals_of, median_of
from seqpool.zoo.shipped import default_model, model_file

ALL_LEADS = "all"

WINDOW_S = 10.0
"""Windows of a model that names none."""


@dataclass(frozen=True)
class DelineatedLead:
    """The waves of one lead, in whole samples of the recording, in order of time."""

    lead: str
    waves: Delineation


@dataclass(frozen=True)
class DelineatedRecording:
    """record: the name as given, without ending. rate_hz: of the recording. leads: at least one."""

    record: str
    rate_hz: float
    leads: tuple[DelineatedLead, ...]


def wave_signal(artifact: Artifact) -> Signal:
    """What the model reads. Raises UsageError for a model that finds no waves."""
    if artifact.facts.job != "waves" or not isinstance(artifact.input, Signal):
        verb = "classify" if isinstance(artifact.input, Signal) else "predict"
        raise UsageError(
            f"the model does not find waves (its job is {artifact.facts.job}): use seqpool {verb} with it."
        )
    return artifact.input


def leads_of_training(artifact: Artifact) -> str:
    """A sentence on the leads that the model was trained and judged on."""
    leads = artifact.facts.data.get("leads", {})
    also = leads.get("also trained on", [])
    others = f"; trained on {', '.join(also)} too" if also else ""
    return (
        f"the model is for lead {leads.get('judged', wave_signal(artifact).leads[0])}, on which it was judged{others}"
    )


def delineated_recordings(
    names: Iterable[str],
    artifact: Artifact,
    *,
    lead: str | None = None,
    unit: str | None = None,
    rate_hz: float | None = None,
    ignore_checksum: bool = False,
    on_error: OnError,
    on_note: OnNote,
) -> Iterator[DelineatedRecording]:
    """Waves of recordings, one by one in order.

    lead: a name, names joined by commas, or `all`; None: the first of the model's leads that is there, else the only
    one. unit, rate_hz, ignore_checksum: as in `seqpool.io.ecg.recordings.read_recording`. A recording that cannot be
    read or judged is given to `on_error` and has no answer; what was missing or assumed to `on_note`.
    Raises UsageError where the model finds no waves.
    """
    reads = wave_signal(artifact)

    def answer(opened: RecordingFile) -> tuple[DelineatedRecording, list[str]]:
        notes = list(opened.notes)
        return _delineated(opened, reads, artifact, lead, notes), notes

    yield from of_each_recording(
        names, answer, unit=unit, rate_hz=rate_hz, ignore_checksum=ignore_checksum, on_error=on_error, on_note=on_note
    )


def _delineated(
    recording: RecordingFile, reads: Signal, artifact: Artifact, lead: str | None, notes: list[str]
) -> DelineatedRecording:
    if lead == ALL_LEADS:
        wanted: list[str | None] = list(recording.leads)
    else:
        wanted = [None] if lead is None else [name.strip() for name in lead.split(",")]
    found, failures = [], []
    for one in wanted:
        name = choose_lead(recording, one, reads.leads)
        try:
            found.append(DelineatedLead(name, _waves(recording, name, reads, artifact, notes)))
        except DataError as error:
            failures.append(error)
            continue
        if name.lower() not in {known.lower() for known in reads.leads}:
            notes.append(f"lead {name} is not the lead that the model is for ({reads.leads[0]})")
    if not found:
        raise failures[0]
    notes += [str(error).removeprefix(f"{recording.source}: ").rstrip(".") for error in failures]
    return DelineatedRecording(recording.source, recording.rate_hz, tuple(found))


def _waves(recording: RecordingFile, lead: str, reads: Signal, artifact: Artifact, notes: list[str]) -> Delineation:
    with prepared_signal(recording, reads, lead) as prepared:
        notes += prepared.notes
        values = prepared.read(0, prepared.samples)
    window_s = reads.window_s or WINDOW_S
    found = delineated(
        artifact.network,
        values,
        reads.rate_hz,
        window_s=window_s,
        stride_s=reads.stride_s or window_s / 2,
        presence=artifact.facts.thresholds[0],
    ).moved(0.0, recording.rate_hz / reads.rate_hz)
    last = recording.samples - 1
    return Delineation(found.wave, *(np.clip(np.rint(getattr(found, point)), 0, last) for point in POINTS))


WAVE_COLUMNS: dict[str, Any] = {
    "record": str, "lead": str, "beat": np.int64, "wave": str,
    **{f"{point}_sample": np.int64 for point in POINTS},
}  # fmt: skip

INTERVAL_COLUMNS: dict[str, Any] = {
    "record": str, "lead": str, **{field.name: np.float64 for field in fields(Intervals)},
}  # fmt: skip


def wave_rows(result: DelineatedRecording) -> dict[str, NDArray[Any]]:
    """A row per wave, lead after lead."""
    names = np.array(WAVES, dtype=object)
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in WAVE_COLUMNS}
    for lead in result.leads:
        waves = lead.waves
        columns["record"].append(np.array([result.record] * len(waves), dtype=object))
        columns["lead"].append(np.array([lead.lead] * len(waves), dtype=object))
        columns["beat"].append(beat_numbers(waves))
        columns["wave"].append(names[waves.wave])
        for point in POINTS:
            columns[f"{point}_sample"].append(getattr(waves, point).astype(np.int64))
    return {name: np.concatenate(parts) for name, parts in columns.items()}


def interval_rows(result: DelineatedRecording) -> dict[str, NDArray[Any]]:
    """A row per lead, and a row `median` of their medians."""
    each = [intervals_of(lead.waves, result.rate_hz) for lead in result.leads]
    rows = [*each, median_of(each)]
    return {
        "record": np.array([result.record] * len(rows), dtype=object),
        "lead": np.array([*(lead.lead for lead in result.leads), "median"], dtype=object),
        **{field.name: np.array([getattr(row, field.name) for row in rows]) for field in fields(Intervals)},
    }


def drawn(result: DelineatedRecording) -> tuple[dict[str, Marks], str]:
    """Marks by lead, and the title, of a picture of the recording."""
    marks = {lead.lead: marks_of_waves(lead.waves, result.rate_hz) for lead in result.leads}
    return marks, f"{Path(result.record).name}   waves of lead {', '.join(marks)}"


def delineate(
    records: str | Path | Iterable[str | Path],
    model: str | Path | None = None,
    *,
    lead: str | None = None,
    unit: str | None = None,
    rate_hz: float | None = None,
    ignore_checksum: bool = False,
    intervals: bool = False,
    on_error: OnError | None = None,
) -> Table:
    """What `seqpool delineate` prints, as columns.

    records: files, WFDB names or folders. model: an artifact or the name of a shipped model; None: the shipped model of
    waves. The options are those of the command. on_error: takes the error of a recording that cannot be judged, which
    then has no row; None: it is raised.
    """
    given = [records] if isinstance(records, str | Path) else list(records)
    results = delineated_recordings(
        find_recordings([str(name) for name in given]),
        load_artifact(default_model("waves") if model is None else model_file(model)),
        lead=lead,
        unit=unit,
        rate_hz=rate_hz,
        ignore_checksum=ignore_checksum,
        on_error=on_error or raised,
        on_note=lambda note: None,
    )
    rows_of, columns = (interval_rows, INTERVAL_COLUMNS) if intervals else (wave_rows, WAVE_COLUMNS)
    return concatenated([rows_of(result) for result in results], columns)
