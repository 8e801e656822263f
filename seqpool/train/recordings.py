"""Recordings with labels in a table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from seqpool.errors import DataError
from seqpool.io.delimited import read_delimited
from seqpool.io.ecg.recordings import read_recording
from seqpool.options.recordings import Recordings as Options
from seqpool.signal.preprocessing import prepare
from seqpool.train.data_module import DataModule, Parts
from seqpool.train.file_facts import file_facts
from seqpool.train.labelled_records import (
    Loaded,
    digest_of,
    folder_facts,
    sides_of,
    split_facts,
    targets_of,
    without_conflicts,
)
from seqpool.train.labels import column_of
from seqpool.train.messages import say
from seqpool.train.recording_part import RecordingPart, Values, varied
from seqpool.train.splits import SIDES


class Recordings(DataModule):
    """The data module of `seqpool.options.recordings.Recordings`."""

    record_class = Options
    options: Options

    def read(self) -> Parts:
        """Reads the table and every recording once, in memory: 4 bytes per sample of the network's input.

        Raises UsageError for a column that is not there, DataError for a bad cell or where no recording can be read.
        """
        options = self.options
        table = read_delimited(options.table, options.columns)
        names = list(column_of(table, options.record, "record", options.table))
        target, classes = targets_of(table, options.label_columns, options.class_names, self.target, options.table)
        notes: list[str] = []
        loaded = _load(names, options, notes)
        kept = without_conflicts(loaded, names, target, notes, "recordings")
        label = options.label_columns[0] if target.ndim == 1 else None
        side, folds, rule = sides_of(
            options.split, options.group, label, table, options.table, names, loaded, kept, notes
        )
        for note in notes:
            say(note)
        parts = [self._part(names, target, loaded, np.flatnonzero(side == number)) for number in range(len(SIDES))]
        train, validation, test = parts
        if train is None:
            raise DataError(f"{options.table}: no recording is left for train.")
        lengths = {values.shape[1] for values in loaded.values}
        return Parts(
            train=train,
            validation=validation,
            test=test,
            input=options.signal,
            classes=classes,
            facts={
                "data": type(options).__name__,
                "files": [file_facts(options.table), folder_facts(options.folder, loaded, "recordings")],
                **split_facts(side, target[loaded.rows], classes, folds, rule),
                "notes": notes,
            },
            length=lengths.pop() if len(lengths) == 1 and options.augment.crop_s is None else None,
        )

    def _part(
        self, names: Sequence[str], target: NDArray[np.float64], loaded: Loaded, places: NDArray[np.int64]
    ) -> RecordingPart | None:
        if not len(places):
            return None
        rows = loaded.rows[places]
        augment, rate_hz = self.options.augment, self.options.signal.rate_hz

        def varied_recording(values: Values, rng: np.random.Generator) -> Values:
            return varied(values, augment, rng, rate_hz)

        return RecordingPart(
            ids=[names[row] for row in rows],
            values=[loaded.values[place] for place in places],
            digests=[loaded.digests[place] for place in places],
            target=target[rows],
            number=rows,
            varied=varied_recording,
        )


def _load(names: Sequence[str], options: Options, notes: list[str]) -> Loaded:
    """Reads and prepares every recording of the table. Raises DataError where none can be read."""
    rows, values, digests = [], [], []
    failures: list[str] = []
    missing = 0
    for row, name in enumerate(tqdm(names, "reading", unit="rec", disable=not sys.stderr.isatty(), leave=False)):
        try:
            if not name:
                raise DataError(f"{options.table}: row {row + 1} names no recording.")
            path = str(Path(options.folder) / name)
            recording = read_recording(
                path, unit=options.unit, rate_hz=options.rate_hz, ignore_checksum=options.ignore_checksum
            )
            prepared = prepare(recording, options.signal)
        except DataError as error:
            failures.append(str(error))
            continue
        missing += bool(prepared.notes)
        rows.append(row)
        values.append(prepared.values)
        digests.append(digest_of(recording.signal, recording.rate_hz))
    if not rows:
        raise DataError(failures[0])
    if failures:
        notes.append(f"{len(failures)} recordings cannot be used and are left out (first: {failures[0]})")
    if missing:
        notes.append(f"{missing} recordings have missing samples, which are set to 0.")
    return Loaded(np.array(rows, dtype=np.int64), values, digests)
