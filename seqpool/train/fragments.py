"""Fragments cut from stretches of genomes: fixed ones to judge with, and new ones for every epoch of training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from seqpool.alphabet import DNA, Codes
from seqpool.options.coding import CodingFragments as Options
from seqpool.train.data_module import Batch, Batches
from seqpool.train.genome_stretches import Genome, Stretch


@dataclass(frozen=True)
class Fragment:
    """codes: read from the strand that was drawn. target: index into the classes. group: of its stretch."""

    name: str
    codes: Codes
    target: int
    group: int


class Cutter:
    """Cuts fragments from the stretches of one genome and one side."""

    def __init__(self, genome: Genome, stretches: Sequence[Stretch], *, both_strands: bool) -> None:
        self._letters = genome.letters
        self._both = both_strands
        self._kinds = {
            True: [stretch for stretch in stretches if stretch.strand],
            False: [stretch for stretch in stretches if not stretch.strand],
        }
        self._sizes = {
            kind: np.array([stretch.end - stretch.start for stretch in some], dtype=np.int64)
            for kind, some in self._kinds.items()
        }
        self._places: dict[tuple[bool, int], NDArray[np.int64]] = {}

    def places(self, coding: bool, length: int) -> NDArray[np.int64]:
        """(stretches,) running sum of the places where a fragment of this length can start."""
        key = (coding, length)
        if key not in self._places:
            self._places[key] = np.cumsum(np.maximum(self._sizes[coding] - length + 1, 0))
        return self._places[key]

    def random(self, coding: bool, length: int, generator: np.random.Generator) -> Fragment | None:
        """A fragment from any place, all of them equally likely; None where none fits."""
        places = self.places(coding, length)
        if not len(places) or not places[-1]:
            return None
        drawn = int(generator.integers(places[-1]))
        index = int(np.searchsorted(places, drawn, side="right"))
        stretch = self._kinds[coding][index]
        offset = drawn - (int(places[index - 1]) if index else 0)
        return self.cut(stretch, stretch.start + offset, length, bool(generator.integers(2)))

    def cut(self, stretch: Stretch, start: int, length: int, flipped: bool) -> Fragment:
        """The fragment at a place: as given, or flipped to the other strand."""
        codes = self._letters[stretch.chromosome][start : start + length]
        strand = stretch.strand
        if strand and not self._both:
            flipped = strand < 0
        if strand > 0:
            frame = (stretch.start + stretch.phase - start) % 3
        else:
            frame = (start + length - (stretch.end - stretch.phase)) % 3
        if flipped:
            codes, strand = DNA.reverse_complement(codes), -strand
        target = 0 if not stretch.strand else 1 + frame + (3 if strand < 0 else 0)
        name = f"{stretch.chromosome}:{start + 1}-{start + length}({'-' if flipped else '+'})"
        return Fragment(name, codes, target, stretch.group)

    def apart(self, length: int, step: int, most: int, generator: np.random.Generator) -> list[Fragment]:
        """Fragments without a gene, `step` letters apart; of more than `most`, so many of them, in order."""
        starts = [
            (stretch, start)
            for stretch in self._kinds[False]
            for start in range(stretch.start, stretch.end - length + 1, step)
        ]
        chosen = np.arange(len(starts))
        if len(starts) > most:
            chosen = np.sort(generator.choice(len(starts), most, replace=False))
        return [self.cut(*starts[i], length, bool(generator.integers(2))) for i in chosen.tolist()]


def judged_fragments(cutter: Cutter, options: Options, seed: Sequence[int]) -> list[Fragment]:
    """The fixed fragments of one genome and side, length by length, coding ones first; a function of the seed."""
    found: list[Fragment] = []
    for length in options.judged_lengths:
        generator = np.random.default_rng([*seed, length])
        coding = (cutter.random(True, length, generator) for _ in range(options.judged_fragments))
        found += [fragment for fragment in coding if fragment is not None]
        found += cutter.apart(length, options.judged_step, options.judged_fragments, generator)
    return found


class DrawnFragments:
    """The training part: its ids are the stretches of chromosomes that it draws from, `draws` fragments an epoch.

    lengths: (draws,) of the fragments: drawn anew each epoch, in the same lengths.
    """

    def __init__(
        self, cutters: Sequence[Cutter], options: Options, ids: Sequence[str], letters: Sequence[Codes]
    ) -> None:
        self._cutters = cutters
        self.ids = ids
        self.digests: Sequence[str] = [hashlib.sha1(codes.tobytes()).hexdigest()[:16] for codes in letters]
        self.target = np.zeros(len(ids))
        self.weight = np.ones(len(ids))
        self.draws = options.fragments
        shortest, longest = options.lengths
        self.lengths = shortest + np.random.default_rng(options.seed).integers(
            longest - shortest + 1, size=options.fragments
        )

    def drawn(self, row: int, epoch: int, seed: int) -> Fragment | None:
        """The fragment of a row, a function of (seed, epoch, row); None where the genome has none so long."""
        generator = np.random.default_rng([seed, epoch, row])
        cutter = self._cutters[row // 2 % len(self._cutters)]
        return cutter.random(row % 2 == 0, int(self.lengths[row]), generator)

    def inputs(
        self, rows: NDArray[np.int64], epoch: int | None, seed: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """As `batch_of` gives them."""
        codes, lengths, _ = self.batch_of(rows, epoch or 0, seed)
        return codes, lengths

    def batch_of(
        self, rows: NDArray[np.int64], epoch: int, seed: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
        """(N, L) codes padded with N, (N,) lengths and (N,) targets; a row that could not be cut is left out."""
        drawn = [self.drawn(row, epoch, seed) for row in rows.tolist()]
        fragments = [fragment for fragment in drawn if fragment is not None]
        lengths = np.array([len(fragment.codes) for fragment in fragments], dtype=np.int64)
        x = np.full((len(fragments), int(lengths.max(initial=0))), DNA.unknown, dtype=np.uint8)
        for row, fragment in enumerate(fragments):
            x[row, : len(fragment.codes)] = fragment.codes
        return x, lengths, np.array([fragment.target for fragment in fragments], dtype=np.int64)


class FragmentBatches(Batches):
    """Batches whose targets come with the fragments that are drawn."""

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """The batch of these rows."""
        if self.seed is None or not isinstance(self.part, DrawnFragments):
            return super().batch(rows)._replace(target=torch.from_numpy(self.part.target[rows]).long())
        x, lengths, target = self.part.batch_of(rows, self.epoch(), self.seed)
        return Batch(
            x=torch.from_numpy(x),
            lengths=torch.from_numpy(lengths),
            target=torch.from_numpy(target),
            weight=torch.ones(len(target)),
            row=torch.from_numpy(rows),
        )
