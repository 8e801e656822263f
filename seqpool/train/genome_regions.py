"""Windows of a genome around the starts of regions, against windows between the regions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import ALPHABETS, DNA, Alphabet, Codes
from seqpool.errors import DataError, UsageError
from seqpool.io.bed import Region, read_bed, read_chromosome_names
from seqpool.io.fasta import read_fasta
from seqpool.options.data import GenomeRegions as Options
from seqpool.train.data_module import DataModule, Parts
from seqpool.train.letter_rows import LetterRows, parts_of
from seqpool.train.messages import say


@dataclass(frozen=True)
class Window:
    """A stretch of a chromosome (0-based half open) read on one strand."""

    chromosome: str
    start: int
    end: int
    strand: str

    @property
    def name(self) -> str:
        """As splits and tables name it."""
        return f"{self.chromosome}:{self.start}-{self.end}({self.strand})"


class GenomeRegions(DataModule):
    """The data module of `seqpool.options.data.GenomeRegions`."""

    record_class = Options
    options: Options

    def read(self) -> Parts:
        """Reads genome and regions. Raises UsageError where their chromosome names do not meet."""
        options = self.options
        alphabet = DNA if options.alphabet is None else ALPHABETS[options.alphabet]
        if alphabet is not DNA:
            raise UsageError(f"GenomeRegions reads DNA; data.alphabet is {alphabet.name}.")
        regions = read_bed(options.regions)
        genome = self._genome(alphabet, regions)
        sizes = {name: len(codes) for name, codes in genome.items()}
        for region in regions:
            if region.end > sizes[region.chromosome]:
                raise DataError(
                    f"{options.regions}: a region ends at {region.end}, past the end of {region.chromosome} "
                    f"({sizes[region.chromosome]} letters): is it of another genome?"
                )
        positives = start_windows(regions, sizes, options.width)
        left_out = len(regions) - len(positives)
        if left_out:
            say(f"{left_out} regions start too near the end of a chromosome, or where another one does: left out.")
        if not positives:
            raise DataError(f"{options.regions}: no region gives a window of {options.width} letters.")
        negatives = intergenic_windows(regions, sizes, options.width, len(positives), options.seed)
        if len(negatives) < len(positives):
            say(f"only {len(negatives)} windows fit between the regions, against {len(positives)} starts.")
        if not negatives:
            raise DataError(f"{options.regions}: no window of {options.width} letters fits between the regions.")
        windows = [*negatives, *positives]
        target = np.repeat([0.0, 1.0], [len(negatives), len(positives)])
        classes = ("negative", "positive")
        rows = LetterRows(
            names=[window.name for window in windows],
            codes=[letters_of_window(genome, window, alphabet) for window in windows],
            target=target,
            classes=classes,
            weight=np.ones(len(windows)),
            columns={
                "label": [classes[int(t)] for t in target],
                "chromosome": [window.chromosome for window in windows],
            },
        )
        files = [*options.genome, options.regions, *([options.names] if options.names else [])]
        return parts_of(rows, options, alphabet, files)

    def _genome(self, alphabet: Alphabet, regions: list[Region]) -> dict[str, Codes]:
        """Chromosomes by the names that the regions use."""
        line_of = read_chromosome_names(self.options.names) if self.options.names else {}
        # a name that the table lacks stands for itself
        wanted = {line_of.get(region.chromosome, region.chromosome): region.chromosome for region in regions}
        genome: dict[str, Codes] = {}
        found: list[str] = []
        for path in self.options.genome:
            for sequence in read_fasta(path, alphabet, on_warning=say):
                found.append(sequence.name)
                name = wanted.get(line_of.get(sequence.name, sequence.name))
                if name is not None:
                    genome[name] = sequence.codes
        missing = sorted(set(wanted.values()) - set(genome))
        if missing:
            raise UsageError(
                f"{self.options.regions} names {', '.join(missing[:3])}, which the genome lacks "
                f"(it has {', '.join(found[:3])}); data.names maps one to the other."
            )
        return genome


def start_windows(regions: list[Region], sizes: dict[str, int], width: int) -> list[Window]:
    """Windows of `width` letters with half of them before each region's first letter; each start once.

    On the minus strand the first letter is the last of the interval, and "before" is to the right.
    """
    windows: dict[Window, None] = {}
    for region in regions:
        centre = region.end if region.strand == "-" else region.start
        start, end = centre - width // 2, centre + width // 2
        if start >= 0 and end <= sizes.get(region.chromosome, 0):
            strand = "-" if region.strand == "-" else "+"
            windows.setdefault(Window(region.chromosome, start, end, strand))
    return list(windows)


def intergenic_windows(regions: list[Region], sizes: dict[str, int], width: int, count: int, seed: int) -> list[Window]:
    """At most `count` windows that lie at least half a width from every region and do not overlap one another.

    The gaps between regions are cut into windows (what is over is shared out by chance), of which `count` are drawn
    from `seed`; each is read on a strand drawn by chance.
    """
    generator = np.random.default_rng(seed)
    windows = []
    for chromosome in sorted(sizes):
        covered = np.zeros(sizes[chromosome] + 1, dtype=np.int64)
        for region in regions:
            if region.chromosome == chromosome:
                covered[max(0, region.start - width // 2)] += 1
                covered[min(sizes[chromosome], region.end + width // 2)] -= 1
        for start, end in _runs(np.cumsum(covered)[:-1] == 0):
            fit = (end - start) // width
            first = start + int(generator.integers(0, (end - start) - fit * width + 1))
            windows += [(chromosome, first + i * width) for i in range(fit)]
    chosen = np.sort(generator.permutation(len(windows))[:count])
    strands = generator.integers(0, 2, len(chosen))
    return [
        Window(windows[i][0], windows[i][1], windows[i][1] + width, "+-"[strand])
        for i, strand in zip(chosen.tolist(), strands.tolist(), strict=True)
    ]


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Half-open stretches where `mask` holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def letters_of_window(genome: dict[str, Codes], window: Window, alphabet: Alphabet) -> Codes:
    """Letters of a window, read 5' to 3' on its strand."""
    codes = genome[window.chromosome][window.start : window.end]
    return alphabet.reverse_complement(codes) if window.strand == "-" else codes
