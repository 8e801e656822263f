"""`seqpool coding` and `seqpool predict` with a model of coding, as a user types them."""

from __future__ import annotations

import gzip
import io
import re
import sys
from pathlib import Path

import pytest
from Bio.Seq import Seq

from seqpool.cli.main import main
from seqpool.io.annotation import read_gene_features
from seqpool.io.fasta import read_fasta
from tests.jobs.coding_models import save_coding_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_coding_model(tmp_path_factory.mktemp("model") / "coding.safetensors"))


@pytest.fixture
def contigs(repository: Path) -> str:
    return str(repository / "data" / "demo_contigs.fa.gz")


def test_gff3(model: str, contigs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coding", contigs, "--model", model, "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[:3] == ["##gff-version 3", "#!model coding.safetensors", "#!genetic-code 11"]
    assert lines[3] == "##sequence-region contig1 1 30000"
    row = next(line for line in lines if not line.startswith("#")).split("\t")
    assert row[:3] == ["contig1", "seqpool", "CDS"]
    assert row[7] == "0"
    assert re.fullmatch(r"ID=coding1;frame=[012]", row[8])
    written = tmp_path / "a.gff3"
    assert main(["coding", contigs, "--model", model, "--output", str(written), "--threads", "2"]) == 0
    assert written.read_text() == out
    assert "regions: " in capsys.readouterr().err
    assert len(read_gene_features(str(written))) == sum(not line.startswith("#") for line in lines)


def test_standard_input_and_bad_records(
    model: str, contigs: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = gzip.decompress(Path(contigs).read_bytes()) + b">bad one\nACGTJ\n>empty\n>last\nACGT\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert main(["coding", "-", "--model", model]) == 1
    out, err = capsys.readouterr()
    assert "record 'bad' has 'J' at position 5" in err
    assert "record 'empty' has no letters" in err
    assert [line.split()[1] for line in out.splitlines() if line.startswith("##sequence-region")] == [
        "contig1", "contig2", "contig3", "empty", "last",
    ]  # fmt: skip
    assert not any(line.startswith("bad") for line in out.splitlines())


def test_predict(model: str, contigs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gene = next(f for f in read_gene_features(contigs.replace(".fa.gz", ".gff3")) if f.coding and f.strand < 0)
    letters = next(one for one in read_fasta(contigs) if one.name == gene.chromosome).codes[gene.start : gene.end]
    text = str(Seq("".join("ACGT"[code] for code in letters)))[:240]
    other = str(Seq(text).reverse_complement())
    fasta = tmp_path / "a.fa"
    fasta.write_text(f">gene\n{text}\n>other\n{other}\n>shifted\n{other[1:]}\n>short\nAC\n")
    assert main(["predict", str(fasta), "--model", model]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["sequence", "length", "p_coding", "frame", "strand", "decision"]
    assert [row[3:] for row in rows[1:]] == [
        ["0", "-", "coding"],
        ["0", "+", "coding"],
        ["2", "+", "coding"],
        ["-1", ".", "noncoding"],
    ]
    assert rows[1][2] == rows[2][2]


def test_predict_points_to_coding_for_a_contig(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fasta = tmp_path / "a.fa"
    fasta.write_text("".join(f">{name}\n{'ACGTA' * count}\n" for name, count in (("read", 60), ("a", 61), ("b", 200))))
    assert main(["predict", str(fasta), "--model", model]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 4
    (line,) = err.splitlines()
    assert line.startswith(
        "seqpool predict: warning: record 'a' has 305 letters, the model judges fragments of up to 300"
    )
    assert "seqpool coding finds the coding regions" in line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["coding", "{contigs}", "--model", "{model}", "--genetic-code", "7"], "there is no genetic code 7"),
        (["coding", "{contigs}", "--model", "no-such"], "no-such"),
        (["predict", "{contigs}", "--model", "{model}", "--where"], "--where is not for a model of coding"),
        (["coding", "--model", "{model}"], "no input was given"),
        (["scan", "{contigs}", "--model", "no-such"], "no-such is neither a file nor a shipped model"),
    ],
)
def test_usage(words: list[str], message: str, model: str, contigs: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word.format(model=model, contigs=contigs) for word in words]) == 2
    assert message in capsys.readouterr().err
