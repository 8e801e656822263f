"""How rows are divided into train, validation and test."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

SHARES_OR_FOLDS = ("shares", "folds", "validation", "test", "seed", "stratify")

TAKES: dict[str, tuple[str, ...]] = {
    "chromosome": ("validation", "test"),
    "column": ("column", "on_overlap"),
    "folds": ("file", "key", "column", "validation", "test", "on_overlap"),
    "group": ("column", *SHARES_OR_FOLDS),
    "shared_words": ("length", *SHARES_OR_FOLDS),
    "order": ("folds", "validation", "test"),
    "random": SHARES_OR_FOLDS,
    "given": ("on_overlap",),
}
"""The keys that each rule takes besides `by`."""

NEEDS: dict[str, tuple[str, ...]] = {
    "column": ("column",),
    "folds": ("column",),
    "group": ("column",),
    "shared_words": ("length",),
    "order": ("folds",),
}
"""The keys that a rule cannot do without."""


@dataclass(frozen=True)
class Split:
    """Which rows are train, which validation, which test. Whatever the rule, no content is on two sides.

    by: the rule.
        chromosome: text before the first `:` of a name; `validation` and `test` list chromosomes.
        column: `column` holds train; val, validation or dev; test.
        folds: `column` holds each row's fold. `file`: another table (else the data's own); its column `key` finds
            the row (`row`: the row's number from 0; else a column of the data of the same name, else the row's name).
        group: rows with the same value in `column` (a patient, a speaker) stay together.
        shared_words: sequences that share a word of `length` letters stay together (single linkage).
        order: sorted names, number i to fold i mod `folds`.
        random: rows one by one; identical and reverse-complement sequences stay together.
        given: as the files say.
    validation, test: chromosomes or folds of that side; the others are train.
    shares: parts of train, validation and, if there are three, test; they sum to 1.
    folds: number of equal folds, instead of `shares`.
    stratify: column whose values are spread evenly over the sides (`label`: the class).
    seed: of group, shared_words and random.
    on_overlap: what happens where a division that somebody else made has one content on two sides: `refuse`, or
        `drop` it from train (from validation where it is in test).
    """

    by: Literal["chromosome", "column", "folds", "group", "shared_words", "order", "random", "given"]
    validation: tuple[int | str, ...] = ()
    test: tuple[int | str, ...] = ()
    column: str | None = None
    file: str | None = None
    key: str = "row"
    length: int | None = None
    shares: tuple[float, ...] | None = None
    folds: int | None = None
    stratify: str | None = None
    seed: int = 0
    on_overlap: Literal["refuse", "drop"] = "refuse"

    def __post_init__(self) -> None:
        takes = TAKES[self.by]
        for field in fields(self)[1:]:
            if field.name not in takes and getattr(self, field.name) != field.default:
                raise ValueError(f"a split by {self.by} takes {', '.join(takes)}, not {field.name}")
        for name in NEEDS.get(self.by, ()):
            if getattr(self, name) is None:
                raise ValueError(f"a split by {self.by} needs {name}")
        if self.by in ("group", "shared_words", "random") and (self.shares is None) == (self.folds is None):
            raise ValueError(f"a split by {self.by} needs shares (as [0.8, 0.1, 0.1]) or folds (as 5), and not both")
        if self.length is not None and self.length < 1:
            raise ValueError(f"length is {self.length}: a shared word has at least one letter")
        self._check_shares()
        self._check_sides()

    def _check_shares(self) -> None:
        if self.shares is None:
            return
        if len(self.shares) not in (2, 3) or min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-6:
            raise ValueError(
                f"shares are {list(self.shares)}: two or three numbers that sum to 1 are expected "
                "(train, validation, test)"
            )
        if self.shares[0] == 0:
            raise ValueError("shares leave nothing for train")
        if self.validation or self.test:
            raise ValueError("validation and test list folds, so they go with folds and not with shares")

    def _check_sides(self) -> None:
        both = {str(name) for name in self.validation} & {str(name) for name in self.test}
        if both:
            raise ValueError(f"validation and test both name {', '.join(sorted(both))}")
        if self.by in ("chromosome", "folds") or self.folds is not None:
            if not self.validation and not self.test:
                raise ValueError(f"a split by {self.by} needs validation, test or both (as validation: [0])")
            if self.folds is not None:
                if self.folds < 2:
                    raise ValueError(f"folds is {self.folds}: at least 2 are expected")
                for name in (*self.validation, *self.test):
                    if str(name) not in {str(i) for i in range(self.folds)}:
                        raise ValueError(f"there is no fold {name}: {self.folds} folds are 0 to {self.folds - 1}")
