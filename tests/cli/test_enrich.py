"""`seqpool enrich` as a user types it: what is printed where, and the exit code."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seqpool.cli.main import main

TARGET = "data/demo_positives.fa.gz"
DEMO = [TARGET, "--motifs", "data/demo_motifs.jaspar"]
HEADER = (
    "motif_id\tmotif_alt_id\tp_value\tq_value\ttarget_hits\ttarget_total\tbackground_hits\tbackground_total\tfold\t"
    "mean_offset_bp\tcluster\tlog10_p_value\toffset_sd_bp"
)


def shell(repository: Path, command: str) -> subprocess.CompletedProcess[str]:
    python = f"{sys.executable} -m seqpool enrich"
    return subprocess.run(
        ["bash", "-c", command.replace("seqpool enrich", python)],
        capture_output=True,
        text=True,
        cwd=repository,
        timeout=120,
    )


Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Runs the command in this process, which spares its start: (exit code, stdout, stderr)."""
    monkeypatch.chdir(repository)

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["enrich", *words])
        written = capsys.readouterr()
        return code, written.out, written.err

    return run


def test_examples_of_the_help_run(typed: Typed) -> None:
    text = typed("--help")[1].replace("\\\n", " ")
    examples = [line.strip() for line in text.splitlines() if line.strip().startswith("seqpool enrich ")]
    assert len(examples) == 3
    for example in examples:
        code, out, err = typed(*shlex.split(example)[2:])
        assert code == 0, err
        rows = [line.split("\t") for line in out.splitlines()]
        assert rows[0] == HEADER.split("\t")
        assert rows[1][:2] == ["MA0139.2", "CTCF"]  # the site that was planted in every target sequence
        assert float(rows[1][2]) < 1e-100
        assert [row[10] for row in rows[1:]] == [row[0] for row in rows[1:]]
        assert "test: Fisher's exact, one-sided" in err


def test_output_file_and_formats(typed: Typed, tmp_path: Path) -> None:
    for ending in ("tsv", "jsonl", "parquet"):
        code, out, err = typed(*DEMO, "--output", str(tmp_path / f"e.{ending}"), "--quiet", "--seed", "4")
        assert (code, out, err.count("\n")) == (0, "", 1)  # Arnt is too short for 1e-4
    assert sorted(os.listdir(tmp_path)) == ["e.jsonl", "e.parquet", "e.tsv"]
    tsv = [line.split("\t") for line in (tmp_path / "e.tsv").read_text().splitlines()]
    rows = [json.loads(line) for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    assert [list(row) for row in rows] == [tsv[0]] * 3
    assert [[row["motif_id"], str(row["target_hits"])] for row in rows] == [[row[0], row[4]] for row in tsv[1:]]
    assert [row["fold"] is None for row in rows] == [row[8] == "" for row in tsv[1:]]
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(tmp_path / "e.parquet")
    assert table.column_names == tsv[0]
    assert table["motif_id"].to_pylist() == [row[0] for row in tsv[1:]]
    assert table.schema.metadata[b"seed"] == b"4"


def test_infinite_folds(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "background.fa").write_text(">a\n" + "A" * 100 + "\n")
    words = [*DEMO, "--background-sequences", str(tmp_path / "background.fa"), "--quiet"]
    assert typed(*words)[1].splitlines()[1].split("\t")[8] == "inf"
    first = json.loads(typed(*words, "--format", "jsonl")[1].splitlines()[0])
    assert first["fold"] is None


@pytest.mark.parametrize(
    ("words", "code", "sentence", "rows"),
    [
        ([], 2, "one of the arguments --motifs --model is required", None),
        (DEMO[1:], 2, "no input was given", None),
        ([*DEMO, "--bakground", "x"], 2, "did you mean --background?", None),
        ([*DEMO, "--regions", "r.bed", "--genome", "g.fa"], 2, "both given", None),
        (["--regions", "r.bed", *DEMO[1:]], 2, "--regions takes its letters from --genome", None),
        ([*DEMO, "--background-sequences", "data/demo_sites.bed"], 2, "take their letters from --genome", None),
        ([*DEMO, "--background-sequences", "no_such_file"], 1, "no_such_file cannot be read", None),
        ([*DEMO, "--background-sequences", "{empty}"], 1, "holds no sequence: there is nothing to compare", None),
        ([*DEMO, "--background-sequences", "{short}"], 0, "those of the background 5.0: the longer", 3),
        ([*DEMO, "--background-sequences", "genome", "--genome", "{short}"], 1, "no window of the target's", None),
        (["{empty}", *DEMO[1:]], 0, "warning: the target holds no sequence", 0),
        (["no_such_file", *DEMO[1:]], 1, "no_such_file cannot be read", 0),
        (["README.md", *DEMO[1:]], 1, "README.md is not FASTA", 0),
        (["{short}", *DEMO[1:]], 0, "3 target sequences of 3 shorter than every motif (6 letters)", 3),
        (["{bad}", TARGET, *DEMO[1:]], 1, "record 'x' has '1' at position 3", 3),
        ([TARGET, "--motifs", "README.md"], 1, "README.md holds no motif", None),
        ([*DEMO, "--output", "/no/such/folder/x.tsv"], 1, "/no/such/folder/x.tsv cannot be written", None),
    ],
)
def test_one_sentence_and_the_exit_code(
    typed: Typed, tmp_path: Path, words: list[str], code: int, sentence: str, rows: int | None
) -> None:
    files = {"empty": "", "short": ">a\nACGTT\n>a\nACGTT\n>c\nACGTA\n", "bad": ">x\nGA1\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    returned, out, err = typed(*[word.format(**{name: str(tmp_path / name) for name in files}) for word in words])
    assert returned == code
    assert sentence in err
    assert out.splitlines()[:1] == ([] if rows is None else [HEADER])
    assert len(out.splitlines()[1:]) == (rows or 0)


def test_standard_input_and_closed_pipe(repository: Path, typed: Typed) -> None:
    piped = shell(repository, f"zcat {TARGET} | seqpool enrich - --motifs {DEMO[2]} --quiet")
    assert piped.stdout == typed(*DEMO)[1]
    done = shell(
        repository, f"set -o pipefail; seqpool enrich {TARGET} --motifs {DEMO[2]} --p-value 1e-3 --quiet | true"
    )
    assert (done.returncode, done.stderr) == (0, "")
