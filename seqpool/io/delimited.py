"""CSV and TSV files as columns of text."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from seqpool.errors import DataError
from seqpool.io.compressed import open_decompressed, shown_name


def read_delimited(path: str, names: Sequence[str] | None = None) -> dict[str, list[str]]:
    """Columns of a table by name, cells as text without the blanks around them; empty lines are skipped.

    path: plain or compressed (by content); `-` is standard input. The separator is the tab where the first line holds
    one, else the comma; cells may be quoted. names: of the columns of a table without a header line.
    Raises DataError naming the line for a row of another number of cells, for a name that stands twice, for an empty
    file and for one that is no text.
    """
    file = shown_name(path)
    with open_decompressed(path) as stream:
        raw = stream.read()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not a table: byte {error.start + 1} is not UTF-8 text.") from error
    first_line = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter="\t" if "\t" in first_line else ",")
    header = None if names is None else list(names)
    rows: list[list[str]] = []
    try:
        for cells in reader:
            row = [cell.strip() for cell in cells]
            if not any(row):
                continue
            if header is None:
                header = row
            elif len(row) != len(header):
                raise DataError(f"{file}: line {reader.line_num} has {len(row)} cells, expected {len(header)}.")
            else:
                rows.append(row)
    except csv.Error as error:
        raise DataError(f"{file}: line {reader.line_num} cannot be read: {error}.") from error
    if header is None or not rows:
        raise DataError(f"{file} holds no rows.")
    repeated = next((name for name in header if header.count(name) > 1), None)
    if repeated is not None:
        raise DataError(f"{file} has two columns named {repeated!r}.")
    return {name: list(column) for name, column in zip(header, zip(*rows, strict=True), strict=True)}
