"""p and q on FIMO's own grid: FIMO rounds every motif to a grid of its own, coarser than ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import seqpool
from seqpool.alphabet import DNA
from seqpool.motifs.background import Background, nrdb_background, uniform_background
from seqpool.motifs.matrix import CountMatrix, Motif
from seqpool.motifs.statistics import iid_distribution, q_values_of_list

NRDB = nrdb_background(DNA)

BOTH = NRDB.on_both_strands(DNA)
GIVEN: dict[str, object] = {"strands": "forward"}
PRODORIC = ("fimo_prodoric/prodoric_mx000001_meme.txt", 0, "fimo_prodoric/mibig-genes.fna")
MCM1 = ("fimo_meme_suite/MCM1.meme.html", 0, "fimo_meme_suite/spiked.fasta")
CRP0 = ("fimo_meme_suite/crp0.meme.xml", 1, "fimo_meme_suite/motiph_spiked.fasta")
CRP1 = ("fimo_meme_suite/crp0.meme.xml", 2, "fimo_meme_suite/motiph_spiked.fasta")
CTCF = ("fimo_ctcf/MA0139.1.meme", 0, "fimo_ctcf/ctcf_chr8_300.fa")

# FIMO's output, (motif file, motif, sequences), background, pseudocount, options, steps per bit of FIMO's grid
CASES = [
    ("fimo_prodoric/results.tsv", PRODORIC, BOTH, 0.1, {}, 70),
    ("fimo_prodoric/results-norc.tsv", PRODORIC, NRDB, 0.1, GIVEN, 70),
    ("fimo_meme_suite/fimo1.tsv", MCM1, NRDB, 0.1, GIVEN | {"p_value": 1e-3}, 89),
    ("fimo_meme_suite/fimo2.tsv", CRP0, BOTH, 0.01, {"p_value": 1e-2}, 49),
    ("fimo_meme_suite/fimo2.tsv", CRP1, BOTH, 0.01, {"p_value": 1e-2}, 89),
    ("fimo_ctcf/hits_uniform.tsv", CTCF, uniform_background(DNA), 0.1, {}, 62),
    ("fimo_ctcf/hits_nrdb.tsv", CTCF, BOTH, 0.1, {}, 61),
    ("fimo_ctcf/hits_nrdb_norc.tsv", CTCF, NRDB, 0.1, GIVEN, 61),
]
IDS = [f"{case[0]}-{case[1][1]}" for case in CASES]
Files = tuple[str, int, str]


def read_fimo(path: Path, motif: str) -> list[dict[str, str]]:
    lines = [line.split("\t") for line in path.read_text().splitlines() if line and not line.startswith("#")]
    rows = [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
    return [row for row in rows if row.get("motif_id", motif) == motif]


def prepared(data: Path, file: str, number: int, background: Background, pseudocount: float) -> Motif:
    matrix = seqpool.read_motifs(data / "motifs" / file)[number]
    assert isinstance(matrix, CountMatrix)
    return matrix.frequencies(background.probabilities, pseudocount).log_odds(background.probabilities)


@pytest.mark.data
@pytest.mark.parametrize(("expected", "files", "background", "pseudocount", "options", "steps"), CASES, ids=IDS)
def test_scores_and_p_on_fimos_grid(
    data: Path, expected: str, files: Files, background: Background, pseudocount: float,
    options: dict[str, object], steps: int,
) -> None:  # fmt: skip
    motif = prepared(data, files[0], files[1], background, pseudocount)
    grid = motif.integer_scores(1 / steps)
    distribution = iid_distribution(grid, background.probabilities)
    fimo = read_fimo(data / "motifs" / expected, motif.name)
    assert fimo
    for row in fimo:
        score = int(grid[np.arange(motif.width), DNA.encode(row["matched_sequence"])].sum())
        assert score / steps == pytest.approx(float(row["score"]), abs=5 / steps)
        assert float(distribution.p_value(score)) == pytest.approx(float(row["p-value"]), rel=0.01)


@pytest.mark.data
@pytest.mark.parametrize(("expected", "files", "background", "pseudocount", "options", "steps"), CASES, ids=IDS)
def test_same_hits(
    data: Path, expected: str, files: Files, background: Background, pseudocount: float,
    options: dict[str, object], steps: int,
) -> None:  # fmt: skip
    """On our own, finer grid."""
    file, number, sequences = files
    matrix = seqpool.read_motifs(data / "motifs" / file)[number]
    table = seqpool.scan(
        str(data / "motifs" / sequences), [matrix], background=background.name, pseudocount=pseudocount, **options
    )
    columns = ("sequence_name", "start", "stop", "strand")
    ours = {key: i for i, key in enumerate(zip(*(table[c].tolist() for c in columns), strict=True))}
    fimo = {
        (row["sequence_name"], int(row["start"]), int(row["stop"]), row["strand"]): row
        for row in read_fimo(data / "motifs" / expected, matrix.name)
    }
    for key in ours.keys() & fimo.keys():
        assert table["score"][ours[key]] == pytest.approx(float(fimo[key]["score"]), abs=matrix.width / steps / 2)
        ratio = table["p-value"][ours[key]] / float(fimo[key]["p-value"])
        assert 0.70 < ratio < 1.05
    assert ours.keys() == fimo.keys()


@pytest.mark.data
@pytest.mark.parametrize("case", [0, 1])
def test_q_of_prodoric_on_fimos_grid(data: Path, case: int) -> None:
    expected, (file, number, sequences), background, pseudocount, options, steps = CASES[case]
    motif = prepared(data, file, number, background, pseudocount)
    grid = motif.integer_scores(1 / steps)
    distribution = iid_distribution(grid, background.probabilities)
    strands = 1 if options else 2
    tests = strands * sum(
        max(0, len(s) - motif.width + 1) for s in seqpool.read_fasta(str(data / "motifs" / sequences))
    )
    fimo = read_fimo(data / "motifs" / expected, motif.name)
    scores = [int(grid[np.arange(motif.width), DNA.encode(row["matched_sequence"])].sum()) for row in fimo]
    p_value = distribution.p_value(np.array(scores))
    # all other windows are tests that lie above the cut
    q = q_values_of_list(np.concatenate([p_value, np.ones(tests - len(scores))]))[: len(scores)]
    assert q == pytest.approx([float(row["q-value"]) for row in fimo], rel=0.01)


@pytest.mark.data
def test_ratio_of_our_p_to_fimos(data: Path) -> None:
    """docs/scan.md gives this range: FIMO's grid is coarser, so its p-values are those of rounder scores."""
    ratios: list[float] = []
    for expected, (file, number, sequences), background, pseudocount, options, _ in CASES:
        matrix = seqpool.read_motifs(data / "motifs" / file)[number]
        table = seqpool.scan(
            str(data / "motifs" / sequences), [matrix], background=background.name, pseudocount=pseudocount, **options
        )
        columns = ("sequence_name", "start", "strand")
        ours = dict(
            zip(zip(*(table[c].tolist() for c in columns), strict=True), table["p-value"].tolist(), strict=True)
        )
        of_case = [
            ours[row["sequence_name"], int(row["start"]), row["strand"]] / float(row["p-value"])
            for row in read_fimo(data / "motifs" / expected, matrix.name)
        ]
        print(f"{expected}: our p / FIMO's p from {min(of_case):.3f} to {max(of_case):.3f}")
        ratios += of_case
    assert 0.72 < min(ratios) < 0.75
    assert 1.0 < max(ratios) < 1.03


@pytest.mark.data
def test_fimo_scales_q_by_a_share_of_nulls(data: Path) -> None:
    """In fimo1.tsv its q is 0.775 of Benjamini and Hochberg's for every hit; ours is theirs, unscaled."""
    expected, (file, number, sequences), background, pseudocount, options, _ = CASES[2]
    assert expected == "fimo_meme_suite/fimo1.tsv"
    matrix = seqpool.read_motifs(data / "motifs" / file)[number]
    table = seqpool.scan(
        str(data / "motifs" / sequences), [matrix], background=background.name, pseudocount=pseudocount, **options
    )
    columns = ("sequence_name", "start", "strand")
    ours = dict(zip(zip(*(table[c].tolist() for c in columns), strict=True), table["q-value"].tolist(), strict=True))
    rows = read_fimo(data / "motifs" / expected, matrix.name)
    ratios = [
        float(row["q-value"]) / ours[row["sequence_name"], int(row["start"]), row["strand"]]
        for row in rows
    ]  # fmt: skip
    print(f"{expected}: FIMO's q / our q from {min(ratios):.4f} to {max(ratios):.4f}")
    assert ratios == pytest.approx([0.7775] * len(rows), abs=0.003)
