"""BED regions and tables of chromosome names."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqpool.errors import DataError
from seqpool.io.bed import Region, read_bed, read_chromosome_names


def test_regions_of_three_and_of_six_columns(tmp_path: Path) -> None:
    file = tmp_path / "regions.bed"
    file.write_text("track name=x\n# a comment\nchr1\t5\t9\n\nchr2 0 3 gene 0.0 -\nchrX\t1\t1\tempty\t0\t+\textra\n")
    assert read_bed(str(file)) == [
        Region("chr1", 5, 9, "", "."),
        Region("chr2", 0, 3, "gene", "-"),
        Region("chrX", 1, 1, "empty", "+"),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "holds no regions"),
        ("chr1\t5\n", "line 1 is not BED"),
        ("chr1\t5\t9\nchr1\tfive\t9\n", "line 2 is not BED"),
        ("chr1\t-5\t9\n", "line 1 is not BED"),
        ("chr1\t9\t5\n", "line 1 ends at 5, before its start 9"),
        ("chr1\t5\t9\tx\t0\tplus\n", "strand 'plus'"),
    ],
)
def test_what_is_not_bed_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "regions.bed"
    file.write_text(text)
    with pytest.raises(DataError, match=sentence):
        read_bed(str(file))


def test_names_on_one_line_name_one_chromosome(tmp_path: Path) -> None:
    file = tmp_path / "names.tsv"
    file.write_text("roman\tfasta\tbed\nI\ttpg|BK006935.2|\tchrI\nII\ttpg|BK006936.2|\tchrII\n")
    line_of = read_chromosome_names(str(file))
    assert line_of["tpg|BK006935.2|"] == line_of["chrI"] != line_of["chrII"]
    file.write_text("I\tchrI\nII\tchrI\n")
    with pytest.raises(DataError, match="'chrI' stands on lines 1 and 2"):
        read_chromosome_names(str(file))


@pytest.mark.data
def test_the_transcripts_of_five_chromosomes(data: Path) -> None:
    regions = read_bed(str(data / "genomes" / "yeast" / "bed" / "Scer_polIItranscripts-adjustedTSS.I-V.bed"))
    assert len(regions) == 1869
    assert {region.chromosome for region in regions} == {"chrI", "chrII", "chrIII", "chrIV", "chrV"}
