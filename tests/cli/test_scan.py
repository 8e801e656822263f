"""`seqpool scan` as a user types it: what is printed where, and the exit code."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seqpool.cli.scan import add_arguments

DEMO = ["data/demo_positives.fa.gz", "--motifs", "data/demo_motifs.jaspar"]
HEADER = "motif_id\tmotif_alt_id\tsequence_name\tstart\tstop\tstrand\tscore\tp-value\tq-value\tmatched_sequence"


def seqpool(repository: Path, *words: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", "seqpool", "scan", *words],
        **{"capture_output": True, "text": True, "cwd": repository, "timeout": 120, **options},
    )


def shell(repository: Path, command: str) -> subprocess.CompletedProcess[str]:
    python = f"{sys.executable} -m seqpool scan"
    return subprocess.run(
        ["bash", "-c", command.replace("seqpool scan", python)],
        capture_output=True,
        text=True,
        cwd=repository,
        timeout=120,
    )


def test_example_of_the_help_runs(repository: Path) -> None:
    text = seqpool(repository, "--help").stdout
    example = next(line for line in text.splitlines() if line.strip().startswith("seqpool scan data/"))
    done = shell(repository, example.strip())
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == HEADER
    assert len(done.stdout.splitlines()) > 100
    assert "tested windows per motif: " in done.stderr


@pytest.mark.parametrize(
    "rule",
    [
        "U = T", "Lower case is sequence; --soft-mask skip leaves windows", "code are not scored; they are counted",
        "--ambiguous expect scores a window", "--palindromes once", "A sequence shorter than a motif has no hit",
        "Motifs of the same name stay apart", "at or above the threshold", "Benjamini-Hochberg over all tested windows",
        "filter_1, filter_2",
    ],
)  # fmt: skip
def test_rules_stand_in_the_help(rule: str) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert rule in " ".join(str(parser.description).split())


def test_output_file_and_formats(repository: Path, tmp_path: Path) -> None:
    rows: dict[str, int] = {}
    for ending in ("tsv", "bed", "gff3", "jsonl", "parquet"):
        path = tmp_path / f"hits.{ending}"
        done = seqpool(repository, *DEMO, "--output", str(path), "--quiet")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (0, "", 1)  # the one warning: Arnt's width
        if ending == "parquet":
            import pyarrow.parquet

            table = pyarrow.parquet.read_table(path)
            rows[ending] = table.num_rows
            assert ",".join(table.column_names) == HEADER.replace("\t", ",")
            assert b"background" in table.schema.metadata
        else:
            lines = path.read_text().splitlines()
            rows[ending] = sum(not line.startswith(("#", "motif_id")) for line in lines)
    assert len(set(rows.values())) == 1
    assert os.listdir(tmp_path).__len__() == 5
    first_tsv = (tmp_path / "hits.tsv").read_text().splitlines()[1].split("\t")
    first_bed = (tmp_path / "hits.bed").read_text().splitlines()[0].split("\t")
    first_gff = next(x for x in (tmp_path / "hits.gff3").read_text().splitlines() if x[0] != "#").split("\t")
    first_json = json.loads((tmp_path / "hits.jsonl").read_text().splitlines()[0])
    assert [first_bed[0], int(first_bed[1]) + 1, int(first_bed[2])] == [first_tsv[2], *map(int, first_tsv[3:5])]
    assert [first_gff[0], first_gff[3], first_gff[4], first_gff[6]] == first_tsv[2:6]
    assert [str(first_json[name]) for name in HEADER.split("\t")[:6]] == first_tsv[:6]


def test_standard_input_and_list(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "list").write_text("data/demo_positives.fa.gz\n")
    plain = gzip.decompress((repository / "data/demo_positives.fa.gz").read_bytes()).decode()
    by_list = seqpool(repository, "--list", str(tmp_path / "list"), *DEMO[1:])
    by_pipe = seqpool(repository, "-", *DEMO[1:], input=plain)
    assert by_list.stdout == by_pipe.stdout == seqpool(repository, *DEMO, "--threads", "2").stdout


@pytest.mark.parametrize(
    ("content", "code", "sentence"),
    [
        ("LOCUS\n", 1, "is not FASTA: it starts with 'L'"),
        (">a\nGA-TA\n", 1, "record 'a' has '-' at position 3"),
        ("", 0, "warning: .* is empty"),
        (">a\n", 0, "warning: .* record 'a' has no letters"),
        (">a\nGAT\n", 0, "hits: 0"),
    ],
)
def test_bad_and_empty_inputs(repository: Path, tmp_path: Path, content: str, code: int, sentence: str) -> None:
    path = tmp_path / "in.fa"
    path.write_text(content)
    done = seqpool(repository, str(path), *DEMO[1:])
    assert done.returncode == code
    import re

    assert re.search(sentence, done.stderr)
    assert "Traceback" not in done.stderr
    assert done.stdout == HEADER + "\n"


def test_one_bad_input_does_not_stop_the_others(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.fa").write_text(">x\nGA1\n>y\nACGT\n")
    alone = seqpool(repository, *DEMO)
    done = seqpool(repository, str(tmp_path / "bad.fa"), "no_such.fa", *DEMO)
    assert done.returncode == 1
    assert "record 'x' has '1' at position 3" in done.stderr
    assert "no_such.fa cannot be read: No such file" in done.stderr
    assert done.stdout == alone.stdout


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--motifs", "data/demo_motifs.jaspar"], 2, "no input was given"),
        (["x.fa"], 2, "--motifs"),
        ([*DEMO, "--p-value", "2"], 2, "--p-value 2 is not in (0, 1]"),
        ([*DEMO, "--p-value", "0.1", "--q-value", "0.1"], 2, "not allowed with"),
        ([*DEMO, "--background", "no_such_file"], 1, "--background no_such_file cannot be read"),
        (["x.fa", "--motifs", "README.md"], 1, "README.md holds no motif"),
        (["x.fa", "--motifs", "no_such_motifs"], 1, "no_such_motifs cannot be read"),
        ([*DEMO, "--output", "/no/such/folder/x.tsv"], 1, "/no/such/folder/x.tsv cannot be written"),
        ([*DEMO, "--output", "/dev/full"], 1, "/dev/full cannot be written: No space left on device"),
    ],
)
def test_one_sentence_and_the_exit_code(repository: Path, words: list[str], code: int, sentence: str) -> None:
    done = seqpool(repository, *words)
    assert done.returncode == code
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_full_standard_output(repository: Path) -> None:
    done = shell(repository, f"seqpool scan {' '.join(DEMO)} --quiet > /dev/full")
    assert done.returncode == 1
    assert "standard output cannot be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_closed_pipe_ends_quietly(repository: Path) -> None:
    done = shell(
        repository, f"set -o pipefail; seqpool scan {DEMO[0]} --motifs {DEMO[2]} --p-value 1 --quiet | head -1"
    )
    assert (done.returncode, done.stdout) == (0, HEADER + "\n")
    assert done.stderr == ""


def test_interrupt_leaves_no_file(repository: Path, tmp_path: Path) -> None:
    sequence = tmp_path / "pipe"
    os.mkfifo(sequence)
    process = subprocess.Popen(
        [sys.executable, "-m", "seqpool", "scan", str(sequence), *DEMO[1:], "--output", str(tmp_path / "out.tsv")],
        cwd=repository,
        stderr=subprocess.PIPE,
        text=True,
    )
    with sequence.open("w") as stream:  # opens once the command reads
        stream.write(">a\nACGT")
        stream.flush()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert errors == ""
    assert os.listdir(tmp_path) == ["pipe"]
