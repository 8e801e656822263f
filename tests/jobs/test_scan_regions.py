"""`scan --regions` against a scan of the whole genome, window by window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import seqpool
from seqpool.alphabet import DNA
from seqpool.errors import DataError, UsageError
from seqpool.jobs.region_inputs import cut_stretches, stretches
from seqpool.motifs.blocks import Run, blocks
from seqpool.motifs.matrix import CountMatrix


def word_motif(word: str) -> CountMatrix:
    return CountMatrix(word, "", DNA, np.eye(4)[DNA.encode(word)] * 10)


def write_genome(folder: Path, lengths: dict[str, int]) -> tuple[str, dict[str, str]]:
    generator = np.random.default_rng(11)
    genome = {name: "".join(generator.choice(list("ACGTN"), n, p=[0.249] * 4 + [0.004])) for name, n in lengths.items()}
    path = folder / "genome.fa"
    path.write_text("".join(f">{name}\n{letters}\n" for name, letters in genome.items()))
    return str(path), genome


def write_bed(folder: Path, rows: list[tuple[str, int, int]]) -> str:
    path = folder / "regions.bed"
    path.write_text("".join(f"{name}\t{start}\t{end}\n" for name, start, end in rows))
    return str(path)


region = st.tuples(st.sampled_from(["chr1", "chr2"]), st.integers(0, 420), st.integers(1, 120))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(region, min_size=1, max_size=12), st.sampled_from([37, 200, 10_000]))
def test_equals_the_windows_of_a_whole_scan_that_lie_in_a_region(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawn: list[tuple[str, int, int]], block: int
) -> None:
    path, genome = write_genome(tmp_path, {"chr1": 400, "chr2": 500, "chr3": 50})
    rows = [(name, start, start + length) for name, start, length in drawn]
    motifs = [word_motif("AC"), word_motif("GATTA")]
    monkeypatch.setattr("seqpool.jobs.scan.BLOCK_LETTERS", block)
    monkeypatch.setattr("seqpool.io.fasta.BLOCK_BYTES", block)
    whole = seqpool.scan(path, motifs, p_value=1.0, threads=1)
    some = seqpool.scan(path, motifs, p_value=1.0, regions=write_bed(tmp_path, rows), threads=1)
    columns = ("motif_id", "sequence_name", "start", "stop", "strand", "score", "p-value", "matched_sequence")
    expected, names = [], []
    for row in zip(*(whole[c].tolist() for c in columns), strict=True):
        inside = [(n, s, e) for n, s, e in sorted(rows, key=lambda r: (r[1], -r[2])) if n == row[1] and s < row[2]]
        inside = [(n, s, e) for n, s, e in inside if row[3] <= min(e, len(genome[n]))]
        if inside:
            expected.append(row)
            names.append(",".join(f"{n}:{s}-{e}" for n, s, e in inside))
    assert list(zip(*(some[c].tolist() for c in columns), strict=True)) == expected
    for motif in ("AC", "GATTA"):
        # every window of the regions is reported once at p <= 1, so N of q is their number: q of the rarest is N p / k
        of_motif = some["motif_id"] == motif
        if of_motif.any():
            top = some["p-value"][of_motif] == some["p-value"][of_motif].min()
            bound = min(1.0, of_motif.sum() * some["p-value"][of_motif].min() / top.sum())
            assert some["q-value"][of_motif].min() <= bound * (1 + 1e-12)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(1, 40)), min_size=1, max_size=10),
    st.integers(0, 12),
    st.integers(1, 30),
    st.integers(1, 30),
)
def test_every_window_of_a_region_counts_once(
    drawn: list[tuple[int, int]], overlap: int, piece: int, block: int
) -> None:
    codes = np.zeros(100, dtype=np.uint8)
    ordered = sorted(((s, min(s + n, 100)) for s, n in drawn), key=lambda r: (r[0], -r[1]))
    found = stretches([s for s, _ in ordered], [e for _, e in ordered], overlap)
    whole = [Run(0, s, codes[s : s + piece], s + piece >= 100) for s in range(0, 100, piece)]
    for width in range(1, overlap + 2):
        windows = sum(b.windows(width) for b in blocks(cut_stretches(whole, {0: found}), overlap, block))
        inside = {s for first, end in ordered for s in range(first, end - width + 1)}
        assert windows == len(inside)


def test_size_summits_clipping_and_names(tmp_path: Path) -> None:
    path = tmp_path / "genome.fa"
    path.write_text(">one x\nGATTACCCCCGATTACCCCC\n")
    names = tmp_path / "names.tsv"
    names.write_text("name\tucsc\none\tchrI\n")
    peaks = tmp_path / "peaks.narrowPeak"
    cells = [("chrI", 0, 20, "left", 2), ("chrI", 8, 20, "right", 4), ("chrI", 19, 40, "out", -1)]
    peaks.write_text("".join(f"{c}\t{s}\t{e}\t{n}\t0\t.\t1\t1\t1\t{summit}\n" for c, s, e, n, summit in cells))
    facts: dict[str, str] = {}
    from seqpool.io.tables import TableWriter
    from seqpool.jobs.scan import run_scan
    from seqpool.options.scan import ScanOptions

    class Rows:
        def __init__(self) -> None:
            self.rows: list[tuple[object, ...]] = []

        def write(self, columns: dict[str, np.ndarray]) -> None:  # type: ignore[type-arg]
            wanted = ("sequence_name", "start", "stop", "region")
            self.rows += list(zip(*(columns[name].tolist() for name in wanted), strict=True))

        def close(self) -> None:
            pass

    rows = Rows()

    def open_writer(columns: object, found: object) -> TableWriter:
        facts.update(found)  # type: ignore[call-overload]
        return rows  # type: ignore[return-value]

    options = ScanOptions(p_value=0.001, strands="forward", regions=str(peaks), size=6, names=str(names))
    run_scan([str(path)], [word_motif("GATTA")], options, open_writer, warn=lambda sentence: None)
    # left: summit 2, letters -1 to 5 clipped to 0 to 5; right: summit 12, 9 to 15; out: no summit, middle 29: outside
    assert rows.rows == [("chrI", 1, 5, "left"), ("chrI", 11, 15, "right")]
    assert facts["regions"] == "3, 2 of them clipped at a chromosome's end"
    assert facts["tested-windows-per-motif"] == "3"


def test_measured_background_is_the_regions(tmp_path: Path) -> None:
    path = tmp_path / "genome.fa"
    path.write_text(">a\n" + "C" * 100 + "A" * 50 + "\n")
    bed = write_bed(tmp_path, [("a", 100, 150), ("a", 120, 150)])
    table = seqpool.scan(
        str(path), [word_motif("AAAA")], regions=bed, background="measured", strands="forward", p_value=1.0
    )
    assert table["p-value"].max() == pytest.approx((51 / 54) ** 4)


def test_chromosomes_that_the_genome_lacks(tmp_path: Path) -> None:
    path, _ = write_genome(tmp_path, {"NC_1": 40, "NC_2": 40, "NC_3": 40, "NC_4": 40})
    bed = write_bed(tmp_path, [("chr1", 0, 10), ("chr2", 0, 10)])
    with pytest.raises(
        DataError,
        match=r"'chr1' is not in the genome; regions are on chr1, chr2, \.\.\., the genome has NC_1, NC_2, NC_3",
    ):
        seqpool.scan(path, [word_motif("AC")], regions=bed)


@pytest.mark.parametrize("options", [{"size": 5}, {"names": "x"}, {"regions": "x", "best": True}])
def test_options_that_do_not_go_together(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        seqpool.scan("x", [word_motif("AC")], **options)


@pytest.mark.data
def test_tata_boxes_of_yeast(data: Path) -> None:
    """TBP's motif around mapped TATA boxes, in three naming schemes: most boxes hold a hit of it."""
    (tbp,) = [m for m in seqpool.read_motifs(data / "motifs/JASPAR2024.jaspar") if m.name == "MA0386.2"]
    bed = data / "genomes/yeast/bed/rhee2012-TATAboxes-cleaned.I-V.bed"
    genome = [str(data / f"genomes/yeast/chr0{i}.fsa") for i in range(1, 6)]
    table = seqpool.scan(
        genome, [tbp], regions=str(bed), size=30, names=str(data / "genomes/yeast/chrom_names.tsv"), p_value=1e-3
    )
    assert set(table["sequence_name"]) <= {"chrI", "chrII", "chrIII", "chrIV", "chrV"}
    boxes = [(c, int(s), int(e)) for c, s, e, *_ in (line.split("\t") for line in bed.read_text().splitlines())]
    starts = {name: table["start"][table["sequence_name"] == name] for name in set(table["sequence_name"])}
    near = sum(bool((abs(starts.get(c, np.zeros(0)) - (s + e) / 2) < 16).any()) for c, s, e in boxes)
    assert near > 0.6 * len(boxes)
