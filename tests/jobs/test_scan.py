"""`scan` against a brute force, FIMO's own output, lightmotif and MOODS."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

import seqpool
from seqpool.alphabet import DNA
from seqpool.errors import DataError, UsageError
from seqpool.io.tables import Table
from seqpool.motifs.matrix import CountMatrix, Motif

UNIFORM = np.full(4, 0.25)


def places(table: Table) -> set[tuple[str, int, int, str]]:
    return set(
        zip(
            *(table[name].tolist() for name in ("sequence_name", "start", "stop", "strand")),
            strict=True,
        )
    )


def motif_of(path: Path, background: np.ndarray = UNIFORM) -> Motif:
    (matrix,) = seqpool.read_motifs(str(path))
    assert isinstance(matrix, CountMatrix)
    return matrix.frequencies(background).log_odds(background)


def brute_force(codes: np.ndarray, motif: Motif, p_value: float) -> set[tuple[int, str, int]]:
    """(1-based start, strand, integer score): whole-sequence sums, and the tail by sorting no grid at all."""
    width = motif.width
    cells = np.rint(motif.log_odds * 1000).astype(np.int64)
    # the exact distribution of the sum as a list of attained scores: no grid, no dynamic programme over cells
    attained, shares = np.zeros(1, dtype=np.int64), np.ones(1)
    for column in cells:
        attained, where = np.unique((attained[:, None] + column).ravel(), return_inverse=True)
        shares = np.bincount(where, weights=np.outer(shares, motif.background).ravel())
    tail = np.cumsum(shares[::-1])[::-1]
    threshold = int(attained[tail <= p_value][0])
    found = set()
    for strand, matrix in (("+", cells), ("-", cells[::-1, ::-1])):
        score = np.zeros(len(codes) - width + 1, dtype=np.int64)
        for i in range(width):
            score += matrix[i, codes[i : len(codes) - width + 1 + i]]
        found |= {(int(p) + 1, strand, int(score[p])) for p in np.flatnonzero(score >= threshold)}
    return found


@pytest.mark.data
@pytest.mark.parametrize(
    "file", [f"genomes/yeast/chr0{i}.fsa" for i in range(1, 6)] + ["genomes/ecoli/NC_000913.fna.gz"]
)
def test_ctcf_equals_brute_force(data: Path, file: str) -> None:
    table = seqpool.scan(str(data / file), str(data / "motifs/MA0139.1.jaspar"))
    (sequence,) = seqpool.read_fasta(str(data / file))
    scores = np.rint(table["score"] * 1000).astype(int).tolist()
    found = set(zip(table["start"].tolist(), table["strand"].tolist(), scores, strict=True))
    assert found == brute_force(sequence.codes, motif_of(data / "motifs/MA0139.1.jaspar"), 1e-4)
    assert table["start"].tolist() == sorted(table["start"].tolist())


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"p_value": 0.0}, "--p-value 0 is not in"),
        ({"q_value": 2.0}, "--q-value 2 is not in"),
        ({"p_value": 0.1, "min_score": 3.0}, "were both given"),
        ({"pseudocount": -1.0}, "--pseudocount -1"),
        ({"min_score": float("nan")}, "--min-score nan"),
    ],
)
def test_options_out_of_range(options: dict[str, float], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        seqpool.scan([], [], **options)


def count_matrix(word: str, name: str = "m", counts: float = 10.0) -> CountMatrix:
    return CountMatrix(name, "", DNA, np.eye(4)[DNA.encode(word)] * counts)


def fasta(folder: Path, **records: str) -> str:
    path = folder / "in.fa"
    path.write_text("".join(f">{name}\n{letters}\n" for name, letters in records.items()))
    return str(path)


def test_strands_coordinates_and_letters(tmp_path: Path) -> None:
    table = seqpool.scan(fasta(tmp_path, a="CCGATTACC", b="ggtaatcgg"), [count_matrix("GATTA")], p_value=0.001)
    rows = [tuple(column[i] for column in table.columns.values()) for i in range(len(table))]
    assert [row[2:6] + row[9:] for row in rows] == [("a", 3, 7, "+", "GATTA"), ("b", 3, 7, "-", "GATTA")]
    assert table["p-value"] == pytest.approx([4.0**-5] * 2)


@pytest.mark.parametrize(("palindromes", "strands"), [("both", ["+", "-"]), ("once", ["+"])])
def test_palindromes(tmp_path: Path, palindromes: str, strands: list[str]) -> None:
    table = seqpool.scan(
        fasta(tmp_path, a="AAGAATTCAA"), [count_matrix("GAATTC")], p_value=0.001, palindromes=palindromes
    )
    assert table["strand"].tolist() == strands
    # 5 windows on each strand counted: 5 or 10 tests, 1 or 2 of them hits, the same q
    assert table["q-value"] == pytest.approx([5 * 4.0**-6] * len(strands))


def test_soft_mask_and_unknown_letters(tmp_path: Path) -> None:
    path = fasta(tmp_path, a="GATTA", b="gatta", c="GANTA", d="GAtTA")
    assert seqpool.scan(path, [count_matrix("GATTA")], p_value=0.001)["sequence_name"].tolist() == ["a", "b", "d"]
    skipped = seqpool.scan(path, [count_matrix("GATTA")], p_value=0.001, soft_mask="skip")
    assert skipped["sequence_name"].tolist() == ["a"]
    # N of BH is the tested windows only: one on each strand
    assert skipped["q-value"] == pytest.approx([2 * 4.0**-5])


def test_motifs_of_the_same_name_stay_apart(tmp_path: Path) -> None:
    table = seqpool.scan(fasta(tmp_path, a="GATTACC"), [count_matrix("GATTA"), count_matrix("ATTAC")], p_value=0.001)
    assert table["start"].tolist() == [1, 2]


def test_score_at_the_threshold_is_a_hit(tmp_path: Path) -> None:
    path = fasta(tmp_path, a="GATTA")
    (score,) = seqpool.scan(path, [count_matrix("GATTA")], p_value=0.001)["score"]
    assert len(seqpool.scan(path, [count_matrix("GATTA")], min_score=float(score))) == 1
    assert len(seqpool.scan(path, [count_matrix("GATTA")], min_score=float(score) + 0.001)) == 0
    assert len(seqpool.scan(path, [count_matrix("GATTA")], p_value=4.0**-5)) == 1
    assert len(seqpool.scan(path, [count_matrix("GATTA")], p_value=4.0**-5 * 0.999)) == 0


@pytest.mark.parametrize("limit", [0.001, 0.02, 0.5])
def test_q_value_keeps_exactly_the_windows_at_or_below(repository: Path, limit: float) -> None:
    fasta_file = str(repository / "data/demo_positives.fa.gz")
    (motif, *_) = seqpool.read_motifs(str(repository / "data/demo_motifs.jaspar"))
    everything = seqpool.scan(fasta_file, [motif], p_value=1.0)
    kept = seqpool.scan(fasta_file, [motif], q_value=limit)
    expected = everything["q-value"] <= limit
    assert 0 < expected.sum() < len(everything)
    assert kept["start"].tolist() == everything["start"][expected].tolist()
    assert kept["q-value"] == pytest.approx(everything["q-value"][expected], rel=1e-12)


@pytest.mark.parametrize("options", [{}, {"q_value": 0.9}, {"best": True}, {"matrix": "count"}, {"matrix": "best"}])
def test_same_rows_for_any_threads_and_cuts(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, object]
) -> None:
    text = gzip.decompress((repository / "data/demo_genome.fa.gz").read_bytes()).decode()
    # the first letters of every chromosome, some unknown, and records that are shorter than the motifs
    entries = [entry.splitlines() for entry in text.split(">")[1:]]
    records = {lines[0]: "".join(lines[1:])[: 4000 + 700 * i] for i, lines in enumerate(entries)}
    records |= {"short": "ACG", "unknown": "N" * 50, "some": "ACGTN" * 30}
    path = fasta(tmp_path, **records)
    motifs = str(repository / "data/demo_motifs.jaspar")
    whole = seqpool.scan(path, motifs, threads=1, **options)
    assert len(whole)
    for letters, threads in ((50, 1), (1000, 2), (3333, 3)):
        monkeypatch.setattr("seqpool.jobs.scan.BLOCK_LETTERS", letters)
        monkeypatch.setattr("seqpool.io.fasta.BLOCK_BYTES", letters)
        cut = seqpool.scan(path, motifs, threads=threads, **options)
        for name in whole.columns:
            assert str(whole[name].tolist()) == str(cut[name].tolist())  # NaN is not NaN, but prints alike


def test_planted_sites_are_found(repository: Path) -> None:
    table = seqpool.scan(
        str(repository / "data/demo_genome.fa.gz"), str(repository / "data/demo_motifs.jaspar"), p_value=1e-3
    )
    found = {
        (name, start - 1, stop, motif, strand)
        for name, start, stop, motif, strand in zip(
            *(table[c].tolist() for c in ("sequence_name", "start", "stop", "motif_id", "strand")), strict=True
        )
    }
    lines = (repository / "data/demo_sites.bed").read_text().splitlines()
    planted = [(c, int(s), int(e), m, strand) for c, s, e, m, _, strand in (line.split("\t") for line in lines)]
    assert sum(site in found for site in planted) >= 0.95 * len(planted)


def test_bad_records_raise_from_python(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'-' at position 3"):
        seqpool.scan(fasta(tmp_path, a="GATTA", b="GA-TA"), [count_matrix("GATTA")])


FORWARD = {"strands": "forward"}
FIMO_CASES = [
    ("fimo_prodoric/results.tsv", "prodoric_mx000001_meme.txt", "mibig-genes.fna", "bg_both_strands.txt", {}),
    ("fimo_prodoric/results-norc.tsv", "prodoric_mx000001_meme.txt", "mibig-genes.fna", "bg_norc.txt", FORWARD),
    ("fimo_prodoric/results.tsv", "prodoric_mx000001_meme.txt", "mibig-genes.fna", "nrdb", {}),
    ("fimo_prodoric/results-norc.tsv", "prodoric_mx000001_meme.txt", "mibig-genes.fna", "nrdb", FORWARD),
    ("fimo_ctcf/hits_uniform.tsv", "MA0139.1.meme", "ctcf_chr8_300.fa", "uniform", {}),
    ("fimo_ctcf/hits_nrdb.tsv", "MA0139.1.meme", "ctcf_chr8_300.fa", "bg_nrdb_both_strands.txt", {}),
    ("fimo_ctcf/hits_nrdb_norc.tsv", "MA0139.1.meme", "ctcf_chr8_300.fa", "bg_nrdb_norc.txt", FORWARD),
]  # fmt: skip


@pytest.mark.data
@pytest.mark.parametrize(("expected", "motif", "sequences", "background", "options"), FIMO_CASES)
def test_fimo_finds_the_same_hits(
    data: Path, expected: str, motif: str, sequences: str, background: str, options: dict[str, str]
) -> None:
    folder = (data / "motifs" / expected).parent
    if background.endswith(".txt"):
        background = str(folder / background)
    table = seqpool.scan(str(folder / sequences), str(folder / motif), background=background, **options)
    lines = (data / "motifs" / expected).read_text().splitlines()
    header, rows = lines[0].split("\t"), [line.split("\t") for line in lines[1:] if line and not line.startswith("#")]
    theirs = {
        (r["sequence_name"], int(r["start"]), int(r["stop"]), r["strand"]): r
        for r in (dict(zip(header, row, strict=True)) for row in rows)
    }
    assert places(table) == set(theirs)
    keys = list(zip(*(table[n].tolist() for n in ("sequence_name", "start", "stop", "strand")), strict=True))
    for i, key in enumerate(keys):
        fimo = theirs[key]
        assert table["matched_sequence"][i] == fimo["matched_sequence"]
        assert table["score"][i] == pytest.approx(float(fimo["score"]), abs=0.06)  # FIMO's grid is 1/49 to 1/89 bit
        assert 0.70 < table["p-value"][i] / float(fimo["p-value"]) < 1.05


@pytest.mark.data
def test_lightmotif_and_moods_find_the_same_hits(data: Path) -> None:
    import lightmotif

    if os.environ.get("CI") != "true":
        pytest.importorskip("MOODS", reason="MOODS-python needs a C++ compiler to install")
    import MOODS.scan

    motif = motif_of(data / "motifs/MA0139.1.jaspar")
    integers = motif.integer_scores()
    from seqpool.motifs.statistics import iid_distribution

    distribution = iid_distribution(integers, UNIFORM)
    threshold = distribution.threshold(1e-4)
    attained = np.flatnonzero(np.diff(np.append(distribution.tail, 0)) < 0) + distribution.lowest
    below = int(attained[attained < threshold].max())
    midway = (below + int(attained[attained >= threshold].min())) / 2 / 1000
    slack = motif.width * 0.001 / 2 + 1e-4  # rounding of every column, and lightmotif's float32
    total = 0
    for file in [f"genomes/yeast/chr0{i}.fsa" for i in range(1, 6)] + ["genomes/ecoli/NC_000913.fna.gz"]:
        (sequence,) = seqpool.read_fasta(str(data / file))
        table = seqpool.scan(str(data / file), str(data / "motifs/MA0139.1.jaspar"))
        ours = set(zip((table["start"] - 1).tolist(), table["strand"].tolist(), strict=True))
        total += len(ours)
        text = DNA.decode(sequence.codes)
        matrices = {"+": motif.log_odds, "-": motif.log_odds[::-1, ::-1]}
        striped = lightmotif.stripe(text)
        theirs: dict[str, set[tuple[int, str]]] = {"lightmotif": set(), "MOODS": set()}
        for strand, matrix in matrices.items():
            columns = dict(zip("ACGT", matrix.T.tolist(), strict=True))
            scoring = lightmotif.ScoringMatrix({**columns, "N": [-100.0] * motif.width})
            theirs["lightmotif"] |= {(h.position, strand) for h in lightmotif.scan(scoring, striped, threshold=midway)}
            (found,) = MOODS.scan.scan_dna(text, [matrix.T.tolist()], UNIFORM.tolist(), [midway], 7)
            theirs["MOODS"] |= {(h.pos, strand) for h in found}
        for name, hits in theirs.items():
            for position, strand in hits ^ ours:
                window = sequence.codes[position : position + motif.width]
                exact = matrices[strand][np.arange(motif.width), window].sum()
                assert abs(exact - midway) <= slack, (name, file, position, strand)
            assert len(hits ^ ours) <= max(1, 0.01 * len(ours)), name
    assert total > 1000


def test_best_equals_the_best_of_all_windows(repository: Path) -> None:
    path, motifs = str(repository / "data/demo_negatives.fa.gz"), str(repository / "data/demo_motifs.jaspar")
    table = seqpool.scan(path, motifs, best=True, palindromes="once")
    everything = seqpool.scan(path, motifs, p_value=1.0, palindromes="once")
    best: dict[tuple[str, str], tuple[float, int, str]] = {}
    for name, motif, score, start, strand in zip(
        *(everything[c].tolist() for c in ("sequence_name", "motif_id", "score", "start", "strand")), strict=True
    ):
        if (name, motif) not in best or score > best[name, motif][0]:
            best[name, motif] = (score, start, strand)
    assert len(table) == 600 * 3
    assert {
        (name, motif): (score, start, strand)
        for name, motif, score, start, strand in zip(
            *(table[c].tolist() for c in ("sequence_name", "motif_id", "score", "start", "strand")), strict=True
        )
    } == best


@pytest.mark.parametrize(("word", "strands"), [("GATTACAG", 2), ("CACGTG", 1)])
def test_p_of_the_best_counts_both_strands_and_palindromes_once(tmp_path: Path, word: str, strands: int) -> None:
    generator = np.random.default_rng(7)
    records = {f"s{i}": "".join(generator.choice(list("ACGT"), 60)) for i in range(3000)}
    table = seqpool.scan(
        fasta(tmp_path, **records, planted="C" * 26 + word + "C" * (34 - len(word))), [count_matrix(word)], best=True
    )
    for limit in (0.02, 0.1, 0.5):
        share = float((table["p-value"] <= limit).mean())
        # p takes few values for a short motif, so the share may lie below the limit, never much above
        assert share <= limit + 3 * np.sqrt(limit / 3000)
    windows = (60 - len(word) + 1) * strands
    assert table["p-value"].min() == pytest.approx(-np.expm1(windows * np.log1p(-(4.0 ** -len(word)))), rel=1e-9)


def test_matrix_counts_and_best(tmp_path: Path) -> None:
    path = fasta(tmp_path, a="GATTAGATTA", b="CC", c="CCCCCC", d="TAATC")
    motifs = [count_matrix("GATTA"), count_matrix("GATTA"), count_matrix("CCC", name="c")]
    counts = seqpool.scan(path, motifs, matrix="count", p_value=0.02)
    assert list(counts.columns) == ["sequence_name", "m", "m_2", "c"]
    assert counts["sequence_name"].tolist() == ["a", "b", "c", "d"]
    assert counts["m"].tolist() == counts["m_2"].tolist() == [2, 0, 0, 1]
    assert counts["c"].tolist() == [0, 0, 4, 0]
    best = seqpool.scan(path, motifs, matrix="best")
    assert np.isnan(best["m"]).tolist() == [False, True, False, False]
    assert best["m"][0] == best["m"][3] == pytest.approx(5 * np.log2(10.025 / 10.1 / 0.25), abs=0.003)


def test_own_threshold_of_homer_motifs(tmp_path: Path) -> None:
    rows = "\n".join("\t".join("0.97" if a == b else "0.01" for a in "ACGT") for b in "GATTA")
    (tmp_path / "m.motif").write_text(f">GATTA\tgata\t{4 * np.log(0.97 / 0.25) + np.log(0.01 / 0.25):.6f}\n{rows}\n")
    path = fasta(tmp_path, exact="GATTA", one_off="GATTC", two_off="CATTC")
    table = seqpool.scan(path, str(tmp_path / "m.motif"), threshold="motif", pseudocount=0, strands="forward")
    assert table["sequence_name"].tolist() == ["exact", "one_off"]
    with pytest.raises(UsageError, match="gives motif m no threshold"):
        seqpool.scan(path, [count_matrix("GATTA")], threshold="motif")
