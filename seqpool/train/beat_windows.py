"""Windows around the marked beats of recordings, each with its class."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from seqpool.errors import DataError, UsageError
from seqpool.io.ecg.annotations import read_annotations
from seqpool.io.ecg.recordings import find_recordings, read_recording
from seqpool.options.beat_windows import BeatWindows as Options
from seqpool.signal.leads import choose_lead
from seqpool.signal.preprocessing import prepare
from seqpool.train.data_module import DataModule, Parts
from seqpool.train.groups import numbered
from seqpool.train.labelled_records import Loaded, digest_of, folder_facts, split_facts
from seqpool.train.messages import say
from seqpool.train.recording_part import RecordingPart, Values, varied
from seqpool.train.splits import SIDES, TRAIN, Rows, divide, rule_of


@dataclass(frozen=True)
class _Windows:
    """Of one recording: windows (beats, 1, samples), the sample of each R peak, and the class number of each."""

    name: str
    digest: str
    values: Values
    places: NDArray[np.int64]
    classes: NDArray[np.int64]


class BeatWindows(DataModule):
    """The data module of `seqpool.options.beat_windows.BeatWindows`; a row's name is `RECORD:SAMPLE`."""

    record_class = Options
    options: Options

    def read(self) -> Parts:
        """Reads every recording with its marks once, in memory: 4 bytes per sample of a window.

        Raises UsageError for a target that is no class, DataError where no recording has such beats.
        """
        options = self.options
        if self.target not in ("binary", "multiclass"):
            raise UsageError("data BeatWindows has one class for each row: set model.target to binary or multiclass.")
        notes: list[str] = []
        recordings = self._load(notes)
        side = np.full(len(recordings), TRAIN, dtype=np.int8)
        folds: tuple[str, ...] = ()
        if options.split is not None:
            content = numbered([one.digest for one in recordings])
            division = divide(options.split, Rows([one.name for one in recordings], content, {}))
            side, folds = division.side, division.folds
            notes += division.notes
        for note in notes:
            say(note)
        train, validation, test = (self._part(recordings, side, number) for number in range(len(SIDES)))
        if train is None:
            raise DataError(f"{options.folder}: no recording is left for train.")
        values, digests = [one.values for one in recordings], [one.digest for one in recordings]
        every = Loaded(np.arange(len(recordings)), values, digests)
        beats = np.concatenate([one.classes for one in recordings])
        side_of_beats = np.repeat(side, [len(one.classes) for one in recordings])
        rule = {} if options.split is None else rule_of(options.split)
        return Parts(
            train=train,
            validation=validation,
            test=test,
            input=options.signal,
            classes=options.classes,
            facts={
                "data": type(options).__name__,
                "files": [folder_facts(options.folder, every, "recordings")],
                **split_facts(side_of_beats, beats.astype(np.float64), options.classes, folds, rule),
                "mapping": "AAMI; atrial and nodal escape beats (e, j) are N",
                "notes": notes,
            },
            length=recordings[0].values.shape[2],
        )

    def _load(self, notes: list[str]) -> list[_Windows]:
        found: list[_Windows] = []
        failures: list[str] = []
        paths = find_recordings([self.options.folder])
        for path in tqdm(paths, "reading", unit="rec", disable=not sys.stderr.isatty(), leave=False):
            try:
                found.append(_windows_of(path, self.options))
            except DataError as error:
                failures.append(str(error))
        if not found:
            raise DataError(failures[0] if failures else f"{self.options.folder} holds no recording.")
        if failures:
            notes.append(f"{len(failures)} recordings cannot be used and are left out (first: {failures[0]})")
        return found

    def _part(self, recordings: list[_Windows], side: NDArray[np.int8], number: int) -> RecordingPart | None:
        chosen = [one for one, own in zip(recordings, side, strict=True) if own == number]
        if not chosen:
            return None
        target = np.concatenate([one.classes for one in chosen])
        kept = np.arange(len(target))
        if number == TRAIN and self.options.most_each is not None:
            kept = np.sort(np.concatenate([_evenly(np.flatnonzero(target == i), self.options.most_each)
                                           for i in range(len(self.options.classes))]))  # fmt: skip
        names = [f"{one.name}:{place}" for one in chosen for place in one.places.tolist()]
        values = [window for one in chosen for window in one.values]
        digests = [digest_of(values[row], self.options.signal.rate_hz) for row in kept]
        augment, rate_hz = self.options.augment, self.options.signal.rate_hz

        def varied_window(window: Values, rng: np.random.Generator) -> Values:
            return varied(window, augment, rng, rate_hz)

        return RecordingPart(
            ids=[names[row] for row in kept],
            values=[values[row] for row in kept],
            digests=digests,
            target=target[kept].astype(np.float64),
            number=kept,
            varied=varied_window,
        )


def _evenly(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many of the rows, at equal distances."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]


def _windows_of(path: str, options: Options) -> _Windows:
    recording = read_recording(path)
    marks = read_annotations(recording.source, options.annotator, samples=recording.signal.shape[1])
    places, names = marks.beats()
    signal = options.signal
    values = prepare(recording, signal, choose_lead(recording, None, signal.leads)).values
    before, after = round(options.before_s * signal.rate_hz), round(options.after_s * signal.rate_hz)
    peaks = np.rint(places / recording.rate_hz * signal.rate_hz).astype(np.int64)
    number = {name: i for i, name in enumerate(options.classes)}
    classes = np.array([number.get(name, -1) for name in names], dtype=np.int64)
    kept = (classes >= 0) & (peaks >= before) & (peaks + after <= values.shape[1])
    if not kept.any():
        raise DataError(f"{recording.source}.{options.annotator}: no beat of {', '.join(options.classes)} is marked.")
    return _Windows(
        name=os.path.relpath(recording.source, options.folder),
        digest=digest_of(recording.signal, recording.rate_hz),
        values=np.stack([values[:, peak - before : peak + after] for peak in peaks[kept].tolist()]),
        places=places[kept],
        classes=classes[kept],
    )
