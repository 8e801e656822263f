"""What data modules of recordings and of clips share: targets of a table's rows, sides that keep copies together."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import UsageError
from seqpool.options.splits import Split
from seqpool.train.groups import joined, numbered
from seqpool.train.labels import (
    NUMBERS,
    Columns,
    class_targets,
    column_of,
    named_targets,
    numbers_of,
    require_labels,
)
from seqpool.train.recording_part import Values
from seqpool.train.splits import LEFT_OUT, SIDES, TRAIN, Rows, Sides, divide, rule_of


@dataclass(frozen=True)
class Loaded:
    """The records that could be read. rows: (records,) their rows in the table. values: (channels, samples) of each,
    prepared. digests: of samples and rate as read."""

    rows: NDArray[np.int64]
    values: list[Values]
    digests: list[str]


def digest_of(samples: NDArray[Any], rate_hz: float) -> str:
    """16 hex digits of the samples and their rate."""
    return hashlib.sha1(np.ascontiguousarray(samples).tobytes() + repr(rate_hz).encode()).hexdigest()[:16]


def targets_of(
    table: Columns, columns: Sequence[str], class_names: Mapping[str, str], target: str | None, file: str
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """(rows,) class index, or (rows, targets) numbers; and the names of classes or targets.

    Raises UsageError for a column that is not there, DataError for a bad cell.
    """
    labels = [column_of(table, name, "labels", file) for name in columns]
    if target in NUMBERS:
        each = zip(labels, columns, strict=True)
        return np.stack([numbers_of(cells, name, file) for cells, name in each], axis=1), tuple(columns)
    if len(labels) != 1:
        raise UsageError(
            f"data.labels lists {len(labels)} columns, which goes with target multilabel or regression; "
            "binary and multiclass take one."
        )
    require_labels(labels[0], columns[0], file)
    if class_names:
        return named_targets(labels[0], class_names, columns[0], file)
    return class_targets(labels[0])


def without_conflicts(
    loaded: Loaded, names: Sequence[str], target: NDArray[np.float64], notes: list[str], what: str
) -> NDArray[np.bool_]:
    """(records,) False where the same samples carry two labels, which is noted; what: `recordings` or `clips`."""
    labels: dict[str, set[bytes]] = {}
    for row, digest in zip(loaded.rows, loaded.digests, strict=True):
        labels.setdefault(digest, set()).add(target[row].tobytes())
    kept = np.array([len(labels[digest]) == 1 for digest in loaded.digests])
    if not kept.all():
        first = names[int(loaded.rows[np.flatnonzero(~kept)[0]])]
        notes.append(f"{int((~kept).sum())} {what} have samples that carry two labels (first: {first}): dropped.")
    return kept


def sides_of(
    split: Split | None,
    group: str | None,
    label: str | None,
    table: Columns,
    file: str,
    names: Sequence[str],
    loaded: Loaded,
    kept: NDArray[np.bool_],
    notes: list[str],
) -> tuple[Sides, tuple[str, ...], dict[str, Any]]:
    """(records,) the side of each, the folds' names, and the rule.

    group: column of what must stay on one side. label: column that `stratify: label` means; None: there is none.
    """
    side = np.where(kept, TRAIN, LEFT_OUT).astype(np.int8)
    if split is None:
        return side, (), {}
    places = np.flatnonzero(kept)
    rows = loaded.rows[places]
    content = numbered([loaded.digests[place] for place in places])
    if group is not None:
        cells = column_of(table, group, "group", file)
        content = joined(content, numbered([cells[row] or f"\0{row}" for row in rows]))
    columns = {name: [cells[row] for row in rows] for name, cells in table.items()}
    if label is not None:
        columns.setdefault("label", columns[label])
    division = divide(split, Rows([names[row] for row in rows], content, columns))
    notes += division.notes
    side[places] = division.side
    return side, division.folds, rule_of(split)


def folder_facts(folder: str, loaded: Loaded, what: str) -> dict[str, Any]:
    """The folder's name, how many records were read, and one digest of all of them in order."""
    together = hashlib.sha256("".join(loaded.digests).encode()).hexdigest()
    return {"name": Path(folder).name, what: len(loaded.digests), "sha256_of_digests": together}


def split_facts(
    side: Sides, target: NDArray[np.float64], classes: tuple[str, ...], folds: Sequence[str], rule: dict[str, Any]
) -> dict[str, Any]:
    """Rule, rows and classes per side, for the artifact; target: of the records. Of several 0/1 targets a class's rows
    are those that are 1."""
    holds = target == 1 if target.ndim == 2 else target[:, None] == np.arange(len(classes))
    return {
        "split": {
            "rule": rule,
            "rows": {name: int((side == number).sum()) for number, name in enumerate(SIDES)},
            "left_out": int((side == LEFT_OUT).sum()),
        },
        "folds": list(folds),
        "classes": {
            name: {text: int(holds[side == number, place].sum()) for place, text in enumerate(classes)}
            for number, name in enumerate(SIDES)
        },
    }
