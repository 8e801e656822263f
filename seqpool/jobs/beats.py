"""Heart beats of recordings and their AAMI classes: files in, one row per beat out, in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.artifact import Artifact
from seqpool.errors import UsageError
from seqpool.evaluation.ec57 import CLASSES
from seqpool.io.ecg.annotation_writer import write_annotations
from seqpool.io.ecg.recording_file import RecordingFile
from seqpool.io.tables import Columns, Repeated, Seconds
from seqpool.jobs.recording_inputs import OnError, OnNote, of_each_recording
from seqpool.nn.beat_classifier import beat_probabilities
from seqpool.nn.beat_network import BeatNetwork
from seqpool.nn.peak_finder import found_peaks
from seqpool.options.signal_input import Signal
from seqpool.plots.ecg_paper import Marks
from seqpool.signal.prepared_signal import prepared_signal

BEATS = "beats"
"""The task, and the job of its models."""

UNCLASSIFIED = "Q"
"""How an annotation file marks a beat whose class the model leaves open."""


@dataclass(frozen=True)
class RecordingBeats:
    """The beats of one lead of a recording.

    record: the name as given, without ending. lead: the lead used. samples, rate_hz: of the recording.
    times_s: (beats,) float64, rising, of the R peaks from the recording's first sample.
    probabilities: (beats, 5) float64, of the AAMI classes in the order of CLASSES; Q is never predicted, its is 0.
    """

    record: str
    lead: str
    samples: int
    rate_hz: float
    times_s: NDArray[np.float64]
    probabilities: NDArray[np.float64]

    @property
    def duration_s(self) -> float:
        """Length of the recording in seconds."""
        return self.samples / self.rate_hz

    def peak_samples(self) -> NDArray[np.int64]:
        """(beats,) the recording's sample nearest to each R peak."""
        return np.clip(np.rint(self.times_s * self.rate_hz), 0, self.samples - 1).astype(np.int64)

    def classes(self, abstain_below: float | None = None) -> NDArray[np.object_]:
        """(beats,) class letters; empty where the class is less probable than `abstain_below`."""
        letters: NDArray[np.object_] = np.array(CLASSES, dtype=object)[self.probabilities.argmax(axis=1)]
        if abstain_below is not None:
            letters[self.probabilities.max(axis=1) < abstain_below] = ""
        return letters


def beat_signal(artifact: Artifact) -> Signal:
    """What the model reads. Raises UsageError for a model that finds no beats."""
    if artifact.facts.job != BEATS or not isinstance(artifact.input, Signal):
        raise UsageError(
            f"the model does not find beats (its job is {artifact.facts.job}): --task beats needs one that does."
        )
    return artifact.input


def beats_of(recording: RecordingFile, artifact: Artifact, lead: str | None = None) -> tuple[RecordingBeats, list[str]]:
    """The beats of an opened recording, and what was missing or assumed, one sentence each.

    The recording is read once, in blocks; memory does not grow with its length but for four numbers a beat.
    lead: its name; None: the first of the model's leads that is there, else the only one.
    Raises DataError where the recording cannot be judged.
    """
    reads = beat_signal(artifact)
    network = artifact.network
    assert isinstance(network, BeatNetwork)
    with prepared_signal(recording, reads, lead) as prepared:
        peaks_s = found_peaks(network.detector, prepared.read, prepared.samples, reads.rate_hz)
        peaks_s = peaks_s[peaks_s * recording.rate_hz < recording.samples]  # resampling rounds the length up
        probable = beat_probabilities(
            network,
            prepared.read,
            prepared.samples,
            reads.rate_hz,
            peaks_s,
            temperature=artifact.facts.temperature,
        )
        beats = RecordingBeats(
            record=recording.source,
            lead=prepared.leads[0],
            samples=recording.samples,
            rate_hz=recording.rate_hz,
            times_s=peaks_s,
            probabilities=np.pad(probable, ((0, 0), (0, len(CLASSES) - probable.shape[1]))),
        )
        return beats, [*recording.notes, *prepared.notes]


def beats_of_recordings(
    names: Iterable[str],
    artifact: Artifact,
    *,
    lead: str | None = None,
    unit: str | None = None,
    rate_hz: float | None = None,
    ignore_checksum: bool = False,
    on_error: OnError,
    on_note: OnNote,
) -> Iterator[RecordingBeats]:
    """Beats of recordings, one by one in order.

    lead: as in `beats_of`. unit, rate_hz, ignore_checksum: as in `seqpool.io.ecg.recordings.open_recording`. A
    recording that cannot be read or judged is given to `on_error` and has no answer; what was missing or assumed to
    `on_note`. Raises UsageError where the model finds no beats.
    """
    beat_signal(artifact)

    def answer(opened: RecordingFile) -> tuple[RecordingBeats, list[str]]:
        return beats_of(opened, artifact, lead)

    yield from of_each_recording(
        names, answer, unit=unit, rate_hz=rate_hz, ignore_checksum=ignore_checksum, on_error=on_error, on_note=on_note
    )


BEAT_COLUMNS: dict[str, Any] = {
    "record": str, "lead": str, "beat": np.int64, "sample": np.int64, "time_s": np.float64, "class": str,
    **{f"p_{name}": np.float64 for name in CLASSES},
}  # fmt: skip


def beat_rows(beats: RecordingBeats, abstain_below: float | None = None) -> Columns:
    """A row per beat. abstain_below: a class less probable is left empty."""
    first = np.zeros(len(beats.times_s), dtype=np.int64)
    letters, place = np.unique(beats.classes(abstain_below).astype(str), return_inverse=True)
    return {
        "record": Repeated(np.array([beats.record], dtype=object), first),
        "lead": Repeated(np.array([beats.lead], dtype=object), first),
        "beat": np.arange(1, len(first) + 1),
        "sample": beats.peak_samples(),
        "time_s": beats.times_s,
        "class": Repeated(letters.astype(object), place),
        **{f"p_{name}": beats.probabilities[:, column] for column, name in enumerate(CLASSES)},
    }


def with_exact_times(rows: Columns) -> Columns:
    """The rows with times that a table writes to the millisecond, however late they are."""
    return {**rows, "time_s": Seconds(rows["time_s"])}


def drawn(beats: RecordingBeats, abstain_below: float | None = None) -> tuple[dict[str, Marks], str]:
    """Marks by lead, and the title, of a picture of the recording."""
    letters = [letter or UNCLASSIFIED for letter in beats.classes(abstain_below)]
    marks = Marks(beats=list(zip(beats.times_s.tolist(), letters, strict=True)))
    return {beats.lead: marks}, f"{Path(beats.record).name}   lead {beats.lead}"


def write_beats(folder: Path, name: str, beats: RecordingBeats, abstain_below: float | None = None) -> None:
    """Writes `folder/name.seqpool`: the class of each beat at its sample, Q where it is left open.

    Raises DataError without a beat or where the file cannot be written.
    """
    symbols = [letter or UNCLASSIFIED for letter in beats.classes(abstain_below)]
    write_annotations(folder, name, beats.peak_samples(), symbols, None, beats.rate_hz)
