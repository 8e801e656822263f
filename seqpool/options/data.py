"""The kinds of data that a config can name, as records: what is read, and nothing of how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from seqpool.options.audio import AudioClips
from seqpool.options.beat_windows import BeatWindows
from seqpool.options.beats import Beats
from seqpool.options.coding import CodingFragments
from seqpool.options.images import LineViews
from seqpool.options.recordings import Recordings, Waves
from seqpool.options.splits import Split

SHUFFLE = "dinucleotide-shuffle"

AlphabetName = Literal["dna", "rna", "protein"]
Strands = Literal["both", "forward"]


@dataclass(frozen=True, kw_only=True)
class LetterData:
    """What every kind of letter data takes.

    split: which rows are train, validation and test; null: all rows are train (or as the files say).
    alphabet: null: guessed from the letters and said.
    strands: `both`: a sequence and its reverse complement are one thing, so one that carries both labels is a
        conflict; `forward`: only the given strand counts.
    random_letters: share of a training sequence's letters replaced by random ones, new in each epoch.
    skip_leading_methionine: a protein's first letter is left out where it is M.
    batch_size: rows per step.
    """

    split: Split | None = None
    alphabet: AlphabetName | None = None
    strands: Strands = "both"
    random_letters: float = 0.0
    skip_leading_methionine: bool = False
    batch_size: int = 128

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch_size is {self.batch_size}, expected at least 1")
        if not 0 <= self.random_letters < 1:
            raise ValueError(f"random_letters is {self.random_letters}, expected a share from 0 up to 1")
        if self.skip_leading_methionine and self.alphabet not in (None, "protein"):
            raise ValueError(f"skip_leading_methionine is for proteins, the alphabet is {self.alphabet}")


@dataclass(frozen=True, kw_only=True)
class FastaClasses(LetterData):
    """FASTA files, one per class.

    positives, negatives: two files, or `negatives: dinucleotide-shuffle`: each positive shuffled so that all counts
        of neighbouring letters stay (new shuffles each epoch in training, fixed ones elsewhere), on its positive's
        side of the split. The classes are `negative` and `positive`.
    classes: instead, one file per class. names: of the classes; null: the files' stems.
    Windows (names `chr:start-end`) that overlap a window of another class are left out of train, and marked
    elsewhere.
    """

    module: ClassVar[str] = "seqpool.train.fasta_classes"

    positives: str | None = None
    negatives: str | None = None
    classes: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.positives is None) != (self.negatives is None) or (self.positives is None) == (self.classes is None):
            raise ValueError("FastaClasses takes positives and negatives, or classes (one file each), and not both")
        if self.classes is not None and len(self.classes) < 2:
            raise ValueError("classes lists one file, expected at least two classes")
        if self.names is not None and (self.classes is None or len(self.names) != len(self.classes)):
            raise ValueError("names lists one name for each file in classes")


@dataclass(frozen=True, kw_only=True)
class SequenceTable(LetterData):
    """A table with a sequence in each row: CSV or TSV, plain or compressed.

    file: the table. columns: names of a headerless table's columns. sequence: column of the letters.
    labels: column of the class, or columns of the targets (numbers; an empty cell is a missing target).
    weights: column of the rows' weights in training. name: column of the rows' names; null: row numbers from 0.
    """

    module: ClassVar[str] = "seqpool.train.sequence_table"

    file: str
    columns: tuple[str, ...] | None = None
    sequence: str = "sequence"
    labels: str | tuple[str, ...] = "label"
    weights: str | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.labels:
            raise ValueError("labels is empty, expected a column or a list of columns")

    @property
    def label_columns(self) -> tuple[str, ...]:
        """`labels` as a tuple."""
        return (self.labels,) if isinstance(self.labels, str) else self.labels


@dataclass(frozen=True, kw_only=True)
class SequenceFolder(LetterData):
    """A folder with train.csv, and dev.csv and test.csv where they exist (or .tsv, or compressed: .csv.gz).

    folder: where they are. The other options are those of `SequenceTable`. The split is `by: given` unless another
    rule divides the rows of all files anew.
    """

    module: ClassVar[str] = "seqpool.train.sequence_folder"

    folder: str
    sequence: str = "sequence"
    labels: str | tuple[str, ...] = "label"
    weights: str | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.labels:
            raise ValueError("labels is empty, expected a column or a list of columns")

    @property
    def label_columns(self) -> tuple[str, ...]:
        """`labels` as a tuple."""
        return (self.labels,) if isinstance(self.labels, str) else self.labels


@dataclass(frozen=True, kw_only=True)
class GenomeRegions(LetterData):
    """Windows of a genome around the starts of regions, against windows elsewhere.

    genome: FASTA files. regions: a BED file; a region's start is its end on the minus strand. names: a table that
        maps the BED's chromosome names to the genome's (columns of one line name one chromosome); null: they agree.
    width: letters of each window; half of them lie before the start, and the minus strand is read 5' to 3'.
    negatives: `intergenic`: as many windows, of both strands at random, that touch no region (whose whole span
        counts, flanked by half a width), drawn from `seed`.
    """

    module: ClassVar[str] = "seqpool.train.genome_regions"

    genome: tuple[str, ...]
    regions: str
    names: str | None = None
    width: int = 200
    negatives: Literal["intergenic"] = "intergenic"
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.genome:
            raise ValueError("genome is empty, expected FASTA files")
        if self.width < 2 or self.width % 2:
            raise ValueError(f"width is {self.width}, expected an even number of letters")


DATA: dict[str, type[Any]] = {
    record.__name__: record
    for record in (
        FastaClasses,
        SequenceTable,
        SequenceFolder,
        GenomeRegions,
        Recordings,
        Waves,
        Beats,
        BeatWindows,
        CodingFragments,
        AudioClips,
        LineViews,
    )
}
"""Every kind of data by the name that a config's `data.class_path` gives."""
