"""Recordings whose waves are marked in annotation files."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from seqpool.errors import DataError, UsageError
from seqpool.io.delimited import read_delimited
from seqpool.io.ecg.recordings import find_recordings, read_recording
from seqpool.io.ecg.wave_annotations import AnnotatedWaves, read_waves
from seqpool.options.recordings import SignalAugmentation
from seqpool.options.recordings import Waves as Options
from seqpool.options.training import WAVE_OUTPUTS
from seqpool.records import Recording
from seqpool.signal.leads import lead_signal
from seqpool.signal.preprocessing import prepare_lead
from seqpool.train.data_module import DataModule, Parts
from seqpool.train.file_facts import file_facts
from seqpool.train.groups import numbered
from seqpool.train.labels import column_of
from seqpool.train.messages import say
from seqpool.train.splits import LEFT_OUT, SIDES, TRAIN, Rows, divide
from seqpool.train.wave_part import LabelledLead, WaveBatches, WavePart, unknown_stretches


@dataclass(frozen=True)
class MarkedRecording:
    """A recording whose judged lead has marks.

    name: in the folder. path: as it can be read. digest: of its samples. leads: by name, the judged one first.
    marked: the judged lead's marks in samples of the recording; rate_hz: of the recording.
    """

    name: str
    path: str
    digest: str
    leads: dict[str, LabelledLead]
    marked: AnnotatedWaves
    rate_hz: float


class Waves(DataModule):
    """The data module of `seqpool.options.recordings.Waves`."""

    record_class = Options
    batches_class = WaveBatches
    options: Options

    def read(self) -> Parts:
        """Reads every recording with its marks once, in memory.

        Raises UsageError for a column that is not there, DataError where no recording has marks in the judged lead.
        """
        options = self.options
        if self.target != "waves":
            raise UsageError("data Waves has a label for every sample: it goes with the model WaveModel.")
        notes: list[str] = []
        # each fold of a cross-validation reads the same recordings
        self.recordings, failures = _load(replace(options, split=None, augment=SignalAugmentation()))
        if failures:
            notes.append(f"{len(failures)} recordings cannot be used and are left out (first: {failures[0]})")
        names = [one.name for one in self.recordings]
        in_fibrillation = self._in_fibrillation(names)
        side = np.full(len(names), TRAIN, dtype=np.int8)
        folds: tuple[str, ...] = ()
        rule: dict[str, Any] = {}
        if options.split is not None:
            rows = Rows(names, numbered([one.digest for one in self.recordings]), {})
            division = divide(options.split, rows)
            side, folds, rule = division.side, division.folds, division.facts["rule"]
            notes += division.notes
        for note in notes:
            say(note)
        parts = [self._part(np.flatnonzero(side == number), in_fibrillation) for number in range(len(SIDES))]
        train, validation, test = parts
        if train is None:
            raise DataError(f"{options.folder}: no recording is left for train.")
        return Parts(
            train=train,
            validation=validation,
            test=test,
            input=options.signal,
            classes=WAVE_OUTPUTS,
            facts={
                "data": type(options).__name__,
                "files": self._files(),
                "leads": {"judged": options.signal.leads[0], "also trained on": list(options.other_leads)},
                "split": {
                    "rule": rule,
                    "rows": {name: int((side == number).sum()) for number, name in enumerate(SIDES)},
                    "left_out": int((side == LEFT_OUT).sum()),
                },
                "folds": list(folds),
                "notes": notes,
            },
        )

    def _files(self) -> list[dict[str, Any]]:
        together = hashlib.sha256("".join(one.digest for one in self.recordings).encode()).hexdigest()
        folder = {
            "name": Path(self.options.folder).name,
            "recordings": len(self.recordings),
            "sha256_of_digests": together,
        }
        return [folder] if self.options.table is None else [folder, file_facts(self.options.table)]

    def _in_fibrillation(self, names: list[str]) -> NDArray[np.bool_]:
        """(recordings,) whether the table speaks of fibrillation or flutter."""
        options = self.options
        if options.table is None:
            return np.zeros(len(names), dtype=bool)
        table = read_delimited(options.table, None)
        keys = column_of(table, options.record, "record", options.table)
        rhythms = column_of(table, options.rhythm, "rhythm", options.table)
        rhythm_of = {Path(key.strip()).name: rhythm.lower() for key, rhythm in zip(keys, rhythms, strict=True)}
        missing = [name for name in names if Path(name).name not in rhythm_of]
        if missing:
            raise DataError(f"{options.table} has no row for {len(missing)} recordings (first: {missing[0]}).")
        words = [word.lower() for word in options.fibrillation]
        return np.array([any(word in rhythm_of[Path(name).name] for word in words) for name in names])

    def _part(self, places: NDArray[np.int64], in_fibrillation: NDArray[np.bool_]) -> WavePart | None:
        if not len(places):
            return None
        chosen = [self.recordings[place] for place in places]
        return WavePart(
            ids=[one.name for one in chosen],
            digests=[one.digest for one in chosen],
            leads=[one.leads for one in chosen],
            fibrillation=in_fibrillation[places],
            number=places,
            augment=self.options.augment,
            rate_hz=self.options.signal.rate_hz,
            others_each=self.options.other_leads_each,
            without_p_times=self.options.without_p_times,
        )

    def recording(self, name: str) -> MarkedRecording:
        """A recording by its name in the folder."""
        return next(one for one in self.recordings if one.name == name)


@lru_cache(maxsize=1)
def _load(options: Options) -> tuple[list[MarkedRecording], list[str]]:
    """The recordings, and a sentence for each that cannot be used. Raises DataError where none can."""
    found: list[MarkedRecording] = []
    failures: list[str] = []
    paths = find_recordings([options.folder])
    for path in tqdm(paths, "reading", unit="rec", disable=not sys.stderr.isatty(), leave=False):
        try:
            found.append(_marked_recording(path, options))
        except DataError as error:
            failures.append(str(error))
    if not found:
        raise DataError(failures[0])
    return found, failures


def _marked_recording(path: str, options: Options) -> MarkedRecording:
    recording = read_recording(path)
    judged = options.signal.leads[0]
    leads, marked = {}, None
    for name in (judged, *(one for one in options.other_leads if one.lower() != judged.lower())):
        try:
            waves = read_waves(recording.source, options.annotator or name.lower())
            leads[name] = _labelled_lead(recording, name, waves, options)
        except DataError:
            if name == judged:
                raise
            continue
        marked = marked or waves
    assert marked is not None
    content = recording.signal.tobytes() + repr(recording.rate_hz).encode()
    return MarkedRecording(
        name=os.path.relpath(recording.source, options.folder),
        path=path,
        digest=hashlib.sha1(content).hexdigest()[:16],
        leads=leads,
        marked=marked,
        rate_hz=recording.rate_hz,
    )


def _labelled_lead(recording: Recording, name: str, annotated: AnnotatedWaves, options: Options) -> LabelledLead:
    signal = lead_signal(recording, name)
    what = f"{recording.source}: lead {name}"
    if signal is None:
        raise DataError(f"{what} is not in the recording (the leads are {', '.join(recording.leads)}).")
    if annotated.span is None or len(annotated.waves) == 0:
        raise DataError(f"{what} has no wave marked.")
    values, _ = prepare_lead(signal, recording.rate_hz, options.signal, what)
    scale = options.signal.rate_hz / recording.rate_hz
    waves = annotated.waves.moved(0.0, scale)
    unclear = [(begin * scale - 1, end * scale + 1) for begin, end in annotated.unclear]
    return LabelledLead(
        values=values[None],
        waves=waves,
        known=(annotated.span[0] * scale, annotated.span[1] * scale),
        unknown=(*unknown_stretches(waves, options.signal.rate_hz), *unclear),
    )
