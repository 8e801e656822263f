"""Which sequences an enrichment compares, and what counts as a hit in them."""

from __future__ import annotations

from dataclasses import dataclass

from seqpool.errors import UsageError
from seqpool.options.scan import DEFAULT_PSEUDOCOUNT, ScanOptions

SHUFFLES = "dinucleotide-shuffle"
GENOME = "genome"


@dataclass(frozen=True)
class EnrichOptions:
    """Options of `enrich`, named and meant as on the command line. At most one threshold is given.

    p_value, min_score, threshold, background, pseudocount, strands, soft_mask: as of ScanOptions.
    regions: a BED or narrowPeak file on `genome`, FASTA files; size: letters around each region's summit or middle;
    names: a table of the names that one chromosome goes by. background_sequences: `dinucleotide-shuffle`, `genome`,
    a FASTA file or a BED file. match_gc: draw from the background so that its GC distribution is the target's.
    seed: of every draw, at least 0. threads: None for all cores.
    Raises UsageError for values out of range, options that exclude each other and a genome that is missing.
    """

    p_value: float | None = None
    min_score: float | None = None
    threshold: str | None = None
    background: str = "uniform"
    pseudocount: float = DEFAULT_PSEUDOCOUNT
    strands: str | None = None
    soft_mask: str = "keep"
    regions: str | None = None
    genome: tuple[str, ...] = ()
    size: int | None = None
    names: str | None = None
    background_sequences: str = SHUFFLES
    match_gc: bool = False
    seed: int = 0
    threads: int | None = None

    def __post_init__(self) -> None:
        self.scan_options()
        if self.size is not None and self.size < 1:
            raise UsageError(f"--size {self.size} is not a whole number of at least 1.")
        if self.seed < 0:
            raise UsageError(f"--seed {self.seed} is not a whole number of at least 0.")
        if self.regions is not None and not self.genome:
            raise UsageError("--regions takes its letters from --genome FASTA, which was not given.")
        if self.background_sequences == GENOME and not self.genome:
            raise UsageError("--background-sequences genome draws from --genome FASTA, which was not given.")
        if self.background_sequences == "-":
            raise UsageError("--background-sequences takes a file; standard input (-) is for the target.")
        if not self.genome and (self.size is not None or self.names is not None):
            raise UsageError("--size and --names belong to regions of a --genome, which was not given.")
        if self.match_gc and self.background_sequences == SHUFFLES:
            raise UsageError(
                "--match-gc has no place with shuffles, each of which has the letters of its target; "
                "it takes --background-sequences FASTA, BED or genome."
            )

    def scan_options(self) -> ScanOptions:
        """What counts as a hit; a palindrome's strands are alike, so one of them is enough."""
        return ScanOptions(
            p_value=self.p_value,
            min_score=self.min_score,
            threshold=self.threshold,
            background=self.background,
            pseudocount=self.pseudocount,
            strands=self.strands,
            palindromes="once",
            soft_mask=self.soft_mask,
            threads=self.threads,
        )
