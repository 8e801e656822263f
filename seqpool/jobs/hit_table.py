"""Hits as the columns of a table: FIMO's, or a matrix of sequences x motifs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.io.spool import Rows
from seqpool.io.tables import Columns
from seqpool.jobs.scan_motifs import ScanMotif
from seqpool.jobs.scan_pass import ScanPass, groups
from seqpool.motifs.matrix import STEP, Matrix
from seqpool.motifs.statistics import maximum_p_value

HIT_COLUMNS: dict[str, Any] = {
    "motif_id": str,
    "motif_alt_id": str,
    "sequence_name": str,
    "start": np.int64,
    "stop": np.int64,
    "strand": str,
    "score": np.float64,
    "p-value": np.float64,
    "q-value": np.float64,
    "matched_sequence": str,
}
"""FIMO's columns: `start` and `stop` 1-based closed, letters as read on the hit's strand, score in bits."""

REGION_COLUMN = "region"
"""With regions: the names of those that hold the hit, after the other columns of BED."""


def bits(scores: NDArray[np.integer[Any]]) -> Matrix:
    """Integer scores in bits."""
    return np.round(scores * STEP, 9)


def window_p_values(rows: Rows, motifs: Sequence[ScanMotif]) -> Matrix:
    """(rows,) exact p of each row's window."""
    p_value = np.empty(len(rows))
    for index, of_motif in groups(rows["motif"]):
        p_value[of_motif] = motifs[index].distribution.p_value(rows["score"][of_motif])
    return p_value


def sequence_p_values(rows: Rows, motifs: Sequence[ScanMotif]) -> Matrix:
    """(rows,) p that the best of as many random windows as were tested in the sequence scores at least as high."""
    return maximum_p_value(window_p_values(rows, motifs), rows["tested"])


def hit_q_values(rows: Rows, work: ScanPass, q: Sequence[Matrix]) -> Matrix:
    """(rows,) q of each row's window, looked up by its score."""
    q_value = np.empty(len(rows))
    for index, of_motif in groups(rows["motif"]):
        q_value[of_motif] = q[index][rows["score"][of_motif] - work.cuts[index]]
    return q_value


def hit_columns(
    rows: Rows, names: NDArray[Any], motifs: Sequence[ScanMotif], p_value: Matrix, q_value: Matrix
) -> dict[str, NDArray[Any]]:
    """Rows of a scan as columns of the hit table."""
    widths = np.array([m.width for m in motifs])[rows["motif"]]
    return {
        "motif_id": np.array([m.motif.name for m in motifs], dtype=object)[rows["motif"]],
        "motif_alt_id": np.array([m.motif.alternate_name for m in motifs], dtype=object)[rows["motif"]],
        "sequence_name": names[rows["sequence"]],
        "start": rows["start"] + 1,
        "stop": rows["start"] + widths,
        "strand": np.where(rows["strand"] > 0, "+", "-").astype(object),
        "score": bits(rows["score"]),
        "p-value": p_value,
        "q-value": q_value,
        "matched_sequence": np.char.decode(rows["matched"], "ascii").astype(object),
    }


def matrix_columns(motifs: Sequence[ScanMotif], kind: str) -> dict[str, Any]:
    """Column names and types of a matrix of sequences x motifs; motifs of the same name get `_2`, `_3`, ..."""
    columns: dict[str, Any] = {"sequence_name": str}
    seen: Counter[str] = Counter()
    for m in motifs:
        seen[m.motif.name] += 1
        name = m.motif.name if seen[m.motif.name] == 1 else f"{m.motif.name}_{seen[m.motif.name]}"
        columns[name] = np.int64 if kind == "count" else np.float64
    return columns


def matrix_rows(
    parts: Iterable[Rows], sequences: Sequence[int], names: NDArray[Any], motifs: Sequence[ScanMotif], kind: str
) -> Iterator[Columns]:
    """One row per sequence, those without a hit too: the number of hits, or the best score (NaN without a window).

    parts: rows in the order of the sequences. Yields some rows at a time.
    """
    headers = list(matrix_columns(motifs, kind))[1:]
    batch = max(1, 1_000_000 // len(motifs))
    waiting = iter(parts)
    rows = next(waiting, None)
    for first in range(0, len(sequences), batch):
        group = np.asarray(sequences[first : first + batch])
        empty = 0.0 if kind == "count" else np.nan
        cells = np.full((len(group), len(motifs)), empty)
        while rows is not None and len(group):
            inside = rows["sequence"] <= group[-1]
            place = np.searchsorted(group, rows["sequence"][inside])
            if kind == "count":
                np.add.at(cells, (place, rows["motif"][inside]), 1)
            else:
                cells[place, rows["motif"][inside]] = bits(rows["score"][inside])
            if not inside.all():
                rows = rows[~inside]
                break
            rows = next(waiting, None)
        values = cells.astype(np.int64) if kind == "count" else cells
        yield {
            "sequence_name": names[group],
            **{header: values[:, i] for i, header in enumerate(headers)},
        }
