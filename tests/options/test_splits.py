"""The split record accepts what the table of rules says, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from seqpool.errors import UsageError
from seqpool.options.check import record
from seqpool.options.splits import NEEDS, TAKES, Split


@pytest.mark.parametrize(
    "written",
    [
        {"by": "chromosome", "validation": ["chr7"], "test": ["chr8", "chr9"]},
        {"by": "chromosome", "validation": [7], "test": [8, 9]},
        {"by": "column", "column": "split"},
        {"by": "folds", "file": "folds.csv", "key": "row", "column": "fold", "validation": [0], "test": [1]},
        {"by": "folds", "column": "strat_fold", "validation": [9]},
        {"by": "group", "column": "patient_id", "shares": [0.8, 0.1, 0.1]},
        {"by": "shared_words", "length": 8, "folds": 5, "test": [0], "seed": 3},
        {"by": "order", "folds": 5, "validation": [0]},
        {"by": "random", "shares": [0.8, 0.2], "stratify": "label"},
        {"by": "given"},
        {"by": "given", "on_overlap": "drop"},
    ],
)
def test_accepted(written: dict[str, Any]) -> None:
    split = record(Split, written)
    assert split.by == written["by"]


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"by": "chromosomes"}, "did you mean chromosome"),
        ({"by": "chromosome"}, "needs validation, test or both"),
        ({"by": "chromosome", "test": ["chr1"], "validation": ["chr1"]}, "both name chr1"),
        ({"by": "given", "on_overlap": "ignore"}, "refuse, drop"),
        ({"by": "random"}, "needs shares"),
        ({"by": "random", "shares": [0.8, 0.2], "folds": 5}, "and not both"),
        ({"by": "random", "shares": [0.8, 0.1]}, "sum to 1"),
        ({"by": "random", "shares": [0.8, 0.1, 0.05, 0.05]}, "two or three numbers"),
        ({"by": "random", "shares": [1.2, -0.2]}, "two or three numbers"),
        ({"by": "random", "shares": [0, 1]}, "nothing for train"),
        ({"by": "random", "shares": [0.8, 0.2], "test": [1]}, "go with folds"),
        ({"by": "order", "folds": 5, "validation": [5]}, "there is no fold 5"),
        ({"by": "order", "folds": 1, "validation": [0]}, "at least 2"),
        ({"by": "shared_words", "length": 0, "folds": 5, "test": [0]}, "at least one letter"),
        ({"by": "random", "shares": [0.8, 0.2], "column": "split"}, "not column"),
    ],
)
def test_refused(written: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        record(Split, written)


@pytest.mark.parametrize("rule", sorted(NEEDS))
def test_a_rule_names_what_it_needs(rule: str) -> None:
    assert set(NEEDS[rule]) <= set(TAKES[rule])
    with pytest.raises(UsageError, match=f"needs {NEEDS[rule][0]}"):
        record(Split, {"by": rule})
