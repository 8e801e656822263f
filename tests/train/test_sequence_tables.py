"""Tables and folders of tables: labels, numbers, weights, folds, conflicts, given sides."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqpool.alphabet import DNA
from seqpool.errors import DataError, UsageError
from seqpool.train.data_module import like_lengths_together
from seqpool.train.sequence_folder import SequenceFolder
from seqpool.train.sequence_table import SequenceTable

TABLE = """id,sequence,label,dev,hk,reads,split
a,ACGT,10,1.5,,3,train
b,ACRTT,9,-2,0.25,0,train
c,nacg,10,NA,1,2,val
d,TTGG,2,0,0,1.5,test
"""


def write(path: Path, text: str) -> str:
    path.write_bytes(gzip.compress(text.encode()) if path.name.endswith(".gz") else text.encode())
    return str(path)


def test_classes_are_written_as_they_stand_and_ordered_as_numbers(tmp_path: Path) -> None:
    options = {
        "file": write(tmp_path / "t.csv", TABLE),
        "split": {"by": "column", "column": "split"},
        "alphabet": "dna",
    }
    parts = SequenceTable(options, "multiclass").parts
    assert parts.classes == ("2", "9", "10")
    assert [part.target.tolist() for _, part in parts.named()] == [[2.0, 1.0], [2.0], [0.0]]
    assert [part.ids for _, part in parts.named()] == [["0", "1"], ["2"], ["3"]]
    x, lengths = parts.train.inputs(np.array([1, 0]), None, 0)
    assert [DNA.decode(row[:length]) for row, length in zip(x, lengths, strict=True)] == ["ACRTT", "ACGT"]
    assert x[1, 4] == DNA.unknown


def test_numbers_weights_and_missing_targets(tmp_path: Path) -> None:
    options = {
        "file": write(tmp_path / "t.csv.gz", TABLE),
        "labels": ["dev", "hk"],
        "weights": "reads",
        "name": "id",
        "alphabet": "dna",
    }
    parts = SequenceTable(options, "regression").parts
    assert parts.classes == ("dev", "hk")
    np.testing.assert_array_equal(parts.train.target, [[1.5, np.nan], [-2, 0.25], [np.nan, 1], [0, 0]])
    assert parts.train.weight.tolist() == [3, 0, 2, 1.5]
    assert parts.train.ids == ["a", "b", "c", "d"]
    assert (parts.validation, parts.test) == (None, None)


def test_folds_count_rows_before_conflicts_are_dropped(tmp_path: Path) -> None:
    file = write(tmp_path / "t.data", "N,  r0,  ACCA\nEI, r1, ACCA\nEI, r2, GGTT\nIE, r3, CATT\n")
    folds = write(tmp_path / "folds.csv", "row,fold\n0,0\n1,0\n2,0\n3,1\n")
    options = {
        "file": file,
        "columns": ["label", "name", "sequence"],
        "name": "name",
        "strands": "forward",
        "split": {"by": "folds", "file": folds, "column": "fold", "test": [1]},
    }
    parts = SequenceTable(options, "multiclass").parts
    assert parts.train.ids == ["r2"]
    assert parts.test is not None
    assert parts.test.ids == ["r3"]
    assert parts.classes == ("EI", "IE", "N")
    assert parts.facts["folds"] == ["0", "1"]
    assert "2 rows hold a sequence that carries two labels (first: r0)" in parts.facts["notes"][0]


@pytest.mark.parametrize(
    ("change", "target", "kind", "sentence"),
    [
        ({"sequence": "seq"}, "binary", UsageError, "data.sequence is 'seq', but .* has columns id, sequence"),
        ({"labels": "class"}, "binary", UsageError, "data.labels is 'class'"),
        ({"weights": "w"}, "binary", UsageError, "data.weights is 'w'"),
        ({"labels": ["dev", "hk"]}, "binary", UsageError, "goes with target multilabel or regression"),
        ({"labels": []}, "binary", UsageError, "labels is empty"),
        ({"labels": "split"}, "regression", DataError, "row 1 has 'train' in column 'split', where a number"),
        ({"weights": "dev"}, "binary", DataError, "row 2 has no weight of 0 or more"),
        ({"weights": "hk"}, "binary", DataError, "row 1 has no weight of 0 or more"),
        ({"labels": "hk"}, "multiclass", DataError, "row 1 has no label in column 'hk'"),
        ({"sequence": "id"}, "binary", DataError, "'e' at position 1|'a'|letter of the dna alphabet"),
        ({}, "binary", None, ""),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    tmp_path: Path, change: dict[str, Any], target: Any, kind: type[Exception] | None, sentence: str
) -> None:
    text = TABLE.replace("\nd,", "\ne,")
    options = {"file": write(tmp_path / "t.csv", text), "alphabet": "dna", **change}
    if kind is None:
        assert len(SequenceTable(options, target).read().train.ids) == 4
        return
    with pytest.raises(kind, match=sentence):
        SequenceTable(options, target).read()


def folder_of(tmp_path: Path, **tables: list[str]) -> str:
    for stem, sequences in tables.items():
        lines = [f"{sequence},{len(set(sequence)) % 2}" for sequence in sequences]
        write(tmp_path / f"{stem}.csv.gz", "\n".join(["sequence,label", *lines]) + "\n")
    return str(tmp_path)


def test_a_folder_gives_the_sides_and_an_overlap_is_refused_or_dropped(tmp_path: Path) -> None:
    # AACG in dev is the reverse complement of CGTT in train
    folder = folder_of(tmp_path, train=["ACGT", "CGTT", "AAAA"], dev=["AACG", "CCCC"])
    with pytest.raises(DataError, match=r"1 rows of train are also in validation \(first: train:1\)"):
        SequenceFolder({"folder": folder}, "binary").read()
    parts = SequenceFolder({"folder": folder, "split": {"by": "given", "on_overlap": "drop"}}, "binary").parts
    assert parts.train.ids == ["train:0", "train:2"]
    assert parts.validation is not None
    assert parts.validation.ids == ["dev:0", "dev:1"]
    assert parts.test is None
    assert parts.classes == ("0", "1")


@pytest.mark.parametrize(
    ("files", "kind", "sentence"),
    [
        ({}, DataError, "holds no train table"),
        ({"train.csv": "sequence,label\nAC,1\n", "train.tsv": "x"}, UsageError, "train.csv and train.tsv"),
        (
            {"train.csv": "sequence,label\nAC,1\n", "dev.csv": "sequence,y\nAG,1\n"},
            DataError,
            "has columns sequence, y",
        ),
    ],
)
def test_a_folder_that_does_not_fit_is_one_sentence(
    tmp_path: Path, files: dict[str, str], kind: type[Exception], sentence: str
) -> None:
    for name, text in files.items():
        write(tmp_path / name, text)
    with pytest.raises(kind, match=sentence):
        SequenceFolder({"folder": str(tmp_path)}, "binary").read()


@pytest.mark.data
def test_splice_junctions(data: Path) -> None:
    folder = data / "dna" / "splice"
    parts = SequenceTable(
        {
            "file": str(folder / "splice.data"),
            "columns": ["label", "name", "sequence"],
            "strands": "forward",
            "split": {"by": "folds", "file": str(folder / "folds.csv"), "column": "fold", "test": [4]},
        },
        "multiclass",
    ).parts
    assert parts.test is not None
    assert len(parts.train.ids) + len(parts.test.ids) == 3188  # one sequence carries two labels
    assert parts.length == 60


@pytest.mark.data
@pytest.mark.parametrize(("task", "dropped"), [(2, 20), (4, 512)])
def test_gue_overlaps(data: Path, task: int, dropped: int) -> None:
    folder = data / "dna" / "gue_tf" / f"tf{task}"
    options = {"folder": str(folder), "alphabet": "dna", "split": {"by": "given", "on_overlap": "drop"}}
    parts = SequenceFolder(options, "binary").parts
    assert parts.facts["split"]["left_out"] == dropped
    assert parts.validation is not None
    assert len(parts.validation.ids) == 1000


@given(st.lists(st.integers(1, 9), max_size=200), st.integers(1, 7), st.integers(0, 3))
def test_rows_of_like_length_share_a_batch(lengths: list[int], batch_size: int, seed: int) -> None:
    sizes = np.array(lengths, dtype=np.int64)
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    order = like_lengths_together(shuffled, sizes, batch_size, np.random.default_rng(seed))
    assert np.array_equal(order, like_lengths_together(shuffled, sizes, batch_size, np.random.default_rng(seed)))
    assert sorted(order.tolist()) == list(range(len(sizes)))
    if len(set(lengths)) < 2:
        assert np.array_equal(order, shuffled)

    def padded(rows: np.ndarray) -> int:
        batches = [sizes[rows[i : i + batch_size]] for i in range(0, len(rows), batch_size)]
        return int(sum(batch.max() * len(batch) for batch in batches))

    if len(sizes) <= 16 * batch_size and len(sizes) % batch_size == 0:  # no division pads less than a sorted one
        assert padded(order) <= padded(shuffled)
