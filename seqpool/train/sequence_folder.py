"""A folder with the tables train, dev and test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from seqpool.errors import DataError, UsageError
from seqpool.io.delimited import read_delimited
from seqpool.options.data import SequenceFolder as Options
from seqpool.options.splits import Split
from seqpool.train.data_module import DataModule, Parts
from seqpool.train.labels import NUMBERS
from seqpool.train.letter_rows import alphabet_of, parts_of
from seqpool.train.sequence_table import letters_of, rows_of_table
from seqpool.train.splits import SIDE_WORDS

STEMS = ("train", "dev", "test")
ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zst", ".tsv.zst")


class SequenceFolder(DataModule):
    """The data module of `seqpool.options.data.SequenceFolder`."""

    record_class = Options
    options: Options

    def read(self) -> Parts:
        """Reads the tables that there are. Raises DataError where train is missing or the columns differ."""
        options = self.options
        tables = {stem: path for stem in STEMS if (path := _table(Path(options.folder), stem)) is not None}
        if "train" not in tables:
            raise DataError(f"{options.folder} holds no train table (train.csv, train.tsv or one of them compressed).")
        columns: dict[str, list[str]] = {}
        given: list[int] = []
        header: set[str] = set()
        for stem, path in tables.items():
            found = read_delimited(str(path))
            count = len(next(iter(found.values())))
            header = header or set(found)
            if set(found) != header:
                raise DataError(f"{path} has columns {', '.join(found)}; train has {', '.join(sorted(header))}.")
            found[ROW_NAME] = [f"{stem}:{row}" for row in range(count)]
            columns = {name: columns.get(name, []) + cells for name, cells in found.items()}
            given += [SIDE_WORDS[stem]] * count
        file = options.folder
        alphabet = alphabet_of(options, letters_of(columns, options, file))
        naming = options if options.name is not None else replace(options, name=ROW_NAME)
        rows = rows_of_table(columns, naming, alphabet, file, numbers=self.target in NUMBERS)
        rows = replace(rows, given=np.array(given, dtype=np.int8))
        return parts_of(
            rows,
            options if options.split is not None else replace(options, split=Split(by="given")),
            alphabet,
            [str(path) for path in tables.values()],
        )


ROW_NAME = "\0row"
"""Column that names a row by its table and number; no file can hold a column of this name."""


def _table(folder: Path, stem: str) -> Path | None:
    found = [folder / (stem + ending) for ending in ENDINGS if (folder / (stem + ending)).is_file()]
    if len(found) > 1:
        raise UsageError(f"{folder} holds {' and '.join(path.name for path in found)}: only one of them is expected.")
    return found[0] if found else None
