"""Find motifs in FASTA files: every window of both strands that scores at or above a threshold, with exact p and q."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from seqpool import __version__
from seqpool.alphabet import PROTEIN, Alphabet
from seqpool.errors import DataError, UsageError
from seqpool.io.spool import Rows, Spool
from seqpool.io.tables import Columns, Table, TableWriter, concatenated
from seqpool.jobs.fasta_inputs import FastaInputs
from seqpool.motifs.background import (
    Background,
    measured_background,
    nrdb_background,
    read_background,
    uniform_background,
)
from seqpool.motifs.blocks import Block, blocks
from seqpool.motifs.formats import MotifMatrix, read_motifs
from seqpool.motifs.matrix import (
    DEFAULT_PSEUDOCOUNT,
    STEP,
    CountMatrix,
    IntegerMatrix,
    Matrix,
    Motif,
    is_palindrome,
    reverse_complement_scores,
)
from seqpool.motifs.scanner import Lane, Scanner, WindowMask, Windows
from seqpool.motifs.statistics import ScoreDistribution, iid_distribution, q_values

DEFAULT_P_VALUE = 1e-4

Result = TypeVar("Result")

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


@dataclass(frozen=True)
class ScanOptions:
    """What counts as a hit, and against which background. At most one of the three thresholds is given.

    p_value, q_value: in (0, 1]; min_score: bits. background: `uniform`, `nrdb`, `measured` or a MEME background file.
    pseudocount: total per position. strands: `both` or `forward`, None for both where there are two.
    palindromes: `both` or `once`; soft_mask: `keep` or `skip`; threads: None for all cores.
    Raises UsageError for values out of range.
    """

    p_value: float | None = None
    q_value: float | None = None
    min_score: float | None = None
    background: str = "uniform"
    pseudocount: float = DEFAULT_PSEUDOCOUNT
    strands: str | None = None
    palindromes: str = "both"
    soft_mask: str = "keep"
    threads: int | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("p_value", "q_value", "min_score") if getattr(self, name) is not None]
        if len(given) > 1:
            shown = " and ".join("--" + name.replace("_", "-") for name in given)
            raise UsageError(f"{shown} were both given, expected one threshold.")
        for name in ("p_value", "q_value"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= 1:
                raise UsageError(f"--{name.replace('_', '-')} {value:g} is not in (0, 1].")
        if self.min_score is not None and not np.isfinite(self.min_score):
            raise UsageError(f"--min-score {self.min_score} is not a finite number.")
        if not (self.pseudocount >= 0 and np.isfinite(self.pseudocount)):
            raise UsageError(f"--pseudocount {self.pseudocount:g} is not a number of at least 0.")


@dataclass(frozen=True, eq=False)
class _Scored:
    """A motif on the integer grid: its matrix, its distribution and how often its windows had each score."""

    motif: Motif
    scores: IntegerMatrix
    distribution: ScoreDistribution
    once: bool

    def lanes(self, index: int, strands: str, threshold: int) -> list[Lane]:
        lanes = [Lane(index, 1, self.scores, threshold)]
        if strands == "both" and not self.once:
            lanes.append(Lane(index, -1, reverse_complement_scores(self.scores, self.motif.alphabet), threshold))
        return lanes


@dataclass(frozen=True)
class ScanSummary:
    """What a scan did: facts for people, number of hits, and the inputs that were bad."""

    facts: dict[str, str]
    hits: int
    bad: tuple[DataError, ...]


def _one_alphabet(motifs: Sequence[MotifMatrix]) -> Alphabet:
    alphabets = {motif.alphabet.name: motif.alphabet for motif in motifs}
    if PROTEIN.name in alphabets and len(alphabets) > 1:
        raise DataError("the motif file mixes protein and nucleotide motifs; scan them one after the other.")
    return motifs[0].alphabet


def _background(options: ScanOptions, alphabet: Alphabet, inputs: FastaInputs, strands: str) -> Background:
    if options.background == "uniform":
        return uniform_background(alphabet)
    if options.background == "nrdb":
        background = nrdb_background(alphabet)
    elif options.background == "measured":
        background = measured_background(inputs.letter_counts, alphabet)
    else:
        background = read_background(options.background, alphabet)
    return background.on_both_strands(alphabet) if strands == "both" else background


def _scored(matrix: MotifMatrix, background: Matrix, options: ScanOptions) -> _Scored:
    if isinstance(matrix, CountMatrix):
        matrix = matrix.frequencies(background, options.pseudocount)
    motif = matrix.log_odds(background)
    try:
        scores = motif.integer_scores()
    except ValueError as error:
        raise DataError(f"{matrix.source}: {error}.") from error
    once = options.palindromes == "once" and motif.alphabet.complement is not None
    once = once and is_palindrome(scores, motif.alphabet)
    return _Scored(motif, scores, iid_distribution(scores, background), once)


def _threshold(scored: _Scored, options: ScanOptions) -> int:
    if options.min_score is not None:
        # a hair of slack: 0.3 is no multiple of 0.001 in binary
        lowest = int(np.ceil(options.min_score / STEP - 1e-6))
        return max(lowest, scored.distribution.lowest)
    if options.q_value is not None:
        return scored.distribution.threshold(options.q_value)  # q is never below p
    return scored.distribution.threshold(DEFAULT_P_VALUE if options.p_value is None else options.p_value)


def _warn_of_motifs_without_hits(
    motifs: Sequence[_Scored], thresholds: Sequence[int], warn: Callable[[str], None]
) -> None:
    never = [m for m, threshold in zip(motifs, thresholds, strict=True) if threshold > m.distribution.highest]
    if never:
        best = never[0].distribution
        more = f" and {len(never) - 1} more" if len(never) > 1 else ""
        warn(
            f"motif {never[0].motif.name}{more} cannot reach the threshold: its best word scores "
            f"{best.highest * STEP:g} bits with p = {best.tail[-1]:.3g}."
        )


class _Pass:
    """One reading of all windows: how often each score from the threshold on occurred and, if asked for, the hits."""

    def __init__(self, motifs: Sequence[_Scored], lanes: Sequence[Lane]) -> None:
        self.lanes = lanes
        self.widths = sorted({len(lane.scores) for lane in lanes})
        self.tested = dict.fromkeys(self.widths, 0)
        self.skipped = dict.fromkeys(self.widths, 0)
        self.cuts = {lane.motif: lane.threshold for lane in lanes}
        self.histograms = [
            np.zeros(max(0, m.distribution.highest + 1 - self.cuts[i]), dtype=np.int64) for i, m in enumerate(motifs)
        ]
        self._motif_of = np.array([lane.motif for lane in lanes])
        self._strand_of = np.array([lane.strand for lane in lanes])
        self._alphabet = motifs[0].motif.alphabet
        self._scanner = Scanner(lanes)
        self._lock = threading.Lock()

    def count(self, block: Block) -> Windows:
        """The windows of one block over the thresholds, counted; may be called from several threads at once."""
        mask = WindowMask(block.codes, len(self._alphabet.letters), block.stop)
        windows = self._scanner.windows_over(block.codes, block.stop)
        motifs = self._motif_of[windows.lane]
        with self._lock:
            for motif in np.unique(motifs):
                scores = windows.score[motifs == motif] - self.cuts[motif]
                self.histograms[motif] += np.bincount(scores, minlength=len(self.histograms[motif]))
            for width in self.widths:
                tested = mask.tested(width)
                self.tested[width] += tested
                self.skipped[width] += block.windows(width) - tested
        return windows

    def rows(self, block: Block) -> Rows:
        """The hits of one block in the order of the table."""
        windows = self.count(block)
        rows = np.zeros(
            len(windows.position),
            dtype=[
                ("sequence", np.int64),
                ("start", np.int64),
                ("motif", np.int32),
                ("strand", np.int8),
                ("score", np.int32),
                ("matched", f"S{self.widths[-1]}"),
            ],
        )
        rows["sequence"], rows["start"] = block.locate(windows.position)
        rows["motif"] = self._motif_of[windows.lane]
        rows["strand"] = self._strand_of[windows.lane]
        rows["score"] = windows.score
        for number in np.unique(windows.lane):
            of_lane = np.flatnonzero(windows.lane == number)
            rows["matched"][of_lane] = self._letters_at(block, windows.position[of_lane], self.lanes[number])
        return rows

    def _letters_at(self, block: Block, position: NDArray[np.int64], lane: Lane) -> NDArray[np.bytes_]:
        width = len(lane.scores)
        codes = block.codes[position[:, None] + np.arange(width)]
        if lane.strand < 0:
            codes = self._alphabet.complement_codes[codes[:, ::-1]]
        symbols = np.frombuffer(self._alphabet.symbols.encode(), dtype=np.uint8)
        return np.ascontiguousarray(symbols[codes]).view(f"S{width}")[:, 0]


def _in_order(
    function: Callable[[Block], Result], items: Iterable[Block], threads: int
) -> Iterator[tuple[Block, Result]]:
    """Map over items with threads, results in the order of the items, few of them waiting at a time."""
    if threads == 1:
        yield from ((item, function(item)) for item in items)
        return
    with ThreadPoolExecutor(threads) as executor:
        waiting: deque[tuple[Block, Future[Result]]] = deque()
        for item in items:
            waiting.append((item, executor.submit(function, item)))
            if len(waiting) > 2 * threads:
                block, future = waiting.popleft()
                yield block, future.result()
        for block, future in waiting:
            yield block, future.result()


def _q_values(motifs: Sequence[_Scored], work: _Pass) -> list[Matrix]:
    tests = [work.tested[len(m.scores)] * sum(lane.motif == i for lane in work.lanes) for i, m in enumerate(motifs)]
    return [q_values(m.distribution, work.cuts[i], work.histograms[i], tests[i]) for i, m in enumerate(motifs)]


def _columns(
    rows: Rows, names: NDArray[Any], motifs: Sequence[_Scored], cuts: Mapping[int, int], q: Sequence[Matrix]
) -> Columns:
    """Rows of the spool as columns of the hit table."""
    count = len(rows)
    p_value, q_value = np.empty(count), np.empty(count)
    for index in np.unique(rows["motif"]):
        of_motif = rows["motif"] == index
        distribution = motifs[index].distribution
        p_value[of_motif] = distribution.p_value(rows["score"][of_motif])
        q_value[of_motif] = q[index][rows["score"][of_motif] - cuts[index]]
    widths = np.array([len(m.scores) for m in motifs])[rows["motif"]]
    return {
        "motif_id": np.array([m.motif.name for m in motifs], dtype=object)[rows["motif"]],
        "motif_alt_id": np.array([m.motif.alternate_name for m in motifs], dtype=object)[rows["motif"]],
        "sequence_name": names[rows["sequence"]],
        "start": rows["start"] + 1,
        "stop": rows["start"] + widths,
        "strand": np.where(rows["strand"] > 0, "+", "-").astype(object),
        "score": np.round(rows["score"] * STEP, 9),
        "p-value": p_value,
        "q-value": q_value,
        "matched_sequence": np.char.decode(rows["matched"], "ascii").astype(object),
    }


def _facts(
    options: ScanOptions, motifs: Sequence[_Scored], background: Background, strands: str, work: _Pass
) -> dict[str, str]:
    alphabet = motifs[0].motif.alphabet
    per_motif = [
        (scale * work.tested[len(m.scores)], scale * work.skipped[len(m.scores)])
        for m in motifs
        for scale in [len(m.lanes(0, strands, 0))]
    ]

    def spread(values: Sequence[int]) -> str:
        low, high = min(values), max(values)
        return f"{low:,}" if low == high else f"{low:,} to {high:,}"

    sources = sorted({m.motif.source for m in motifs if m.motif.source})
    return {
        "seqpool-version": __version__,
        "motifs": f"{len(motifs):,} from {', '.join(sources)}" if sources else f"{len(motifs):,}",
        "background": background.describe(alphabet),
        "pseudocount": f"{options.pseudocount:g}",
        "strands": strands,
        "tested-windows-per-motif": spread([tested for tested, _ in per_motif]),
        "skipped-windows-per-motif": spread([skipped for _, skipped in per_motif]),
    }


def run_scan(
    inputs: Sequence[str],
    motifs: Sequence[MotifMatrix],
    options: ScanOptions,
    open_writer: Callable[[Mapping[str, str]], TableWriter],
    *,
    warn: Callable[[str], None],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ScanSummary:
    """Scan FASTA files (`-`: standard input) and hand the hits to a writer, in constant memory.

    open_writer: gets the run's facts and returns what takes the rows (columns as HIT_COLUMNS), in the order sequence,
    start, motif, strand. warn: takes a sentence for each empty record or file. progress: takes the letters done and
    the letters in all. A bad record or file gives no rows and stands in the summary; the others are scanned.
    """
    alphabet = _one_alphabet(motifs)
    if options.strands == "both" and alphabet.complement is None:
        raise UsageError(f"--strands both: {alphabet.name} has one strand.")
    strands = options.strands or ("forward" if alphabet.complement is None else "both")
    threads = options.threads or os.cpu_count() or 1
    with FastaInputs(inputs, alphabet, soft_mask=options.soft_mask, warn=warn) as fasta, Spool() as spool:
        background = _background(options, alphabet, fasta, strands)
        scored = [_scored(motif, background.probabilities, options) for motif in motifs]
        overlap = max(len(m.scores) for m in scored) - 1
        thresholds = [_threshold(m, options) for m in scored]
        _warn_of_motifs_without_hits(scored, thresholds, warn)

        def lanes(thresholds: Sequence[int]) -> list[Lane]:
            return [lane for i, m in enumerate(scored) for lane in m.lanes(i, strands, thresholds[i])]

        def read_all(function: Callable[[Block], Result], total: int, done: int = 0) -> Iterator[Result]:
            for block, result in _in_order(function, blocks(fasta.runs(), overlap), threads):
                yield result
                done += min(block.stop, int(block.lengths.sum()))
                progress(min(done, total), total)

        work = _Pass(scored, lanes(thresholds))
        if options.q_value is None:
            for rows in read_all(work.rows, fasta.total):
                spool.append(rows)
            q = _q_values(scored, work)
        else:
            for _ in read_all(work.count, 2 * fasta.total):
                pass
            # q falls with the score: the first score at or below the limit is the threshold
            first = [int(np.searchsorted(-values, -options.q_value)) for values in _q_values(scored, work)]
            second = _Pass(scored, lanes([work.cuts[i] + first[i] for i in range(len(scored))]))
            for rows in read_all(second.rows, 2 * fasta.total, fasta.total):
                spool.append(rows)
            work, q = second, _q_values(scored, second)
        facts = _facts(options, scored, background, strands, work)
        writer = open_writer(facts)
        names = np.array([*fasta.names, ""], dtype=object)
        for rows in spool:
            writer.write(_columns(rows, names, scored, work.cuts, q))
        writer.close()
        return ScanSummary(facts, spool.rows, tuple(fasta.bad))


class _Collected:
    def __init__(self) -> None:
        self.parts: list[Columns] = []

    def write(self, columns: Columns) -> None:
        self.parts.append(columns)

    def close(self) -> None:
        pass


def scan(
    inputs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    motifs: str | os.PathLike[str] | Sequence[MotifMatrix],
    *,
    warn: Callable[[str], None] = lambda sentence: None,
    **options: Any,
) -> Table:
    """Scan FASTA files for motifs and return the hits as a table (columns as HIT_COLUMNS).

    inputs: one or more FASTA files; motifs: a motif file or matrices from `read_motifs`; options: as ScanOptions.
    Raises DataError for a bad input and UsageError for a bad option.
    """
    paths = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    matrices = read_motifs(os.fspath(motifs)) if isinstance(motifs, str | os.PathLike) else list(motifs)
    collected = _Collected()
    summary = run_scan(
        [os.fspath(path) for path in paths], matrices, ScanOptions(**options), lambda facts: collected, warn=warn
    )
    if summary.bad:
        raise summary.bad[0]
    return concatenated(collected.parts, HIT_COLUMNS)
