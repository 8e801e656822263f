"""Windows around starts and between regions, letter by letter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from Bio.Seq import Seq
from hypothesis import given
from hypothesis import strategies as st

from seqpool.alphabet import DNA
from seqpool.errors import DataError, UsageError
from seqpool.io.bed import Region
from seqpool.train.genome_regions import GenomeRegions, intergenic_windows, start_windows

regions = st.lists(
    st.tuples(st.sampled_from(["I", "II"]), st.integers(0, 90), st.integers(0, 30), st.sampled_from("+-")).map(
        lambda row: Region(row[0], row[1], row[1] + row[2], "", row[3])
    ),
    max_size=8,
)
SIZES = {"I": 200, "II": 120}


@given(regions, st.sampled_from([2, 4, 10]), st.integers(0, 20), st.integers(0, 5))
def test_intergenic_windows_touch_no_region_and_no_other(
    found: list[Region], width: int, count: int, seed: int
) -> None:
    windows = intergenic_windows(found, SIZES, width, count, seed)
    assert len(windows) <= count
    assert windows == intergenic_windows(found, SIZES, width, count, seed)
    used: set[tuple[str, int]] = set()
    for window in windows:
        assert window.start >= 0
        assert window.end <= SIZES[window.chromosome]
        here = {(window.chromosome, i) for i in range(window.start, window.end)}
        assert len(here) == width
        assert not here & used
        used |= here
        for region in found:
            if region.chromosome == window.chromosome:
                assert (
                    window.end <= region.start - width // 2
                    or window.start >= region.end + width // 2
                    or (region.start == region.end)
                )


def test_a_start_is_the_right_end_on_the_minus_strand() -> None:
    found = [Region("I", 50, 90, "a", "+"), Region("I", 50, 90, "b", "-"), Region("I", 50, 60, "c", "."),
             Region("I", 3, 9, "too near", "+"), Region("III", 50, 60, "elsewhere", "+")]  # fmt: skip
    windows = start_windows(found, SIZES, 10)
    assert [window.name for window in windows] == ["I:45-55(+)", "I:85-95(-)"]


@pytest.fixture
def genome(tmp_path: Path) -> dict[str, str]:
    rng = np.random.default_rng(3)
    text = {name: "".join(rng.choice(list("ACGT"), size)) for name, size in (("c|1|", 400), ("c|2|", 300))}
    (tmp_path / "genome.fa").write_text("".join(f">{name} x\n{letters}\n" for name, letters in text.items()))
    (tmp_path / "names.tsv").write_text("I\tc|1|\tchrI\nII\tc|2|\tchrII\n")
    (tmp_path / "regions.bed").write_text("chrI\t100\t160\tg\t0\t+\nchrI\t180\t220\th\t0\t-\nchrII\t50\t90\tk\t0\t-\n")
    return {"chrI": text["c|1|"], "chrII": text["c|2|"]}


def test_letters_are_those_of_the_genome_on_the_windows_strand(tmp_path: Path, genome: dict[str, str]) -> None:
    parts = GenomeRegions(
        {
            "genome": [str(tmp_path / "genome.fa")],
            "regions": str(tmp_path / "regions.bed"),
            "names": str(tmp_path / "names.tsv"),
            "width": 20,
            "split": {"by": "chromosome", "test": ["chrII"]},
        }
    ).parts
    seen = {}
    for _, part in parts.named():
        x, lengths = part.inputs(np.arange(len(part.ids)), None, 0)
        assert set(lengths.tolist()) == {20}
        for name, row, label in zip(part.ids, x, part.target, strict=True):
            chromosome, _, rest = name.partition(":")
            start, end = map(int, rest[:-3].split("-"))
            letters = Seq(genome[chromosome][start:end])
            assert DNA.decode(row) == str(letters if rest.endswith("(+)") else letters.reverse_complement())
            seen[name] = label
    assert {name for name, label in seen.items() if label} == {"chrI:90-110(+)", "chrI:210-230(-)", "chrII:80-100(-)"}
    assert parts.test is not None
    assert {name.partition(":")[0] for name in parts.test.ids} == {"chrII"}


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        ({"names": None}, UsageError, r"names chrI, chrII, which the genome lacks \(it has c\|1\|, c\|2\|\)"),
        ({"width": 21}, UsageError, "an even number"),
        ({"width": 800}, DataError, "no region gives a window"),
        ({"width": 170}, DataError, "no window of 170 letters fits"),
        ({"genome": []}, UsageError, "genome is empty"),
        ({"regions": "long.bed"}, DataError, "ends at 401, past the end of chrI \\(400 letters\\)"),
        ({"alphabet": "protein"}, UsageError, "reads DNA"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    genome: dict[str, str],
    change: dict[str, object],
    kind: type[Exception],
    sentence: str,
) -> None:
    options = {
        "genome": [str(tmp_path / "genome.fa")],
        "regions": str(tmp_path / "regions.bed"),
        "names": str(tmp_path / "names.tsv"),
        "width": 20,
        **change,
    }
    monkeypatch.chdir(tmp_path)
    (tmp_path / "long.bed").write_text("chrI\t5\t401\n")
    if change == {"width": 170}:
        (tmp_path / "regions.bed").write_text("chrI\t100\t300\tg\t0\t+\nchrII\t90\t210\tk\t0\t-\n")
    with pytest.raises(kind, match=sentence):
        GenomeRegions(options).read()
