"""Find motifs in FASTA files: every window of both strands that scores at or above a threshold, with exact p and q."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqpool import __version__
from seqpool.errors import DataError
from seqpool.io.spool import Rows, Spool
from seqpool.io.tables import Columns, Table, TableWriter, concatenated
from seqpool.jobs.ambiguous_hits import AmbiguousHits
from seqpool.jobs.attained_scores import AttainedScores
from seqpool.jobs.fasta_inputs import FastaInputs
from seqpool.jobs.hit_table import (
    HIT_COLUMNS,
    REGION_COLUMN,
    HitColumns,
    bits,
    matrix_columns,
    matrix_rows,
    p_values_of_rows,
    q_values_of_rows,
    sequence_p_values,
)
from seqpool.jobs.region_inputs import RegionInputs
from seqpool.jobs.scan_motifs import (
    ScanMotif,
    alphabet_of_motifs,
    chosen_background,
    largest_p_value,
    made_ready,
    read_scannable,
    scanned_strands,
    warn_of_motifs_without_hits,
)
from seqpool.jobs.scan_pass import Result, ScanPass, in_order, in_start_order, whole_sequences
from seqpool.motifs.ambiguous import ExpectedScores, largest_p_of_q
from seqpool.motifs.background import Background
from seqpool.motifs.blocks import BLOCK_LETTERS, Block, blocks, cut_runs
from seqpool.motifs.matrix import Scannable
from seqpool.motifs.scanner import Lane
from seqpool.motifs.statistics import q_values_of_list
from seqpool.options.scan import ScanOptions

HITS_PER_BLOCK = 1 << 16

OpenWriter = Callable[[Mapping[str, Any], Mapping[str, str]], TableWriter]
"""Gets the columns (name to dtype) and the run's facts, returns what takes the rows."""


@dataclass(frozen=True)
class ScanSummary:
    """What a scan did: facts for people, number of hits, and the inputs that were bad."""

    facts: dict[str, str]
    hits: int
    bad: tuple[DataError, ...]


class _Run:
    """One scan: its inputs, motifs and options."""

    def __init__(
        self,
        inputs: FastaInputs | RegionInputs,
        motifs: Sequence[ScanMotif],
        options: ScanOptions,
        strands: str,
        progress: Callable[[int, int], None],
        expected: ExpectedScores | None,
    ) -> None:
        self.inputs = inputs
        self.expected = expected
        self.motifs = motifs
        self.options = options
        self.strands = strands
        self.progress = progress
        self.overlap = max(m.width for m in motifs) - 1
        self.names = np.array([*inputs.names, ""], dtype=object)
        self.columns = HitColumns(self.names, motifs)

    def lanes(self, thresholds: Sequence[int]) -> list[Lane]:
        return [lane for i, m in enumerate(self.motifs) for lane in m.lanes(i, self.strands, thresholds[i])]

    def prepared(self, thresholds: Sequence[int], limits: Sequence[float] | None = None) -> ScanPass:
        """A pass for hits of at least the thresholds; windows with codes: of p-values up to the limits."""
        lanes = self.lanes(thresholds)
        if self.expected is None:
            return ScanPass(self.motifs, lanes)
        if limits is None and not self.options.decides_by_score:
            limits = [largest_p_value(self.options)] * len(self.motifs)
        return ScanPass(self.motifs, lanes, AmbiguousHits(self.expected, lanes, limits))

    def read_all(
        self, function: Callable[[Block], Result], *, done: int = 0, passes: int = 1, letters: int, cut: bool = True
    ) -> Iterator[tuple[Block, Result]]:
        total = passes * self.inputs.total
        threads = self.options.threads or os.cpu_count() or 1
        runs = self.inputs.runs()
        every = blocks(cut_runs(runs, letters) if cut else runs, self.overlap, letters)
        for block, result in in_order(function, every, threads):
            yield block, result
            done += block.new_letters
            self.progress(min(done, total), total)

    def block_letters(self, thresholds: Sequence[int]) -> int:
        """Letters per block, so few that the hits which random letters give fit in memory whatever the threshold."""
        per_letter = sum(
            float(m.distribution.p_value(threshold))
            for m, threshold in zip(self.motifs, thresholds, strict=True)
            if threshold <= m.distribution.highest
        )
        strands = 1 if self.strands == "forward" else 2
        return max(1 << 12, min(BLOCK_LETTERS, int(HITS_PER_BLOCK / max(strands * per_letter, 1e-9))))

    def find_hits(self, thresholds: Sequence[int], spool: Spool) -> ScanPass:
        """Hits to the spool, in one reading, or in two where the threshold is a q-value."""
        work = self.prepared(thresholds)
        letters = self.block_letters(thresholds)
        if self.options.q_value is None:
            for rows in in_start_order(self.read_all(work.hits, letters=letters), self.overlap):
                spool.append(rows)
            return work
        for _ in self.read_all(work.count, passes=2, letters=letters):
            pass
        # q falls with the score: the first score at or below the limit is the threshold
        first = [int(np.searchsorted(-values, -self.options.q_value)) for values in work.q_values()]
        limits = None
        if self.expected is not None:
            limits = [largest_p_of_q(*work.q_of_p(i), self.options.q_value) for i in range(len(self.motifs))]
        second = self.prepared([work.cuts[i] + first[i] for i in range(len(self.motifs))], limits)
        blocks_of_hits = self.read_all(second.hits, done=self.inputs.total, passes=2, letters=letters)
        for rows in in_start_order(blocks_of_hits, self.overlap):
            spool.append(rows)
        return second

    def find_best(self, thresholds: Sequence[int], spool: Spool) -> ScanPass:
        """The best window of every sequence and motif to the spool."""
        work = self.prepared(thresholds)
        # every block gives a row for each of its sequences and motifs
        letters = max(1 << 12, BLOCK_LETTERS // len(self.motifs))
        for rows in whole_sequences(self.read_all(work.best, letters=letters, cut=False)):
            spool.append(rows)
        return work

    def write_hits(self, spool: Spool, work: ScanPass, writer: TableWriter) -> int:
        values = AttainedScores(work).columns if self.expected is None else self._values_with_codes(work)
        for rows in spool:
            columns = self.columns.of(rows, *values(rows))
            if isinstance(self.inputs, RegionInputs):
                places = zip(rows["sequence"].tolist(), rows["start"].tolist(), columns["stop"].tolist(), strict=True)
                columns[REGION_COLUMN] = np.array([self.inputs.regions_of(*place) for place in places], dtype=object)
            writer.write(columns)
        return spool.rows

    def _values_with_codes(self, work: ScanPass) -> Callable[[Rows], tuple[Any, Any, Any]]:
        p_values, q_values = p_values_of_rows(self.motifs, self.expected), q_values_of_rows(work)
        return lambda rows: (bits(rows["score"]), p_values.of(rows), q_values.of(rows))

    def write_best(self, spool: Spool, writer: TableWriter) -> int:
        """Rows that pass the threshold, if one was given; q over the sequences of each motif."""
        of_windows = p_values_of_rows(self.motifs, self.expected)
        p_values = [sequence_p_values(rows, of_windows) for rows in spool]
        motif_of = [rows["motif"] for rows in spool]
        together = np.concatenate(p_values) if p_values else np.zeros(0)
        motifs = np.concatenate(motif_of) if motif_of else np.zeros(0, dtype=np.int32)
        q_values = np.empty(len(together))
        for index in np.unique(motifs):
            q_values[motifs == index] = q_values_of_list(together[motifs == index])
        first = written = 0
        for rows in spool:
            p_value, q_value = (values[first : first + len(rows)] for values in (together, q_values))
            first += len(rows)
            kept = self._passes(rows, p_value, q_value)
            score = bits(rows["score"][kept])
            writer.write(self.columns.of(rows[kept], score, p_value[kept], q_value[kept]))
            written += int(kept.sum())
        return written

    def _passes(self, rows: Rows, p_value: Any, q_value: Any) -> Any:
        options = self.options
        if options.p_value is not None:
            return p_value <= options.p_value
        if options.q_value is not None:
            return q_value <= options.q_value
        if options.min_score is not None or options.threshold is not None:
            thresholds = np.array([m.threshold(options) for m in self.motifs])
            return rows["score"] >= thresholds[rows["motif"]]
        return np.ones(len(rows), dtype=np.bool_)

    def write_matrix(self, spool: Spool, writer: TableWriter, kind: str) -> int:
        for columns in matrix_rows(spool, self.inputs.good, self.names, self.motifs, kind):
            writer.write(columns)
        return spool.rows


def _facts(run: _Run, background: Background, work: ScanPass) -> dict[str, str]:
    tested = [work.tests(i) for i in range(len(run.motifs))]
    skipped = [int(work.skipped[m.width] * work.strands[i]) for i, m in enumerate(run.motifs)]

    def spread(values: Sequence[int]) -> str:
        low, high = min(values), max(values)
        return f"{low:,}" if low == high else f"{low:,} to {high:,}"

    sources = sorted({m.motif.source for m in run.motifs if m.motif.source})
    facts = {
        "seqpool-version": __version__,
        "motifs": f"{len(run.motifs):,} from {', '.join(sources)}" if sources else f"{len(run.motifs):,}",
        "background": background.describe(run.motifs[0].motif.alphabet),
        "pseudocount": f"{run.motifs[0].motif.pseudocount:g}",
        "strands": run.strands,
        "tested-windows-per-motif": spread(tested),
        "skipped-windows-per-motif": spread(skipped),
    }
    if run.expected is not None:
        by_expectation = [int(work.expected[m.width] * work.strands[i]) for i, m in enumerate(run.motifs)]
        facts["windows-by-expectation-per-motif"] = spread(by_expectation)
    if isinstance(run.inputs, RegionInputs):
        facts["regions"] = f"{run.inputs.regions:,}, {run.inputs.clipped:,} of them clipped at a chromosome's end"
    return facts


def _source(fasta: FastaInputs, options: ScanOptions, overlap: int) -> FastaInputs | RegionInputs:
    if options.regions is None:
        return fasta
    return RegionInputs(fasta, options.regions, size=options.size, names=options.names, overlap=overlap)


def run_scan(
    inputs: Sequence[str],
    motifs: Sequence[Scannable],
    options: ScanOptions,
    open_writer: OpenWriter,
    *,
    warn: Callable[[str], None],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ScanSummary:
    """Scan FASTA files (`-`: standard input) and hand the rows to a writer, in constant memory.

    Rows are in the order sequence, start, motif, strand. warn: takes a sentence for each empty record or file.
    progress: takes the letters done and the letters in all. A bad record or file gives no rows and stands in the
    summary; the others are scanned.
    """
    alphabet = alphabet_of_motifs(motifs)
    strands = scanned_strands(options, alphabet)
    with FastaInputs(inputs, alphabet, soft_mask=options.soft_mask, warn=warn) as fasta, Spool() as spool:
        source = _source(fasta, options, max(motif.width for motif in motifs) - 1)
        background = chosen_background(options, alphabet, source, strands)
        ready = [made_ready(motif, background, options) for motif in motifs]
        expected = None
        if options.ambiguous == "expect":
            integers = [m.scores for m in ready]
            expected = ExpectedScores(integers, alphabet, background, largest_p_value(options))
        run = _Run(source, ready, options, strands, progress, expected)
        thresholds = [m.threshold(options) for m in ready]
        if options.finds_best:
            work = run.find_best(thresholds, spool)
        else:
            warn_of_motifs_without_hits(ready, thresholds, warn)
            work = run.find_hits(thresholds, spool)
        facts = _facts(run, background, work)
        if options.matrix is not None:
            writer = open_writer(matrix_columns(ready, options.matrix), facts)
            written = run.write_matrix(spool, writer, options.matrix)
        else:
            writer = open_writer(HIT_COLUMNS, facts)
            written = run.write_best(spool, writer) if options.best else run.write_hits(spool, work, writer)
        writer.close()
        return ScanSummary(facts, written, tuple(fasta.bad))


class _Collected:
    def __init__(self) -> None:
        self.parts: list[Columns] = []
        self.dtypes: Mapping[str, Any] = {}

    def write(self, columns: Columns) -> None:
        self.parts.append(columns)

    def close(self) -> None:
        pass


def scan(
    inputs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    motifs: str | os.PathLike[str] | Sequence[Scannable] | None = None,
    *,
    model: str | os.PathLike[str] | None = None,
    warn: Callable[[str], None] = lambda sentence: None,
    **options: Any,
) -> Table:
    """Scan FASTA files for motifs and return the hits as a table (columns as HIT_COLUMNS).

    inputs: one or more FASTA files; motifs: a motif file or matrices from `read_motifs`; model: an artifact whose
    filters are scanned for instead; options: as ScanOptions.
    Raises DataError for a bad input and UsageError for a bad option.
    """
    paths = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    matrices, chosen = read_scannable(motifs, model, ScanOptions(**options))
    collected = _Collected()

    def open_writer(dtypes: Mapping[str, Any], facts: Mapping[str, str]) -> TableWriter:
        collected.dtypes = dtypes
        return collected

    summary = run_scan([os.fspath(path) for path in paths], matrices, chosen, open_writer, warn=warn)
    if summary.bad:
        raise summary.bad[0]
    return concatenated(collected.parts, collected.dtypes)
