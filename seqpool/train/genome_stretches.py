"""Annotated genomes as stretches that code in one frame alone and stretches that hold no gene, side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import DNA, Codes
from seqpool.errors import DataError, UsageError
from seqpool.io.annotation import GeneFeature, read_gene_features
from seqpool.io.bed import read_chromosome_names
from seqpool.io.fasta import read_fasta
from seqpool.options.coding import AnnotatedGenome
from seqpool.options.splits import Split
from seqpool.train.messages import say
from seqpool.train.splits import SIDES, TEST, TRAIN, VALIDATION


@dataclass(frozen=True)
class Stretch:
    """A stretch of one chromosome (0-based half open) on one side of the split.

    strand: +1 or -1 where it codes, 0 where it holds no gene. phase: letters from its own 5' end to the first whole
    codon. group: number of its CDS or gap: fragments of one do not vary apart from each other.
    """

    chromosome: str
    start: int
    end: int
    strand: int
    phase: int
    group: int


@dataclass(frozen=True)
class Genome:
    """letters: of each chromosome, by the annotation's names. features: of the annotation, on these chromosomes."""

    letters: dict[str, Codes]
    features: list[GeneFeature]


def read_genome(options: AnnotatedGenome) -> Genome:
    """A genome with its genes.

    Raises DataError for a bad file and for a gene past its chromosome's end, UsageError where names do not meet.
    """
    features = read_gene_features(options.annotation)
    line_of = read_chromosome_names(options.names) if options.names else {}
    wanted = {line_of.get(feature.chromosome, feature.chromosome): feature.chromosome for feature in features}
    letters: dict[str, Codes] = {}
    found: list[str] = []
    for path in options.genome:
        for sequence in read_fasta(path, DNA, on_warning=say):
            found.append(sequence.name)
            name = wanted.get(line_of.get(sequence.name, sequence.name))
            if name is not None:
                letters[name] = sequence.codes
    if not letters:
        raise UsageError(
            f"{options.annotation} names {', '.join(list(wanted.values())[:3])}, which the genome lacks (it has "
            f"{', '.join(found[:3]) or 'no sequence'}); names maps one to the other."
        )
    missing = sorted(set(wanted.values()) - set(letters))
    if missing:
        say(f"{options.annotation}: no sequence of {', '.join(missing[:3])}: left out.")
    for feature in features:
        if feature.chromosome in letters and feature.end > len(letters[feature.chromosome]):
            raise DataError(
                f"{options.annotation}: a gene ends at {feature.end}, past the end of {feature.chromosome} "
                f"({len(letters[feature.chromosome])} letters): is it of another genome?"
            )
    return Genome(letters, [feature for feature in features if feature.chromosome in letters])


def sides_of(genomes: list[Genome], split: Split | None) -> dict[str, list[tuple[int, int, int]]]:
    """(start, end, side) stretches of every chromosome, in order. Raises UsageError for a name or place that is not."""
    sizes = {name: len(codes) for genome in genomes for name, codes in genome.letters.items()}
    if sum(len(genome.letters) for genome in genomes) != len(sizes):
        raise UsageError("two genomes have chromosomes of one name: names tells them apart.")
    painted = {name: [(0, size, TRAIN)] for name, size in sizes.items()}
    for side, listed in ((VALIDATION, split.validation), (TEST, split.test)) if split is not None else ():
        for text in map(str, listed):
            name, start, end = _region(text, sizes)
            painted[name] = _painted(painted[name], start, end, side, text)
    return painted


def _region(text: str, sizes: dict[str, int]) -> tuple[str, int, int]:
    if text in sizes:
        return text, 0, sizes[text]
    name, _, place = text.rpartition(":")
    first, _, last = place.partition("-")
    if name not in sizes:
        raise UsageError(f"the split names {text}, which is no chromosome of the data ({', '.join(list(sizes)[:5])}).")
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last) <= sizes[name]):
        raise UsageError(f"the split names {text}, expected {name}:start-end from 1 up to {sizes[name]}.")
    return name, int(first) - 1, int(last)


def _painted(
    stretches: list[tuple[int, int, int]], start: int, end: int, side: int, text: str
) -> list[tuple[int, int, int]]:
    found = []
    for begin, stop, old in stretches:
        if begin < end and start < stop and old not in (TRAIN, side):
            raise UsageError(f"the split puts {text} into {SIDES[side]} and, in part, into {SIDES[old]}.")
        pieces = [
            (begin, min(stop, start), old),
            (max(begin, start), min(stop, end), side),
            (max(begin, end), stop, old),
        ]
        found += [piece for piece in pieces if piece[0] < piece[1]]
    return found


def stretches_of(genome: Genome, painted: dict[str, list[tuple[int, int, int]]], side: int) -> list[Stretch]:
    """Stretches of one side that one CDS alone covers, and those that no gene touches."""
    found: list[Stretch] = []
    names: dict[str, int] = {}
    for chromosome, letters in genome.letters.items():
        features = [feature for feature in genome.features if feature.chromosome == chromosome]
        coding = [feature for feature in features if feature.coding]
        times = _cover(coding, len(letters))
        free = _cover(features, len(letters)) == 0
        for start, end, of in painted[chromosome]:
            if of != side:
                continue
            for gap, (begin, stop) in enumerate(_runs(free[start:end])):
                group = names.setdefault(f"gap {chromosome} {start} {gap}", len(names))
                found.append(Stretch(chromosome, start + begin, start + stop, 0, 0, group))
            for feature in coding:
                first, last = max(feature.start, start), min(feature.end, end)
                for begin, stop in _runs(times[first:last] == 1) if first < last else ():
                    piece_start, piece_end = first + begin, first + stop
                    lost = piece_start - feature.start if feature.strand > 0 else feature.end - piece_end
                    phase = (feature.phase - lost) % 3
                    group = names.setdefault(f"CDS {chromosome} {feature.name}", len(names))
                    found.append(Stretch(chromosome, piece_start, piece_end, feature.strand, phase, group))
    return found


def _cover(features: list[GeneFeature], size: int) -> NDArray[np.int64]:
    """(size,) how many of the features cover each letter."""
    steps = np.zeros(size + 1, dtype=np.int64)
    np.add.at(steps, [feature.start for feature in features], 1)
    np.add.at(steps, [feature.end for feature in features], -1)
    covered: NDArray[np.int64] = np.cumsum(steps)[:size]
    return covered


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(start, end) of each run of true values."""
    steps = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))
