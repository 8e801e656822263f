"""Hits as the columns of a table: FIMO's, or a matrix of sequences x motifs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import Codes
from seqpool.io.spool import Rows
from seqpool.io.tables import Columns, Repeated
from seqpool.jobs.scan_motifs import ScanMotif
from seqpool.jobs.scan_pass import ScanPass
from seqpool.motifs.ambiguous import ExpectedScores
from seqpool.motifs.matrix import STEP, Matrix
from seqpool.motifs.statistics import maximum_p_value

ArrayOrRepeated = Matrix | Repeated
ValuesOfCodes = Callable[[int, Codes, NDArray[np.int64]], Matrix]

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


class ScoreTables:
    """Values per integer score of many motifs end to end, so that one look-up serves the rows of all of them.

    lowest: per motif, the score of its table's first entry; a lower score has the same value.
    """

    def __init__(self, lowest: Sequence[int], tables: Sequence[Matrix]) -> None:
        self._lowest = np.array(lowest, dtype=np.int64)
        self._first = np.concatenate([[0], np.cumsum([len(table) for table in tables])[:-1]])
        self._values = np.concatenate(tables)

    def of(self, rows: Rows) -> Matrix:
        """(rows,) the value of each row's motif at its score."""
        motif = rows["motif"]
        above = np.maximum(rows["score"] - self._lowest[motif], 0)
        return np.asarray(self._values[self._first[motif] + above])


class ValuesOfRows:
    """A value per row: by its score, or by its own p-value where its window holds ambiguity codes.

    of_codes: gives (rows,) values of some rows of one motif with codes, by the motif, the codes (rows, width) as the
    motif reads them, and the scores; None where such windows are not scored.
    """

    def __init__(self, tables: ScoreTables, motifs: Sequence[ScanMotif], of_codes: ValuesOfCodes | None) -> None:
        self._tables = tables
        self._widths = [m.width for m in motifs]
        self._alphabet = motifs[0].motif.alphabet
        self._of_codes = of_codes

    def of(self, rows: Rows) -> Matrix:
        """(rows,) the values."""
        if self._of_codes is None or not len(rows):
            return self._tables.of(rows)
        letters = np.ascontiguousarray(rows["matched"]).view(np.uint8).reshape(len(rows), -1)
        codes = self._alphabet.byte_codes[letters]
        coded = ((codes >= len(self._alphabet.letters)) & (letters != 0)).any(axis=1)
        values = np.empty(len(rows))
        values[~coded] = self._tables.of(rows[~coded])
        with_codes = np.flatnonzero(coded)
        motifs = rows["motif"][with_codes]
        for motif in np.unique(motifs).tolist():
            here = with_codes[motifs == motif]
            values[here] = self._of_codes(motif, codes[here, : self._widths[motif]], rows["score"][here])
        return values


def p_values_of_rows(motifs: Sequence[ScanMotif], expected: ExpectedScores | None) -> ValuesOfRows:
    """The exact p of each row's window."""
    tables = ScoreTables([m.distribution.lowest for m in motifs], [m.distribution.tail for m in motifs])
    return ValuesOfRows(tables, motifs, None if expected is None else expected.p_values)


def q_values_of_rows(work: ScanPass) -> ValuesOfRows:
    """The q of each row's window among the hits of a pass, where some hold ambiguity codes."""
    tables = ScoreTables([work.cuts[motif] for motif in range(len(work.motifs))], work.q_values())
    assert work.ambiguous is not None
    expected, known = work.ambiguous.scores, lru_cache(maxsize=None)(work.q_of_p)

    def of_codes(motif: int, codes: Codes, scores: NDArray[np.int64]) -> Matrix:
        p_value, q_value = known(motif)
        return np.asarray(q_value[np.searchsorted(p_value, expected.p_values(motif, codes, scores))])

    return ValuesOfRows(tables, work.motifs, of_codes)


def sequence_p_values(rows: Rows, windows: ValuesOfRows) -> Matrix:
    """(rows,) p that the best of as many random windows as were tested in the sequence scores at least as high."""
    return maximum_p_value(windows.of(rows), rows["tested"])


_STRANDS = np.array(["-", "+"], dtype=object)


class HitColumns:
    """Makes rows of a scan the columns of the hit table. names: (sequences,) object."""

    def __init__(self, names: NDArray[np.object_], motifs: Sequence[ScanMotif]) -> None:
        self._names = names
        self._identifiers = np.array([m.motif.name for m in motifs], dtype=object)
        self._alternates = np.array([m.motif.alternate_name for m in motifs], dtype=object)
        self._widths = np.array([m.width for m in motifs])

    def of(
        self, rows: Rows, score: ArrayOrRepeated, p_value: ArrayOrRepeated, q_value: ArrayOrRepeated
    ) -> dict[str, Any]:
        """The columns of some rows with their scores in bits and their p- and q-values."""
        motif = rows["motif"].astype(np.int64)
        return {
            "motif_id": Repeated(self._identifiers, motif),
            "motif_alt_id": Repeated(self._alternates, motif),
            "sequence_name": Repeated(self._names, rows["sequence"].astype(np.int64)),
            "start": rows["start"] + 1,
            "stop": rows["start"] + self._widths[motif],
            "strand": Repeated(_STRANDS, (rows["strand"] > 0).astype(np.int64)),
            "score": score,
            "p-value": p_value,
            "q-value": q_value,
            "matched_sequence": np.ascontiguousarray(rows["matched"]),
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
