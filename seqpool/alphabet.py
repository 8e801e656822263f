"""Alphabets: which byte stands for which letter, what an ambiguity code stands for, what pairs with what.

A sequence is kept as uint8 codes, one per symbol. The plain letters come first (A C G T/U = 0 1 2 3), then the
ambiguity codes in the order of `Alphabet.ambiguity`. Two more codes exist in every alphabet: `MASKED` for a letter
that the caller asked to leave out (soft-masked, `--soft-mask skip`), and `INVALID` for a byte that is no symbol.

IUPAC nucleotide codes: Cornish-Bowden 1985, doi:10.1093/nar/13.9.3021. Amino acids: IUPAC-IUB 1984 with B, Z, J, X,
U (selenocysteine), O (pyrrolysine) and `*` (stop). Codons and what they mean: `GeneticCode`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

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


@dataclass(frozen=True)
class GeneticCode:
    """What codons mean: an NCBI translation table, by its number, through Biopython.

    A codon of plain letters has the code 16 first + 4 second + third (0 to 63). Codons with N or another IUPAC letter
    follow (`CODONS` of them in all); each stands for the product of its letters' distributions, so TAR and TRA are as
    surely stops as TAA is. Meanings are the 20 amino acids in the order of PROTEIN, then stop.
    A codon that a table lists both as stop and as amino acid (27, 28, 31) counts half for each.
    Source: NCBI, The Genetic Codes (Elzanowski and Ostell), as in Bio.Data.CodonTable.
    Raises ValueError for a number that is no table.
    """

    number: int

    def __post_init__(self) -> None:
        if self.number not in genetic_code_numbers():
            accepted = ", ".join(map(str, genetic_code_numbers()))
            raise ValueError(f"there is no genetic code {self.number} (NCBI's are {accepted})")

    @cached_property
    def meanings(self) -> NDArray[np.float64]:
        """(64, 21) probability of each amino acid, and last of stop, for each codon."""
        from Bio.Data import CodonTable

        table = CodonTable.unambiguous_dna_by_id[self.number]
        found = np.zeros((PLAIN_CODONS, len(PROTEIN.letters) + 1))
        for code in range(PLAIN_CODONS):
            codon = "".join(DNA.letters[code // place % 4] for place in (16, 4, 1))
            if codon in table.forward_table:
                found[code, PROTEIN.letters.index(table.forward_table[codon])] = 1
            if codon in table.stop_codons:
                found[code, -1] = 1
        shares: NDArray[np.float64] = found / found.sum(axis=1, keepdims=True)
        return shares

    @cached_property
    def certain_stops(self) -> NDArray[np.bool_]:
        """(CODONS,) codons that are nothing but stops."""
        certain: NDArray[np.bool_] = (codon_distributions() @ self.meanings)[:, -1] > 1 - 1e-9
        return certain

    def read_as(self, other: GeneticCode) -> NDArray[np.float64]:
        """(64, 64) for each codon of this code, the codons of `other` that mean the same, equally likely.

        A codon whose meaning is the same in both stays what it is.
        """
        found = np.eye(PLAIN_CODONS)
        synonyms = other.meanings.T / other.meanings.sum(axis=0)[:, None]
        changed = (self.meanings != other.meanings).any(axis=1)
        found[changed] = self.meanings[changed] @ synonyms
        return found


PLAIN_CODONS = 64

CODONS = len(DNA.symbols) ** 3
"""Codons of IUPAC letters, the plain ones among them."""


@cache
def genetic_code_numbers() -> tuple[int, ...]:
    """NCBI's translation tables."""
    from Bio.Data import CodonTable

    return tuple(sorted(CodonTable.unambiguous_dna_by_id))


@cache
def codon_table() -> NDArray[np.int16]:
    """(16, 16, 16) code of the codon of three letter codes; 15 stands for whatever is no letter and reads as N."""
    symbols = len(DNA.symbols)
    letters = np.minimum(np.arange(16), symbols)
    letters[symbols] = DNA.unknown
    first, second, third = np.meshgrid(letters, letters, letters, indexing="ij")
    order = np.full((symbols,) * 3, -1, dtype=np.int16)
    order[:4, :4, :4] = np.arange(PLAIN_CODONS).reshape(4, 4, 4)
    order[order < 0] = np.arange(PLAIN_CODONS, CODONS)
    table: NDArray[np.int16] = order[first, second, third]
    return table


@cache
def codon_distributions() -> NDArray[np.float64]:
    """(CODONS, 64) probability of each plain codon for each codon code."""
    symbols = len(DNA.symbols)
    letters = DNA.distributions[:symbols]
    products = np.einsum("ai,bj,ck->abcijk", letters, letters, letters).reshape(symbols, symbols, symbols, PLAIN_CODONS)
    table = np.zeros((CODONS, PLAIN_CODONS))
    table[codon_table()[:symbols, :symbols, :symbols]] = products
    return table


def codon_codes(codes: Codes) -> NDArray[np.int16]:
    """(length - 2,) code of the codon that starts at each letter; empty below three letters."""
    letters = np.minimum(codes, 15)
    if len(letters) < 3:
        return np.zeros(0, dtype=np.int16)
    table: NDArray[np.int16] = codon_table()[letters[:-2], letters[1:-1], letters[2:]]
    return table
