"""Letter probabilities that a motif is compared with: uniform, FIMO's built-in, measured, or read from a file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import Alphabet
from seqpool.errors import DataError, UsageError
from seqpool.motifs.matrix import Matrix

# FIMO's built-in DNA frequencies (the non-redundant database of MEME suite 5), given strand, A C G T
_NRDB = (0.281773936, 0.222020056, 0.228876042, 0.267329965)


@dataclass(frozen=True, eq=False)
class Background:
    """name: `uniform`, `nrdb`, `measured` or the file; probabilities: (letters,) float64, positive, summing to 1."""

    name: str
    probabilities: Matrix

    def on_both_strands(self, alphabet: Alphabet) -> Background:
        """The same background averaged with its reverse complement."""
        other = self.probabilities[alphabet.complement_codes[: len(alphabet.letters)]]
        return Background(self.name, (self.probabilities + other) / 2)

    def describe(self, alphabet: Alphabet) -> str:
        """Name and probabilities, for the facts of a run."""
        values = " ".join(f"{a}={p:.4g}" for a, p in zip(alphabet.letters, self.probabilities, strict=True))
        return f"{self.name} ({values})"


def uniform_background(alphabet: Alphabet) -> Background:
    """Every letter as often as any other."""
    return Background("uniform", np.full(len(alphabet.letters), 1 / len(alphabet.letters)))


def nrdb_background(alphabet: Alphabet) -> Background:
    """FIMO's built-in frequencies of DNA and RNA. Raises UsageError for other alphabets."""
    if len(alphabet.letters) != len(_NRDB):
        raise UsageError(f"--background nrdb holds nucleotide frequencies; the motifs are {alphabet.name}.")
    values = np.array(_NRDB)
    return Background("nrdb", values / values.sum())


def measured_background(letter_counts: NDArray[np.int64], alphabet: Alphabet) -> Background:
    """Frequencies of the input's own letters, each counted once more than seen so that none has probability 0.

    Raises DataError when the input has no letter at all.
    """
    if not letter_counts.sum():
        raise DataError("the background cannot be measured: the input has no letter of the alphabet.")
    values = np.asarray(letter_counts, dtype=np.float64) + 1
    return Background("measured", values / values.sum())


def read_background(path: str, alphabet: Alphabet) -> Background:
    """Read the order-0 lines of a MEME background file (`letter probability`, `#` comments).

    Raises DataError for a file that cannot be read or does not give every letter a positive probability.
    """
    values = dict.fromkeys(alphabet.letters, 0.0)
    try:
        with open(path, encoding="utf-8") as stream:
            lines = stream.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise DataError(f"--background {path} cannot be read: {reason}.") from error
    for number, line in enumerate(lines, start=1):
        words = line.split("#")[0].split()
        if not words:
            continue
        try:
            word, value = words[0].upper(), float(words[1])
        except (IndexError, ValueError) as error:
            raise DataError(f"--background {path} line {number}: expected a letter and its probability.") from error
        word = "".join({"U": "T", "T": "U"}.get(a, a) if a not in values else a for a in word)
        if any(letter not in values for letter in word):
            raise DataError(f"--background {path} line {number}: '{words[0]}' is no word of {alphabet.letters}.")
        if len(word) > 1:
            raise DataError(f"--background {path} line {number}: words of several letters, expected single letters.")
        values[word] = value
    probabilities = np.array(list(values.values()))
    if not (np.isfinite(probabilities).all() and (probabilities > 0).all()):
        missing = next(a for a, p in values.items() if not (np.isfinite(p) and p > 0))
        raise DataError(f"--background {path}: letter {missing} has no positive probability.")
    if abs(probabilities.sum() - 1) > 0.01:
        raise DataError(f"--background {path}: the probabilities sum to {probabilities.sum():.4g}, expected 1.")
    return Background(path, probabilities / probabilities.sum())
