"""Labels and numbers from the cells of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError, UsageError

Columns = Mapping[str, Sequence[str]]

NUMBERS = ("regression", "multilabel")
"""Targets whose label columns are numbers; the others are classes."""


def column_of(columns: Columns, name: str, option: str, file: str) -> Sequence[str]:
    """Cells of a column. Raises UsageError naming the option and the columns that there are."""
    if name not in columns:
        raise UsageError(f"data.{option} is {name!r}, but {file} has columns {', '.join(columns)}.")
    return columns[name]


def require_labels(labels: Sequence[str], column: str, file: str) -> None:
    """Raises DataError where a row has no label."""
    if "" in labels:
        raise DataError(f"{file}: row {labels.index('') + 1} has no label in column {column!r}.")


def class_targets(labels: Sequence[str]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """(rows,) index of each label and the labels in order: as numbers where all are whole numbers, else as text."""
    distinct = set(labels)
    if all(label.lstrip("-").isdecimal() for label in distinct):
        classes = tuple(sorted(distinct, key=lambda label: (int(label), label)))
    else:
        classes = tuple(sorted(distinct))
    index = {label: i for i, label in enumerate(classes)}
    return np.array([index[label] for label in labels], dtype=np.float64), classes


def named_targets(
    labels: Sequence[str], names: Mapping[str, str], column: str, file: str
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """(rows,) place of each label among `names`, and the names in that order.

    Raises UsageError for a name whose label no row has, and for a label without a name.
    """
    found = set(labels)
    for label in names:
        if label not in found:
            raise UsageError(f"data.class_names names {label!r}, which no row of {file} has in column {column!r}.")
    for label in sorted(found):
        if label not in names:
            raise UsageError(f"data.class_names lacks {label!r}, a label in column {column!r} of {file}.")
    place = {label: number for number, label in enumerate(names)}
    return np.array([place[label] for label in labels], dtype=np.float64), tuple(names.values())


def numbers_of(cells: Sequence[str], column: str, file: str) -> NDArray[np.float64]:
    """(rows,) numbers of a column; an empty cell, NA or nan is missing. Raises DataError for any other text."""
    values = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if cell.lower() in ("", "na", "nan"):
            continue
        try:
            values[row] = float(cell)
        except ValueError:
            raise DataError(
                f"{file}: row {row + 1} has {cell!r} in column {column!r}, where a number is expected."
            ) from None
        if not np.isfinite(values[row]):
            raise DataError(f"{file}: row {row + 1} has {cell!r} in column {column!r}, expected a finite number.")
    return values
