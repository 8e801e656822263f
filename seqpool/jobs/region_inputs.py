"""Regions of a genome as the input of a scan: their letters in the order of the genome, in genome coordinates."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import Codes
from seqpool.errors import DataError
from seqpool.io.bed import Region, read_bed, read_chromosome_names
from seqpool.jobs.fasta_inputs import FastaInputs
from seqpool.motifs.blocks import Run


@dataclass(frozen=True)
class Stretch:
    """Letters of a chromosome to be scanned: start, end 0-based half open; seen: first letters scanned before."""

    start: int
    end: int
    seen: int


@dataclass(frozen=True, eq=False)
class _Placed:
    """The regions of one chromosome by start: starts, ends, names, and the largest end so far."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    names: list[str]
    reach: NDArray[np.int64]


class RegionInputs:
    """The regions of a BED or narrowPeak file on the records of FASTA inputs.

    size: letters around each region's summit, or its middle where it has none; None: the regions as they are.
    names: a table of the names that one chromosome goes by, or None. overlap: the widest window less one.
    total: letters to scan, those of overlapping regions once; letter_counts: (letters,) of them; clipped: regions cut
    at a chromosome's end. `names` are the chromosomes as the region file writes them. Raises DataError for a region on
    a chromosome that the inputs lack.
    """

    def __init__(self, fasta: FastaInputs, path: str, *, size: int | None, names: str | None, overlap: int) -> None:
        self._fasta = fasta
        self.bad = fasta.bad
        self.good = fasta.good
        self.names = list(fasta.names)
        self.clipped = 0
        regions = read_bed(path)
        self.regions = len(regions)
        index_of = record_of_chromosome(fasta, regions, path, names)
        by_record: dict[int, list[Region]] = {}
        for region in regions:
            by_record.setdefault(index_of[region.chromosome], []).append(region)
        self._placed = {record: self._place(record, found, size) for record, found in by_record.items()}
        self._stretches = {
            record: stretches(placed.starts.tolist(), placed.ends.tolist(), overlap)
            for record, placed in self._placed.items()
        }
        self.total = sum(s.end - s.start - s.seen for found in self._stretches.values() for s in found)

    def _place(self, record: int, regions: Sequence[Region], size: int | None) -> _Placed:
        self.names[record] = regions[0].chromosome
        length = self._fasta.lengths[record]
        placed: list[tuple[int, int, str]] = []
        for region in regions:
            start, end = interval(region, size)
            name = region.name or f"{region.chromosome}:{region.start}-{region.end}"
            if start < 0 or end > length:
                self.clipped += 1
                start, end = max(start, 0), min(end, length)
            if start < end:
                placed.append((start, end, name))
        placed.sort(key=lambda entry: (entry[0], -entry[1]))
        starts = np.array([start for start, _, _ in placed], dtype=np.int64)
        ends = np.array([end for _, end, _ in placed], dtype=np.int64)
        reach = np.maximum.accumulate(ends) if len(ends) else ends
        return _Placed(starts, ends, [name for _, _, name in placed], reach)

    @property
    def letter_counts(self) -> NDArray[np.int64]:
        """(letters,) plain letters of the regions, each position once."""
        letters = len(self._fasta.letter_counts)
        counts = np.zeros(256, dtype=np.int64)
        for run in self.runs():
            counts += np.bincount(run.codes[run.seen :], minlength=256)
        return counts[:letters]

    def runs(self) -> Iterator[Run]:
        """The letters to scan, in the order of the genome."""
        return cut_stretches(self._fasta.runs(), self._stretches)

    def regions_of(self, record: int, start: int, end: int) -> str:
        """The names of the regions that hold a window, in their order, joined by commas."""
        placed = self._placed[record]
        found = []
        for i in range(int(np.searchsorted(placed.starts, start, side="right")) - 1, -1, -1):
            if placed.reach[i] < end:
                break
            if placed.ends[i] >= end:
                found.append(placed.names[i])
        return ",".join(reversed(found))


def interval(region: Region, size: int | None) -> tuple[int, int]:
    """(start, end) of a region, or of `size` letters around its summit or middle; perhaps past a chromosome's end."""
    if size is None:
        return region.start, region.end
    middle = region.summit if region.summit is not None else (region.start + region.end) // 2
    return middle - size // 2, middle - size // 2 + size


def record_of_chromosome(fasta: FastaInputs, regions: Sequence[Region], path: str, names: str | None) -> dict[str, int]:
    """The record of every chromosome that a region names."""
    lines = read_chromosome_names(names) if names is not None else {}
    record_of: dict[str, int] = {}
    record_of_line: dict[int, int] = {}
    for record, name in enumerate(fasta.names):
        record_of.setdefault(name, record)
        if name in lines:
            record_of_line.setdefault(lines[name], record)
    for chromosome in dict.fromkeys(region.chromosome for region in regions):
        if chromosome not in record_of:
            if lines.get(chromosome) not in record_of_line:
                theirs = ", ".join(list(dict.fromkeys(region.chromosome for region in regions))[:3])
                ours = ", ".join(fasta.names[:3]) or "none"
                raise DataError(
                    f"{path}: chromosome '{chromosome}' is not in the genome; regions are on {theirs}, ..., "
                    f"the genome has {ours}, ... (--names FILE takes a table of the names of one chromosome)."
                )
            record_of[chromosome] = record_of_line[lines[chromosome]]
    return record_of


def stretches(starts: Sequence[int], ends: Sequence[int], overlap: int) -> list[Stretch]:
    """Regions, sorted by start, as stretches in which every window of a region has its last letter unseen once."""
    found: list[Stretch] = []
    covered = -1
    for start, end in zip(starts, ends, strict=True):
        if end <= covered:
            continue
        first = max(start, covered - overlap) if covered > start else start
        found.append(Stretch(first, end, max(0, covered - first)))
        covered = end
    return found


def cut_stretches(runs: Iterable[Run], wanted: dict[int, list[Stretch]]) -> Iterator[Run]:
    """The stretches of each record out of the runs of whole records, in order, in constant memory."""
    record = -1
    waiting: deque[Stretch] = deque()
    open_stretches: deque[tuple[Stretch, list[Codes]]] = deque()
    given = 0  # letters of the first open stretch that were handed on
    for run in runs:
        if run.sequence != record:
            record, given = run.sequence, 0
            waiting = deque(wanted.get(record, ()))
            open_stretches.clear()
        end = run.start + len(run.codes)
        while waiting and waiting[0].start < end:
            open_stretches.append((waiting.popleft(), []))
        for stretch, parts in open_stretches:
            part = run.codes[max(stretch.start - run.start, 0) : max(stretch.end - run.start, 0)]
            if len(part):
                parts.append(part)
        while open_stretches:
            stretch, parts = open_stretches[0]
            done = stretch.end <= end
            letters = sum(len(part) for part in parts)
            # the letters seen before are handed on together, with at least one that was not
            if letters and (done or given or letters > stretch.seen):
                codes = np.concatenate(parts)
                yield Run(record, stretch.start + given, codes, done, 0 if given else stretch.seen)
                given += letters
                parts.clear()
            if not done:
                break
            open_stretches.popleft()
            given = 0
