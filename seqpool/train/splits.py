"""Rows to sides: which are train, validation and test, and what had to be left out so that no content is on two."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import Alphabet, Codes
from seqpool.errors import DataError, UsageError
from seqpool.options.splits import Split
from seqpool.train.groups import Groups, deal, joined, numbered, shared_word_groups
from seqpool.train.windows import chromosome_of, overlap_any, windows_of

SIDES = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
LEFT_OUT = -1

SIDE_WORDS = {"train": TRAIN, "val": VALIDATION, "validation": VALIDATION, "dev": VALIDATION, "test": TEST}

MOST_STRATA = 100

Sides = NDArray[np.int8]


@dataclass(frozen=True)
class Rows:
    """What a split may look at.

    names: of the rows. content: (rows,) equal numbers for rows that must not be on two sides (`same_content`; the
    patient). columns: name to (rows,) cells as written. codes, alphabet: the sequences, for shared words.
    given: (rows,) the side that the files themselves say.
    """

    names: Sequence[str]
    content: Groups
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    codes: Sequence[Codes] | None = None
    alphabet: Alphabet | None = None
    given: Sides | None = None

    def __len__(self) -> int:
        return len(self.names)

    def column(self, name: str) -> Sequence[str]:
        """Cells of a column. Raises UsageError naming the columns that there are."""
        if name not in self.columns:
            raise UsageError(f"the split names column {name!r}; the data has {', '.join(self.columns) or 'none'}.")
        return self.columns[name]


@dataclass(frozen=True)
class Division:
    """The outcome: side (rows,) int8 (TRAIN, VALIDATION, TEST or LEFT_OUT), the names of the folds in their order
    (none: the rule has no folds), one sentence for each thing that was left out, and facts for the artifact."""

    side: Sides
    folds: tuple[str, ...]
    notes: tuple[str, ...]
    facts: dict[str, Any]


def divide(split: Split, rows: Rows) -> Division:
    """Side of each row.

    Raises UsageError where the split names a column, chromosome, fold or row that the data lacks, or leaves train or
    a side that it names empty; DataError where a given division has one content on two sides and `on_overlap` is
    `refuse`.
    """
    folds: tuple[str, ...] = ()
    if split.by == "chromosome":
        side = _named_sides(split, [chromosome_of(name) for name in rows.names], "chromosome")
    elif split.by == "column":
        side = _column_sides(rows.column(str(split.column)), str(split.column))
    elif split.by == "given":
        if rows.given is None:
            raise UsageError("split by given: this kind of data has no sides of its own; name another rule.")
        side = rows.given.copy()
    elif split.shares is not None:
        side = _share_sides(split, rows)
    else:
        fold, folds = _folds(split, rows)
        side = _named_sides(split, [folds[i] if i >= 0 else "" for i in fold], "fold")
    side, notes = _keep_apart(split, rows, side)
    if not (side == TRAIN).any():
        raise UsageError(f"split by {split.by}: no row is left for train.")
    counts = {name: int((side == number).sum()) for number, name in enumerate(SIDES)}
    facts = {"rule": rule_of(split), "rows": counts, "left_out": int((side == LEFT_OUT).sum())}
    return Division(side, folds, tuple(notes), facts)


def each_fold_as_test(split: Split, folds: Sequence[str]) -> list[Split]:
    """The same split with each fold as test once.

    Where the split has validation folds, as many of the folds that follow the test fold, in a circle, are validation.
    Raises UsageError where the rule has no folds.
    """
    if not folds:
        raise UsageError(f"--folds all needs a split with folds; this one is by {split.by}.")
    turns = []
    for number, name in enumerate(folds):
        following = [folds[(number + 1 + i) % len(folds)] for i in range(len(split.validation))]
        turns.append(replace(split, validation=tuple(following), test=(name,)))
    return turns


def rule_of(split: Split) -> dict[str, Any]:
    """The split as it would be written in a config: what was set, nothing else."""
    rule: dict[str, Any] = {"by": split.by}
    for option in fields(split)[1:]:
        value = getattr(split, option.name)
        if value != option.default:
            rule[option.name] = list(value) if isinstance(value, tuple) else value
    if split.file is not None:
        rule["file"] = Path(split.file).name  # an artifact does not tell where somebody keeps their files
    return rule


def _named_sides(split: Split, labels: Sequence[str], what: str) -> Sides:
    """Sides of rows whose chromosome or fold the split lists; a row without one ('') is left out."""
    present = set(labels)
    for name in (*split.validation, *split.test):
        if str(name) not in present:
            shown = ", ".join(sorted(present - {""})[:8])
            raise UsageError(f"the split names {what} {name}, which no row has (there are {shown}).")
    side_of = {str(name): VALIDATION for name in split.validation} | {str(name): TEST for name in split.test}
    return np.array([side_of.get(label, TRAIN) if label else LEFT_OUT for label in labels], dtype=np.int8)


def _column_sides(cells: Sequence[str], column: str) -> Sides:
    for row, cell in enumerate(cells):
        if cell not in SIDE_WORDS:
            raise UsageError(
                f"column {column!r} holds {cell!r} in row {row}: train, val, validation, dev or test is expected."
            )
    return np.array([SIDE_WORDS[cell] for cell in cells], dtype=np.int8)


def _groups(split: Split, rows: Rows) -> Groups:
    if split.by == "group":
        return joined(numbered(rows.column(str(split.column))), rows.content)
    if split.by == "shared_words":
        if rows.codes is None or rows.alphabet is None:
            raise UsageError("split by shared_words: this kind of data has no letters; name another rule.")
        words = shared_word_groups(
            rows.codes, split.length or 1, rows.alphabet, both_strands=rows.alphabet.complement is not None
        )
        return joined(words, rows.content)
    return rows.content


def _dealt(split: Split, rows: Rows, shares: Sequence[float]) -> NDArray[np.int64]:
    strata = None
    if split.stratify is not None:
        strata = numbered(rows.column(split.stratify))
        if (count := int(strata.max(initial=0)) + 1) > MOST_STRATA:
            raise UsageError(
                f"the split spreads column {split.stratify!r}, which has {count} different values; "
                f"at most {MOST_STRATA} (classes, not numbers) are expected."
            )
    return deal(_groups(split, rows), shares, strata, split.seed)


def _share_sides(split: Split, rows: Rows) -> Sides:
    wanted = [(number, share) for number, share in enumerate(split.shares or ()) if share > 0]
    dealt = _dealt(split, rows, [share for _, share in wanted])
    side = np.array([number for number, _ in wanted], dtype=np.int8)[dealt]
    for number, share in wanted:
        if not (side == number).any():
            raise UsageError(f"split by {split.by}: {len(rows)} rows leave none for {SIDES[number]} (share {share}).")
    return side


def _folds(split: Split, rows: Rows) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """(rows,) number of each row's fold (-1: none) and the folds' names."""
    if split.by == "folds":
        cells = _fold_cells(split, rows)
        names = sorted({cell for cell in cells if cell}, key=lambda name: (len(name), name))
        number = {name: i for i, name in enumerate(names)}
        return np.array([number.get(cell, -1) for cell in cells], dtype=np.int64), tuple(names)
    count = split.folds or 0
    names = [str(i) for i in range(count)]
    if split.by == "order":
        fold = np.zeros(len(rows), dtype=np.int64)
        fold[np.array(sorted(range(len(rows)), key=lambda row: rows.names[row]), dtype=np.int64)] = (
            np.arange(len(rows)) % count
        )
        return fold, tuple(names)
    return _dealt(split, rows, [1.0 / count] * count), tuple(names)


def _fold_cells(split: Split, rows: Rows) -> Sequence[str]:
    """(rows,) the fold of each row as written, from the data's own column or from the split's file."""
    column = str(split.column)
    if split.file is None:
        return rows.column(column)
    try:
        with open(split.file, newline="", encoding="utf-8") as stream:
            header = stream.readline()
            stream.seek(0)
            table = list(csv.DictReader(stream, delimiter="\t" if "\t" in header else ",", skipinitialspace=True))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise DataError(f"{split.file}: {reason}; the split reads its folds from there.") from error
    for name in (split.key, column):
        if not table or name not in table[0]:
            shown = ", ".join(table[0]) if table else "no rows"
            raise UsageError(f"{split.file} has no column {name!r} (it has {shown}).")
    fold_of = {(line[split.key] or "").strip(): (line[column] or "").strip() for line in table}
    if split.key in rows.columns:
        keys: Sequence[str] = rows.columns[split.key]
    elif split.key == "row":
        keys = [str(row) for row in range(len(rows))]
    else:
        keys = rows.names
    missing = [key for key in keys if key not in fold_of]
    if missing:
        raise DataError(f"{split.file} has no fold for {len(missing)} rows of the data (first: {missing[0]}).")
    return [fold_of[key] for key in keys]


def _keep_apart(split: Split, rows: Rows, side: Sides) -> tuple[Sides, list[str]]:
    """The sides with every row taken out whose content, or an overlapping window, is on a later side.

    Test keeps its rows; validation gives way to test, train to both.
    """
    side = side.copy()
    windows = windows_of(rows.names)
    notes = []
    for giving in (VALIDATION, TRAIN):
        members = side == giving
        kept = side > giving
        same = members & np.isin(rows.content, np.unique(rows.content[kept]))
        overlapping = members & ~same
        overlapping[overlapping] = overlap_any(windows[overlapping], windows[kept])
        for found, reason in ((same, "are also in"), (overlapping, "overlap a window of")):
            if not found.any():
                continue
            later = " or ".join(SIDES[number] for number in range(giving + 1, 3) if (side == number).any())
            first = rows.names[int(np.flatnonzero(found)[0])]
            sentence = f"{int(found.sum())} rows of {SIDES[giving]} {reason} {later} (first: {first})"
            if split.on_overlap == "refuse" and split.by in ("given", "column", "folds"):
                raise DataError(f"{sentence}; set on_overlap: drop in the split to leave them out of {SIDES[giving]}.")
            notes.append(f"{sentence}: left out of {SIDES[giving]}.")
            side[found] = LEFT_OUT
    return side, notes
