"""No content, patient or overlapping window is ever on two sides; rules give the sides that their words say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqpool.alphabet import DNA
from seqpool.errors import DataError, UsageError
from seqpool.options.splits import Split
from seqpool.train.groups import same_content
from seqpool.train.splits import LEFT_OUT, SIDES, TEST, TRAIN, VALIDATION, Rows, divide, each_fold_as_test

A_FEW_LETTERS = st.text(alphabet="ACGT", min_size=1, max_size=4)
ROW = st.tuples(
    A_FEW_LETTERS,
    st.sampled_from(["chr1", "chr2", "chr3"]),
    st.integers(0, 60),
    st.sampled_from(["train", "val", "test"]),
    st.sampled_from(["ann", "ben", "cid"]),
)

RULES = [
    Split(by="chromosome", validation=("chr2",), test=("chr3",)),
    Split(by="column", column="split", on_overlap="drop"),
    Split(by="folds", column="person", validation=("ann",), test=("ben",), on_overlap="drop"),
    Split(by="group", column="person", folds=3, validation=(0,), test=(1,)),
    Split(by="shared_words", length=3, folds=3, validation=(0,), test=(1,)),
    Split(by="order", folds=3, validation=(0,), test=(1,)),
    Split(by="random", shares=(0.5, 0.25, 0.25), seed=1),
    Split(by="random", folds=3, test=(1,), stratify="person"),
    Split(by="given", on_overlap="drop"),
]


def rows_of(table: list[tuple[str, str, int, str, str]]) -> Rows:
    codes = [DNA.encode(row[0]) for row in table]
    side_of = {"train": TRAIN, "val": VALIDATION, "test": TEST}
    return Rows(
        names=[f"{row[1]}:{row[2]}-{row[2] + len(row[0])}" for row in table],
        content=same_content(codes, DNA),
        columns={"split": [row[3] for row in table], "person": [row[4] for row in table]},
        codes=codes,
        alphabet=DNA,
        given=np.array([side_of[row[3]] for row in table], dtype=np.int8),
    )


def span(name: str) -> tuple[str, int, int]:
    chromosome, _, rest = name.partition(":")
    start, end = rest.split("-")
    return chromosome, int(start), int(end)


@pytest.mark.parametrize("split", RULES, ids=lambda split: split.by)
@given(table=st.lists(ROW, min_size=4, max_size=24))
@settings(max_examples=60, deadline=None)
def test_nothing_is_on_two_sides(split: Split, table: list[tuple[str, str, int, str, str]]) -> None:
    rows = rows_of(table)
    try:
        division = divide(split, rows)
    except UsageError:  # a side that the rule names is empty for so few rows
        return
    side = division.side
    assert (side == TRAIN).any()
    assert set(side.tolist()) <= {LEFT_OUT, TRAIN, VALIDATION, TEST}
    for i in range(len(rows)):
        for j in range(i):
            if side[i] == side[j] or LEFT_OUT in (side[i], side[j]):
                continue
            assert rows.content[i] != rows.content[j]
            (chromosome, start, end), (other, other_start, other_end) = span(rows.names[i]), span(rows.names[j])
            assert chromosome != other or end <= other_start or other_end <= start
            if split.by == "group":
                assert rows.columns["person"][i] != rows.columns["person"][j]
            if split.by == "shared_words":
                assert not {table[i][0][k : k + 3] for k in range(len(table[i][0]) - 2)} & {
                    table[j][0][k : k + 3] for k in range(len(table[j][0]) - 2)
                }
    counts = [int((side == number).sum()) for number in range(3)]
    assert division.facts["rows"] == dict(zip(SIDES, counts, strict=True))
    assert sum(counts) + division.facts["left_out"] == len(rows)
    assert bool(division.notes) == bool((side == LEFT_OUT).any())


def plain_rows(count: int, **columns: list[str]) -> Rows:
    return Rows([f"row{i}" for i in range(count)], np.arange(count), columns)


def test_the_words_of_a_column_are_sides() -> None:
    rows = plain_rows(5, split=["train", "val", "validation", "dev", "test"])
    assert divide(Split(by="column", column="split"), rows).side.tolist() == [0, 1, 1, 1, 2]


def test_order_deals_sorted_names_in_turn() -> None:
    rows = Rows(["c", "a", "d", "b", "e"], np.arange(5))
    assert divide(Split(by="order", folds=3, validation=(0,), test=(2,)), rows).side.tolist() == [2, 1, 1, 0, 0]


def test_a_fold_column_keeps_its_names_and_an_empty_cell_is_left_out() -> None:
    rows = plain_rows(5, fold=["1", "2", "10", "", "2"])
    division = divide(Split(by="folds", column="fold", test=(10,)), rows)
    assert division.folds == ("1", "2", "10")
    assert division.side.tolist() == [TRAIN, TRAIN, TEST, LEFT_OUT, TRAIN]


@pytest.mark.parametrize(
    ("key", "columns", "table"),
    [
        ("row", {}, "row,fold\n0,0\n1,1\n2,0\n"),
        ("id", {"id": ["x", "y", "z"]}, "id\tfold\nz\t0\nx\t0\ny\t1\n"),
        ("name", {}, "fold,name\n1,row1\n0,row0\n0,row2\n"),
    ],
)
def test_a_fold_file_finds_rows_by_number_column_or_name(
    tmp_path: Path, key: str, columns: dict[str, list[str]], table: str
) -> None:
    file = tmp_path / "folds.csv"
    file.write_text(table)
    split = Split(by="folds", file=str(file), key=key, column="fold", test=(1,))
    assert divide(split, plain_rows(3, **columns)).side.tolist() == [TRAIN, TEST, TRAIN]


@pytest.mark.parametrize(
    ("table", "kind", "sentence"),
    [
        (None, DataError, "No such file"),
        ("row,part\n0,1\n", UsageError, "no column 'fold' \\(it has row, part\\)"),
        ("row,fold\n0,0\n1,1\n", DataError, "no fold for 1 rows of the data \\(first: 2\\)"),
        ("row,fold\n0,0\n1,2\n2,0\n", UsageError, "names fold 1, which no row has \\(there are 0, 2\\)"),
    ],
)
def test_a_bad_fold_file_is_one_sentence(
    tmp_path: Path, table: str | None, kind: type[Exception], sentence: str
) -> None:
    file = tmp_path / "folds.csv"
    if table is not None:
        file.write_text(table)
    with pytest.raises(kind, match=sentence):
        divide(Split(by="folds", file=str(file), column="fold", test=(1,)), plain_rows(3))


def test_numbers_are_no_strata() -> None:
    rows = plain_rows(150, expression=[str(row / 7) for row in range(150)])
    with pytest.raises(UsageError, match="'expression', which has 150 different values"):
        divide(Split(by="random", folds=2, test=(0,), stratify="expression"), rows)


@pytest.mark.parametrize(
    ("split", "sentence"),
    [
        (Split(by="chromosome", test=("chr9",)), "names chromosome chr9, which no row has"),
        (Split(by="column", column="part"), "names column 'part'; the data has split"),
        (Split(by="column", column="split"), "holds 'held out' in row 1"),
        (Split(by="given"), "no sides of its own"),
        (Split(by="shared_words", length=3, folds=2, test=(0,)), "has no letters"),
        (Split(by="random", shares=(0.98, 0.02)), "leave none for validation"),
        (Split(by="order", folds=2, validation=(0,), test=(1,)), "no row is left for train"),
    ],
)
def test_a_rule_that_does_not_fit_is_one_sentence(split: Split, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        divide(split, plain_rows(3, split=["train", "held out", "test"]))


def test_a_given_overlap_is_refused_or_taken_from_the_earlier_side() -> None:
    rows = Rows(
        ["a", "b", "c", "d"],
        np.array([7, 7, 8, 8]),
        given=np.array([TRAIN, VALIDATION, VALIDATION, TEST], dtype=np.int8),
    )
    with pytest.raises(DataError, match=r"1 rows of validation are also in test \(first: c\); set on_overlap: drop"):
        divide(Split(by="given"), rows)
    rows.given[2] = TRAIN
    division = divide(Split(by="given", on_overlap="drop"), rows_with_third(rows))
    assert division.side.tolist() == [LEFT_OUT, VALIDATION, LEFT_OUT, TEST, TRAIN]
    assert division.notes == ("2 rows of train are also in validation or test (first: a): left out of train.",)


def rows_with_third(rows: Rows) -> Rows:
    return Rows([*rows.names, "e"], np.append(rows.content, 9), given=np.append(rows.given, TRAIN).astype(np.int8))


@pytest.mark.parametrize(("validation", "expected"), [((), ()), ((0,), ("1",))])
def test_each_fold_is_test_once(validation: tuple[int, ...], expected: tuple[str, ...]) -> None:
    split = Split(by="order", folds=3, validation=validation, test=(1,))
    turns = each_fold_as_test(split, ["0", "1", "2"])
    assert [turn.test for turn in turns] == [("0",), ("1",), ("2",)]
    assert turns[0].validation == expected
    assert all(not set(turn.validation) & set(turn.test) for turn in turns)


def test_turns_need_folds() -> None:
    with pytest.raises(UsageError, match="needs a split with folds"):
        each_fold_as_test(Split(by="given"), ())
