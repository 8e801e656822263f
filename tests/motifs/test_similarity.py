"""Similarity of motifs against NumPy's correlation of matrices laid out one pair at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqpool.alphabet import DNA, PROTEIN, Alphabet
from seqpool.motifs.formats import read_motifs
from seqpool.motifs.matrix import CountMatrix, Matrix
from seqpool.motifs.similarity import MotifSimilarity, grouped


def laid_out(first: Matrix, second: Matrix, alphabet: Alphabet) -> float:
    """The best correlation over offsets and strands, with even columns where a matrix ends; side by side it is 0."""
    even = 1 / len(alphabet.letters)
    strands = [second] if alphabet.complement is None else [second, second[::-1, ::-1]]
    best = 0.0
    for strand in strands:
        for offset in range(1 - len(strand), len(first)):
            begin, end = min(0, offset), max(len(first), offset + len(strand))
            above = np.full((end - begin, len(alphabet.letters)), even)
            below = above.copy()
            above[-begin : len(first) - begin] = first
            below[offset - begin : offset - begin + len(strand)] = strand
            best = max(best, float(np.corrcoef(above.ravel(), below.ravel())[0, 1]))
    return best


def random_matrices(alphabet: Alphabet, widths: list[int], seed: int) -> list[Matrix]:
    generator = np.random.default_rng(seed)
    return [generator.dirichlet(np.full(len(alphabet.letters), 0.3), width) for width in widths]


@settings(max_examples=60)
@given(st.lists(st.integers(1, 12), min_size=2, max_size=5), st.integers(0, 1000), st.sampled_from([DNA, PROTEIN]))
def test_equals_numpy_correlation(widths: list[int], seed: int, alphabet: Alphabet) -> None:
    matrices = random_matrices(alphabet, widths, seed)
    similarity = MotifSimilarity(matrices, alphabet)
    for number, matrix in enumerate(matrices):
        found = similarity.with_others(number, range(len(matrices)))
        expected = [laid_out(matrix, other, alphabet) for other in matrices]
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_strands_shifts_and_motifs_that_say_nothing() -> None:
    (matrix,) = random_matrices(DNA, [9], 3)
    even = np.full((4, 4), 0.25)
    framed = np.concatenate([even, matrix, even])
    similarity = MotifSimilarity([matrix, matrix[::-1, ::-1], framed, even], DNA)
    np.testing.assert_allclose(similarity.with_others(0, [1, 2, 3]), [1, 1, 0], atol=1e-12)
    np.testing.assert_allclose(similarity.with_others(3, [0, 3]), 0)
    one_strand = MotifSimilarity([np.eye(20)[[0, 1, 2]], np.eye(20)[[2, 1, 0]]], PROTEIN)
    assert one_strand.with_others(0, [1])[0] < 0.5


@settings(max_examples=30)
@given(st.permutations(range(12)), st.integers(0, 100))
def test_groups(order: list[int], seed: int) -> None:
    """Each motif in one group; alike to its head and to no earlier one; in the order that was given."""
    cores = random_matrices(DNA, [6, 7, 8], seed)
    noise = np.random.default_rng(seed)
    matrices = [0.8 * cores[i % 3] + 0.2 * noise.dirichlet(np.ones(4), len(cores[i % 3])) for i in range(12)]
    similarity = MotifSimilarity(matrices, DNA)
    groups = grouped(order, similarity, 0.7)
    assert sorted(number for group in groups for number in group) == list(range(12))
    place = {number: i for i, number in enumerate(order)}
    heads = [group[0] for group in groups]
    for i, group in enumerate(groups):
        assert [place[number] for number in group] == sorted(place[number] for number in group)
        for number in group[1:]:
            near = [float(similarity.with_others(head, [number])[0]) >= 0.7 for head in heads[: i + 1]]
            assert near == [False] * i + [True]
    assert heads[0] == order[0]


@pytest.mark.data
def test_families_of_jaspar(data: Path) -> None:
    wanted = {"CTCF", "Spi1", "SPIB", "GABPA", "Irf1", "IRF8", "TP53", "TP63"}
    motifs = [m for m in read_motifs(data / "motifs/JASPAR2024.jaspar") if m.alternate_name in wanted]
    even = np.full(4, 0.25)
    matrices = [m.frequencies(even).frequencies for m in motifs if isinstance(m, CountMatrix)]
    groups = grouped(range(len(matrices)), MotifSimilarity(matrices, DNA))
    families = [{motifs[number].alternate_name for number in group} for group in groups]
    assert {"TP53", "TP63"} in families
    assert {"Irf1", "IRF8"} in families
    assert any(family >= {"Spi1", "SPIB"} and "CTCF" not in family for family in families)
    assert all(family == {"CTCF"} for family in families if "CTCF" in family)
