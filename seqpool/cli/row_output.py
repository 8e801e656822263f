"""Rows of results to stdout or a file, as TSV, JSON lines or Parquet."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from seqpool.cli.arguments import chosen_format
from seqpool.io.output import open_binary_output, open_output
from seqpool.io.tables import JsonLinesWriter, ParquetWriter, TableWriter, TsvWriter

FORMATS = ("tsv", "jsonl", "parquet")


@contextmanager
def open_rows(
    arguments: argparse.Namespace, columns: Mapping[str, Any], facts: Mapping[str, str]
) -> Iterator[TableWriter]:
    """A writer of rows with these columns (name to dtype), where `--output` and `--format` say.

    facts: kept in a Parquet file's metadata. A file appears only when everything was written.
    """
    kind = chosen_format(arguments, FORMATS)
    if kind == "parquet":
        with open_binary_output(arguments.output) as stream:
            parquet = ParquetWriter(stream, columns, facts)
            yield parquet
            parquet.close()
        return
    with open_output(arguments.output) as text:
        writer = (JsonLinesWriter if kind == "jsonl" else TsvWriter)(text, tuple(columns))
        yield writer
        writer.close()
