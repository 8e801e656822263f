"""Backgrounds of any order: reading, both strands, and the score distribution they give."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from seqpool.alphabet import DNA, RNA
from seqpool.errors import DataError, UsageError
from seqpool.motifs.background import (
    Background,
    measured_background,
    nrdb_background,
    read_background,
    uniform_background,
)
from seqpool.motifs.matrix import FORBIDDEN
from seqpool.motifs.statistics import iid_distribution, maximum_p_value, score_distribution


def stationary_words(order: int, seed: int) -> np.ndarray:
    """Word probabilities of a random stationary chain."""
    generator = np.random.default_rng(seed)
    following = generator.dirichlet(np.full(4, 2.0), size=(4,) * order)
    words = np.full((4,) * order, 4.0**-order) if order else np.ones(())
    for _ in range(300):
        longer = words[..., None] * following
        words = longer.sum(axis=0) if order else words
    return words[..., None] * following


def word_probability(words: np.ndarray, letters: tuple[int, ...]) -> float:
    """Probability of a word under the chain, multiplied out letter by letter."""
    order = words.ndim - 1
    probability = 1.0
    for position, letter in enumerate(letters):
        known = letters[max(0, position - order) : position]
        marginal = words.sum(axis=tuple(range(len(known) + 1, words.ndim)))
        probability *= marginal[(*known, letter)] / marginal[known].sum()
    return probability


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("forbidden", [False, True])
def test_markov_tail_equals_enumeration(order: int, width: int, forbidden: bool) -> None:
    words = stationary_words(order, seed=order)
    generator = np.random.default_rng(width)
    scores = generator.integers(-3000, 2000, (width, 4)).astype(np.int32)
    if forbidden:
        scores[width // 2, 1] = FORBIDDEN
    shares: dict[int, float] = {}
    for letters in itertools.product(range(4), repeat=width):
        cells = scores[np.arange(width), letters]
        if (cells > FORBIDDEN).all():
            shares[int(cells.sum())] = shares.get(int(cells.sum()), 0.0) + word_probability(words, letters)
    attained = np.array(sorted(shares))
    tail = np.cumsum([shares[s] for s in attained][::-1])[::-1]
    distribution = score_distribution(scores, Background("test", words))
    assert distribution.p_value(attained) == pytest.approx(tail, rel=1e-10)


def test_order_changes_the_tail_of_what_the_chain_avoids() -> None:
    """CpG at a fifth of its expectation makes GCGCGTGC rarer, and TGACTCAT, which has none, more frequent."""
    words = np.full((4, 4), 1 / 16)
    words[1, 2] /= 5
    words /= words.sum()
    chain = Background("test", words)

    def ratio(word: str) -> float:
        scores = np.where(np.eye(4)[DNA.encode(word)] > 0, 1000, -1000).astype(np.int32)
        best = 1000 * len(word)
        markov = score_distribution(scores, chain).p_value(best)
        return float(markov / iid_distribution(scores, chain.probabilities).p_value(best))

    assert ratio("GCGCGTGC") < 0.2
    assert ratio("TGACTCAT") > 1


@pytest.mark.parametrize("order", [0, 1, 2])
def test_both_strands(order: int) -> None:
    background = Background("test", stationary_words(order, seed=1)).on_both_strands(DNA)
    for letters in itertools.product(range(4), repeat=order + 1):
        other = tuple(3 - letter for letter in reversed(letters))
        assert background.words[letters] == pytest.approx(background.words[other])


def test_nrdb_is_fimos() -> None:
    assert nrdb_background(DNA).on_both_strands(DNA).probabilities == pytest.approx(
        [0.274551951, 0.225448049, 0.225448049, 0.274551951], abs=1e-8
    )


def test_measured() -> None:
    background = measured_background(np.array([7, 0, 2, 87]), DNA)
    assert background.probabilities == pytest.approx([0.08, 0.01, 0.03, 0.88])
    with pytest.raises(DataError, match="no letter"):
        measured_background(np.zeros(4, dtype=np.int64), DNA)


def write_background(folder: Path, order: int, alphabet: str = "ACGT") -> str:
    lines = ["# a background"]
    for length in range(1, order + 2):
        for word in itertools.product(alphabet, repeat=length):
            lines.append(f"{''.join(word).lower()} {4.0**-length:.8e}")
    path = folder / "background.txt"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.mark.parametrize("order", [0, 1, 2, 3, 4])
def test_files_of_any_order_are_read_up_to_order_3(tmp_path: Path, order: int) -> None:
    background = read_background(write_background(tmp_path, order), DNA)
    assert background.order == min(order, 3)
    assert background.probabilities == pytest.approx(uniform_background(DNA).probabilities)
    assert read_background(write_background(tmp_path, order, "ACGU"), DNA).order == min(order, 3)
    assert read_background(write_background(tmp_path, order), RNA).order == min(order, 3)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("A 0.25\nC 0.25\nG 0.5\n", "letter T has no positive probability"),
        ("A 0.25\nC 0.25\nG 0.5\nT 0\n", "letter T has no positive probability"),
        ("A 1\nC 1\nG 1\nT 1\n", "sum to 4, expected 1"),
        ("A 0.25\nX 0.25\n", "line 2: 'X' is no word of ACGT"),
        ("A\n", "line 1: expected a word and its probability"),
        ("A one\n", "line 1: expected a word and its probability"),
        ("", "letter A has no positive probability"),
        ("A nan\nC 0.2\nG 0.2\nT 0.2\n", "letter A has no positive probability"),
        ("A .25\nC .25\nG .25\nT .25\nAA 1\n", "word AC has no positive probability"),
    ],
)
def test_bad_files(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "background.txt"
    path.write_text(content)
    with pytest.raises(DataError, match=problem):
        read_background(str(path), DNA)


def test_nrdb_has_no_proteins() -> None:
    from seqpool.alphabet import PROTEIN

    with pytest.raises(UsageError, match="the motifs are protein"):
        nrdb_background(PROTEIN)


def test_maximum_of_many_windows() -> None:
    """Against simulation of independent windows, and exact where 1 - p rounds to 1."""
    generator = np.random.default_rng(5)
    best = generator.random((20_000, 300)).min(axis=1)
    assert maximum_p_value(np.array([0.002]), np.array([300]))[0] == pytest.approx((best <= 0.002).mean(), rel=0.05)
    assert maximum_p_value(np.array([1e-17]), np.array([400]))[0] == pytest.approx(4e-15)
    assert maximum_p_value(np.array([1.0]), np.array([3]))[0] == 1.0
