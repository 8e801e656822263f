"""Alphabets against Biopython's tables and against themselves."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from Bio.Data import CodonTable, IUPACData
from Bio.Seq import Seq
from hypothesis import given
from hypothesis import strategies as st

from seqpool.alphabet import (
    CODONS,
    DNA,
    INVALID,
    MASKED,
    PROTEIN,
    RNA,
    Alphabet,
    GeneticCode,
    codon_codes,
    codon_distributions,
    genetic_code_numbers,
)


@pytest.mark.parametrize("symbol", DNA.symbols)
def test_iupac_sets_equal_biopython(symbol: str) -> None:
    row = DNA.distributions[DNA.symbols.index(symbol)]
    letters = {letter for letter, p in zip("ACGT", row, strict=True) if p > 0}
    assert letters == set(IUPACData.ambiguous_dna_values[symbol])
    assert row.sum() == pytest.approx(1)


@given(st.text(alphabet=DNA.symbols + DNA.symbols.lower(), max_size=60))
def test_reverse_complement_equals_biopython(text: str) -> None:
    assert DNA.decode(DNA.reverse_complement(DNA.encode(text))) == str(Seq(text.upper()).reverse_complement())


@pytest.mark.parametrize("alphabet", [DNA, RNA, PROTEIN], ids=lambda a: a.name)
def test_round_trip(alphabet: Alphabet) -> None:
    assert alphabet.decode(alphabet.encode(alphabet.symbols.lower())) == alphabet.symbols


def test_u_is_t() -> None:
    assert np.array_equal(DNA.encode("ACGU"), DNA.encode("ACGT"))
    assert np.array_equal(RNA.encode("ACGT"), DNA.encode("ACGT"))


def test_unknown_symbols() -> None:
    assert DNA.symbols[DNA.unknown] == "N"
    assert PROTEIN.symbols[PROTEIN.unknown] == "X"


def test_other_bytes_are_named() -> None:
    with pytest.raises(ValueError, match=r"'-' at position 3 is not a letter of the dna alphabet"):
        DNA.encode("AC-GT")


def test_masked_table() -> None:
    assert DNA.byte_codes_masked[ord("a")] == MASKED
    assert DNA.byte_codes_masked[ord("A")] == 0
    assert DNA.byte_codes[ord("E")] == INVALID


def test_protein_has_no_complement() -> None:
    with pytest.raises(ValueError, match="no complement"):
        PROTEIN.reverse_complement(PROTEIN.encode("ACD"))


IUPAC_CODONS = ["".join(letters) for letters in product(DNA.symbols, repeat=3)]


def meaning_of(codon: str, code: GeneticCode) -> dict[str, float]:
    """Amino acids and `*` with their probabilities."""
    row = codon_distributions()[codon_codes(DNA.encode(codon))[0]] @ code.meanings
    return {letter: p for letter, p in zip(PROTEIN.letters + "*", row.tolist(), strict=True) if p > 0}


@pytest.mark.parametrize("number", genetic_code_numbers())
def test_every_genetic_code_equals_biopython(number: int) -> None:
    table = CodonTable.unambiguous_dna_by_id[number]
    for codon in map("".join, product("ACGT", repeat=3)):
        found = meaning_of(codon, GeneticCode(number))
        expected = {"*"} if codon in table.stop_codons else set()
        expected |= {table.forward_table[codon]} if codon in table.forward_table else set()
        assert set(found) == expected
        assert sum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize("number", [1, 2, 4, 11])
def test_certain_ambiguous_codons_equal_biopython(number: int) -> None:
    for codon in IUPAC_CODONS:
        found = meaning_of(codon, GeneticCode(number))
        named = str(Seq(codon).translate(table=number))
        if len(found) == 1:
            assert named == next(iter(found))
        else:
            assert named in "XBZJ"


@pytest.mark.parametrize(
    ("codon", "number", "expected"),
    [
        ("TAR", 1, {"*": 1.0}), ("TRA", 1, {"*": 1.0}), ("TGR", 1, {"*": 0.5, "W": 0.5}),
        ("TRR", 1, {"*": 0.75, "W": 0.25}), ("YTR", 1, {"L": 1.0}), ("MGR", 1, {"R": 1.0}),
        ("TRA", 2, {"*": 0.5, "W": 0.5}), ("TGR", 2, {"W": 1.0}), ("MGR", 2, {"*": 0.5, "R": 0.5}),
        ("TGA", 27, {"*": 0.5, "W": 0.5}),
    ],
)  # fmt: skip
def test_ambiguous_codons_are_distributions(codon: str, number: int, expected: dict[str, float]) -> None:
    assert meaning_of(codon, GeneticCode(number)) == pytest.approx(expected)


@pytest.mark.parametrize(("number", "count"), [(1, 5), (11, 5), (4, 3), (2, 6)])
def test_certain_stops(number: int, count: int) -> None:
    assert GeneticCode(number).certain_stops.sum() == count


def test_codon_codes_cover_all_codons_once() -> None:
    codes = [int(codon_codes(DNA.encode(codon))[0]) for codon in IUPAC_CODONS]
    assert sorted(codes) == list(range(CODONS))
    assert [codes[IUPAC_CODONS.index(c)] for c in ("AAA", "AAC", "TTT")] == [0, 1, 63]
    assert codon_distributions().sum(axis=1) == pytest.approx(np.ones(CODONS))
    assert codon_codes(np.array([MASKED, MASKED, MASKED], dtype=np.uint8)) == codon_codes(DNA.encode("NNN"))
    assert len(codon_codes(DNA.encode("AC"))) == 0


def test_a_code_read_as_another() -> None:
    recoded = GeneticCode(4).read_as(GeneticCode(11))
    tga, tgg = (int(codon_codes(DNA.encode(codon))[0]) for codon in ("TGA", "TGG"))
    assert recoded[tga, tgg] == 1
    assert np.array_equal(np.delete(recoded, tga, axis=0), np.delete(np.eye(64), tga, axis=0))
    for number in genetic_code_numbers():
        one, other = GeneticCode(number), GeneticCode(11)
        assert one.read_as(other) @ other.meanings == pytest.approx(one.meanings)


def test_no_such_genetic_code() -> None:
    with pytest.raises(ValueError, match=r"no genetic code 7 \(NCBI's are 1, 2, 3"):
        GeneticCode(7)
