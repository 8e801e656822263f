"""What counts as a hit of a motif scan, and against which background."""

from __future__ import annotations

import math
from dataclasses import dataclass

from seqpool.errors import UsageError

DEFAULT_P_VALUE = 1e-4
DEFAULT_PSEUDOCOUNT = 0.1


@dataclass(frozen=True)
class ScanOptions:
    """Options of `scan`, named and meant as on the command line. At most one threshold is given.

    p_value, q_value: in (0, 1]; min_score: bits; threshold: `motif` for each motif's own (HOMER files). None of them:
    p <= 1e-4, or with `best` no threshold.
    background: `uniform`, `nrdb`, `measured` or a MEME background file. pseudocount: total per position.
    strands: `both` or `forward`, None for both where there are two. palindromes: `both` or `once`.
    soft_mask: `keep` or `skip`. ambiguous: `skip` or `expect`, of windows with N or another IUPAC code.
    best: one row per sequence and motif. matrix: `count` or `best`, sequences x motifs.
    regions: a BED or narrowPeak file; size: letters around each region's summit or middle; names: a table of the names
    that one chromosome goes by. threads: None for all cores.
    Raises UsageError for values out of range and for options that exclude each other.
    """

    p_value: float | None = None
    q_value: float | None = None
    min_score: float | None = None
    threshold: str | None = None
    background: str = "uniform"
    pseudocount: float = DEFAULT_PSEUDOCOUNT
    strands: str | None = None
    palindromes: str = "both"
    soft_mask: str = "keep"
    ambiguous: str = "skip"
    best: bool = False
    matrix: str | None = None
    regions: str | None = None
    size: int | None = None
    names: str | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("p_value", "q_value", "min_score", "threshold") if getattr(self, name) is not None]
        if len(given) > 1:
            shown = " and ".join("--" + name.replace("_", "-") for name in given)
            raise UsageError(f"{shown} were both given, expected one threshold.")
        for name in ("p_value", "q_value"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= 1:
                raise UsageError(f"--{name.replace('_', '-')} {value:g} is not in (0, 1].")
        if self.min_score is not None and not math.isfinite(self.min_score):
            raise UsageError(f"--min-score {self.min_score} is not a finite number.")
        if not (self.pseudocount >= 0 and math.isfinite(self.pseudocount)):
            raise UsageError(f"--pseudocount {self.pseudocount:g} is not a number of at least 0.")
        for name, values in _CHOICES.items():
            if getattr(self, name) not in values:
                accepted = " or ".join(str(value) for value in values if value is not None)
                raise UsageError(f"--{name.replace('_', '-')} {getattr(self, name)}: expected {accepted}.")
        if self.matrix == "best" and given:
            raise UsageError(f"--matrix best holds every sequence's best score, so --{given[0]} has no place.")
        if self.best and self.matrix is not None:
            raise UsageError("--best and --matrix were both given, expected one table.")
        if self.regions is None and (self.size is not None or self.names is not None):
            raise UsageError("--size and --names belong to --regions, which was not given.")
        if self.regions is not None and (self.best or self.matrix is not None):
            raise UsageError("--regions gives hits in genome coordinates; --best and --matrix take sequences.")
        if self.size is not None and self.size < 1:
            raise UsageError(f"--size {self.size} is not a whole number of at least 1.")

    @property
    def decides_by_score(self) -> bool:
        """Whether scores of any p-value are wanted."""
        return self.finds_best or self.min_score is not None or self.threshold is not None

    @property
    def finds_best(self) -> bool:
        """Whether every sequence's best window is wanted rather than all windows over a threshold."""
        return self.best or self.matrix == "best"


_CHOICES: dict[str, tuple[str | None, ...]] = {
    "threshold": (None, "motif"),
    "strands": (None, "both", "forward"),
    "palindromes": ("both", "once"),
    "soft_mask": ("keep", "skip"),
    "ambiguous": ("skip", "expect"),
    "matrix": (None, "count", "best"),
}
