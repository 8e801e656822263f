"""The sequences of an enrichment, whole and in memory: from FASTA files, or regions of a genome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import Alphabet, Codes
from seqpool.errors import DataError
from seqpool.io.bed import read_bed
from seqpool.io.compressed import open_decompressed
from seqpool.jobs.fasta_inputs import FastaInputs
from seqpool.jobs.region_inputs import interval, record_of_chromosome
from seqpool.motifs.blocks import Run

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SequenceSet:
    """Sequences of at least one letter each. source: where they come from, for people; codes: uint8, one array each."""

    alphabet: Alphabet
    source: str
    codes: Sequence[Codes]

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def lengths(self) -> Counts:
        """(sequences,) letters of each."""
        return np.array([len(one) for one in self.codes], dtype=np.int64)

    @cached_property
    def counts(self) -> Counts:
        """(sequences, letters) how often each holds each plain letter."""
        counts = np.zeros((len(self.codes), len(self.alphabet.letters)), dtype=np.int64)
        if len(self.codes):
            together = np.concatenate(list(self.codes))
            first = np.cumsum(self.lengths) - self.lengths
            for letter in range(counts.shape[1]):
                counts[:, letter] = np.add.reduceat(together == letter, first, dtype=np.int64)
        return counts

    @property
    def letter_counts(self) -> Counts:
        """(letters,) how often each plain letter occurs in all of them."""
        return np.asarray(self.counts.sum(axis=0))

    @property
    def gc(self) -> NDArray[np.float64]:
        """(sequences,) share of G and C among the plain letters of each; 0 for one without any."""
        return gc_shares(self.counts[:, gc_letters(self.alphabet)].sum(axis=1), self.counts.sum(axis=1))

    @property
    def mean_gc(self) -> float:
        """Share of G and C among all plain letters."""
        counts = self.letter_counts
        return float(counts[gc_letters(self.alphabet)].sum() / max(1, counts.sum()))

    def runs(self) -> Iterator[Run]:
        """Every sequence as one run; `Run.sequence` is its index."""
        return (Run(number, 0, codes, True) for number, codes in enumerate(self.codes))

    def describe(self) -> str:
        """Number, lengths, GC and source, for the facts of a run; of at least one sequence."""
        low, high = int(self.lengths.min()), int(self.lengths.max())
        lengths = f"{low:,}" if low == high else f"{low:,} to {high:,} (mean {self.lengths.mean():,.1f})"
        gc = "" if self.alphabet.complement is None else f", GC {self.mean_gc:.3f}"
        return f"{counted(len(self), 'sequence')} of {lengths} letters{gc} ({self.source})"


def counted(number: int, thing: str) -> str:
    """`1 region`, `2,000 regions`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def gc_letters(alphabet: Alphabet) -> list[int]:
    """Codes of G and C."""
    return [alphabet.letters.index(letter) for letter in "CG"]


def gc_shares(gc: Counts, plain: Counts) -> NDArray[np.float64]:
    """(sequences,) share of G and C among plain letters, 0 without any."""
    return np.asarray(gc / np.maximum(plain, 1))


def whole_records(runs: Iterable[Run]) -> Iterator[tuple[int, Codes]]:
    """(record, its letters) of records that come piece by piece; those without letters are left out."""
    parts: list[Codes] = []
    for run in runs:
        parts.append(run.codes)
        if run.last:
            codes = parts[0] if len(parts) == 1 else np.concatenate(parts)
            parts = []
            if len(codes):
                yield run.sequence, codes


def sequences_of_fasta(fasta: FastaInputs, source: str, alphabet: Alphabet) -> SequenceSet:
    """All good records."""
    return SequenceSet(alphabet, source, [codes for _, codes in whole_records(fasta.runs())])


@dataclass(frozen=True, eq=False)
class Places:
    """Stretches of a genome. record: index of the chromosome; start, end: 0-based half open; each (places,) int64."""

    record: Counts
    start: Counts
    end: Counts

    def __len__(self) -> int:
        return len(self.record)

    @cached_property
    def of_record(self) -> dict[int, Counts]:
        """The places of each chromosome that has any, by start."""
        order = np.lexsort((self.end, self.start, self.record))
        parts = np.split(order, np.flatnonzero(np.diff(self.record[order])) + 1)
        return {int(self.record[part[0]]): part for part in parts if len(part)}


def places_of_regions(path: str, genome: FastaInputs, *, size: int | None, names: str | None) -> tuple[Places, str]:
    """Where the regions of a BED or narrowPeak file lie, and a sentence's worth of how many and what was cut.

    Regions are cut at the ends of their chromosome, as by `scan --regions`. Each is a sequence of its own, however
    they overlap; strands are not looked at. Raises DataError for a region on a chromosome that the genome lacks.
    """
    regions = read_bed(path)
    record_of = record_of_chromosome(genome, regions, path, names)
    record = np.array([record_of[region.chromosome] for region in regions], dtype=np.int64)
    limits = np.array([interval(region, size) for region in regions], dtype=np.int64)
    length = np.array(genome.lengths, dtype=np.int64)[record]
    start, end = np.maximum(limits[:, 0], 0), np.minimum(limits[:, 1], length)
    cut = int(((start != limits[:, 0]) | (end != limits[:, 1])).sum())
    kept = start < end
    said = f"{path}: {counted(len(regions), 'region')}"
    if cut:
        said += f", {cut:,} cut at a chromosome's end"
    if not kept.all():
        said += f", {int((~kept).sum()):,} without letters left out"
    return Places(record[kept], start[kept], end[kept]), said


def letters_of_places(genome: FastaInputs, places: Places) -> list[Codes]:
    """The letters of each place, in the order given, from one reading of the genome."""
    found: dict[int, Codes] = {}
    for record, codes in whole_records(genome.runs()):
        for number in places.of_record.get(record, np.zeros(0, dtype=np.int64)).tolist():
            found[number] = codes[places.start[number] : places.end[number]].copy()
    missing = [number for number in range(len(places)) if number not in found]
    if missing:
        name = genome.names[int(places.record[missing[0]])]
        raise DataError(f"the genome's record '{name}' holds a region and cannot be read.")
    return [found[number] for number in range(len(places))]


def is_fasta(path: str) -> bool:
    """Whether a file begins as FASTA does, or is empty. Raises DataError when it cannot be read."""
    with open_decompressed(path) as stream:
        for line in stream:
            if line.strip():
                return bool(line.lstrip().startswith(b">"))
    return True
