"""`enrich` against scans counted by hand, and its backgrounds against what they promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, fisher_exact, wasserstein_distance

import seqpool
from seqpool.alphabet import DNA, PROTEIN
from seqpool.errors import DataError, UsageError
from seqpool.io.fasta import read_fasta, write_fasta_record
from seqpool.jobs import enrich_background
from seqpool.jobs.enrich_background import gc_matched, genome_windows, shuffled_sequences
from seqpool.jobs.enrich_sequences import Places, SequenceSet
from seqpool.jobs.fasta_inputs import FastaInputs
from seqpool.motifs.matrix import CountMatrix
from tests.jobs.trained_models import saved_network

MOTIFS = "data/demo_motifs.jaspar"


def word_motif(word: str, name: str = "") -> CountMatrix:
    return CountMatrix(name or word, "", DNA, np.eye(4)[DNA.encode(word)] * 10)


def write_fasta(path: Path, sequences: list[str]) -> str:
    path.write_text("".join(write_fasta_record(f"s{i}", text) for i, text in enumerate(sequences)))
    return str(path)


def random_texts(count: int, length: int, seed: int, shares: tuple[float, ...] = (0.25,) * 4) -> list[str]:
    generator = np.random.default_rng(seed)
    return ["".join(generator.choice(list("ACGT"), length, p=shares)) for _ in range(count)]


def sequence_set(texts: list[str]) -> SequenceSet:
    return SequenceSet(DNA, "given", [DNA.encode(text) for text in texts])


@pytest.mark.parametrize("strands", ["both", "forward"])
def test_counts_fold_offsets_and_p_are_those_of_a_scan(tmp_path: Path, strands: str) -> None:
    """Target and background of uneven lengths, with N, shorter than a motif, over a small block size."""
    generator = np.random.default_rng(5)
    texts = {}
    for side, many in (("target", 120), ("background", 150)):
        drawn = [
            "".join(generator.choice(list("ACGTN"), n, p=[0.24, 0.26, 0.26, 0.23, 0.01]))
            for n in generator.integers(1, 90, many)
        ]
        texts[side] = drawn
        write_fasta(tmp_path / f"{side}.fa", drawn)
    motifs = [word_motif("AC"), word_motif("GATT"), word_motif("GAATTC"), word_motif("AC", "twice"), word_motif("AC")]
    table = seqpool.enrich(
        tmp_path / "target.fa", motifs, background_sequences=str(tmp_path / "background.fa"), p_value=0.07,
        strands=strands, threads=1,
    )  # fmt: skip
    rows = {}
    for side in texts:
        hits = seqpool.scan(tmp_path / f"{side}.fa", motifs[:3], p_value=0.07, strands=strands, threads=1)
        for motif in motifs[:3]:
            best: dict[str, tuple[float, float]] = {}
            of_motif = hits["motif_id"] == motif.name
            for name, start, stop, score in zip(
                *(hits[c][of_motif].tolist() for c in ("sequence_name", "start", "stop", "score")), strict=True
            ):
                offset = (start - 1 + stop) / 2 - len(texts[side][int(name[1:])]) / 2
                if name not in best or score > best[name][0]:
                    best[name] = (score, offset)
            rows[side, motif.name] = [offset for _, offset in best.values()]
    for motif in motifs[:3]:
        i = table["motif_id"].tolist().index(motif.name)
        target, background = rows["target", motif.name], rows["background", motif.name]
        counted = [table[c][i] for c in ("target_hits", "target_total", "background_hits", "background_total")]
        assert counted == [len(target), 120, len(background), 150]
        if background:
            assert table["fold"][i] == pytest.approx((len(target) / 120) / (len(background) / 150))
        assert table["mean_offset_bp"][i] == pytest.approx(np.mean(target))
        assert table["offset_sd_bp"][i] == pytest.approx(np.std(target, ddof=1))
        expected = fisher_exact(
            [[len(target), 120 - len(target)], [len(background), 150 - len(background)]], alternative="greater"
        )
        assert table["p_value"][i] == pytest.approx(expected.pvalue, rel=1e-9)
        assert table["log10_p_value"][i] == pytest.approx(np.log10(expected.pvalue), abs=1e-9)
    np.testing.assert_allclose(table["q_value"], false_discovery_control(table["p_value"]), rtol=1e-12)


def test_rows_are_grouped_and_ordered(tmp_path: Path) -> None:
    target = [text[:20] + "GATTACAT" + text[20:] for text in random_texts(60, 40, 1)]
    path = write_fasta(tmp_path / "t.fa", target)
    motifs = [word_motif("CCGCGGTT"), word_motif("GATTACAT"), word_motif("GATTACAG"), word_motif("GATTACAT", "again")]
    table = seqpool.enrich(path, [*motifs, word_motif("CCGCGGTT")], seed=3)
    assert table["cluster"].tolist() == ["GATTACAT"] * 3 + ["CCGCGGTT"] * 2
    assert table["motif_id"].tolist()[:3] == ["GATTACAT", "again", "GATTACAG"]
    # the second motif of a name would head its group as name_2
    alone = seqpool.enrich(path, [word_motif("ACGTCCGA"), word_motif("GATTACAT", "ACGTCCGA")])
    assert set(alone["cluster"].tolist()) == {"ACGTCCGA", "ACGTCCGA_2"}


def test_threads_change_no_byte_and_the_seed_does(repository: Path) -> None:
    path = repository / "data/demo_positives.fa.gz"
    tables = [
        seqpool.enrich(path, repository / MOTIFS, threads=threads, seed=seed, p_value=1e-3)
        for threads, seed in ((1, 0), (3, 0), (1, 1))
    ]
    for name, values in tables[0].columns.items():
        assert values.tobytes() == tables[1][name].tobytes() if values.dtype != object else True
        assert [*map(str, values)] == [*map(str, tables[1][name])]
    assert tables[0]["background_hits"].tolist() != tables[2]["background_hits"].tolist()


def pairs(codes: np.ndarray) -> Counter[tuple[int, int]]:
    return Counter(zip(codes[:-1].tolist(), codes[1:].tolist(), strict=True))


@settings(max_examples=25)
@given(st.lists(st.text("ACGTN", min_size=1, max_size=50), min_size=1, max_size=20), st.integers(0, 9))
def test_shuffles_keep_pairs_and_depend_on_the_sequence_only(texts: list[str], seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enrich_background, "ENOUGH_SEQUENCES", 3 * len(texts))
        target = sequence_set(texts)
        shuffled = shuffled_sequences(target, seed=seed, threads=1)
        patch.setattr(enrich_background, "_BATCH_LETTERS", 40)
        again = shuffled_sequences(target, seed=seed, threads=2)
    assert len(shuffled) == 3 * len(texts)
    for i, (one, same) in enumerate(zip(shuffled.codes, again.codes, strict=True)):
        assert one.tobytes() == same.tobytes()
        assert pairs(one) == pairs(target.codes[i % len(texts)])


def test_number_of_shuffles() -> None:
    assert len(shuffled_sequences(sequence_set(["ACGTT"] * 7), seed=0, threads=1)) == 7 * 1429
    assert len(shuffled_sequences(sequence_set(["ACGTT"] * 10_001), seed=0, threads=1)) == 10_001
    long = SequenceSet(DNA, "", [np.zeros(4_000_000, dtype=np.uint8)])
    assert len(shuffled_sequences(long, seed=0, threads=1)) == 2


@settings(max_examples=50)
@given(
    st.floats(0.3, 0.6), st.floats(0.3, 0.6), st.integers(1, 600), st.integers(1, 1500), st.integers(0, 99),
    st.sampled_from([np.inf, 1.0, 0.3]),
)  # fmt: skip
def test_gc_matching(
    target_mean: float, background_mean: float, targets: int, backgrounds: int, seed: int, most: float
) -> None:
    generator = np.random.default_rng(seed)
    target = generator.binomial(100, target_mean, targets) / 100
    background = generator.binomial(100, background_mean, backgrounds) / 100
    chosen = gc_matched(target, background, np.random.default_rng(0), most=most)
    assert (np.diff(chosen) > 0).all()
    assert len(chosen) <= most * targets + 1
    assert np.array_equal(chosen, gc_matched(target, background, np.random.default_rng(0), most=most))
    bins = [np.floor(values / 0.02 + 1e-9) * 0.02 for values in (target, background)]
    held = np.isin(bins[0].round(3), bins[1].round(3))
    assert held.any() or not len(chosen)
    if len(chosen) > 200 and held.all():
        # what the rounding of each bin's number adds is below a sequence a bin
        allowed = 0.005 + 0.02 * 51 / len(chosen)
        assert wasserstein_distance(bins[0], bins[1][chosen]) <= allowed + 1e-9


def test_gc_matching_takes_all_of_a_background_that_fits_already() -> None:
    values = np.tile(np.arange(30, 71) / 100, 20)
    assert len(gc_matched(values, np.concatenate([values, values]), np.random.default_rng(0))) == 2 * len(values)
    assert not len(gc_matched(np.array([0.2]), np.array([0.8]), np.random.default_rng(0)))


def opened(path: str, function: Callable[[FastaInputs], None]) -> None:
    with FastaInputs([path], DNA, soft_mask="keep", warn=pytest.fail) as genome:
        function(genome)


@pytest.mark.parametrize("match_gc", [False, True])
def test_genome_windows(tmp_path: Path, match_gc: bool) -> None:
    generator = np.random.default_rng(2)
    poor, rich = (0.35, 0.15, 0.15, 0.35), (0.2, 0.3, 0.3, 0.2)
    texts = [
        "".join(random_texts(1, 500, int(s), poor if s % 2 else rich)[0] for s in range(c, c + 60)) for c in (0, 9)
    ]
    texts[0] = texts[0][:7000] + "N" * 3000 + texts[0][10_000:]
    path = write_fasta(tmp_path / "genome.fa", texts)
    target = sequence_set(random_texts(40, 80, 5, rich) + random_texts(20, 50, 6, rich))
    start = generator.integers(0, 29_000, 30)
    taken = Places(generator.integers(0, 2, 30), start, start + generator.integers(1, 400, 30))
    seen: list[str] = []

    def check(genome: FastaInputs) -> None:
        background, wanted = genome_windows(genome, target, taken, "genome.fa", match_gc=match_gc, seed=4)
        again, _ = genome_windows(genome, target, taken, "genome.fa", match_gc=match_gc, seed=4)
        assert [one.tobytes() for one in background.codes] == [one.tobytes() for one in again.codes]
        assert wanted == 60_000 // 2 // 70
        assert 0.5 * wanted <= len(background) <= wanted + 1
        assert set(background.lengths.tolist()) == {50, 80}
        assert background.lengths.mean() == pytest.approx(70, rel=0.05)
        seen.extend(DNA.decode(one) for one in background.codes)
        if match_gc:
            assert background.mean_gc == pytest.approx(target.mean_gc, abs=0.01)
        else:
            assert background.mean_gc == pytest.approx(0.45, abs=0.02)

    opened(path, check)
    masked = [list(text) for text in texts]
    for record, begin, end in zip(taken.record.tolist(), taken.start.tolist(), taken.end.tolist(), strict=True):
        masked[record][begin:end] = "N" * (end - begin)
    free = ["".join(text) for text in masked]
    # every window stands in the genome with its N and its taken places blanked
    assert all(any(window in text for text in free) for window in seen)


def test_regions_are_sequences_of_their_own(tmp_path: Path) -> None:
    (text,) = random_texts(1, 400, 8)
    genome = write_fasta(tmp_path / "genome.fa", [text, "ACGT" * 30])
    bed, other = tmp_path / "peaks.bed", tmp_path / "other.bed"
    bed.write_text("s0\t0\t50\ns0\t20\t70\ns0\t380\t420\ns1\t10\t30\n")
    other.write_text("s0\t100\t150\ns0\t200\t250\ns0\t300\t320\n")
    motifs = [word_motif("ACG")]
    options = {"genome": genome, "p_value": 0.1, "background_sequences": str(other)}
    said: list[str] = []
    table = seqpool.enrich([], motifs, regions=str(bed), **options)
    expected = write_fasta(tmp_path / "t.fa", [text[:50], text[20:70], text[380:], ("ACGT" * 30)[10:30]])
    same = seqpool.enrich(expected, motifs, **options)
    assert [v.tolist() for v in table.columns.values()] == [v.tolist() for v in same.columns.values()]
    assert table["target_total"][0] == 4
    bed.write_text("s0\t0\t50\ns0\t20\t71\n")
    sized = seqpool.enrich([], motifs, regions=str(bed), size=20, warn=said.append, **options)
    assert len(said) == len([sentence for sentence in said if "GC" in sentence])  # every length is one
    expected_hits = [sum("ACG" in t or "CGT" in t for t in (text[15:35], text[35:55])), 2]
    assert [sized["target_hits"][0], sized["target_total"][0]] == expected_hits
    (tmp_path / "bad.bed").write_text("chrX\t1\t5\n")
    with pytest.raises(DataError, match="chromosome 'chrX' is not in the genome"):
        seqpool.enrich([], motifs, regions=str(tmp_path / "bad.bed"), **options)


def test_warnings_of_doubtful_comparisons(tmp_path: Path) -> None:
    target = write_fasta(tmp_path / "t.fa", [*random_texts(50, 100, 1), "ACGT" * 25, "ACGT" * 25])
    texts = [*random_texts(50, 150, 2, (0.35, 0.15, 0.15, 0.35)), "ACGT" * 25]
    said: list[str] = []
    motifs = [word_motif("GATTACAT")]
    seqpool.enrich(
        target, motifs, background_sequences=write_fasta(tmp_path / "b.fa", texts), warn=said.append
    )  # fmt: skip
    assert len(said) == 4
    assert said[0].startswith("target sequences have 100.0 plain letters on average, those of the background 149.0: ")
    assert said[2] == "1 target sequence stood before, letter for letter; each copy counts."
    assert said[3].startswith("1 background sequence also in the target, letter for letter")
    assert "--match-gc" in said[1]
    quiet: list[str] = []
    seqpool.enrich(write_fasta(tmp_path / "u.fa", random_texts(50, 100, 1)), motifs, warn=quiet.append)
    assert quiet == []


def test_measured_background_is_of_both_sides(tmp_path: Path) -> None:
    """The log-odds of both scans are one: A alone in the target, C alone in the background."""
    target, background = (write_fasta(tmp_path / f"{c}.fa", [c * 30] * 5) for c in "AC")
    half = tmp_path / "half"
    half.write_text(f"A {151 / 304!r}\nC {151 / 304!r}\nG {1 / 304!r}\nT {1 / 304!r}\n")
    tables = [
        seqpool.enrich(
            target, [word_motif("AAC")], background_sequences=background, background=letters, min_score=-5.0,
            strands="forward",
        )
        for letters in ("measured", str(half))
    ]  # fmt: skip
    assert tables[0]["target_hits"].tolist() == tables[1]["target_hits"].tolist() == [5]


def test_protein(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    texts = ["".join(generator.choice(list(PROTEIN.letters), 60)) for _ in range(80)]
    target = write_fasta(tmp_path / "t.fa", [text[:30] + "WHWKCE" + text[30:] for text in texts])
    motif = CountMatrix("site", "", PROTEIN, np.eye(20)[PROTEIN.encode("WHWKCE")] * 20)
    table = seqpool.enrich(target, [motif])
    assert table["target_hits"][0] == 80
    assert table["mean_offset_bp"][0] == 0
    assert table["background_total"][0] == 10_000
    with pytest.raises(UsageError, match="protein has no GC content"):
        seqpool.enrich(target, [motif], background_sequences=target, match_gc=True)


def test_filters_of_a_model(tmp_path: Path) -> None:
    """The filters of an artifact in the place of motifs: those that fit what was planted lead, their like with them."""

    def plant(network: torch.nn.Module) -> None:
        weights = dict(network.named_parameters())["motifs.0.weight"]
        weights.zero_()
        for number, word in enumerate(("GATTACAG", "CCGCATGG", "GATTACAG")):
            weights[number, DNA.encode(word).astype(np.int64), np.arange(8)] = 1.0 + number

    model = tmp_path / "model.safetensors"
    saved_network(model, "MotifDetector", {"filters": 4, "width": 8, "strands": "both"}, change=plant)
    target = write_fasta(tmp_path / "t.fa", [t + "GATTACAG" + t for t in random_texts(60, 30, 1)])
    table = seqpool.enrich(target, model=model)
    assert table["cluster"].tolist()[:2] == ["filter_1", "filter_1"]
    assert table["target_hits"].tolist()[:2] == [60, 60]
    assert table["motif_id"].tolist()[:2] == ["filter_1", "filter_3"]
    assert table["p_value"][table["motif_id"] == "filter_4"] == [1.0]  # all weights 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"regions": "x.bed"}, "--regions takes its letters from --genome"),
        ({"background_sequences": "genome"}, "draws from --genome FASTA"),
        ({"match_gc": True}, "--match-gc has no place with shuffles"),
        ({"size": 5}, "--size and --names belong to regions"),
        ({"seed": -1}, "--seed -1"),
        ({"p_value": 2.0}, "--p-value 2 is not in"),
        ({"p_value": 0.1, "min_score": 1.0}, "expected one threshold"),
        ({"regions": "x.bed", "genome": "g.fa"}, "both given"),
        ({"background_sequences": "data/demo_sites.bed"}, "take their letters from --genome FASTA"),
        ({"background_sequences": "-"}, "standard input"),
    ],
)
def test_options_that_do_not_fit(repository: Path, options: dict[str, object], sentence: str) -> None:
    if "demo" in str(options.get("background_sequences")):
        options = {"background_sequences": str(repository / str(options["background_sequences"]))}
    with pytest.raises(UsageError, match=sentence):
        seqpool.enrich(repository / "data/demo_positives.fa.gz", repository / MOTIFS, **options)


# -- public data ------------------------------------------------------------------------------------------------------


def every_nth(source: Path, step: int, path: Path) -> str:
    records = list(read_fasta(str(source)))[::step]
    path.write_text("".join(write_fasta_record(one.name, DNA.decode(one.codes)) for one in records))
    return str(path)


@pytest.fixture(scope="module")
def peaks(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Some 2,000 peaks of each factor."""
    folder = tmp_path_factory.mktemp("peaks")
    return {
        name: every_nth(data / f"dna/ctcf_pu1/{name}.fa.gz", step, folder / f"{name}.fa")
        for name, step in (("ctcf", 20), ("pu1", 14))
    }


@pytest.mark.data
@pytest.mark.parametrize("against", ["the other's peaks, GC-matched", "shuffles"])
@pytest.mark.parametrize(("name", "other", "factor"), [("ctcf", "pu1", "CTCF"), ("pu1", "ctcf", "Spi1")])
def test_the_factors_own_group_is_first(
    peaks: dict[str, str], name: str, other: str, factor: str, against: str
) -> None:
    options = {} if against == "shuffles" else {"background_sequences": peaks[other], "match_gc": True}
    table = seqpool.enrich(peaks[name], "jaspar:2024/CORE/vertebrates", **options)
    first = table["cluster"] == table["cluster"][0]
    assert factor in table["motif_alt_id"][first]
    assert len(table) == 879
    best = table["motif_alt_id"].tolist().index(factor)
    assert best < 3
    assert table["fold"][best] > 5
    assert table["offset_sd_bp"][best] < 20  # of 100 letters: sites lie in the middle of peaks


@pytest.mark.data
@pytest.mark.parametrize("name", ["ctcf", "pu1"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_shuffles_against_shuffles(peaks: dict[str, str], tmp_path: Path, name: str, seed: int) -> None:
    sequences = list(read_fasta(peaks[name]))
    target = SequenceSet(DNA, "", [one.codes for one in sequences])
    shuffled = shuffled_sequences(target, seed=1000 + seed, threads=1).codes[: len(target)]
    path = write_fasta(tmp_path / "shuffled.fa", [DNA.decode(one) for one in shuffled])
    table = seqpool.enrich(path, "jaspar:2024/CORE/vertebrates", seed=seed)
    assert 0 < (table["p_value"] < 0.05).mean() <= 0.06


@pytest.mark.data
def test_tata_boxes_against_the_genome(data: Path) -> None:
    """SPT15, yeast's TATA-binding protein, leads around mapped TATA boxes, and in their middle."""
    yeast = data / "genomes/yeast"
    table = seqpool.enrich(
        [], "jaspar:2024/CORE/fungi", regions=str(yeast / "bed/rhee2012-TATAboxes-cleaned.I-V.bed"), size=60,
        genome=[str(yeast / f"chr0{number}.fsa") for number in range(1, 6)], names=str(yeast / "chrom_names.tsv"),
        background_sequences="genome", match_gc=True,
    )  # fmt: skip
    assert table["motif_alt_id"][0] == "SPT15"
    assert table["p_value"][0] < 1e-50
    assert abs(table["mean_offset_bp"][0]) < 3
    assert table["offset_sd_bp"][0] < 6
    assert table["background_total"][0] > 9_000
