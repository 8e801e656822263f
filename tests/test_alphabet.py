"""Alphabets against Biopython's tables and against themselves."""

from __future__ import annotations

import numpy as np
import pytest
from Bio.Data import IUPACData
from Bio.Seq import Seq
from hypothesis import given
from hypothesis import strategies as st

from seqpool.alphabet import DNA, INVALID, MASKED, PROTEIN, RNA, Alphabet


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
