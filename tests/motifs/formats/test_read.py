"""Every motif format against files that other programs wrote, and against Biopython where it reads them."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import numpy as np
import pytest
from Bio import motifs as biopython
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqpool.alphabet import DNA, PROTEIN, RNA
from seqpool.errors import DataError, UsageError
from seqpool.motifs.formats import MotifMatrix, read_motifs
from seqpool.motifs.matrix import CountMatrix

REFUSED = {
    "meme/custom_alphabet.meme": "its alphabet 'ACGMTm' is neither DNA",
    "meme/dna_with_covalent_alphabet.meme": "its alphabet .* is neither DNA",
    "hocomoco/GATA1.dpcm": "matrices of dinucleotides are not read",
    "malformed/truncated_html_fragment.meme": r"declares w= 16 but has 2 rows",
}

CASES = [
    "meme/custom_alphabet.meme", "meme/dna_lightmotif.meme", "meme/dna_with_covalent_alphabet.meme",
    "meme/dreme_text_output.txt", "meme/full_text_output_adh_protein.txt", "meme/full_text_output_crp0_dna.txt",
    "meme/full_text_output_dna.txt", "meme/full_text_output_lipocalin_protein.txt", "meme/full_text_output_v3.txt",
    "meme/jaspar_subset2.meme", "meme/minimal_dna.meme", "meme/minimal_four_jaspar.meme", "meme/minimal_memelite.meme",
    "meme/minimal_rna.meme", "meme/minimal_universalmotif.meme", "meme/sample_dna.meme", "meme/streme_text_output.txt",
    "meme/full_xml_output_crp0_dna.xml", "meme/full_xml_output_farntrans5_protein.xml", "jaspar_pfm/Arnt.sites",
    "jaspar_pfm/MA0001.3.pfm", "jaspar_pfm/MA0017.3.pfm", "jaspar_pfm/multi.jaspar", "jaspar_pfm/REB1.pfm",
    "jaspar_pfm/SRF.pfm", "plain_pfm/MA0001.pfm", "plain_pfm/MA0002.pfm", "jaspar_pfm/fourrows.pfm",
    "jaspar_pfm/fourcolumns.pfm", "transfac/MA0001.2.transfac", "transfac/MA0056.1.transfac", "transfac/two_motifs.dat",
    "transfac/universalmotif.txt", "transfac/MX000001.transfac", "cluster_buster/clusterbuster.pfm",
    "cluster_buster/clusterbuster.pfm.out", "xms/abdb.xms", "uniprobe/Cha4.uniprobe", "uniprobe/Gal4.uniprobe",
    "uniprobe/demo.uniprobe", "uniprobe/uniprobe_full.txt", "uniprobe/uniprobe_minimal.txt", "homer/homer.motif",
    "hocomoco/AHR_si.pcm", "hocomoco/AHR_si.pwm", "hocomoco/CTCF_f2.pwm", "hocomoco/hocomoco_pwm_logodds.txt",
    "hocomoco/GATA1.dpcm", "cisbp/cisbp.txt", "jaspar_pfm/sites_fasta.txt", "other/gimmemotifs_example.pfm",
    "other/alignace.out", "other/xxmotif.pwm", "other/universalmotif.yaml.txt",
    "malformed/truncated_html_fragment.meme",
]  # fmt: skip


def first_position(motif: MotifMatrix) -> np.ndarray:
    row = motif.counts[0] if isinstance(motif, CountMatrix) else motif.frequencies[0]
    return row / row.sum()


@pytest.mark.data
def test_no_case_is_left_out(data: Path) -> None:
    lines = (data / "motifs/format_cases/expected.tsv").read_text().splitlines()[1:]
    assert sorted(line.split("\t")[0] for line in lines) == sorted(CASES)


@pytest.mark.data
@pytest.mark.parametrize("file", CASES)
def test_expected(data: Path, file: str) -> None:
    folder = data / "motifs/format_cases"
    if file in REFUSED:
        with pytest.raises(DataError, match=REFUSED[file]):
            read_motifs(folder / file)
        return
    with (folder / "expected.tsv").open() as stream:
        rows = {row["file"]: row for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)}
    expected = rows[file]
    motifs = read_motifs(folder / file)
    assert len(motifs) == int(expected["n_motifs"])
    assert ",".join(str(motif.width) for motif in motifs) == expected["widths"]
    assert motifs[0].alphabet.letters in (expected["alphabet"], *("ACGT" for _ in [0] if "DNA" in expected["alphabet"]))
    assert all(motif.name and not set(motif.name) & set(" \t\n") for motif in motifs)
    if expected["first_position"]:
        values = np.array([float(word) for word in expected["first_position"].split()])
        if (values < 0).any():  # log-odds: natural in HOCOMOCO's own files, base 2 in the one universalmotif wrote
            values = (2.0 if file.endswith("logodds.txt") else np.e) ** values
        assert first_position(motifs[0]) == pytest.approx(values / values.sum(), abs=1e-5)


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("jaspar_pfm/multi.jaspar", "jaspar"),
        ("transfac/two_motifs.dat", "transfac"),
        ("transfac/MA0001.2.transfac", "transfac"),
        ("cluster_buster/clusterbuster.pfm", "clusterbuster"),
        ("xms/abdb.xms", "xms"),
        ("other/alignace.out", "alignace"),
        ("jaspar_pfm/fourrows.pfm", "pfm-four-rows"),
        ("jaspar_pfm/fourcolumns.pfm", "pfm-four-columns"),
        ("jaspar_pfm/Arnt.sites", "sites"),
    ],
)
def test_equals_biopython(data: Path, file: str, kind: str) -> None:
    path = data / "motifs/format_cases" / file
    with warnings.catch_warnings(), path.open() as stream:
        warnings.simplefilter("ignore")
        theirs = list(biopython.parse(stream, kind, strict=False))
    ours = read_motifs(path)
    assert len(ours) == len(theirs)
    for motif, other in zip(ours, theirs, strict=True):
        assert isinstance(motif, CountMatrix)
        expected = np.array([other.counts[letter] for letter in "ACGT"], dtype=float).T
        shares = motif.counts / motif.counts.sum(axis=1, keepdims=True)
        assert shares == pytest.approx(expected / expected.sum(axis=1, keepdims=True), abs=1e-9)


@pytest.mark.data
def test_all_of_jaspar_equals_biopython(data: Path) -> None:
    path = data / "motifs/JASPAR2024.jaspar"
    ours = read_motifs(path)
    assert len(ours) == 2346
    with path.open() as stream:
        for motif, other in zip(ours, biopython.parse(stream, "jaspar"), strict=True):
            assert isinstance(motif, CountMatrix)
            assert (motif.name, motif.alternate_name) == (other.matrix_id, other.name)
            assert np.array_equal(motif.counts, np.array([other.counts[letter] for letter in "ACGT"]).T)


@pytest.mark.data
def test_jaspar_release_equals_the_file(data: Path) -> None:
    of_file = {motif.name: motif for motif in read_motifs(data / "motifs/JASPAR2024.jaspar")}
    release = read_motifs("jaspar:2024/CORE/vertebrates")
    assert len(release) == 879
    for motif in release:
        other = of_file[motif.name]
        assert isinstance(motif, CountMatrix)
        assert isinstance(other, CountMatrix)
        assert motif.alternate_name == other.alternate_name
        assert np.array_equal(motif.counts, other.counts)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("jaspar:2024", "expected jaspar:YEAR/COLLECTION/TAXON"),
        ("jaspar:1066/CORE/vertebrates", "no release JASPAR1066"),
        ("jaspar:2024/CORE/dragons", "has no such matrices"),
    ],
)
def test_releases_that_are_not_there(address: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        read_motifs(address)


@pytest.mark.data
def test_meme_text_xml_and_sites_tell_the_same(data: Path) -> None:
    folder = data / "motifs/format_cases/meme"
    for text, xml in zip(
        read_motifs(folder / "full_text_output_crp0_dna.txt"), read_motifs(folder / "full_xml_output_crp0_dna.xml"),
        strict=True,
    ):  # fmt: skip
        assert isinstance(text, CountMatrix)
        assert isinstance(xml, CountMatrix)
        assert (text.name, text.alternate_name, text.width) == (xml.name, xml.alternate_name, xml.width)
        assert text.counts == pytest.approx(xml.counts, abs=1e-4)
    (html,) = read_motifs(data / "motifs/fimo_meme_suite/MCM1.meme.html")
    assert (html.name, html.width) == ("TTTCCYDWTTBGGAAATW", 18)
    assert isinstance(html, CountMatrix)
    assert html.counts.sum(axis=1) == pytest.approx(np.full(18, 29.0), abs=1e-3)


@pytest.mark.data
def test_alphabets(data: Path) -> None:
    folder = data / "motifs/format_cases/meme"
    assert read_motifs(folder / "minimal_rna.meme")[0].alphabet is RNA
    assert read_motifs(folder / "full_text_output_adh_protein.txt")[0].alphabet is PROTEIN
    assert read_motifs(folder / "dreme_text_output.txt")[0].alphabet is DNA


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "holds no motif"),
        ("once upon a time\n", "holds no motif"),
        ("\x00\x01", "holds no motif"),
        (">m\nA [1 2]\nC [1 2]\nG [1]\nT [1 2]\n", "rows differ in length"),
        (">m\nA [1 2]\nC [1 2]\nG [1 2]\n", "expected A C G T, got A C G"),
        (">m\n1 2 3\n4 5 6\n", "expected 4 rows or 4 columns of numbers, got 2 x 3"),
        (">m\nA [0 2]\nC [0 2]\nG [0 2]\nT [0 2]\n", "position 1 of the motif holds only zeros"),
        (">m\n-5 -5 -5 -5\n-5 -5 -5 -5\n", "negative numbers that are no log-odds"),
        (">a\nACGT\n>b\nACG\n", "sites differ in length"),
        (">a\n" + "ACGT" * 25 + "\n", "are these sequences"),
        ("<html><body>no</body></html>", "HTML without the data block"),
        ("<svg/>", "XML of another kind"),
        ("<motif", "not readable as XML"),
        ("MEME version 4\nALPHABET= ACGTX\nMOTIF m\n", "its alphabet 'ACGTX'"),
        ("MEME version 4\nletter-probability matrix: w= 1\n1 0 0 0\n", "a matrix before the first MOTIF line"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "motifs.txt"
    path.write_text(content)
    with pytest.raises(DataError, match=problem):
        read_motifs(path)


def test_windows_line_ends_byte_order_mark_and_compression(tmp_path: Path) -> None:
    import gzip

    text = ">m\tname\r\nA [ 1 2 ]\r\nC [ 3 4 ]\r\nG [ 5 6 ]\r\nT [ 7 8 ]\r\n"
    (tmp_path / "m").write_bytes(gzip.compress(b"\xef\xbb\xbf" + text.encode()))
    (motif,) = read_motifs(tmp_path / "m")
    assert isinstance(motif, CountMatrix)
    assert (motif.name, motif.alternate_name, motif.counts.tolist()) == ("m", "name", [[1, 3, 5, 7], [2, 4, 6, 8]])


@pytest.mark.data
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_files_give_motifs_or_one_sentence(
    request: pytest.FixtureRequest, tmp_path: Path, data: st.DataObject
) -> None:
    folder = request.getfixturevalue("data") / "motifs/format_cases"
    content = bytearray((folder / data.draw(st.sampled_from(CASES))).read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(["cut", "byte", "drop", "repeat"]))
        length = data.draw(st.integers(1, 200))
        if kind == "cut":
            del content[start + 1 :]
        elif kind == "byte":
            content[start] = data.draw(st.integers(0, 255))
        elif kind == "drop":
            del content[start : min(start + length, len(content) - 1)]
        else:
            content[start:start] = content[start : start + length]
    path = tmp_path / "mutated"
    path.write_bytes(bytes(content))
    sentence = ""
    motifs: list[MotifMatrix] = []
    try:
        motifs = read_motifs(path)
    except DataError as error:
        sentence = str(error)
    assert bool(motifs) != bool(sentence)
    assert "\n" not in sentence
