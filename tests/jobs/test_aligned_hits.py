"""Hits written as motifs: the letters of the hit table, counted again, and read back by Biopython and ourselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from Bio import motifs as biopython

import seqpool
from seqpool.cli.main import main
from seqpool.motifs.matrix import CountMatrix
from tests.jobs.trained_models import saved_network

DEMO = "data/demo_positives.fa.gz"


def counted(words: list[str], letters: str = "ACGT") -> np.ndarray:
    return np.array([[sum(word[i] == letter for word in words) for letter in letters] for i in range(len(words[0]))])


@pytest.mark.parametrize("kind", ["meme", "jaspar", "transfac", "homer"])
def test_filters_as_motifs(repository: Path, tmp_path: Path, kind: str) -> None:
    saved_network(tmp_path / "model.safetensors", "MotifDetector", {"filters": 5, "width": 7})
    fasta, model, path = str(repository / DEMO), str(tmp_path / "model.safetensors"), tmp_path / f"filters.{kind}"
    assert main(["scan", fasta, "--model", model, "--p-value", "0.001", "--output", str(path), "--quiet"]) == 0
    table = seqpool.scan(fasta, model=model, p_value=0.001)
    back = seqpool.read_motifs(path)
    assert [motif.name for motif in back] == [f"filter_{i + 1}" for i in range(5)]
    for motif in back:
        assert isinstance(motif, CountMatrix)
        expected = counted(table["matched_sequence"][table["motif_id"] == motif.name].tolist())
        shares = expected / expected.sum(axis=1, keepdims=True)
        assert motif.counts / motif.counts.sum(axis=1, keepdims=True) == pytest.approx(shares, abs=1e-7)
        if kind in ("jaspar", "transfac"):
            assert np.array_equal(motif.counts, expected)
        if kind == "homer":
            assert motif.threshold is not None
            assert motif.threshold > 0
    if kind != "homer":
        with path.open() as stream:
            assert len(list(biopython.parse(stream, "minimal" if kind == "meme" else kind))) == 5


def test_motifs_of_the_same_name_and_codes(tmp_path: Path) -> None:
    first_word = "A [0 9 0 0]\nC [0 0 0 0]\nG [9 0 0 0]\nT [0 0 9 9]\n"
    second_word = "A [0 0 9 9]\nC [9 0 0 0]\nG [0 0 0 0]\nT [0 9 0 0]\n"
    (tmp_path / "m.jaspar").write_text(f">m\n{first_word}>m\n{second_word}")
    (tmp_path / "in.fa").write_text(">a\nGATTCTAACTAA\n>b\nGATNGATT\n")
    words = ["scan", str(tmp_path / "in.fa"), "--motifs", str(tmp_path / "m.jaspar"), "--strands", "forward"]
    words += ["--ambiguous", "expect", "--min-score", "0", "--output", str(tmp_path / "out.transfac"), "--quiet"]
    assert main(words) == 0
    first, second = seqpool.read_motifs(tmp_path / "out.transfac")
    assert isinstance(first, CountMatrix)
    assert isinstance(second, CountMatrix)
    assert first.counts.tolist() == [[0, 0, 3, 0], [3, 0, 0, 0], [0, 0, 0, 3], [0.25, 0.25, 0.25, 2.25]]
    assert second.counts.tolist() == counted(["CTAA"] * 2).tolist()


def test_what_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    detector = {"filters": 2, "width": 7, "strands": "forward"}
    saved_network(tmp_path / "p.safetensors", "MotifDetector", detector, alphabet="protein")
    (tmp_path / "in.fa").write_text(">a\nMKV\n")
    words = ["scan", str(tmp_path / "in.fa"), "--model", str(tmp_path / "p.safetensors"), "--output"]
    assert main([*words, str(tmp_path / "x.jaspar")]) == 2
    assert "the motifs are protein, jaspar files hold nucleotides" in capsys.readouterr().err
    assert main([*words, str(tmp_path / "x.meme")]) == 1
    assert "no motif has a hit" in capsys.readouterr().err
    assert main([*words, str(tmp_path / "x.meme"), "--matrix", "count"]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.fa", "p.safetensors"]
