"""Recordings with labels in a table."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from seqpool.errors import DataError, UsageError
from seqpool.io.delimited import read_delimited
from seqpool.io.ecg.recordings import read_recording
from seqpool.options.recordings import Recordings as Options
from seqpool.signal.preprocessing import prepare
from seqpool.train.data_module import DataModule, Parts
from seqpool.train.file_facts import file_facts
from seqpool.train.groups import joined, numbered
from seqpool.train.labels import NUMBERS, class_targets, column_of, named_targets, numbers_of, require_labels
from seqpool.train.messages import say
from seqpool.train.recording_part import RecordingPart, Values
from seqpool.train.splits import LEFT_OUT, SIDES, TRAIN, Rows, Sides, divide, rule_of


@dataclass(frozen=True)
class _Loaded:
    """The recordings that could be read. rows: (recordings,) their rows in the table. values: prepared. digests: of
    samples and rate as read."""

    rows: NDArray[np.int64]
    values: list[Values]
    digests: list[str]


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
        target, classes = self._target(table)
        notes: list[str] = []
        loaded = _load(names, options, notes)
        kept = _without_conflicts(loaded, names, target, notes)
        side, folds, rule = _sides(options, table, names, loaded, kept, classes_only=target.ndim == 1, notes=notes)
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
                "files": [file_facts(options.table), _folder_facts(options.folder, loaded)],
                "split": {
                    "rule": rule,
                    "rows": {name: int((side == number).sum()) for number, name in enumerate(SIDES)},
                    "left_out": int((side == LEFT_OUT).sum()),
                },
                "folds": list(folds),
                "classes": _class_counts(side, target[loaded.rows], classes),
                "notes": notes,
            },
            length=lengths.pop() if len(lengths) == 1 and options.augment.crop_s is None else None,
        )

    def _target(self, table: dict[str, list[str]]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        """(rows,) class index, or (rows, targets) numbers; and the names of classes or targets."""
        options = self.options
        labels = [column_of(table, name, "labels", options.table) for name in options.label_columns]
        if self.target in NUMBERS:
            columns = zip(labels, options.label_columns, strict=True)
            return np.stack([numbers_of(cells, name, options.table) for cells, name in columns], axis=1), (
                options.label_columns
            )
        if len(labels) != 1:
            raise UsageError(
                f"data.labels lists {len(labels)} columns, which goes with target multilabel or regression; "
                "binary and multiclass take one."
            )
        require_labels(labels[0], options.label_columns[0], options.table)
        if options.class_names:
            return named_targets(labels[0], options.class_names, options.label_columns[0], options.table)
        return class_targets(labels[0])

    def _part(
        self, names: Sequence[str], target: NDArray[np.float64], loaded: _Loaded, places: NDArray[np.int64]
    ) -> RecordingPart | None:
        if not len(places):
            return None
        rows = loaded.rows[places]
        return RecordingPart(
            ids=[names[row] for row in rows],
            values=[loaded.values[place] for place in places],
            digests=[loaded.digests[place] for place in places],
            target=target[rows],
            number=rows,
            augment=self.options.augment,
            rate_hz=self.options.signal.rate_hz,
        )


def _load(names: Sequence[str], options: Options, notes: list[str]) -> _Loaded:
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
        content = np.ascontiguousarray(recording.signal).tobytes() + repr(recording.rate_hz).encode()
        digests.append(hashlib.sha1(content).hexdigest()[:16])
    if not rows:
        raise DataError(failures[0])
    if failures:
        notes.append(f"{len(failures)} recordings cannot be used and are left out (first: {failures[0]})")
    if missing:
        notes.append(f"{missing} recordings have missing samples, which are set to 0.")
    return _Loaded(np.array(rows, dtype=np.int64), values, digests)


def _without_conflicts(
    loaded: _Loaded, names: Sequence[str], target: NDArray[np.float64], notes: list[str]
) -> NDArray[np.bool_]:
    """(recordings,) False where the same samples carry two labels."""
    labels: dict[str, set[bytes]] = {}
    for row, digest in zip(loaded.rows, loaded.digests, strict=True):
        labels.setdefault(digest, set()).add(target[row].tobytes())
    kept = np.array([len(labels[digest]) == 1 for digest in loaded.digests])
    if not kept.all():
        first = names[int(loaded.rows[np.flatnonzero(~kept)[0]])]
        notes.append(f"{int((~kept).sum())} recordings have samples that carry two labels (first: {first}): dropped.")
    return kept


def _sides(
    options: Options,
    table: dict[str, list[str]],
    names: Sequence[str],
    loaded: _Loaded,
    kept: NDArray[np.bool_],
    *,
    classes_only: bool,
    notes: list[str],
) -> tuple[Sides, tuple[str, ...], dict[str, Any]]:
    """(recordings,) the side of each, the folds' names, and the rule."""
    side = np.where(kept, TRAIN, LEFT_OUT).astype(np.int8)
    if options.split is None:
        return side, (), {}
    places = np.flatnonzero(kept)
    rows = loaded.rows[places]
    content = numbered([loaded.digests[place] for place in places])
    if options.group is not None:
        cells = column_of(table, options.group, "group", options.table)
        content = joined(content, numbered([cells[row] or f"\0{row}" for row in rows]))
    columns = {name: [cells[row] for row in rows] for name, cells in table.items()}
    if classes_only:
        columns.setdefault("label", columns[options.label_columns[0]])
    division = divide(options.split, Rows([names[row] for row in rows], content, columns))
    notes += division.notes
    side[places] = division.side
    return side, division.folds, rule_of(options.split)


def _folder_facts(folder: str, loaded: _Loaded) -> dict[str, Any]:
    """The folder's name, how many recordings were read, and one digest of all of them in order."""
    together = hashlib.sha256("".join(loaded.digests).encode()).hexdigest()
    return {"name": Path(folder).name, "recordings": len(loaded.digests), "sha256_of_digests": together}


def _class_counts(side: Sides, target: NDArray[np.float64], classes: tuple[str, ...]) -> dict[str, dict[str, int]]:
    """Recordings per side and class; of several 0/1 targets, those that are 1."""
    holds = target == 1 if target.ndim == 2 else target[:, None] == np.arange(len(classes))
    return {
        name: {text: int(holds[side == number, place].sum()) for place, text in enumerate(classes)}
        for number, name in enumerate(SIDES)
    }
