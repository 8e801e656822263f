"""Audio files with labels in folders, file names or a table."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from seqpool.errors import DataError
from seqpool.io.audio import find_audio, read_audio, without_ending
from seqpool.io.delimited import read_delimited
from seqpool.options.audio import LABEL
from seqpool.options.audio import AudioClips as Options
from seqpool.signal.sound import prepare_sound
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
from seqpool.train.recording_part import RecordingPart, Values
from seqpool.train.sound_variation import varied_sound
from seqpool.train.splits import SIDES


class AudioClips(DataModule):
    """The data module of `seqpool.options.audio.AudioClips`."""

    record_class = Options
    options: Options

    def read(self) -> Parts:
        """Reads every clip once, in memory: 4 bytes per sample of the network's input.

        Raises UsageError for a column that is not there, DataError for a bad cell, a file name that does not fit the
        pattern, or where no clip can be read.
        """
        options = self.options
        source = options.table or options.folder
        table, names = labelled_files(options)
        target, classes = targets_of(table, options.label_columns, options.class_names, self.target, source)
        notes: list[str] = []
        loaded = _load(names, options, notes)
        kept = without_conflicts(loaded, names, target, notes, "clips")
        label = options.label_columns[0] if target.ndim == 1 else None
        side, folds, rule = sides_of(options.split, options.group, label, table, source, names, loaded, kept, notes)
        for note in notes:
            say(note)
        parts = [self._part(names, target, loaded, np.flatnonzero(side == number)) for number in range(len(SIDES))]
        train, validation, test = parts
        if train is None:
            raise DataError(f"{source}: no clip is left for train.")
        files = [file_facts(options.table)] if options.table is not None else []
        lengths = {values.shape[1] for values in loaded.values}
        return Parts(
            train=train,
            validation=validation,
            test=test,
            input=options.signal,
            classes=classes,
            facts={
                "data": type(options).__name__,
                "files": [*files, folder_facts(options.folder, loaded, "clips")],
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

        def varied(values: Values, rng: np.random.Generator) -> Values:
            return varied_sound(values, augment, rng, rate_hz)

        return RecordingPart(
            ids=[without_ending(names[row]) for row in rows],
            values=[loaded.values[place] for place in places],
            digests=[loaded.digests[place] for place in places],
            target=target[rows],
            number=rows,
            varied=varied,
        )


def labelled_files(options: Options) -> tuple[dict[str, list[str]], list[str]]:
    """Columns by name, and the files' names below the folder, row by row.

    Raises UsageError, DataError.
    """
    if options.table is not None:
        table = read_delimited(options.table, options.columns)
        return table, list(column_of(table, options.record, "record", options.table))
    if not Path(options.folder).is_dir():
        raise DataError(f"{options.folder}: there is no such folder; data.folder names where the audio files are.")
    files = [Path(name) for name in find_audio([options.folder])]
    names = [str(file.relative_to(options.folder)) for file in files]
    pattern = options.name_pattern
    if pattern is None:
        return {LABEL: [file.parent.name for file in files]}, names
    table = {name: [] for name in pattern.groupindex}
    for file in files:
        found = pattern.fullmatch(without_ending(file.name))
        if found is None:
            raise DataError(f"{file}: the name does not fit the pattern {options.labels} of data.labels.")
        for name, text in found.groupdict().items():
            table[name].append(text)
    return table, names


def _load(names: Sequence[str], options: Options, notes: list[str]) -> Loaded:
    """Reads and prepares every clip; what was done to how many is noted. Raises DataError where none can be read."""
    rows, values, digests = [], [], []
    failures: list[str] = []
    done: Counter[str] = Counter()
    for row, name in enumerate(tqdm(names, "reading", unit="clip", disable=not sys.stderr.isatty(), leave=False)):
        try:
            if not name:
                raise DataError(f"{options.table}: row {row + 1} names no file.")
            clip = read_audio(Path(options.folder) / name)
        except DataError as error:
            failures.append(str(error))
            continue
        prepared, steps, _ = prepare_sound(clip.samples, clip.rate_hz, options.signal)
        done.update([*clip.notes, *steps])
        rows.append(row)
        values.append(prepared)
        digests.append(digest_of(clip.samples, clip.rate_hz))
    if not rows:
        raise DataError(failures[0])
    notes += [f"{count} of {len(rows)} clips: {step}." for step, count in done.items()]
    if failures:
        notes.append(f"{len(failures)} clips cannot be used and are left out (first: {failures[0]})")
    return Loaded(np.array(rows, dtype=np.int64), values, digests)
