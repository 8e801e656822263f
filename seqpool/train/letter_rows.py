"""From rows of letters with labels to the parts of a data set: what all kinds of letter data share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import ALPHABETS, DNA, PROTEIN, RNA, Alphabet, Codes
from seqpool.errors import DataError
from seqpool.io.compressed import open_decompressed
from seqpool.options.data import LetterData
from seqpool.options.inputs import Letters
from seqpool.train.data_module import Parts
from seqpool.train.file_facts import file_facts
from seqpool.train.groups import joined, same_content
from seqpool.train.letter_part import LetterPart
from seqpool.train.messages import say
from seqpool.train.splits import LEFT_OUT, SIDES, TRAIN, Rows, Sides, divide, rule_of

GUESS_BYTES = 1 << 22


@dataclass(frozen=True)
class LetterRows:
    """What a data set holds.

    names: of the rows. codes: their letters. target: (rows,) class index, or (rows, targets) numbers. classes: names
    of the classes or targets. weight: (rows,). columns: cells as written, for splits. given: (rows,) sides that the
    files say. overlaps: (rows,) windows that overlap one of another class. shuffles: each row is a positive, to which
    its shuffle is the negative.
    """

    names: Sequence[str]
    codes: Sequence[Codes]
    target: NDArray[np.float64]
    classes: tuple[str, ...]
    weight: NDArray[np.float64]
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    given: Sides | None = None
    overlaps: NDArray[np.bool_] | None = None
    shuffles: bool = False

    def __len__(self) -> int:
        return len(self.names)

    def chosen(self, rows: NDArray[np.int64]) -> LetterRows:
        """These rows alone."""
        return replace(
            self,
            names=[self.names[i] for i in rows],
            codes=[self.codes[i] for i in rows],
            target=self.target[rows],
            weight=self.weight[rows],
            columns={name: [cells[i] for i in rows] for name, cells in self.columns.items()},
            given=None if self.given is None else self.given[rows],
            overlaps=None if self.overlaps is None else self.overlaps[rows],
        )


def parts_of(rows: LetterRows, options: LetterData, alphabet: Alphabet, files: Sequence[str]) -> Parts:
    """Conflicts dropped, rows divided, each side as a part. What was dropped is said and kept in the facts."""
    notes: list[str] = []
    both_strands = alphabet is DNA
    if "row" not in rows.columns:  # numbered before any is dropped, as a table of folds counts them
        rows = replace(rows, columns={**rows.columns, "row": [str(row) for row in range(len(rows))]})
    rows = _without_conflicts(rows, alphabet if both_strands and options.strands == "both" else None, notes)
    original = rows.codes
    if options.skip_leading_methionine:
        rows = replace(rows, codes=without_leading_methionine(rows.codes, alphabet))
    content = same_content(rows.codes, alphabet if both_strands else None)
    if rows.codes is not original:
        content = joined(content, same_content(original))
    side, folds, facts = _sides(rows, options, alphabet, original, content, notes)
    for note in notes:
        say(note)
    parts = [_part(rows, np.flatnonzero(side == number), options, alphabet) for number in range(len(SIDES))]
    train, validation, test = parts
    assert train is not None  # `divide` refuses a split without training rows
    lengths = {length for part in parts if part is not None for length in part.shortest_and_longest}
    return Parts(
        train=train,
        validation=validation,
        test=test,
        input=Letters(alphabet.name, skip_leading_methionine=options.skip_leading_methionine),
        classes=rows.classes,
        facts={
            "data": type(options).__name__,
            "files": [file_facts(path) for path in files],
            "split": facts,
            "folds": list(folds),
            "classes": _class_counts(rows, side),
            "notes": notes,
        },
        length=lengths.pop() if len(lengths) == 1 else None,
    )


def _sides(
    rows: LetterRows,
    options: LetterData,
    alphabet: Alphabet,
    original: Sequence[Codes],
    content: NDArray[np.int64],
    notes: list[str],
) -> tuple[Sides, tuple[str, ...], dict[str, Any]]:
    if options.split is None:
        side = np.full(len(rows), TRAIN, dtype=np.int8)
        folds: tuple[str, ...] = ()
        rule: dict[str, Any] = {}
    else:
        division = divide(
            options.split,
            Rows(rows.names, content, rows.columns, codes=original, alphabet=alphabet, given=rows.given),
        )
        side, folds, rule = division.side.copy(), division.folds, rule_of(options.split)
        notes += division.notes
    if rows.overlaps is not None and (found := rows.overlaps & (side == TRAIN)).any():
        side[found] = LEFT_OUT
        notes.append(f"{int(found.sum())} rows of train overlap a window of another class: left out of train.")
    counts = {name: int((side == number).sum()) for number, name in enumerate(SIDES)}
    return side, folds, {"rule": rule, "rows": counts, "left_out": int((side == LEFT_OUT).sum())}


def _part(rows: LetterRows, chosen: NDArray[np.int64], options: LetterData, alphabet: Alphabet) -> LetterPart | None:
    if not len(chosen):
        return None
    some = rows.chosen(chosen)
    count = len(some)
    tags = {} if some.overlaps is None else {"overlaps_other_class": some.overlaps}
    shuffling: dict[str, Any] = {}
    target, weight = some.target, some.weight
    if rows.shuffles:
        shuffling = {"source": np.tile(np.arange(count), 2), "shuffled": np.repeat([False, True], count)}
        target = np.concatenate([np.ones(count), np.zeros(count)])
        weight = np.tile(weight, 2)
    return LetterPart(
        some.names,
        some.codes,
        target,
        weight,
        alphabet=alphabet,
        number=chosen,
        random_letters=options.random_letters,
        tags=tags,
        **shuffling,
    )


def _without_conflicts(rows: LetterRows, alphabet: Alphabet | None, notes: list[str]) -> LetterRows:
    """Rows but for those whose letters (with an alphabet: on either strand) occur with two classes."""
    if rows.target.ndim != 1 or rows.shuffles:
        return rows
    content = same_content(rows.codes, alphabet)
    groups = int(content.max(initial=-1)) + 1
    lowest = np.full(groups, np.inf)
    highest = np.full(groups, -np.inf)
    np.minimum.at(lowest, content, rows.target)
    np.maximum.at(highest, content, rows.target)
    conflict = (lowest != highest)[content]
    if not conflict.any():
        return rows
    strands = "" if alphabet is None else ", or their reverse complement,"
    first = rows.names[int(np.flatnonzero(conflict)[0])]
    notes.append(
        f"{int(conflict.sum())} rows hold a sequence that{strands} carries two labels (first: {first}): dropped."
    )
    if conflict.all():
        raise DataError("every row holds a sequence that carries two labels: there is nothing to learn.")
    return rows.chosen(np.flatnonzero(~conflict))


def _class_counts(rows: LetterRows, side: Sides) -> dict[str, dict[str, int]]:
    """Rows per side and class (none for numbers)."""
    if rows.target.ndim != 1 or rows.shuffles:
        return {}
    return {
        name: {text: int(((rows.target == index) & (side == number)).sum()) for index, text in enumerate(rows.classes)}
        for number, name in enumerate(SIDES)
    }


def without_leading_methionine(codes: Sequence[Codes], alphabet: Alphabet) -> list[Codes]:
    """Sequences without a first letter M; one that is M alone stays.

    Raises DataError where the letters are no protein.
    """
    if alphabet is not PROTEIN:
        raise DataError(f"skip_leading_methionine is for proteins, the letters are {alphabet.name}.")
    methionine = PROTEIN.letters.index("M")
    return [row[1:] if len(row) > 1 and row[0] == methionine else row for row in codes]


def guess_alphabet(letters: bytes) -> Alphabet:
    """The alphabet of a text: nucleotides where all letters are IUPAC codes and 8 of 10 are A C G T U N.

    RNA where there is U and no T; what is not nucleotide is protein.
    """
    counts = np.bincount(np.frombuffer(letters.upper(), dtype=np.uint8), minlength=256)
    nucleotide = sum(counts[ord(letter)] for letter in DNA.symbols + "U")
    plain = sum(counts[ord(letter)] for letter in "ACGTUN")
    if nucleotide == counts.sum() and plain >= 0.8 * counts.sum():
        return RNA if counts[ord("U")] and not counts[ord("T")] else DNA
    return PROTEIN


def alphabet_of(options: LetterData, letters: bytes) -> Alphabet:
    """The alphabet that the options name, else the guess, which is said."""
    if options.alphabet is not None:
        return ALPHABETS[options.alphabet]
    guess = guess_alphabet(letters)
    say(f"alphabet: {guess.name} (guessed from the letters; data.alphabet sets it).")
    return guess


def fasta_letters(path: str) -> bytes:
    """Letters of the first megabytes of a FASTA file, for the guess of its alphabet."""
    with open_decompressed(path) as stream:
        lines = stream.read(GUESS_BYTES).split(b"\n")
    return b"".join(line.strip() for line in lines if not line.startswith(b">"))
