"""Edge cases on which motif scanners disagree, each with our answer and why.

The motif is a word; a window of that word scores highest. `hits` are (start, strand), 1-based, the left end.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import seqpool
from seqpool.alphabet import DNA, PROTEIN, RNA, Alphabet
from seqpool.errors import DataError
from seqpool.motifs.matrix import CountMatrix

FORWARD = {"strands": "forward"}


@dataclass(frozen=True)
class Case:
    name: str
    word: str
    letters: str
    hits: list[tuple[int, str]]
    why: str
    options: dict[str, object] = field(default_factory=dict)
    alphabet: Alphabet = DNA


W77 = "GATTACAGATCCGTA" * 5 + "CC"

CASES = [
    Case("N inside a window", "GATTC", "AAGANTCAAGATTC", [(10, "+")], "what stands there is not known: not scored"),
    Case("IUPAC codes", "GATTC", "GATTYGATTC", [(6, "+")], "as N: its record is scanned, its window is not scored"),
    Case("every window unknown", "GATTC", "NNNNNNNN", [], "nothing can be scored: no hit, no error"),
    Case("lower case", "GATTC", "aagattcaa", [(3, "+")], "soft-masked sequence is sequence"),
    Case("lower case skipped", "GATTC", "aagattcaaGATTC", [(10, "+")], "asked for", {"soft_mask": "skip"}),
    Case("one lower-case letter skipped", "GATTC", "GATtC", [], "it holds a masked letter", {"soft_mask": "skip"}),
    Case("U is T", "GATTC", "GAUUC", [(1, "+")], "RNA against a DNA motif is the same word"),
    Case("RNA motif on DNA", "GAUUC", "GATTC", [(1, "+")], "and the other way round", FORWARD, RNA),
    Case("shorter than the motif", "GATTC", "GATT", [], "no window: no hit, no error"),
    Case("as long as the motif", "GATTC", "GATTC", [(1, "+")], "its one window is scored"),
    Case("one letter", "G", "ACGTAC", [(2, "-"), (3, "+"), (6, "-")], "width 1 is a width", {"p_value": 0.25}),
    Case("last window", "GATTC", "AAAAGATTC", [(5, "+")], "the last window is a window"),
    Case("last window before N", "GATTC", "AAGATTCNN", [(3, "+")], "so is the last one before an unknown letter"),
    Case("first window", "GATTC", "GATTCAAAA", [(1, "+")], "and the first"),
    Case("other strand", "GATTC", "AAGAATCAA", [(3, "-")], "coordinates are the left end on the given strand"),
    Case("given strand only", "GATTC", "AAGAATCAAGATTC", [(10, "+")], "asked for", FORWARD),
    Case("palindrome", "GAATTC", "AAGAATTCAA", [(3, "+"), (3, "-")], "both strands hold it", {}),
    Case("palindrome once", "GAATTC", "AAGAATTCAA", [(3, "+")], "asked for", {"palindromes": "once"}),
    Case("overlapping", "AAAA", "AAAAA", [(1, "+"), (2, "+")], "each is one", {"p_value": 0.01, **FORWARD}),
    Case("77 letters wide", W77, "ACGT" + W77 + "ACGT", [(5, "+")], "no width is too wide", {"p_value": 1e-30}),
    Case("p of the best word", "GATTC", "GATTC", [(1, "+")], "p <= 4^-5 holds for p = 4^-5", {"p_value": 4.0**-5}),
    Case("below the best word's p", "GATTC", "GATTC", [], "no word is that rare", {"p_value": 4.0**-5 * 0.99}),
    Case("score at the threshold", "GATTC", "GATTC", [(1, "+")], ">= and not >", {"min_score": 9.995}),
    Case("just above the best score", "GATTC", "GATTC", [], ">= of the printed score", {"min_score": 9.996}),
    Case("zero counts", "GATTC", "GATTCGATTA", [(1, "+")], "forbidden letters score -inf", {"pseudocount": 0.0}),
    Case(
        "threshold below every score", "GATTC", "GATTA", [], "-inf is below any threshold",
        {"pseudocount": 0.0, "min_score": -1e6, **FORWARD},
    ),
    Case("protein", "MKV", "xMKVbMKV*", [(2, "+"), (6, "+")], "X, B and * are not scored", {}, PROTEIN),
]  # fmt: skip


def word_motif(word: str, alphabet: Alphabet = DNA, name: str = "m") -> CountMatrix:
    return CountMatrix(name, "", alphabet, np.eye(len(alphabet.letters))[alphabet.encode(word)] * 100)


def write(folder: Path, content: str | bytes) -> str:
    path = folder / "in.fa"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_edge_case(tmp_path: Path, case: Case) -> None:
    options = {"p_value": 1e-3} | case.options
    if "min_score" in case.options:
        del options["p_value"]
    table = seqpool.scan(write(tmp_path, f">a\n{case.letters}\n"), [word_motif(case.word, case.alphabet)], **options)
    assert list(zip(table["start"].tolist(), table["strand"].tolist(), strict=True)) == case.hits, case.why


@pytest.mark.parametrize("byte", ["-", "5", "E", "é", ".", "\x00"])
def test_any_other_byte_is_named(tmp_path: Path, byte: str) -> None:
    """Neither skipped nor read as N: coordinates after it would be anyone's guess."""
    with pytest.raises(DataError, match=r"record 'a' has .* at position 3"):
        seqpool.scan(write(tmp_path, f">a\nGA{byte}TTC\n"), [word_motif("GATTC")], p_value=1e-3)


def test_empty_file_and_empty_record(tmp_path: Path) -> None:
    """An empty table with the same columns."""
    for content in ("", ">a\n", ">a\n>b\n"):
        table = seqpool.scan(write(tmp_path, content), [word_motif("GATTC")])
        assert len(table) == 0
        assert list(table.columns)[:3] == ["motif_id", "motif_alt_id", "sequence_name"]


def test_motifs_named_alike_stay_two(tmp_path: Path) -> None:
    table = seqpool.scan(write(tmp_path, ">a\nGATTCACGTT\n"), [word_motif("GATTC"), word_motif("ACGTT")], p_value=1e-3)
    assert table["start"].tolist() == [1, 6]
    assert table["motif_id"].tolist() == ["m", "m"]


def test_sequences_named_alike_stay_two(tmp_path: Path) -> None:
    table = seqpool.scan(write(tmp_path, ">a\nGATTC\n>a\nAGATTC\n"), [word_motif("GATTC")], p_value=1e-3)
    assert table["start"].tolist() == [1, 2]


def test_no_cap_on_hits(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(b">a\n" + b"GATTC" * 50_000 + b"\n"))
    table = seqpool.scan(path, [word_motif("GATTC")], p_value=1e-3, strands="forward")
    assert len(table) == 50_000
    # all windows are tests: 249,996 of them, 50,000 with the best word
    assert table["q-value"] == pytest.approx(np.full(50_000, 249_996 * 4.0**-5 / 50_000))


def test_background_is_used(tmp_path: Path) -> None:
    """A background argument that changed nothing would be a fault of its own."""
    path = write(tmp_path, ">a\n" + "A" * 300 + "GATTC\n")
    (tmp_path / "background").write_text("A 0.4\nC 0.1\nG 0.1\nT 0.4\n")
    uniform = seqpool.scan(path, [word_motif("GATTC")], p_value=1e-3)
    skewed = seqpool.scan(path, [word_motif("GATTC")], p_value=1e-3, background=str(tmp_path / "background"))
    assert uniform["p-value"][0] == pytest.approx(0.25**5)
    assert skewed["p-value"][0] == pytest.approx(0.1 * 0.4**3 * 0.1)
    assert skewed["score"][0] > uniform["score"][0]


def test_both_strands_agree_under_a_skewed_background(tmp_path: Path) -> None:
    """With both strands the background is averaged with its reverse complement: a site scores alike on either."""
    path = write(tmp_path, ">a\nCCGATTCCC\n>b\nGGGAATCGG\n")
    (tmp_path / "background").write_text("A 0.5\nC 0.1\nG 0.2\nT 0.2\n")
    table = seqpool.scan(path, [word_motif("GATTC")], p_value=1e-3, background=str(tmp_path / "background"))
    assert table["strand"].tolist() == ["+", "-"]
    assert table["score"][0] == table["score"][1]
    assert table["p-value"][0] == table["p-value"][1]
