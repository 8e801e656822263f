"""`--ambiguous expect` against a referee that lists every word that a window's plain letters could have been."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seqpool
from seqpool.alphabet import DNA, PROTEIN
from seqpool.errors import UsageError
from seqpool.io.tables import Table
from seqpool.motifs.matrix import CountMatrix

SETS = {
    "A": "A", "C": "C", "G": "G", "T": "T", "U": "T", "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC",
    "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
}  # fmt: skip
PAIRS = dict(zip("ACGTRYSWKMBDHVN", "TGCAYRSWMKVHDBN", strict=True))
Hit = tuple[str, str, int, str, int, str]  # motif, sequence, start, strand, score, letters


def chain(order: int, generator: np.random.Generator) -> np.ndarray:
    """Probabilities of words of order + 1 letters, the same on both strands."""
    words = generator.dirichlet(np.full(4 ** (order + 1), 3.0)).reshape((4,) * (order + 1))
    return (words + np.flip(words).transpose()) / 2


def write_background(path: Path, words: np.ndarray) -> str:
    lines = [
        f"{''.join('ACGT'[i] for i in word)} {words[word]:.17g}"
        for word in itertools.product(range(4), repeat=words.ndim)
    ]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


class Referee:
    """One motif: the integer score of any window, and the p-value of its score among windows with the same codes."""

    def __init__(self, motif: CountMatrix, words: np.ndarray) -> None:
        self.words = words
        self.single = words.sum(axis=tuple(range(1, words.ndim)))
        cells = np.rint(motif.frequencies(self.single).log_odds(self.single).log_odds * 1000)
        self.cells = [{letter: self._cell(column, letter) for letter in SETS} for column in cells]
        self.every = ["".join(word) for word in itertools.product("ACGT", repeat=motif.width)]
        self.shares = [self._share(["ACGT".index(letter) for letter in word]) for word in self.every]
        self.known: dict[tuple[str, int], float] = {}

    def _cell(self, column: np.ndarray, letter: str) -> int:
        stands_for = ["ACGT".index(one) for one in SETS[letter]]
        weights = self.single[stands_for]
        return round(round(float((weights * column[stands_for]).sum() / weights.sum()), 6))

    def _share(self, word: list[int]) -> float:
        share, order = 1.0, self.words.ndim - 1
        for i, letter in enumerate(word):
            known = min(i, order)
            table = self.words.sum(axis=tuple(range(known + 1, self.words.ndim)))[tuple(word[i - known : i])]
            share *= table[letter] / table.sum()
        return share

    def score(self, window: str) -> int:
        return sum(cells[letter] for cells, letter in zip(self.cells, window, strict=True))

    def p_value(self, window: str) -> float:
        pattern = "".join(letter if len(SETS[letter]) > 1 else "." for letter in window)
        score = self.score(window)
        if (pattern, score) not in self.known:
            above = total = 0.0
            for word, share in zip(self.every, self.shares, strict=True):
                if all(p == "." or letter in SETS[p] for p, letter in zip(pattern, word, strict=True)):
                    total += share
                    random = "".join(word[i] if p == "." else p for i, p in enumerate(pattern))
                    above += share * (self.score(random) >= score)
            self.known[pattern, score] = above / total
        return self.known[pattern, score]


def all_windows(
    texts: dict[str, str], motifs: list[CountMatrix], referees: list[Referee], strands: str
) -> dict[Hit, float]:
    """The p-value of every window that is scored."""
    found = {}
    for motif, referee in zip(motifs, referees, strict=True):
        for name, text in texts.items():
            for start in range(len(text) - motif.width + 1):
                window = text[start : start + motif.width].upper().replace("U", "T")
                if not set(window) & set("ACGT"):
                    continue
                other = "".join(PAIRS[letter] for letter in reversed(window))
                for strand, letters in (("+", window), ("-", other)) if strands == "both" else (("+", window),):
                    hit = (motif.name, name, start + 1, strand, referee.score(letters), letters)
                    found[hit] = referee.p_value(letters)
    return found


def hits_of(table: Table) -> list[Hit]:
    columns = [table[c].tolist() for c in ("motif_id", "sequence_name", "start", "strand")]
    scores = np.rint(table["score"] * 1000).astype(int).tolist()
    return list(zip(*columns, scores, table["matched_sequence"].tolist(), strict=True))


def case(seed: int, folder: Path, order: int) -> tuple[str, dict[str, str], list[CountMatrix], str, list[Referee]]:
    generator = np.random.default_rng(seed)
    letters = np.array(list("ACGTacgtU" + "RYSWKMBDHVNnr"))
    shares = np.array([10.0] * 4 + [3.0] * 4 + [1.0] + [0.5] * 11 + [1.0] * 2)
    texts = {
        f"s{i}": "".join(generator.choice(letters, generator.integers(0, 30), p=shares / shares.sum()))
        for i in range(3)
    }
    texts["run"] = "ACGTTGCA" + "N" * int(generator.integers(1, 9)) + "TGACTCAT"
    motifs = [
        CountMatrix(f"m{i}", "", DNA, generator.integers(0, 12, (width, 4)) + 0.1)
        for i, width in enumerate(generator.integers(1, 5, 2))
    ]
    words = chain(order, generator)
    path = folder / "in.fa"
    path.write_text("".join(f">{name}\n{text}\n" for name, text in texts.items()))
    return (
        str(path), texts, motifs, write_background(folder / "background", words), [Referee(m, words) for m in motifs]
    )  # fmt: skip


@settings(max_examples=25)
@given(
    st.integers(0, 10**6),
    st.sampled_from([0, 0, 1, 2]),
    st.sampled_from(["both", "forward"]),
    st.sampled_from([{"p_value": 0.05}, {"p_value": 0.3}, {"p_value": 1.0}, {"min_score": 0.5}, {"min_score": -3.0}]),
)
def test_hits_and_p_equal_the_referee(
    tmp_path_factory: pytest.TempPathFactory, seed: int, order: int, strands: str, threshold: dict[str, float]
) -> None:
    folder = tmp_path_factory.mktemp("case")
    path, texts, motifs, background, referees = case(seed, folder, order)
    table = seqpool.scan(path, motifs, ambiguous="expect", background=background, strands=strands, **threshold)
    expected = all_windows(texts, motifs, referees, strands)
    limit = threshold.get("p_value")
    if limit is not None:
        sure = {hit for hit, p in expected.items() if p <= limit * (1 - 1e-9)}
        ties = {hit for hit, p in expected.items() if abs(p - limit) <= limit * 1e-9}
        assert sure <= set(hits_of(table)) <= sure | ties
    else:
        lowest = round(threshold["min_score"] * 1000)
        assert set(hits_of(table)) == {hit for hit in expected if hit[4] >= lowest}
    hits = hits_of(table)
    assert len(set(hits)) == len(hits)
    assert table["p-value"].tolist() == pytest.approx([expected[hit] for hit in hits], rel=1e-9)
    if limit != 1.0:
        return
    # q by its definition, over every scored window of the motif
    for i, hit in enumerate(hits):
        p_all = np.array([p for other, p in expected.items() if other[0] == hit[0]])
        above = p_all[p_all >= expected[hit] * (1 - 1e-9)]
        ratios = len(p_all) * above / (p_all[:, None] <= above * (1 + 1e-9)).sum(axis=0)
        assert table["q-value"][i] == pytest.approx(min(1.0, ratios.min()), rel=1e-9)


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.sampled_from([0.05, 0.3, 0.8]))
def test_q_threshold_keeps_exactly_the_windows_at_or_below(
    tmp_path_factory: pytest.TempPathFactory, seed: int, limit: float
) -> None:
    path, _, motifs, background, _ = case(seed, tmp_path_factory.mktemp("case"), 0)
    options: dict[str, Any] = {"ambiguous": "expect", "background": background}
    everything = seqpool.scan(path, motifs, p_value=1.0, **options)
    kept = seqpool.scan(path, motifs, q_value=limit, **options)
    expected = everything["q-value"] <= limit
    assert hits_of(kept) == [hit for hit, is_kept in zip(hits_of(everything), expected, strict=True) if is_kept]
    assert kept["q-value"] == pytest.approx(everything["q-value"][expected], rel=1e-12)


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.sampled_from(["both", "forward"]))
def test_best_is_the_best_of_all_windows(tmp_path_factory: pytest.TempPathFactory, seed: int, strands: str) -> None:
    path, texts, motifs, background, referees = case(seed, tmp_path_factory.mktemp("case"), 0)
    options: dict[str, Any] = {"ambiguous": "expect", "background": background, "strands": strands}
    table = seqpool.scan(path, motifs, best=True, **options)
    windows = all_windows(texts, motifs, referees, strands)
    palindromic = {
        motif.name: all(one.score(word) == one.score("".join(PAIRS[x] for x in word[::-1])) for word in one.every)
        for motif, one in zip(motifs, referees, strict=True)
    }
    expected: dict[tuple[str, str], tuple[Hit, float]] = {}
    for hit, p in windows.items():
        key = hit[:2]
        once = strands == "both" and palindromic[key[0]]  # the other strand's windows are the same windows
        count = sum(other[:2] == key for other in windows) // (2 if once else 1)
        rank = (-hit[4], hit[2], hit[3])
        if key not in expected or rank < (-expected[key][0][4], expected[key][0][2], expected[key][0][3]):
            expected[key] = (hit, -np.expm1(count * np.log1p(-min(p, 1 - 1e-16))))
    assert sorted(hits_of(table)) == sorted(hit for hit, _ in expected.values())
    for i, hit in enumerate(hits_of(table)):
        assert table["p-value"][i] == pytest.approx(expected[hit[:2]][1], rel=1e-6)


def word_motif(word: str, name: str = "m") -> CountMatrix:
    return CountMatrix(name, "", DNA, np.eye(4)[DNA.encode(word)] * 100)


def scan_text(folder: Path, text: str, motif: CountMatrix, **options: Any) -> Table:
    (folder / "in.fa").write_text(f">a\n{text}\n")
    return seqpool.scan(str(folder / "in.fa"), [motif], **options)


def test_default_skips_and_counts(tmp_path: Path) -> None:
    assert len(scan_text(tmp_path, "GATNACA", word_motif("GATTACA"), p_value=0.01)) == 0
    (p_value,) = scan_text(tmp_path, "GATNACA", word_motif("GATTACA"), p_value=0.01, ambiguous="expect")["p-value"]
    assert p_value == pytest.approx(4.0**-6)  # six letters were left to chance


@pytest.mark.parametrize("text", ["NNNNNNN", "RYRYRYR", "GATTNACgN", "GATtNCA"])
def test_what_is_never_scored(tmp_path: Path, text: str) -> None:
    """Windows without a plain letter, and those with a masked one."""
    table = scan_text(tmp_path, text, word_motif("GATTACA"), min_score=-1000.0, ambiguous="expect", soft_mask="skip")
    assert len(table) == (2 if text == "GATTNACgN" else 0)  # GATTNAC on both strands


def test_a_letter_that_cannot_stand(tmp_path: Path) -> None:
    """Its expectation is minus infinity, below any threshold."""
    options: dict[str, Any] = {"pseudocount": 0.0, "min_score": -1e6, "strands": "forward", "ambiguous": "expect"}
    assert len(scan_text(tmp_path, "GANTA", word_motif("GATTA"), **options)) == 0
    counts = np.eye(4)[DNA.encode("GATTA")] * 100
    counts[2] = 25
    assert len(scan_text(tmp_path, "GANTA", CountMatrix("m", "", DNA, counts), **options)) == 1


def test_letters_without_an_expectation_are_skipped(tmp_path: Path) -> None:
    """X and B stand for amino acids, U, O and * for none of the twenty."""
    motif = CountMatrix("m", "", PROTEIN, np.eye(20)[PROTEIN.encode("MKVL")] * 100)
    table = scan_text(tmp_path, "MKXLMKULMK*LMKBL", motif, p_value=0.01, ambiguous="expect")
    assert set(table["matched_sequence"].tolist()) >= {"MKXL"}
    assert not any(set(word) & set("UO*") for word in table["matched_sequence"].tolist())


@pytest.mark.parametrize("options", [{}, {"p_value": 0.02}, {"q_value": 0.9}, {"best": True}, {"matrix": "best"}])
def test_same_rows_for_any_threads_and_cuts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    generator = np.random.default_rng(0)
    text = "".join(generator.choice(list("ACGTNR"), 6_000, p=[0.24, 0.24, 0.24, 0.24, 0.03, 0.01]))
    (tmp_path / "in.fa").write_text(f">a\n{text[:4_500]}\n>b\n{text[4_500:]}\n")
    motifs = [word_motif("GATTACA"), word_motif("CACGTG", "other")]
    whole = seqpool.scan(str(tmp_path / "in.fa"), motifs, threads=1, ambiguous="expect", **options)
    assert len(whole)
    for letters, threads in ((97, 1), (1000, 3)):
        monkeypatch.setattr("seqpool.jobs.scan.BLOCK_LETTERS", letters)
        monkeypatch.setattr("seqpool.io.fasta.BLOCK_BYTES", letters)
        cut = seqpool.scan(str(tmp_path / "in.fa"), motifs, threads=threads, ambiguous="expect", **options)
        for name in whole.columns:
            assert whole[name].tolist() == cut[name].tolist()


def test_other_values_are_refused() -> None:
    with pytest.raises(UsageError, match="--ambiguous zero: expected skip or expect"):
        seqpool.scan([], [], ambiguous="zero")
