"""Random motifs over random FASTA files against a brute force: hits, scores, p-values and q-values, bit for bit.

The number of pairs is the Hypothesis profile's: `pytest tests/jobs/test_scan_pairs.py --hypothesis-profile many` tries
2,000, as scripts/check_scan_exact.py does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

import seqpool
from seqpool.alphabet import DNA, PROTEIN, RNA, Alphabet
from seqpool.motifs.matrix import CountMatrix
from tests.jobs.window_referee import referee


def random_fasta(path: Path, alphabet: Alphabet, generator: np.random.Generator) -> list[str]:
    """Records of either case with ambiguity codes, wrapped at random; their letters, upper case."""
    plain, others = list(alphabet.letters), [symbol for symbol, _ in alphabet.ambiguity]
    letters = [*plain, *(letter.lower() for letter in plain), *others, "U" if alphabet is DNA else plain[0]]
    shares = np.array([8.0] * len(plain) + [2.0] * len(plain) + [generator.choice([0, 0.1, 0.6])] * len(others) + [1.0])
    texts = [
        "".join(generator.choice(letters, generator.integers(0, 120), p=shares / shares.sum()))
        for _ in range(generator.integers(1, 5))
    ]
    wrap, end = int(generator.integers(1, 80)), str(generator.choice(["\n", "\r\n"]))
    lines = [
        line
        for i, text in enumerate(texts)
        for line in (f">s{i} some words", *(text[j : j + wrap] for j in range(0, len(text), wrap)))
    ]
    path.write_bytes((end.join(lines) + end).encode())
    return [text.upper() for text in texts]


def random_motif(name: str, alphabet: Alphabet, generator: np.random.Generator) -> CountMatrix:
    """Any width up to 20, some letters never seen, some palindromic, some the same at every position."""
    width, letters = int(generator.choice([1, 2, 4, 5, 8, 9, 12, 20])), len(alphabet.letters)
    counts = generator.gamma(generator.choice([0.1, 0.5, 3.0]), 10.0, (width, letters)) + 0.001
    kind = generator.integers(0, 6)
    if kind == 0:
        counts = np.rint(counts) + (np.arange(letters) == 0)
    if kind == 1:
        counts += counts[::-1, ::-1]
    if kind == 2:
        counts[:] = counts[0]
    return CountMatrix(name, "", alphabet, counts)


@given(
    st.integers(0, 2**32),
    st.sampled_from([DNA, DNA, DNA, RNA, PROTEIN]),
    st.sampled_from(["both", "forward"]),
    st.sampled_from([1.03e-4, 1.03e-2, 0.103, 1.0]),  # no multiples of 20**-k, which rounding would decide
)
def test_equals_brute_force(
    tmp_path_factory: pytest.TempPathFactory, seed: int, alphabet: Alphabet, strands: str, p_value: float
) -> None:
    generator = np.random.default_rng(seed)
    folder = tmp_path_factory.mktemp("pair")
    texts = random_fasta(folder / "in.fa", alphabet, generator)
    # of the same name, which must not matter
    motifs = [random_motif("m", alphabet, generator) for _ in range(generator.integers(1, 4))]
    letters = len(alphabet.letters)
    background = np.full(letters, 1 / letters)
    options: dict[str, Any] = {"p_value": p_value}
    if alphabet is PROTEIN:
        strands = "forward"
    table = seqpool.scan(str(folder / "in.fa"), motifs, strands=strands, **options)
    expected = []
    for number, matrix in enumerate(motifs):
        motif = matrix.frequencies(background).log_odds(background)
        judge = referee(motif, background, p_value)
        of_motif, tested = [], 0
        for i, text in enumerate(texts):
            codes = alphabet.encode(text)
            for strand in "+-" if strands == "both" else "+":
                positions, scores, count, _, _ = judge.windows(codes, strand)
                tested += count
                for position, score in zip(positions, scores, strict=True):
                    word = codes[position : position + motif.width]
                    shown = alphabet.decode(word if strand == "+" else alphabet.reverse_complement(word))
                    of_motif.append((i, position, number, strand, score, shown))
        p_all = np.ones(tested)
        p_all[: len(of_motif)] = np.minimum(judge.p_values(np.array([row[4] for row in of_motif], dtype=np.int64)), 1.0)
        q_all = false_discovery_control(p_all) if tested else p_all
        expected += [(*row, p, q) for row, p, q in zip(of_motif, p_all, q_all, strict=False)]
    expected.sort(key=lambda row: row[:4])  # + sorts before -
    scores = np.rint(table["score"] * 1000).astype(int).tolist()
    found = list(
        zip(
            (int(name[1:]) for name in table["sequence_name"]), (table["start"] - 1).tolist(), table["strand"].tolist(),
            scores, table["matched_sequence"].tolist(), strict=True,
        )
    )  # fmt: skip
    assert found == [(row[0], row[1], row[3], row[4], row[5]) for row in expected]
    assert table["p-value"] == pytest.approx([row[6] for row in expected], rel=1e-9)
    assert table["q-value"] == pytest.approx([row[7] for row in expected], rel=1e-9)
