"""`seqpool models [NAME...]`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, fields
from typing import Any

from seqpool.cli.arguments import add_output
from seqpool.errors import DataError

FORMATS = ("tsv", "jsonl", "parquet")

_DESCRIPTION = """\
List the models that come with seqpool, or print the cards of some: data, licence, protocol, figures, limits.

examples:
  seqpool models
  seqpool models ecg-rhythm

rules:
  - A row per model in this installation. `task` is what classify, delineate and others take it for when no --model is
    named; `leads` are the preferred ones, in order; size_kb counts 1000 bytes.
  - Any of the names goes where a command takes --model.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `models`."""
    parser.description = _DESCRIPTION
    parser.add_argument("names", nargs="*", metavar="NAME", help="print the cards of these models")
    add_output(parser, FORMATS)


def run(arguments: argparse.Namespace) -> int:
    """List, or print cards. Returns the exit code."""
    from seqpool.io.output import open_output
    from seqpool.zoo.shipped import card

    if not arguments.names:
        return _list(arguments)
    cards = [card(name) for name in arguments.names]
    with open_output(arguments.output) as stream:
        stream.write("\n".join(text.rstrip("\n") + "\n" for text in cards))
    return 0


def _list(arguments: argparse.Namespace) -> int:
    import numpy as np

    from seqpool.cli.row_output import open_rows
    from seqpool.zoo.shipped import MODEL_OF_TASK, ShippedModel, shipped_model, shipped_names

    names, bad = shipped_names(), 0
    columns: dict[str, Any] = {
        field.name: np.float64 if field.type == "float" else str for field in fields(ShippedModel)
    }
    absent = [name for name in MODEL_OF_TASK.values() if name not in names]
    if absent and not arguments.quiet:
        print(f"seqpool models: note: not in this installation: {', '.join(absent)}.", file=sys.stderr)
    with open_rows(arguments, columns, {}) as writer:
        for name in names:
            try:
                row = asdict(shipped_model(name))
            except DataError as error:
                print(f"seqpool models: {error}", file=sys.stderr)
                bad += 1
                continue
            row["leads"] = ";".join(row["leads"])
            writer.write(
                {key: np.array([value], dtype=object if columns[key] is str else None) for key, value in row.items()}
            )
    return 1 if bad else 0
