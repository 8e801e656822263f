"""In how many sequences each motif has a hit, and how far from the middle its best one lies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.jobs.enrich_sequences import SequenceSet
from seqpool.jobs.scan_pass import in_order
from seqpool.motifs.blocks import BLOCK_LETTERS, Block, blocks
from seqpool.motifs.scanner import Lane, Scanner

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class HitCounts:
    """Sequences of one set that hold each motif.

    sequences: (motifs,) with at least one hit. twice_offsets, squares: (motifs,) over those, the sum of twice the
    distance from the sequence's middle to the best hit's, and of its square: whole numbers, so that they are exact in
    any order.
    """

    sequences: Counts
    twice_offsets: Counts
    squares: Counts

    def mean_offset(self) -> NDArray[np.float64]:
        """(motifs,) mean distance in letters, positive behind the middle; NaN without a hit."""
        return _ratio(self.twice_offsets, 2 * self.sequences)

    def offset_deviation(self) -> NDArray[np.float64]:
        """(motifs,) standard deviation of that distance; NaN with less than two sequences."""
        n, total = self.sequences.astype(object), self.twice_offsets.astype(object)  # products beyond 64 bits
        return np.sqrt(_ratio(n * self.squares.astype(object) - total * total, 4 * n * (n - 1)))


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    numerator, denominator = above.astype(np.float64), below.astype(np.float64)
    empty = np.full(len(numerator), np.nan)
    return np.asarray(np.divide(numerator, denominator, out=empty, where=denominator > 0))


def count_hits(
    sequences: SequenceSet,
    lanes: Sequence[Lane],
    motifs: int,
    *,
    threads: int,
    progress: Callable[[int], None],
) -> HitCounts:
    """Count the sequences with a hit of each of so many motifs. progress: takes the letters of each block done.

    The best hit of a sequence has the highest score; of equal ones, the first. A motif wider than a sequence has no
    hit in it.
    """
    scanner = Scanner(lanes)
    motif_of = np.array([lane.motif for lane in lanes], dtype=np.int64)
    width_of = np.array([len(lane.scores) for lane in lanes], dtype=np.int64)

    def best_hits(block: Block) -> tuple[Counts, Counts]:
        """(hits,) motif of the best hit of every (sequence, motif) that has one, and twice its offset."""
        windows = scanner.windows_over(block.codes, len(block.codes))
        run = block.run_of(windows.position)
        motif = motif_of[windows.lane]
        pair = run * motifs + motif
        order = np.lexsort((windows.position, -windows.score, pair))
        first = np.ones(len(order), dtype=np.bool_)
        first[1:] = np.diff(pair[order]) != 0
        best = order[first]
        start = windows.position[best] - block.offsets[run[best]]
        return motif[best], 2 * start + width_of[windows.lane[best]] - block.lengths[run[best]]

    counts = HitCounts(*(np.zeros(motifs, dtype=np.int64) for _ in range(3)))
    # a record is never cut, so no overlap is shown twice
    for block, (motif, twice_offset) in in_order(best_hits, blocks(sequences.runs(), 0, BLOCK_LETTERS), threads):
        counts.sequences[:] += np.bincount(motif, minlength=motifs)
        np.add.at(counts.twice_offsets, motif, twice_offset)
        np.add.at(counts.squares, motif, twice_offset**2)
        progress(block.new_letters)
    return counts
