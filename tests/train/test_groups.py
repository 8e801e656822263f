"""Groups against brute force over all pairs, and the sizes of the sides they are dealt to."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from Bio.Seq import Seq
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold

from seqpool.alphabet import DNA, PROTEIN
from seqpool.io.fasta import read_fasta
from seqpool.train.groups import deal, joined, numbered, same_content, shared_word_groups

dna_texts = st.lists(st.text(alphabet="ACGTN", max_size=9), min_size=1, max_size=12)


def linked(count: int, together) -> list[frozenset[int]]:
    """Groups by merging every pair for which `together(i, j)` holds, until nothing changes."""
    sets = [{i} for i in range(count)]
    for i, j in combinations(range(count), 2):
        if together(i, j):
            merged = sets[i] | sets[j]
            for member in merged:
                sets[member] = merged
    return sorted({frozenset(one) for one in sets}, key=min)


def as_sets(groups) -> list[frozenset[int]]:
    return sorted({frozenset(np.flatnonzero(groups == g).tolist()) for g in groups}, key=min)


def words(text: str, length: int, both_strands: bool) -> set[str]:
    strands = [text, str(Seq(text).reverse_complement())] if both_strands else [text]
    found = {strand[i : i + length] for strand in strands for i in range(len(text) - length + 1)}
    return {word for word in found if set(word) <= set("ACGT")}


@given(dna_texts)
def test_same_content_is_equal_text_or_its_reverse_complement(texts: list[str]) -> None:
    codes = [DNA.encode(text) for text in texts]
    assert as_sets(same_content(codes)) == linked(len(texts), lambda i, j: texts[i] == texts[j])
    assert as_sets(same_content(codes, DNA)) == linked(
        len(texts), lambda i, j: texts[i] in (texts[j], str(Seq(texts[j]).reverse_complement()))
    )


@given(dna_texts, st.integers(1, 5), st.booleans())
@settings(max_examples=200)
def test_shared_words_equal_single_linkage_of_all_pairs(texts: list[str], length: int, both_strands: bool) -> None:
    codes = [DNA.encode(text) for text in texts]
    found = shared_word_groups(codes, length, DNA, both_strands=both_strands)
    sets = [words(text, length, both_strands) for text in texts]
    assert as_sets(found) == linked(len(texts), lambda i, j: bool(sets[i] & sets[j]) or texts[i] == texts[j])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12))
def test_joined_is_the_closure_of_both(pairs: list[tuple[int, int]]) -> None:
    first, second = (np.array(column) for column in zip(*pairs, strict=True))
    assert as_sets(joined(first, second)) == linked(
        len(pairs), lambda i, j: first[i] == first[j] or second[i] == second[j]
    )


def test_numbers_follow_appearance() -> None:
    assert numbered(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2)), min_size=1, max_size=60),
    st.integers(2, 5),
    st.integers(0, 3),
)
def test_dealt_groups_stay_whole_and_the_same_seed_gives_the_same(
    rows: list[tuple[int, int]], folds: int, seed: int
) -> None:
    groups, strata = (np.array(column) for column in zip(*rows, strict=True))
    side = deal(groups, [1 / folds] * folds, strata, seed)
    for group in np.unique(groups):
        assert len(set(side[groups == group].tolist())) == 1
    assert np.array_equal(side, deal(groups, [1 / folds] * folds, strata, seed))


@pytest.mark.parametrize("seed", [0, 1])
def test_single_rows_are_as_balanced_as_scikit_learn_deals_them(seed: int) -> None:
    strata = np.repeat([0, 1, 2], [403, 95, 17])
    side = deal(np.arange(515), [0.2] * 5, strata, seed)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed).split(strata, strata)
    expected = [np.bincount(strata[test], minlength=3) for _, test in folds]
    for fold, counts in enumerate(expected):
        assert np.abs(np.bincount(strata[side == fold], minlength=3) - counts).max() <= 1


def test_shares_are_met_and_seeds_differ() -> None:
    first = deal(np.arange(1000), [0.8, 0.1, 0.1], None, 0)
    assert np.bincount(first).tolist() == [800, 100, 100]
    assert not np.array_equal(first, deal(np.arange(1000), [0.8, 0.1, 0.1], None, 1))


@pytest.mark.data
def test_peptides_that_share_an_8_mer(data: Path) -> None:
    folder = data / "protein" / "amplify"
    codes = [
        sequence.codes
        for name in ("AMPlify_AMP_train_common.fa", "AMPlify_non_AMP_train_balanced.fa")
        for sequence in read_fasta(str(folder / name), PROTEIN)
    ]
    sizes = np.bincount(shared_word_groups(codes, 8, PROTEIN, both_strands=False))
    assert (len(codes), len(sizes), sizes.max()) == (6676, 3713, 257)
    folds = deal(shared_word_groups(codes, 8, PROTEIN, both_strands=False), [0.2] * 5, None, 0)
    assert np.ptp(np.bincount(folds)) <= 1
