"""FASTA classes: shuffles, conflicts, overlaps, alphabets, and the counts of the real files."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqpool.alphabet import DNA, PROTEIN
from seqpool.errors import DataError, UsageError
from seqpool.options.inputs import Letters
from seqpool.train.fasta_classes import FastaClasses


def fasta(path: Path, records: dict[str, str]) -> str:
    path.write_text("".join(f">{name} rest\n{text}\n" for name, text in records.items()))
    return str(path)


def texts_of(part: Any, epoch: int | None = None, seed: int = 0) -> list[str]:
    x, lengths = part.inputs(np.arange(len(part.ids)), epoch, seed)
    return [DNA.decode(row[:length]) for row, length in zip(x, lengths, strict=True)]


BY_CHROMOSOME = {"by": "chromosome", "validation": ["chr7"], "test": ["chr8"]}


@pytest.fixture
def peaks() -> dict[str, str]:
    rng = np.random.default_rng(0)
    return {
        f"{chromosome}:{start}-{start + 60}": "".join(rng.choice(list("ACGTacgt"), 60))
        for chromosome in ("chr1", "chr2", "chr7", "chr8")
        for start in (0, 100, 200)
    }


def test_shuffles_are_new_in_each_epoch_and_fixed_where_it_is_measured(tmp_path: Path, peaks: dict[str, str]) -> None:
    parts = FastaClasses(
        {
            "positives": fasta(tmp_path / "peaks.fa", peaks),
            "negatives": "dinucleotide-shuffle",
            "split": BY_CHROMOSOME,
        }
    ).parts
    assert parts.classes == ("negative", "positive")
    assert (parts.length, parts.input) == (60, Letters("dna"))
    assert [len(part.ids) for _, part in parts.named()] == [12, 6, 6]
    train = parts.train
    plain, first, second = (texts_of(train, epoch, seed=5) for epoch in (None, 0, 1))
    positive = [row for row, name in enumerate(train.ids) if not name.endswith(":shuffled")]
    assert train.target.tolist() == [float(row in positive) for row in range(12)]
    for row, name in enumerate(train.ids):
        original = peaks[name.removesuffix(":shuffled")].upper()
        versions = {text[row] for text in (plain, first, second)}
        if row in positive:
            assert versions == {original}
        else:
            assert len(versions) == 3
            assert all(Counter(pairwise(text)) == Counter(pairwise(original)) for text in versions)
    assert texts_of(train, 0, seed=6) != first
    assert texts_of(train, 0, seed=5) == first
    assert train.digests == [hashlib.sha1(text.encode()).hexdigest()[:16] for text in plain]
    assert parts.facts["files"][0]["name"] == "peaks.fa"


def test_windows_that_overlap_the_other_class_leave_train_and_are_marked_in_test(tmp_path: Path) -> None:
    first = {"chr1:0-4": "AACC", "chr1:50-54": "AAGC", "chr8:0-4": "TACC", "chr8:50-54": "TTCA", "chr2:0-3": "CGA"}
    second = {"chr1:3-7": "GGGG", "chr1:90-94": "GAGG", "chr8:2-6": "GTGT", "chr2:9-12": "TCG", "chr2:20-23": "CAG"}
    parts = FastaClasses(
        {
            "classes": [fasta(tmp_path / "a.fa", first), fasta(tmp_path / "b.fa.txt", second)],
            "split": {"by": "chromosome", "test": ["chr8"]},
            "alphabet": "dna",
        }
    ).parts
    assert parts.classes == ("a", "b")
    # chr2:0-3 CGA is the reverse complement of chr2:9-12 TCG: a conflict, dropped everywhere
    assert parts.train.ids == ["chr1:50-54", "chr1:90-94", "chr2:20-23"]
    assert parts.test is not None
    assert dict(zip(parts.test.ids, parts.test.tags["overlaps_other_class"].tolist(), strict=True)) == {
        "chr8:0-4": True,
        "chr8:50-54": False,
        "chr8:2-6": True,
    }
    assert parts.length is None
    assert [note.split(" ")[0] for note in parts.facts["notes"]] == ["2", "2"]


def test_on_one_strand_a_reverse_complement_is_no_conflict(tmp_path: Path) -> None:
    options = {
        "positives": fasta(tmp_path / "a.fa", {"x": "CGA", "y": "CCC"}),
        "negatives": fasta(tmp_path / "b.fa", {"z": "TCG", "y2": "CCC"}),
        "alphabet": "dna",
    }
    assert FastaClasses({**options, "strands": "forward"}).parts.train.ids == ["z", "x"]
    with pytest.raises(DataError, match="two labels"):
        FastaClasses(options).read()


@pytest.mark.parametrize(
    ("text", "name"),
    [("ACGTNNACGTAC", "dna"), ("acgurycaugca", "rna"), ("MKVLAACGT", "protein"), ("ACGTRRRRYYYYKKKK", "protein")],
)
def test_the_alphabet_is_guessed_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, name: str
) -> None:
    files = [fasta(tmp_path / f"{i}.fa", {f"r{i}": text + "A" * i}) for i in (1, 2)]
    assert FastaClasses({"classes": files}).parts.input == Letters(name)
    assert f"alphabet: {name} (guessed" in capsys.readouterr().err


def test_a_leading_methionine_is_left_out_and_copies_without_it_stay_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    bodies = ["A" + "".join(rng.choice(list(PROTEIN.letters), 11)) for _ in range(40)]
    records = {f"m{i}": "M" + body for i, body in enumerate(bodies)} | {f"n{i}": body for i, body in enumerate(bodies)}
    parts = FastaClasses(
        {
            "positives": fasta(tmp_path / "a.fa", records),
            "negatives": fasta(tmp_path / "b.fa", {"k": "KKKKKKKKKK", "m": "M"}),
            "skip_leading_methionine": True,
            "split": {"by": "random", "folds": 2, "test": [1]},
        }
    ).parts
    assert parts.test is not None
    for part in (parts.train, parts.test):
        numbers = Counter(name[1:] for name in part.ids if name[1:])
        assert set(numbers.values()) == {2}
    assert parts.input == Letters("protein", skip_leading_methionine=True)
    x, lengths = parts.train.inputs(np.arange(len(parts.train.ids)), None, 0)
    assert set(lengths.tolist()) <= {1, 10, 12}
    assert (x[np.arange(x.shape[1]) >= lengths[:, None]] == PROTEIN.unknown).all()


def test_random_letters_disturb_training_alone(tmp_path: Path, peaks: dict[str, str]) -> None:
    parts = FastaClasses(
        {
            "positives": fasta(tmp_path / "a.fa", peaks),
            "negatives": fasta(tmp_path / "b.fa", {"chr1:900-910": "ACGTTGCAAC"}),
            "random_letters": 0.3,
        }
    ).parts
    plain = texts_of(parts.train)
    assert plain[1:] == [text.upper() for text in peaks.values()]
    changed = np.mean([a != b for a, b in zip("".join(plain), "".join(texts_of(parts.train, 0)), strict=True)])
    assert 0.15 < changed < 0.3  # a quarter of the replacements draw the letter that was there


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"positives": "a.fa"}, UsageError, "takes positives and negatives, or classes"),
        ({"positives": "a.fa", "negatives": "b.fa", "classes": ["a.fa", "b.fa"]}, UsageError, "and not both"),
        ({"classes": ["a.fa"]}, UsageError, "at least two classes"),
        ({"classes": ["a.fa", "a.fa"]}, UsageError, "two classes have one name"),
        ({"classes": ["a.fa", "b.fa"], "names": ["x"]}, UsageError, "one name for each file"),
        ({"positives": "a.fa", "negatives": "none.fa"}, DataError, "none.fa cannot be read"),
        (
            {"positives": "a.fa", "negatives": "bad.fa", "alphabet": "dna"},
            DataError,
            "'x' has '!' at position 3",
        ),
        ({"positives": "a.fa", "negatives": "b.fa", "skip_leading_methionine": True}, DataError, "for proteins"),
        ({"positives": "a.fa", "negatives": "b.fa", "batch_size": 0}, UsageError, "batch_size is 0"),
        ({"positives": "a.fa", "negatives": "b.fa", "split": {"by": "given"}}, UsageError, "no sides of its own"),
        ({"positives": "a.fa", "negatives": "b.fa", "pool": "max"}, UsageError, "not an option of FastaClasses"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], kind: type[Exception], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    fasta(tmp_path / "a.fa", {"r": "ACGTACGTAA"})
    fasta(tmp_path / "b.fa", {"s": "ACGTTCGTAA"})
    fasta(tmp_path / "bad.fa", {"x": "AC!T"})
    with pytest.raises(kind, match=sentence):
        FastaClasses(options).read()


@pytest.mark.data
def test_ctcf_against_pu1(data: Path) -> None:
    folder = data / "dna" / "ctcf_pu1"
    parts = FastaClasses(
        {
            "classes": [str(folder / "pu1.fa.gz"), str(folder / "ctcf.fa.gz")],
            "split": {"by": "chromosome", "validation": ["chr7"], "test": ["chr8", "chr9"]},
        }
    ).parts
    assert parts.test is not None
    # 5,500 peaks of which one stands in both files; 218 overlap a peak of the other file
    assert (len(parts.test.ids), int(parts.test.tags["overlaps_other_class"].sum())) == (5498, 216)
    assert not parts.train.tags["overlaps_other_class"].any()
    assert parts.facts["split"]["rows"] == {"train": 55942, "validation": 3589, "test": 5498}
    assert parts.facts["notes"][0].startswith("24 rows hold a sequence that")
