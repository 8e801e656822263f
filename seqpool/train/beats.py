"""Recordings whose beats are marked in annotation files."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from seqpool.errors import DataError, UsageError
from seqpool.io.ecg.annotations import Annotations, read_annotations
from seqpool.io.ecg.recordings import find_recordings, read_recording
from seqpool.options.beat_inputs import BeatSignal
from seqpool.options.beats import Beats as Options
from seqpool.options.training import BEAT_CLASSES
from seqpool.signal.beat_inputs import beat_inputs
from seqpool.signal.leads import choose_lead
from seqpool.signal.preprocessing import prepare
from seqpool.train.beat_part import BeatBatches, BeatPart, MarkedBeats
from seqpool.train.data_module import DataModule, Parts
from seqpool.train.groups import numbered
from seqpool.train.messages import say
from seqpool.train.splits import LEFT_OUT, SIDES, TRAIN, Rows, divide


@dataclass(frozen=True)
class MarkedRecording:
    """A recording whose beats are marked.

    name: in the folder. digest: of its samples. lead: the one that is used. rate_hz: of the recording. beats: as the
    networks eat them.
    """

    name: str
    digest: str
    lead: str
    rate_hz: float
    beats: MarkedBeats


class Beats(DataModule):
    """The data module of `seqpool.options.beats.Beats`."""

    record_class = Options
    batches_class = BeatBatches
    options: Options

    def read(self) -> Parts:
        """Reads every recording with its marks once, in memory: some 15 MB for half an hour.

        Raises UsageError for a model of other answers, DataError where no recording has beats marked.
        """
        options = self.options
        if self.target != "beats":
            raise UsageError("data Beats has a class for every beat: it goes with the model BeatModel.")
        notes: list[str] = []
        # each fold of a cross-validation, and whatever it trains on, reads the same recordings
        self.recordings, failures = _load(options.folder, options.annotator, options.signal)
        if failures:
            notes.append(f"{len(failures)} recordings cannot be used and are left out (first: {failures[0]})")
        names = [one.name for one in self.recordings]
        side = np.full(len(names), TRAIN, dtype=np.int8)
        folds: tuple[str, ...] = ()
        rule: dict[str, Any] = {}
        if options.split is not None:
            division = divide(options.split, Rows(names, numbered([one.digest for one in self.recordings]), {}))
            side, folds, rule = division.side, division.folds, division.facts["rule"]
            notes += division.notes
        for note in notes:
            say(note)
        train, validation, test = (self._part(np.flatnonzero(side == number)) for number in range(len(SIDES)))
        if train is None:
            raise DataError(f"{options.folder}: no recording is left for train.")
        return Parts(
            train=train,
            validation=validation,
            test=test,
            input=options.signal,
            classes=BEAT_CLASSES,
            facts={
                "data": type(options).__name__,
                "files": [self._folder()],
                "leads": {one.name: one.lead for one in self.recordings},
                "split": {
                    "rule": rule,
                    "rows": {name: int((side == number).sum()) for number, name in enumerate(SIDES)},
                    "left_out": int((side == LEFT_OUT).sum()),
                },
                "folds": list(folds),
                "classes": {name: self._counts(np.flatnonzero(side == number)) for number, name in enumerate(SIDES)},
                "mapping": "AAMI; atrial and nodal escape beats (e, j) are N",
                "notes": notes,
            },
        )

    def _folder(self) -> dict[str, Any]:
        together = hashlib.sha256("".join(one.digest for one in self.recordings).encode()).hexdigest()
        return {
            "name": Path(self.options.folder).name,
            "recordings": len(self.recordings),
            "sha256_of_digests": together,
        }

    def _counts(self, places: NDArray[np.int64]) -> dict[str, int]:
        classes = [name for place in places for name in self.recordings[place].beats.classes]
        return {name: classes.count(name) for name in (*BEAT_CLASSES, "Q")}

    def _part(self, places: NDArray[np.int64]) -> BeatPart | None:
        if not len(places):
            return None
        options = self.options
        chosen = [self.recordings[place] for place in places]
        return BeatPart(
            ids=[one.name for one in chosen],
            digests=[one.digest for one in chosen],
            recordings=[one.beats for one in chosen],
            number=places,
            options=options,
        )

    def recording(self, name: str) -> MarkedRecording:
        """A recording by its name in the folder."""
        return next(one for one in self.recordings if one.name == name)


@lru_cache(maxsize=1)
def _load(folder: str, annotator: str, signal: BeatSignal) -> tuple[list[MarkedRecording], list[str]]:
    """The recordings, and a sentence for each that cannot be used. Raises DataError where none can."""
    found: list[MarkedRecording] = []
    failures: list[str] = []
    paths = find_recordings([folder])
    for path in tqdm(paths, "reading", unit="rec", disable=not sys.stderr.isatty(), leave=False):
        try:
            found.append(_marked_recording(path, folder, annotator, signal))
        except DataError as error:
            failures.append(str(error))
    if not found:
        raise DataError(failures[0])
    return found, failures


def _marked_recording(path: str, folder: str, annotator: str, signal: BeatSignal) -> MarkedRecording:
    recording = read_recording(path)
    marks = read_annotations(recording.source, annotator, samples=recording.signal.shape[1])
    places, classes = marks.beats()
    if len(places) < 2:
        raise DataError(f"{recording.source}.{annotator}: fewer than two beats are marked.")
    lead = choose_lead(recording, None, signal.leads)
    values = prepare(recording, signal, lead).values
    peaks_s = places / recording.rate_hz
    difference, features = beat_inputs(values[0], signal.rate_hz, peaks_s, signal.beats)
    content = recording.signal.tobytes() + repr(recording.rate_hz).encode()
    return MarkedRecording(
        name=os.path.relpath(recording.source, folder),
        digest=hashlib.sha1(content).hexdigest()[:16],
        lead=lead,
        rate_hz=recording.rate_hz,
        beats=MarkedBeats(
            values=values,
            peaks_s=peaks_s,
            classes=classes,
            difference=difference,
            features=features,
            flutter_s=flutter_episodes(marks, recording.rate_hz, recording.duration_s),
        ),
    )


def flutter_episodes(marks: Annotations, rate_hz: float, duration_s: float) -> tuple[tuple[float, float], ...]:
    """(start, end) in seconds of the episodes of ventricular flutter, `[` to `]`; one without an end lasts on."""
    episodes, start = [], None
    for sample, symbol in zip(marks.sample.tolist(), marks.symbol, strict=True):
        if symbol == "[" and start is None:
            start = sample / rate_hz
        elif symbol == "]" and start is not None:
            episodes.append((start, sample / rate_hz))
            start = None
    if start is not None:
        episodes.append((start, duration_s))
    return tuple(episodes)
