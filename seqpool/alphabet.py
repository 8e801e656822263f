"""Alphabets: which byte stands for which letter, what an ambiguity code stands for, what pairs with what.

A sequence is kept as uint8 codes, one per symbol. The plain letters come first (A C G T/U = 0 1 2 3), then the
ambiguity codes in the order of `Alphabet.ambiguity`. Two more codes exist in every alphabet: `MASKED` for a letter
that the caller asked to leave out (soft-masked, `--soft-mask skip`), and `INVALID` for a byte that is no symbol.

IUPAC nucleotide codes: Cornish-Bowden 1985, doi:10.1093/nar/13.9.3021. Amino acids: IUPAC-IUB 1984 with B, Z, J, X,
U (selenocysteine), O (pyrrolysine) and `*` (stop).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

MASKED = 254
INVALID = 255

Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class Alphabet:
    """Letters, ambiguity codes and complement of one kind of sequence.

    name: `dna`, `rna` or `protein`, as written in artifacts.
    letters: the plain letters; the index of a letter is its code and its channel in a one-hot encoding.
    ambiguity: pairs of (symbol, the plain letters that it may stand for); no letters: a symbol that is none of them.
    complement: the complement of each plain letter in the order of `letters`; None where there is no other strand.
    aliases: pairs of (byte, the symbol it is read as).
    """

    name: str
    letters: str
    ambiguity: tuple[tuple[str, str], ...]
    complement: str | None = None
    aliases: tuple[tuple[str, str], ...] = ()

    @cached_property
    def symbols(self) -> str:
        """All symbols; the index of a symbol is its code."""
        return self.letters + "".join(symbol for symbol, _ in self.ambiguity)

    @property
    def unknown(self) -> int:
        """Code of the symbol that stands for any letter (N, X)."""
        return next(
            len(self.letters) + i for i, (_, stands_for) in enumerate(self.ambiguity) if stands_for == self.letters
        )

    @cached_property
    def byte_codes(self) -> NDArray[np.uint8]:
        """(256,) code of each byte, either case; INVALID where the byte is no symbol."""
        return self._table(lower_case_masked=False)

    @cached_property
    def byte_codes_masked(self) -> NDArray[np.uint8]:
        """(256,) as `byte_codes`, with lower-case symbols as MASKED."""
        return self._table(lower_case_masked=True)

    def _table(self, *, lower_case_masked: bool) -> NDArray[np.uint8]:
        table = np.full(256, INVALID, dtype=np.uint8)
        symbols = [(symbol, code) for code, symbol in enumerate(self.symbols)]
        symbols += [(byte, self.symbols.index(symbol)) for byte, symbol in self.aliases]
        for symbol, code in symbols:
            table[ord(symbol)] = code
            if symbol.lower() != symbol:
                table[ord(symbol.lower())] = MASKED if lower_case_masked else code
        return table

    @cached_property
    def distributions(self) -> NDArray[np.float64]:
        """(256, letters) probability of each plain letter for each code; zero rows for codes that are no letter."""
        table = np.zeros((256, len(self.letters)))
        for code in range(len(self.letters)):
            table[code, code] = 1.0
        for i, (_, stands_for) in enumerate(self.ambiguity):
            for letter in stands_for:
                table[len(self.letters) + i, self.letters.index(letter)] = 1.0 / len(stands_for)
        return table

    @cached_property
    def complement_codes(self) -> NDArray[np.uint8]:
        """(256,) code of the complement of each code. Raises ValueError for an alphabet without complement."""
        if self.complement is None:
            raise ValueError(f"the {self.name} alphabet has no complement")
        table = np.arange(256, dtype=np.uint8)
        pair = dict(zip(self.letters, self.complement, strict=True))
        sets = [frozenset(letter) for letter in self.letters] + [frozenset(s) for _, s in self.ambiguity]
        for code, letters in enumerate(sets):
            table[code] = sets.index(frozenset(pair[letter] for letter in letters))
        return table

    def encode(self, text: str | bytes) -> Codes:
        """Codes of a text, either case.

        Raises ValueError naming the first byte that is no symbol and its 1-based position.
        """
        raw = text.encode("utf-8") if isinstance(text, str) else text
        codes = np.frombuffer(bytearray(raw).translate(self.byte_codes.tobytes()), dtype=np.uint8)
        if codes.max(initial=0) == INVALID:
            position = int(codes.argmax())
            raise ValueError(
                f"{chr(raw[position])!r} at position {position + 1} is not a letter of the {self.name} alphabet"
            )
        return codes

    def decode(self, codes: Codes) -> str:
        """Upper-case text of codes; MASKED is shown as the unknown symbol."""
        table = np.full(256, ord(self.symbols[self.unknown]), dtype=np.uint8)
        table[: len(self.symbols)] = np.frombuffer(self.symbols.encode(), dtype=np.uint8)
        return table[codes].tobytes().decode("ascii")

    def reverse_complement(self, codes: Codes) -> Codes:
        """Codes of the other strand, read 5' to 3'. Raises ValueError for an alphabet without complement."""
        return self.complement_codes[codes[::-1]]


_NUCLEOTIDE_SETS = (
    ("N", "ACGT"),
    ("R", "AG"),
    ("Y", "CT"),
    ("S", "CG"),
    ("W", "AT"),
    ("K", "GT"),
    ("M", "AC"),
    ("B", "CGT"),
    ("D", "AGT"),
    ("H", "ACT"),
    ("V", "ACG"),
)

DNA = Alphabet("dna", "ACGT", _NUCLEOTIDE_SETS, complement="TGCA", aliases=(("U", "T"),))
RNA = Alphabet(
    "rna",
    "ACGU",
    tuple((symbol, letters.replace("T", "U")) for symbol, letters in _NUCLEOTIDE_SETS),
    complement="UGCA",
    aliases=(("T", "U"),),
)
PROTEIN = Alphabet(
    "protein",
    "ACDEFGHIKLMNPQRSTVWY",
    (("X", "ACDEFGHIKLMNPQRSTVWY"), ("B", "DN"), ("Z", "EQ"), ("J", "IL"), ("U", ""), ("O", ""), ("*", "")),
)

ALPHABETS = {alphabet.name: alphabet for alphabet in (DNA, RNA, PROTEIN)}
