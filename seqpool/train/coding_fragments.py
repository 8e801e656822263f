"""Fragments of annotated genomes: coding in some frame of some strand, or not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import DNA, PLAIN_CODONS, Codes, codon_codes
from seqpool.errors import DataError, UsageError
from seqpool.options.coding import CodingFragments as Options
from seqpool.options.inputs import Letters
from seqpool.train.data_module import DataModule, Parts
from seqpool.train.file_facts import file_facts
from seqpool.train.fragments import Cutter, DrawnFragments, Fragment, FragmentBatches, judged_fragments
from seqpool.train.genome_stretches import Genome, Stretch, read_genome, sides_of, stretches_of
from seqpool.train.letter_part import LetterPart
from seqpool.train.splits import SIDES, TEST, TRAIN, VALIDATION, rule_of

PAIR_WEIGHT = 0.25
"""Pairs counted in advance for each of the 4096, shared out as if the two codons had nothing to do with each other."""

CODON_WEIGHT = 4.0
"""Codons counted in advance, for each of the 64."""


class FragmentPart(LetterPart):
    """Fixed fragments. groups: (rows,) number of the CDS or gap that each comes from."""

    def __init__(self, fragments: Sequence[Fragment], groups: NDArray[np.int64]) -> None:
        super().__init__(
            [fragment.name for fragment in fragments],
            [fragment.codes for fragment in fragments],
            np.array([fragment.target for fragment in fragments], dtype=np.float64),
            np.ones(len(fragments)),
            alphabet=DNA,
            number=np.arange(len(fragments)),
        )
        self.groups = groups


class CodingFragments(DataModule):
    """The data module of `seqpool.options.coding.CodingFragments`."""

    record_class = Options
    batches_class = FragmentBatches
    options: Options

    def read(self) -> Parts:
        """Reads genomes and genes. Raises DataError where train has no coding or no gene-free stretch."""
        options = self.options
        if self.target != "coding":
            raise UsageError("data CodingFragments has frames and strands: it goes with the model FrameModel.")
        self.genomes = [read_genome(one) for one in options.genomes]
        painted = sides_of(self.genomes, options.split)
        self.stretches = [
            [stretches_of(genome, painted, side) for genome in self.genomes] for side in range(len(SIDES))
        ]
        self._check_lengths()
        regions = [(name, *place) for name, places in painted.items() for place in places]
        letters = {name: codes for genome in self.genomes for name, codes in genome.letters.items()}
        of_train = [(name, start, end) for name, start, end, side in regions if side == TRAIN]
        train = DrawnFragments(
            [self._cutter(TRAIN, number) for number in range(len(self.genomes))],
            options,
            [f"{name}:{start + 1}-{end}" for name, start, end in of_train],
            [letters[name][start:end] for name, start, end in of_train],
        )
        files = [
            file
            for one in options.genomes
            for file in (*one.genome, one.annotation, *([one.names] if one.names else []))
        ]
        return Parts(
            train=train,
            validation=self._fixed(VALIDATION),
            test=self._fixed(TEST),
            input=Letters(DNA.name),
            classes=options.classes,
            facts={
                "data": type(options).__name__,
                "files": [file_facts(path) for path in files],
                "split": {
                    "rule": {} if options.split is None else rule_of(options.split),
                    "letters": {
                        side: sum(end - start for _, start, end, of in regions if of == number)
                        for number, side in enumerate(SIDES)
                    },
                },
                "folds": [],
                "fragments": {"an epoch": options.fragments, "lengths": list(options.lengths)},
                "notes": [],
            },
        )

    def _check_lengths(self) -> None:
        """Raises DataError where train has no stretch as long as the longest fragment."""
        wanted = self.options.lengths[1]
        for coding, what in ((True, "coding"), (False, "gene-free")):
            some = [one for stretches in self.stretches[TRAIN] for one in stretches if bool(one.strand) == coding]
            longest = max((one.end - one.start for one in some), default=0)
            if longest < wanted:
                raise DataError(f"the longest {what} stretch of train has {longest} letters, {wanted} are needed.")

    def _cutter(self, side: int, genome: int) -> Cutter:
        return Cutter(self.genomes[genome], self.stretches[side][genome], both_strands=self.options.strands == "both")

    def _fixed(self, side: int) -> FragmentPart | None:
        fragments: list[Fragment] = []
        groups: list[int] = []
        for number in range(len(self.genomes)):
            some = judged_fragments(self._cutter(side, number), self.options, (self.options.seed, side, number))
            first = max(groups, default=-1) + 1
            groups += [fragment.group + first for fragment in some]
            fragments += some
        return FragmentPart(fragments, np.array(groups)) if fragments else None

    def codon_pair_log_odds(self) -> NDArray[np.float64]:
        """(64, 64) log-odds of each codon after the one before it, coding frames of train against gene-free letters.

        Source: the fifth-order Markov chain of GeneMark (Borodovsky and McIninch 1993), its counts smoothed towards
        those of codons alone.
        """
        chains = []
        for coding in (True, False):
            pairs = np.zeros((PLAIN_CODONS, PLAIN_CODONS))
            for genome, stretches in zip(self.genomes, self.stretches[TRAIN], strict=True):
                pairs += counted_pairs(genome, [one for one in stretches if bool(one.strand) == coding])
            codons = pairs.sum(axis=1) + pairs.sum(axis=0) + CODON_WEIGHT
            share = codons / codons.sum()
            smooth = pairs + PAIR_WEIGHT * pairs.size * np.outer(share, share)
            chains.append(np.log(smooth / smooth.sum()) - np.log(share)[:, None])
        return np.asarray(chains[0] - chains[1])


def counted_pairs(genome: Genome, stretches: Sequence[Stretch]) -> NDArray[np.float64]:
    """(64, 64) counts of neighbouring codons: of coding stretches in frame, of others in all frames of both strands."""
    counts = np.zeros(PLAIN_CODONS * PLAIN_CODONS)
    for stretch in stretches:
        letters = genome.letters[stretch.chromosome][stretch.start : stretch.end]
        if stretch.strand:
            read = letters if stretch.strand > 0 else DNA.reverse_complement(letters)
            counts += _counted(codon_codes(read[stretch.phase :])[::3], 1)
        else:
            for read in (letters, DNA.reverse_complement(letters)):
                counts += _counted(codon_codes(read), 3)
    return counts.reshape(PLAIN_CODONS, PLAIN_CODONS)


def _counted(codons: Codes | NDArray[np.int16], step: int) -> NDArray[np.int64]:
    first, second = codons[:-step].astype(np.int64), codons[step:].astype(np.int64)
    plain = (first < PLAIN_CODONS) & (second < PLAIN_CODONS)
    return np.bincount((first * PLAIN_CODONS + second)[plain], minlength=PLAIN_CODONS**2)
