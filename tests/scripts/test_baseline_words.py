"""Word counts of the baseline against counting them one by one."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from Bio.Seq import Seq

from seqpool.alphabet import DNA
from seqpool.train.letter_part import LetterPart


@pytest.fixture(scope="module")
def baseline(repository: Path) -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("baseline_words", repository / "scripts" / "baseline_words.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("both_strands", [False, True])
@pytest.mark.parametrize("length", [1, 2, 3])
def test_counts(baseline: ModuleType, length: int, both_strands: bool) -> None:
    rng = np.random.default_rng(length)
    texts = ["".join(rng.choice(list("ACGTN"), size)) for size in (9, 30, 1, 17)]
    codes = [DNA.encode(text) for text in texts]
    part = LetterPart(texts, codes, np.zeros(4), np.ones(4), alphabet=DNA, number=np.arange(4))
    counts = baseline.counts_of(part, length, 4, both_strands).toarray()
    feature, features = baseline.word_numbers(length, 4, both_strands)
    assert counts.shape == (4, features)
    for text, row in zip(texts, counts, strict=True):
        words = [text[i : i + length] for i in range(len(text) - length + 1)]
        expected = Counter(
            min(word, str(Seq(word).reverse_complement())) if both_strands else word
            for word in words
            if set(word) <= set("ACGT")
        )
        found = {
            word: row[feature[sum(int(code) * 4 ** (length - 1 - i) for i, code in enumerate(DNA.encode(word)))]]
            for word in expected
        }
        assert found == dict(expected)
        assert row.sum() == sum(expected.values())
