"""What is written is read back, by this package and by Biopython."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from Bio import motifs as biopython

from seqpool.alphabet import DNA, PROTEIN
from seqpool.errors import UsageError
from seqpool.motifs.formats import read_motifs, write_motifs
from seqpool.motifs.formats.entries import MotifMatrix
from seqpool.motifs.matrix import CountMatrix


def some_motifs() -> list[MotifMatrix]:
    generator = np.random.default_rng(3)
    return [
        CountMatrix(f"M{i}", f"other{i}", DNA, generator.integers(1, 50, (width, 4)).astype(float), threshold=5.0)
        for i, width in enumerate((1, 4, 15))
    ]


def shares(motif: MotifMatrix) -> np.ndarray:
    assert isinstance(motif, CountMatrix)
    return motif.counts / motif.counts.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("kind", ["meme", "jaspar", "transfac", "homer"])
def test_read_back(tmp_path: Path, kind: str) -> None:
    motifs = some_motifs()
    write_motifs(tmp_path / "out", motifs, kind)
    back = read_motifs(tmp_path / "out")
    assert [m.name for m in back] == [m.name for m in motifs]
    for motif, other in zip(motifs, back, strict=True):
        assert shares(other) == pytest.approx(shares(motif), abs=1e-7)
        if kind in ("jaspar", "transfac"):
            assert isinstance(motif, CountMatrix)
            assert isinstance(other, CountMatrix)
            assert np.array_equal(motif.counts, other.counts)
        if kind == "homer":
            assert other.threshold == pytest.approx(5.0, abs=1e-6)
        else:
            assert other.alternate_name == motif.alternate_name


@pytest.mark.parametrize("kind", ["jaspar", "transfac", "meme"])
def test_biopython_reads_it(tmp_path: Path, kind: str) -> None:
    motifs = some_motifs()
    write_motifs(tmp_path / "out", motifs, kind)
    text = (tmp_path / "out").read_text()
    theirs = list(biopython.parse(io.StringIO(text), "minimal" if kind == "meme" else kind))
    assert len(theirs) == len(motifs)
    for motif, other in zip(motifs, theirs, strict=True):
        counts = np.array([other.counts[letter] for letter in "ACGT"], dtype=float).T
        # its reader of minimal MEME files rounds to whole counts
        assert counts / counts.sum(axis=1, keepdims=True) == pytest.approx(shares(motif), abs=0.02)


def test_protein_is_written_as_meme_only(tmp_path: Path) -> None:
    motif = CountMatrix("p", "", PROTEIN, np.random.default_rng(0).random((3, 20)) + 0.1)
    write_motifs(tmp_path / "out", [motif], "meme")
    (back,) = read_motifs(tmp_path / "out")
    assert back.alphabet is PROTEIN
    assert shares(back) == pytest.approx(shares(motif), abs=1e-7)
    with pytest.raises(UsageError, match="'p' is protein, JASPAR files hold nucleotides"):
        write_motifs(tmp_path / "other", [motif], "jaspar")


def test_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'xml' is not written"):
        write_motifs(tmp_path / "out", some_motifs(), "xml")
