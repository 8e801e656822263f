"""Fragments of annotated genomes as data that a config can name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from seqpool.options.splits import Split

READINGS = ("+0", "+1", "+2", "-0", "-1", "-2")
"""Strand and frame, from the strand's own 5' end."""

NONCODING = "noncoding"


@dataclass(frozen=True, kw_only=True)
class AnnotatedGenome:
    """A genome and where its genes are.

    genome: FASTA files. annotation: GFF3 or GenBank. names: a table that maps the annotation's chromosome names to the
    genome's (columns of one line name one chromosome); null: they agree.
    """

    genome: tuple[str, ...]
    annotation: str
    names: str | None = None

    def __post_init__(self) -> None:
        if not self.genome:
            raise ValueError("genome is empty, expected FASTA files")


@dataclass(frozen=True, kw_only=True)
class CodingFragments:
    """Fragments of annotated genomes: coding, in any frame, or not.

    A fragment is coding where one CDS covers all of it and no other touches it; its frame and strand are the CDS's. It
    is not where no CDS, RNA gene or pseudogene touches it. All others are left out.

    split: by chromosome; a side lists chromosomes, by the annotation's names, or stretches of them as name:start-end
        (1-based, closed); the rest is train. No fragment crosses from one side into another.
    lengths: shortest and longest fragment to train on. fragments: how many an epoch draws anew, half of them coding,
        as many from each genome.
    strands: `both`: a fragment is read from either strand; `forward`: coding ones from their own, as a transcript.
    judged_lengths: of the fixed fragments of validation and test: of each length up to judged_fragments drawn from
        coding stretches, and up to as many of the others, judged_step letters apart.
    seed: of the fixed fragments. batch_size: rows per step.
    """

    module: ClassVar[str] = "seqpool.train.coding_fragments"
    alphabet: ClassVar[str] = "dna"

    genomes: tuple[AnnotatedGenome, ...]
    split: Split | None = None
    lengths: tuple[int, int] = (60, 300)
    fragments: int = 12800
    strands: Literal["both", "forward"] = "both"
    judged_lengths: tuple[int, ...] = (60, 120, 300)
    judged_fragments: int = 3000
    judged_step: int = 30
    seed: int = 0
    batch_size: int = 128

    def __post_init__(self) -> None:
        if not self.genomes:
            raise ValueError("genomes is empty, expected at least one genome with its annotation")
        if not 3 <= self.lengths[0] <= self.lengths[1]:
            raise ValueError(f"lengths are {list(self.lengths)}, expected a shortest of at least 3 and a longest")
        if not self.judged_lengths or min(self.judged_lengths) < 3:
            raise ValueError("judged_lengths lists lengths of at least 3 letters")
        if min(self.fragments, self.batch_size, self.judged_fragments, self.judged_step) < 1:
            raise ValueError("fragments, batch_size, judged_fragments and judged_step are at least 1")
        if self.split is not None and self.split.by != "chromosome":
            raise ValueError(f"a split by {self.split.by} is not for fragments of genomes; they take by: chromosome")

    @property
    def classes(self) -> tuple[str, ...]:
        """What a fragment can be, in the order of the network's outputs."""
        return (NONCODING, *(READINGS if self.strands == "both" else READINGS[:3]))
