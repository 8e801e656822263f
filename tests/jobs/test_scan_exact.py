"""Many matrices over real sequences: integers bit for bit, float64 and lightmotif but for rounding at the threshold.

These are parts of what scripts/check_scan_exact.py does in full.
"""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import lightmotif
import numpy as np
import pytest

import seqpool
from seqpool.alphabet import DNA, PROTEIN
from seqpool.io.tables import Table
from seqpool.motifs.matrix import CountMatrix
from tests.jobs.window_referee import Referee, referee

UNIFORM = np.full(4, 0.25)
STEP = 0.001


def rows_of_motifs(table: Table, names: list[str]) -> list[list[tuple[int, str, int]]]:
    """(start from 0, strand, integer score) of each motif's hits, sorted; names must differ."""
    number = {name: i for i, name in enumerate(names)}
    found: list[list[tuple[int, str, int]]] = [[] for _ in names]
    scores = np.rint(table["score"] / STEP).astype(int).tolist()
    for name, start, strand, score in zip(
        table["motif_id"].tolist(), table["start"].tolist(), table["strand"].tolist(), scores, strict=True
    ):
        found[number[name]].append((start - 1, strand, score))
    return [sorted(rows) for rows in found]


def lightmotif_hits(text: str, judge: Referee) -> set[tuple[int, str]]:
    striped, found = lightmotif.stripe(text), set()
    for strand, matrix in (("+", judge.floats), ("-", judge.floats[::-1, ::-1])):
        columns: dict[str, Any] = dict(zip("ACGT", matrix.T.tolist(), strict=True))
        scoring = lightmotif.ScoringMatrix({**columns, "N": [-100.0] * len(matrix)})
        found |= {(hit.position, strand) for hit in lightmotif.scan(scoring, striped, threshold=judge.midway)}
    return found


def compare_genome(path: Path, matrices: list[CountMatrix]) -> dict[str, int]:
    """Scan one sequence with every matrix and compare; returns how many hits and differences there were."""
    table = seqpool.scan(str(path), matrices, p_value=1e-4)
    ours = rows_of_motifs(table, [matrix.name for matrix in matrices])
    (sequence,) = seqpool.read_fasta(str(path))
    text = DNA.decode(sequence.codes)
    counts = {"hits": 0, "float64": 0, "lightmotif": 0}
    for matrix, found in zip(matrices, ours, strict=True):
        judge = referee(matrix.frequencies(UNIFORM).log_odds(UNIFORM), UNIFORM, 1e-4)
        expected = []
        for strand in "+-":
            positions, scores, _, differing, farthest = judge.windows(sequence.codes, strand)
            expected += [(p, strand, s) for p, s in zip(positions, scores, strict=True)]
            counts["float64"] += differing
            assert farthest <= matrix.width * STEP / 2 + 1e-9, matrix.name
        assert found == sorted(expected), matrix.name
        counts["hits"] += len(found)
        for position, strand in {row[:2] for row in found} ^ lightmotif_hits(text, judge):
            turn = slice(None, None, 1 if strand == "+" else -1)
            window = sequence.codes[position : position + matrix.width]
            exact = float(judge.floats[turn, turn][np.arange(matrix.width), window].sum())
            assert abs(exact - judge.midway) <= matrix.width * STEP / 2 + 1e-4, matrix.name  # its sums are float32
            counts["lightmotif"] += 1
    return counts


@pytest.mark.data
def test_two_hundred_matrices_on_a_chromosome(data: Path) -> None:
    matrices = seqpool.read_motifs(str(data / "motifs/JASPAR2024.jaspar"))[:200]
    counts = compare_genome(data / "genomes/yeast/chr01.fsa", [m for m in matrices if isinstance(m, CountMatrix)])
    assert counts["hits"] > 5000
    # single differences weigh more here than on the genomes, where they are at most 0.2 %
    assert max(counts["float64"], counts["lightmotif"]) <= 0.004 * counts["hits"]


PROTEIN_MOTIFS = ["full_text_output_adh_protein.txt", "full_text_output_lipocalin_protein.txt"]


def translations(data: Path) -> list[str]:
    """The protein of every coding sequence of E. coli, as its GenBank record gives it."""
    text = gzip.decompress((data / "genomes/ecoli/NC_000913.gbk.gz").read_bytes()).decode()
    return [re.sub(r"\s", "", protein) for protein in re.findall(r'/translation="([^"]*)"', text)]


def compare_proteins(proteins: list[str], matrices: list[CountMatrix], folder: Path) -> int:
    """Scan proteins under their own measured background and compare; returns the number of hits."""
    path = folder / "proteins.fa"
    path.write_text("".join(f">p{i}\n{text}\n" for i, text in enumerate(proteins)))
    codes = PROTEIN.encode("X".join(proteins))
    counts = np.bincount(codes, minlength=20)[:20] + 1.0  # every letter once more, so that none has share 0
    background = counts / counts.sum()
    table = seqpool.scan(str(path), matrices, background="measured", p_value=1e-4)
    first = np.cumsum([0, *(len(text) + 1 for text in proteins)])
    total = 0
    for matrix in matrices:
        judge = referee(matrix.frequencies(background).log_odds(background), background, 1e-4)
        positions, scores, _, _, _ = judge.windows(codes)
        of_motif = table["motif_id"] == matrix.name
        place = [int(name[1:]) for name in table["sequence_name"][of_motif].tolist()]
        found = (first[place] + table["start"][of_motif] - 1).tolist()
        assert found == positions
        assert np.rint(table["score"][of_motif] / STEP).astype(int).tolist() == scores
        assert table["p-value"][of_motif] == pytest.approx(judge.p_values(np.array(scores)), rel=1e-9)
        total += len(found)
    return total


@pytest.mark.data
def test_proteins_equal_brute_force(data: Path, tmp_path: Path) -> None:
    proteins = translations(data)
    assert len(proteins) == 4140
    assert any("U" in text for text in proteins)
    proteins = [*proteins, "MKVLXAAGTSEDLAGKNIRVTGX*ASSGIGKATAKA*", "X*U", ""]
    matrices = [
        m for file in PROTEIN_MOTIFS for m in seqpool.read_motifs(str(data / "motifs/format_cases/meme" / file))
    ]
    assert [m.width for m in matrices] == [12, 12, 26, 42]
    assert compare_proteins(proteins, [m for m in matrices if isinstance(m, CountMatrix)], tmp_path) > 400


@pytest.mark.data
def test_rna_motifs_find_the_same_in_u_and_in_t(data: Path, tmp_path: Path) -> None:
    motifs = str(data / "motifs/format_cases/meme/minimal_rna.meme")
    text = "".join((data / "genomes/yeast/chr01.fsa").read_text().splitlines(keepends=True)[1:2000])
    (tmp_path / "t.fa").write_text(">a\n" + text)
    (tmp_path / "u.fa").write_text(">a\n" + text.replace("T", "U").replace("t", "u"))
    tables = [
        seqpool.scan(str(tmp_path / name), motifs, p_value=1e-3, strands=strands)
        for strands in ("both", "forward")
        for name in ("t.fa", "u.fa")
    ]
    for of_t, of_u in (tables[:2], tables[2:]):
        assert len(of_t) > 20
        for name in of_t.columns:
            assert of_t[name].tolist() == of_u[name].tolist()
        assert not any("T" in word for word in of_t["matched_sequence"].tolist())
