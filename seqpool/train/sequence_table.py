"""A table with a sequence in each row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqpool.alphabet import Alphabet, Codes
from seqpool.errors import DataError, UsageError
from seqpool.io.delimited import read_delimited
from seqpool.options.data import SequenceFolder
from seqpool.options.data import SequenceTable as Options
from seqpool.train.data_module import DataModule, Parts
from seqpool.train.labels import NUMBERS, Columns, class_targets, column_of, numbers_of, require_labels
from seqpool.train.letter_rows import LetterRows, alphabet_of, parts_of


class SequenceTable(DataModule):
    """The data module of `seqpool.options.data.SequenceTable`."""

    record_class = Options
    options: Options

    def read(self) -> Parts:
        """Reads the table. Raises UsageError for a column that is not there, DataError for a bad cell."""
        options = self.options
        columns = read_delimited(options.file, options.columns)
        alphabet = alphabet_of(options, letters_of(columns, options, options.file))
        rows = rows_of_table(columns, options, alphabet, options.file, numbers=self.target in NUMBERS)
        return parts_of(rows, options, alphabet, [options.file])


def letters_of(columns: Columns, options: Options | SequenceFolder, file: str) -> bytes:
    """All letters of the sequence column, for the guess of the alphabet."""
    return "".join(column_of(columns, options.sequence, "sequence", file)).encode()


def rows_of_table(
    columns: Columns, options: Options | SequenceFolder, alphabet: Alphabet, file: str, *, numbers: bool
) -> LetterRows:
    """Rows of one table. numbers: the label columns hold numbers; else there is one, and it holds class names."""
    sequences = column_of(columns, options.sequence, "sequence", file)
    labels = [column_of(columns, name, "labels", file) for name in options.label_columns]
    names = [str(row) for row in range(len(sequences))]
    if options.name is not None:
        names = list(column_of(columns, options.name, "name", file))
    weight = np.ones(len(names))
    if options.weights is not None:
        weight = numbers_of(column_of(columns, options.weights, "weights", file), options.weights, file)
        if not (weight >= 0).all():
            row = int(np.flatnonzero(~(weight >= 0))[0])
            raise DataError(f"{file}: row {row + 1} has no weight of 0 or more in column {options.weights!r}.")
    if numbers:
        target = np.stack(
            [numbers_of(cells, name, file) for cells, name in zip(labels, options.label_columns, strict=True)], axis=1
        )
        classes: tuple[str, ...] = options.label_columns
    elif len(labels) == 1:
        target, classes = class_targets(labels[0])
        require_labels(labels[0], options.label_columns[0], file)
    else:
        raise UsageError(
            f"data.labels lists {len(labels)} columns, which goes with target multilabel or regression; "
            "binary and multiclass take one."
        )
    return LetterRows(
        names=names,
        codes=_encoded(sequences, names, alphabet, file),
        target=target,
        classes=classes,
        weight=weight,
        columns={**columns, **({} if numbers else {"label": labels[0]})},
    )


def _encoded(sequences: Sequence[str], names: Sequence[str], alphabet: Alphabet, file: str) -> list[Codes]:
    codes = []
    for row, (sequence, name) in enumerate(zip(sequences, names, strict=True)):
        try:
            codes.append(alphabet.encode(sequence))
        except ValueError as error:
            raise DataError(f"{file}: row {row + 1} ({name}): {error}.") from error
        if not sequence:
            raise DataError(f"{file}: row {row + 1} ({name}) has no letters.")
    return codes
