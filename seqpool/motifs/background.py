"""What motifs are compared with: uniform letters, FIMO's built-in, measured, or a MEME background file of any order."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import Alphabet
from seqpool.errors import DataError, UsageError
from seqpool.motifs.matrix import Matrix

# FIMO's built-in DNA frequencies (the non-redundant database of MEME suite 5), given strand, A C G T
_NRDB = (0.281773936, 0.222020056, 0.228876042, 0.267329965)

HIGHEST_ORDER = 3


@dataclass(frozen=True, eq=False)
class Background:
    """A Markov chain over letters, as the probabilities of its words.

    name: `uniform`, `nrdb`, `measured` or the file. words: probability of every word of order + 1 letters, one axis
    per letter, each axis (letters,); order 0 is independent letters.
    """

    name: str
    words: Matrix

    @property
    def order(self) -> int:
        """How many letters before it a letter depends on."""
        return self.words.ndim - 1

    @property
    def probabilities(self) -> Matrix:
        """(letters,) probability of each single letter; log-odds divide by these."""
        return np.asarray(self.words.sum(axis=tuple(range(1, self.words.ndim))))

    def on_both_strands(self, alphabet: Alphabet) -> Background:
        """The same background averaged with its reverse complement."""
        other = self.words
        for axis in range(self.words.ndim):
            other = np.take(other, alphabet.complement_codes[: len(alphabet.letters)], axis=axis)
        return Background(self.name, (self.words + other.transpose()) / 2)

    def describe(self, alphabet: Alphabet) -> str:
        """Name, order and letter probabilities, for the facts of a run."""
        values = " ".join(f"{a}={p:.4g}" for a, p in zip(alphabet.letters, self.probabilities, strict=True))
        order = f" order {self.order}" if self.order else ""
        return f"{self.name}{order} ({values})"


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
    """Read a MEME background file: `word probability` lines for words of 1, 2, ... letters, `#` comments.

    The longest words (up to 4 letters: order 3) are used. Raises DataError for a file that cannot be read, misses a
    word, or gives one no positive probability.
    """
    where = f"--background {path}"
    given = _words(where, path, alphabet)
    lengths = sorted({len(word) for word in given})
    length = min(lengths[-1], HIGHEST_ORDER + 1) if lengths else 1
    letters = len(alphabet.letters)
    words = np.zeros((letters,) * length)
    for word, value in given.items():
        if len(word) == length:
            words[tuple(alphabet.letters.index(letter) for letter in word)] = value
    if not (np.isfinite(words).all() and (words > 0).all()):
        index = np.argwhere(~(np.isfinite(words) & (words > 0)))[0]
        word = "".join(alphabet.letters[i] for i in index)
        raise DataError(f"{where}: {'letter' if length == 1 else 'word'} {word} has no positive probability.")
    if abs(words.sum() - 1) > 0.01:
        raise DataError(f"{where}: the probabilities of words of {length} sum to {words.sum():.4g}, expected 1.")
    return Background(path, words / words.sum())


def _words(where: str, path: str, alphabet: Alphabet) -> dict[str, float]:
    try:
        with open(path, encoding="utf-8") as stream:
            lines = stream.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise DataError(f"{where} cannot be read: {reason}.") from error
    given: dict[str, float] = {}
    alias = dict(alphabet.aliases)
    for number, line in enumerate(lines, start=1):
        cells = re.sub(r"#.*", "", line).split()
        if not cells:
            continue
        try:
            word, value = cells[0].upper(), float(cells[1])
        except (IndexError, ValueError) as error:
            raise DataError(f"{where} line {number}: expected a word and its probability.") from error
        word = "".join(alias.get(letter, letter) for letter in word)
        if any(letter not in alphabet.letters for letter in word):
            raise DataError(f"{where} line {number}: '{cells[0]}' is no word of {alphabet.letters}.")
        given[word] = value
    return given
