"""One reading of all windows: counts, hits and best windows of blocks, with threads, in the order of the input."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from seqpool.io.spool import Rows
from seqpool.jobs.ambiguous_hits import AmbiguousHits
from seqpool.jobs.scan_motifs import ScanMotif
from seqpool.kernels.windows import count_scores, read_windows
from seqpool.motifs.ambiguous import q_values_of_counts, scored_by_expectation
from seqpool.motifs.best_windows import NO_WINDOW, BestWindows
from seqpool.motifs.blocks import Block
from seqpool.motifs.scanner import Lane, Scanner, WindowMask, Windows
from seqpool.motifs.statistics import q_values

Result = TypeVar("Result")


def in_order(
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


class ScanPass:
    """Counts windows and finds hits or best windows. Its methods that take a block may be called from many threads.

    ambiguous: scores the windows with ambiguity codes; without it they are skipped.
    tested, expected, skipped: per width, the windows that were scored, those of them with codes, and those that hold
    what has no score.
    cuts: per motif, its threshold; histograms: per motif, how often each score from the threshold on occurred.
    """

    def __init__(
        self, motifs: Sequence[ScanMotif], lanes: Sequence[Lane], ambiguous: AmbiguousHits | None = None
    ) -> None:
        self.motifs = motifs
        self.ambiguous = ambiguous
        self.lanes = tuple(lanes)
        self._scanner = Scanner(lanes)
        self.widths = sorted({len(lane.scores) for lane in lanes})
        self.tested = dict.fromkeys(self.widths, 0)
        self.expected = dict.fromkeys(self.widths, 0)
        self.skipped = dict.fromkeys(self.widths, 0)
        self.cuts = {lane.motif: lane.threshold for lane in lanes}
        sizes = [max(0, m.distribution.highest + 1 - self.cuts[i]) for i, m in enumerate(motifs)]
        ends = np.cumsum(sizes)
        self._histogram = np.zeros(ends[-1], dtype=np.int64)
        self.histograms = np.split(self._histogram, ends[:-1])
        self._first_cell = np.array([ends[lane.motif] - sizes[lane.motif] - lane.threshold for lane in lanes])
        self.strands = np.bincount([lane.motif for lane in lanes])
        self._width_of = np.array([len(lane.scores) for lane in lanes])
        self._motif_of = np.array([lane.motif for lane in lanes])
        self._strand_of = np.array([lane.strand for lane in lanes])
        self._alphabet = motifs[0].motif.alphabet
        self._symbols = np.frombuffer(self._alphabet.symbols.encode(), dtype=np.uint8)
        self._expected_codes = scored_by_expectation(self._alphabet)
        self._lock = threading.Lock()
        self.row_type = np.dtype(
            [
                ("sequence", np.int64),
                ("start", np.int64),
                ("motif", np.int32),
                ("strand", np.int8),
                ("score", np.int32),
                ("tested", np.int64),
                ("matched", f"S{self.widths[-1]}"),
            ]
        )

    @cached_property
    def _best_windows(self) -> BestWindows:
        return BestWindows(self.lanes)

    def tests(self, motif: int) -> int:
        """Tested windows of a motif on all strands."""
        return int(self.tested[self.motifs[motif].width] * self.strands[motif])

    def q_values(self) -> list[NDArray[np.float64]]:
        """Per motif, the q of every integer score from its threshold on."""
        return [self._q_of_scores(i) for i in range(len(self.motifs))]

    def _q_of_scores(self, motif: int) -> NDArray[np.float64]:
        distribution, cut, histogram = self.motifs[motif].distribution, self.cuts[motif], self.histograms[motif]
        if self.ambiguous is None or not self.ambiguous.counts[motif]:
            return q_values(distribution, cut, histogram, self.tests(motif))
        p_value, q_value = self.q_of_p(motif)
        of_scores = distribution.p_value(cut + np.arange(len(histogram)))
        return np.append(q_value, 1.0)[np.searchsorted(p_value, of_scores)]

    def q_of_p(self, motif: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(p, q), p ascending: of every p-value of a motif's hits, those of windows with ambiguity codes included."""
        occurred = np.flatnonzero(self.histograms[motif])
        p_value = self.motifs[motif].distribution.p_value(self.cuts[motif] + occurred)
        others = {} if self.ambiguous is None else self.ambiguous.counts[motif]
        together = np.concatenate([p_value, np.fromiter(others.keys(), dtype=np.float64)])
        counts = np.concatenate([self.histograms[motif][occurred], np.fromiter(others.values(), dtype=np.int64)])
        return q_values_of_counts(together, counts, self.tests(motif))

    def _mask(self, block: Block) -> WindowMask:
        expected = None if self.ambiguous is None else self._expected_codes
        return WindowMask(block.codes, len(self._alphabet.letters), len(block.codes), block.seen_before, expected)

    def _count_windows(self, block: Block, mask: WindowMask) -> None:
        for width in self.widths:
            tested = mask.tested(width)
            self.tested[width] += tested
            self.expected[width] += len(mask.with_codes(width))
            self.skipped[width] += block.windows(width) - tested

    def count(self, block: Block) -> Windows:
        """The windows of one block over the thresholds, counted."""
        mask = self._mask(block)
        windows = self._scanner.windows_over(block.codes, len(block.codes))
        if block.seen.any():
            run = block.run_of(windows.position)
            new = windows.position - block.offsets[run] + self._width_of[windows.lane] > block.seen[run]
            windows = Windows(windows.position[new], windows.lane[new], windows.score[new])
        with self._lock:
            count_scores(windows.lane, windows.score, self._first_cell, self._histogram)
            self._count_windows(block, mask)
        if self.ambiguous is None:
            return windows
        return _together(windows, self.ambiguous.hits(block, mask))

    def hits(self, block: Block) -> Rows:
        """The hits of one block in the order of the table."""
        windows = self.count(block)
        rows = np.zeros(len(windows.position), dtype=self.row_type)
        rows["sequence"], rows["start"] = block.locate(windows.position)
        rows["motif"] = self._motif_of[windows.lane]
        rows["strand"] = self._strand_of[windows.lane]
        rows["score"] = windows.score
        rows["matched"] = self._letters(block, windows.position, windows.lane)
        return rows

    def best(self, block: Block) -> Rows:
        """The best window of every (run, motif) of one block that has one, with how many windows were tested there.

        Of equal windows the first counts, on the given strand before the other.
        """
        mask = self._mask(block)
        with self._lock:
            self._count_windows(block, mask)
        parts: list[Rows] = []
        of_motif: Rows | None = None
        for number, (position, score) in enumerate(self._best_windows.of_runs(block)):
            lane = self.lanes[number]
            if self.ambiguous is not None:
                position, score = self.ambiguous.better(block, mask, lane, position, score)
            rows = np.zeros(len(position), dtype=self.row_type)
            rows["sequence"], rows["start"] = block.locate(position)
            rows["motif"], rows["strand"], rows["score"] = lane.motif, lane.strand, score
            rows["tested"] = mask.tested_between(len(lane.scores), block.offsets, block.offsets + block.lengths)
            there = score != NO_WINDOW
            rows["matched"][there] = self._letters(block, position[there], np.full(there.sum(), number))
            if lane.strand > 0:
                of_motif = rows
                parts.append(rows)
            elif of_motif is not None:
                merge_best(of_motif, rows)
        together = np.concatenate(parts)
        scored: Rows = together[together["score"] != NO_WINDOW]
        return scored

    def _letters(self, block: Block, position: NDArray[np.int64], lane: NDArray[np.int64]) -> NDArray[np.bytes_]:
        """The letters of windows as read on their strand."""
        matched = np.empty(len(position), dtype=self.row_type["matched"])
        paired = self._alphabet.complement is not None
        complements = self._symbols[self._alphabet.complement_codes[: len(self._symbols)]] if paired else self._symbols
        letters = matched.view(np.uint8).reshape(len(position), self.widths[-1])
        read_windows(
            block.codes, position, lane, self._width_of, self._strand_of < 0, self._symbols, complements, letters
        )  # fmt: skip
        return matched


def _together(windows: Windows, others: Windows) -> Windows:
    if not len(others.position):
        return windows
    position = np.concatenate([windows.position, others.position])
    lane = np.concatenate([windows.lane, others.lane])
    order = np.lexsort((lane, position))
    score = np.concatenate([windows.score, others.score])
    return Windows(position[order], lane[order], score[order])


def merge_best(rows: Rows, others: Rows) -> None:
    """Put the better of each two best windows into `rows`; their tested windows add up."""
    earlier = (others["start"] < rows["start"]) | (
        (others["start"] == rows["start"]) & (others["strand"] > rows["strand"])
    )
    better = (others["score"] > rows["score"]) | ((others["score"] == rows["score"]) & earlier)
    tested = rows["tested"] + others["tested"]
    rows[better] = others[better]
    rows["tested"] = tested


def in_start_order(parts: Iterable[tuple[Block, Rows]], overlap: int) -> Iterator[Rows]:
    """Hits of blocks in the order sequence, start, motif, strand.

    A wide window that begins in one block may end in the next and is found there, so the rows of the last `overlap`
    letters of a block wait for the next block.
    """
    waiting: Rows | None = None
    for block, rows in parts:
        if block.seen[1:].any():  # overlapping regions
            rows = _sorted(rows if waiting is None else np.concatenate([waiting, rows]))
        elif waiting is not None and len(waiting):
            # what waits and what the block shows again; all that follows is in order
            last = waiting[-1]
            again = (rows["sequence"] < last["sequence"]) | (
                (rows["sequence"] == last["sequence"]) & (rows["start"] <= last["start"])
            )
            mixed = int(np.count_nonzero(again))
            early, rows = _sorted(np.concatenate([waiting, rows[:mixed]])), rows[mixed:]
            if len(rows) and not _held(rows[:1], block, overlap):
                yield early
            else:
                rows = np.concatenate([early, rows])
        settled = len(rows) - _held(rows, block, overlap)
        waiting = rows[settled:].copy()  # the others are let go
        yield rows[:settled]
    if waiting is not None:
        yield waiting


def _held(rows: Rows, block: Block, overlap: int) -> int:
    """How many rows at the end of some that are in order lie in the last `overlap` letters of a block."""
    end = int(block.starts[-1] + block.lengths[-1])
    return int(np.count_nonzero((rows["sequence"] == block.sequences[-1]) & (rows["start"] >= end - overlap)))


def _sorted(rows: Rows) -> Rows:
    return rows[np.lexsort((-rows["strand"], rows["motif"], rows["start"], rows["sequence"]))]


def whole_sequences(parts: Iterable[tuple[Block, Rows]]) -> Iterator[Rows]:
    """Best windows of blocks as best windows of sequences, sorted by sequence, start, motif."""
    open_rows: dict[int, Rows] = {}  # of the one sequence that goes on in the next block, per motif
    open_sequence = -1
    for block, rows in parts:
        going_on = -1 if block.last[-1] else int(block.sequences[-1])
        if open_rows:
            first = rows["sequence"] == open_sequence
            for row in np.flatnonzero(first):
                motif = int(rows["motif"][row])
                if motif in open_rows:
                    merge_best(open_rows[motif], rows[row : row + 1])
                else:
                    open_rows[motif] = rows[row : row + 1]
            rows = rows[~first]
            if going_on != open_sequence:
                rows = np.concatenate([rows, *open_rows.values()])
                open_rows = {}
        if going_on >= 0:
            if going_on != open_sequence:
                last = rows["sequence"] == going_on
                open_rows = {int(rows["motif"][i]): rows[i : i + 1] for i in np.flatnonzero(last)}
                rows = rows[~last]
            open_sequence = going_on
        else:
            open_sequence = -1
        yield np.sort(rows, order=["sequence", "start", "motif"])
    if open_rows:
        yield np.sort(np.concatenate(list(open_rows.values())), order=["start", "motif"])
