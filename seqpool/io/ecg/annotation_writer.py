"""Writes WFDB annotation files, whole or not at all, beside a reference and never over it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError

ANNOTATOR = "seqpool"
"""The annotator's name, which is the file's ending."""

REFERENCE = "atr"
"""The name of the reference annotations of a database (WFDB Applications Guide, annot(5))."""


def write_annotations(
    folder: Path,
    name: str,
    samples: NDArray[np.int64],
    symbols: Sequence[str],
    numbers: NDArray[np.int64] | None,
    rate_hz: float,
    annotator: str = ANNOTATOR,
) -> None:
    """Writes `folder/name.annotator`.

    samples: (marks,) rising. symbols: of each, as annot(5) has them. numbers: the `num` field of each; None: 0.
    Raises DataError without a mark or where the file cannot be written, ValueError for the reference's annotator.
    """
    import wfdb

    if annotator == REFERENCE:
        raise ValueError(f"annotations named {REFERENCE} are a database's reference: these get another name")
    if not len(samples):
        raise DataError(f"{name}: there is nothing to annotate, and a WFDB annotation file cannot be empty.")
    try:
        with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=folder) as aside:
            wfdb.wrann("marks", annotator, np.asarray(samples), list(symbols), num=numbers, fs=rate_hz, write_dir=aside)
            Path(aside, f"marks.{annotator}").replace(folder / f"{name}.{annotator}")
    except OSError as error:
        raise DataError(f"{folder / name}.{annotator} cannot be written: {error.strerror or error}.") from error
