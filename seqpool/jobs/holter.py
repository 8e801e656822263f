"""Holter reports of recordings: beats and rhythm in, figures, episodes and strips of the worst moments out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.artifact import Artifact, load_artifact
from seqpool.errors import DataError, UsageError
from seqpool.io.ecg.annotations import AAMI_CLASS, read_annotations
from seqpool.io.ecg.recording_file import RecordingFile
from seqpool.io.ecg.recordings import open_recording
from seqpool.io.ecg.rhythm_notes import rhythms_of
from seqpool.jobs.beats import beat_signal, beats_of
from seqpool.jobs.classify import ClassifiedRecording, classified, signal_input
from seqpool.jobs.recording_inputs import OnError, OnNote, raised
from seqpool.records import Recording
from seqpool.signal.fibrillation import irregular
from seqpool.signal.holter_report import HolterReport, Rhythm, holter_report
from seqpool.signal.leads import choose_lead, lead_signal
from seqpool.signal.silence import Silence
from seqpool.signal.stretches import Stretches, stretches
from seqpool.signal.windows import window_parts
from seqpool.zoo.shipped import default_model, model_file

Times = NDArray[np.float64]

AF_NAMES = ("af", "a", "afib")
"""Classes, in small letters, that mean atrial fibrillation."""

NOISE_NAMES = ("noise", "~")
"""Classes that mean that a window cannot be analysed."""

JOBS = {"beats": "beats", "recording": "rhythms"}
"""Jobs of the models that make a report, and what they tell."""

BLOCK_S = 300
"""Seconds that are read at once."""


@dataclass(frozen=True)
class Reading:
    """How recordings are read: the options of every command for recordings."""

    lead: str | None = None
    unit: str | None = None
    rate_hz: float | None = None
    ignore_checksum: bool = False

    def opened(self, name: str) -> RecordingFile:
        """The recording. Raises DataError."""
        return open_recording(name, unit=self.unit, rate_hz=self.rate_hz, ignore_checksum=self.ignore_checksum)


@dataclass(frozen=True)
class Found:
    """Beats of a recording: of the lead that they were found in, or the first one where annotations give them.

    rhythm: where the same source tells it too.
    """

    lead: str
    times_s: Times
    classes: NDArray[np.str_]
    rhythm: Rhythm | None = None


@dataclass(frozen=True)
class RecordingHolter:
    """The report of a recording, and the recording itself, to draw strips of."""

    opened: RecordingFile
    lead: str
    report: HolterReport


def annotated(opened: RecordingFile, annotator: str, lead: str | None) -> tuple[Found, tuple[str, ...]]:
    """Beats and rhythm from the annotation file beside a recording, and notes. Raises DataError."""
    marks = read_annotations(opened.source, annotator, samples=opened.samples)
    places = [place for place, symbol in enumerate(marks.symbol) if symbol in AAMI_CLASS]
    sample, first = np.unique(marks.sample[places], return_index=True)
    classes = np.array([AAMI_CLASS[marks.symbol[places[at]]] for at in first], dtype=np.str_)
    by_name: dict[str, list[tuple[float, float]]] = {}
    for name, start, stop in rhythms_of(marks, opened.samples):
        by_name.setdefault(name, []).append((start / opened.rate_hz, stop / opened.rate_hz))
    rhythm = None
    if by_name:
        rhythm = Rhythm(
            judged=stretches(pair for pairs in by_name.values() for pair in pairs),
            af=stretches(by_name.get("af", ())),
            other={name: stretches(pairs) for name, pairs in by_name.items() if name not in ("af", "normal")},
        )
    shown = choose_lead(opened, lead, opened.leads)
    return Found(shown, sample / opened.rate_hz, classes, rhythm), marks.notes


def judged_rhythm(
    name: str, opened: RecordingFile, artifact: Artifact, beats: Found, reading: Reading, on_note: OnNote
) -> tuple[Rhythm, Stretches]:
    """What a model of rhythms says, window by window, and where it says that there is only noise.

    The lead is the model's first choice that is there, else that of the beats. A window is in fibrillation where the
    model says so and the beats do not contradict it by their regularity. Raises DataError, and UsageError for a model
    that does not tell atrial fibrillation.
    """
    if not any(one.lower() in AF_NAMES for one in artifact.facts.classes):
        listed = ", ".join(artifact.facts.classes)
        raise UsageError(f"the model of rhythms tells no atrial fibrillation (its classes are {listed}).")
    lead = reading.lead
    if lead is None and not signal_input(artifact).all_leads:
        try:
            lead = choose_lead(opened, None, signal_input(artifact).leads)
        except DataError:
            lead = beats.lead
    results = classified(
        [name],
        artifact,
        lead=lead,
        unit=reading.unit,
        rate_hz=reading.rate_hz,
        ignore_checksum=reading.ignore_checksum,
        on_error=raised,
        on_note=on_note,
    )
    return _rhythm_of(next(results), beats)


def _rhythm_of(result: ClassifiedRecording, beats: Found) -> tuple[Rhythm, Stretches]:
    parts = list(zip(*window_parts(result.start_s, result.end_s), strict=True))
    windows = zip(result.start_s.tolist(), result.end_s.tolist(), strict=True)
    decided = [set(names.lower().split(";")) for names in result.windows.decision_names()]
    af, noise = [], []
    for part, (start_s, end_s), names in zip(parts, windows, decided, strict=True):
        if not names.isdisjoint(NOISE_NAMES):
            noise.append(part)
        elif not names.isdisjoint(AF_NAMES) and irregular(beats.times_s, beats.classes, start_s, end_s) is not False:
            af.append(part)
    everything = stretches([(0.0, result.duration_s)])
    return Rhythm(judged=everything, af=stretches(af)), stretches(noise)


def unreadable(opened: RecordingFile, lead: str) -> Stretches:
    """Gaps of the recording, and where the lead is missing or constant for seconds. Reads it once, in blocks."""
    silence = Silence(opened.rate_hz)
    for block in opened.blocks(max(round(BLOCK_S * opened.rate_hz), 1)):
        signal = lead_signal(Recording(block, opened.rate_hz, opened.leads, opened.source), lead)
        assert signal is not None
        silence.feed(signal)
    gaps = [(start / opened.rate_hz, stop / opened.rate_hz) for start, stop in opened.gaps]
    return stretches([*gaps, *silence.found().tolist()])


@dataclass(frozen=True)
class Sources:
    """Where beats and rhythm come from: annotations, or a model of each; one of beats is there where no annotator is. A
    file's rhythm notes go before a model."""

    annotator: str | None = None
    beat_model: Artifact | None = None
    rhythm_model: Artifact | None = None


def chosen_sources(annotator: str | None, models: Sequence[str], on_note: OnNote) -> Sources:
    """What `--beats` and `--model` choose, else the shipped models. Without one of rhythms, which is noted, a report
    tells no fibrillation. Raises UsageError for models of other kinds, two of one, or none of beats."""
    by_job: dict[str, Artifact] = {}
    for model in models:
        artifact = load_artifact(model_file(model))
        job = artifact.facts.job
        if job not in JOBS:
            raise UsageError(f"--model {model} is for neither beats nor rhythms (its job is {job}).")
        if job in by_job:
            raise UsageError(f"--model {model}: a second model of {JOBS[job]}, expected one.")
        by_job[job] = artifact
    rhythm = by_job.get("recording")
    if rhythm is None:
        try:
            rhythm = load_artifact(default_model("rhythm"))
        except UsageError as error:
            on_note(f"atrial fibrillation is told from rhythm notes only: {error}")
    beats = by_job.get("beats")
    if beats is None and annotator is None:
        beats = load_artifact(default_model("beats"))
    if beats is not None:
        beat_signal(beats)
    return Sources(annotator, beats, rhythm)


def holter_reports(
    names: Iterable[str], sources: Sources, reading: Reading, *, on_error: OnError, on_note: OnNote
) -> Iterator[RecordingHolter]:
    """Reports of recordings, one by one in order, in memory that grows with the beats only.

    A recording that cannot be judged is given to `on_error` and has no report; what was missing or assumed to
    `on_note`. Raises UsageError for models of another kind.
    """
    for name in names:
        try:
            yield _reported(name, sources, reading, on_note)
        except DataError as error:
            on_error(error)
        except OSError as error:
            on_error(DataError(f"{name}: cannot be read: {error.strerror or error}."))


def _reported(name: str, sources: Sources, reading: Reading, on_note: OnNote) -> RecordingHolter:
    opened = reading.opened(name)
    said: set[str] = set()

    def note_once(sentence: str) -> None:
        if sentence not in said:
            said.add(sentence)
            on_note(sentence)

    found, notes = _beats(opened, sources, reading)
    for note in notes:
        note_once(f"{opened.source}: {note}.")
    gaps = unreadable(opened, found.lead)
    rhythm = found.rhythm
    if rhythm is None and sources.rhythm_model is not None:
        rhythm, noise = judged_rhythm(name, opened, sources.rhythm_model, found, reading, note_once)
        gaps = stretches([*gaps.tolist(), *noise.tolist()])
    report = holter_report(found.times_s, found.classes, rhythm, gaps, opened.duration_s)
    return RecordingHolter(opened, found.lead, report)


def _beats(opened: RecordingFile, sources: Sources, reading: Reading) -> tuple[Found, Sequence[str]]:
    if sources.annotator is not None:
        return annotated(opened, sources.annotator, reading.lead)
    assert sources.beat_model is not None
    beats, notes = beats_of(opened, sources.beat_model, reading.lead)
    return Found(beats.lead, beats.times_s, beats.classes().astype(np.str_)), notes
