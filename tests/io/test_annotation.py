"""Genes from GFF3 and GenBank, against each other and against translations that the files hold."""

from __future__ import annotations

import gzip
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from Bio import SeqIO

from seqpool.alphabet import DNA, PROTEIN, Codes, GeneticCode, codon_codes
from seqpool.errors import DataError
from seqpool.io.annotation import GeneFeature, read_gene_features
from seqpool.io.fasta import read_fasta


def protein(features: list[GeneFeature], letters: Codes, code: int) -> str:
    """The rows of one CDS, in the order of translation, as amino acids."""
    joined = []
    for row in features:
        part = letters[row.start : row.end]
        joined.append(part if row.strand > 0 else DNA.reverse_complement(part))
    codons = codon_codes(np.concatenate(joined)[features[0].phase :])[::3]
    return "".join((PROTEIN.letters + "*")[i] for i in GeneticCode(code).meanings[codons].argmax(axis=1))


@pytest.mark.data
def test_ecoli_genes_translate_to_what_the_record_says(data: Path) -> None:
    path = data / "genomes" / "ecoli" / "NC_000913.gbk.gz"
    features = read_gene_features(str(path))
    rows = defaultdict(list)
    for feature in features:
        if feature.coding:
            rows[feature.name].append(feature)
    with gzip.open(path, "rt") as stream:
        record = next(SeqIO.parse(stream, "genbank"))
    letters = DNA.encode(str(record.seq))
    said = {
        feature.qualifiers["locus_tag"][0]: feature.qualifiers["translation"][0]
        for feature in record.features
        if feature.type == "CDS" and "pseudo" not in feature.qualifiers
    }
    assert len(rows) == 4140
    assert rows.keys() == said.keys()
    # the first codon is read as M whatever it is; three genes hold selenocysteine
    wrong = [name for name, some in rows.items() if protein(some, letters, 11)[1:].rstrip("*") != said[name][1:]]
    assert len(wrong) == 3
    assert {feature.chromosome for feature in features} == {"NC_000913.3"}
    assert sum(not feature.coding for feature in features) > 179


@pytest.mark.data
def test_yeast_genes_are_open_reading_frames(data: Path) -> None:
    folder = data / "genomes" / "yeast"
    features = read_gene_features(str(folder / "saccharomyces_cerevisiae_I-V.gff3.gz"))
    chromosomes = ("NC_001133.9", "NC_001134.8", "NC_001135.5", "NC_001136.10", "NC_001137.3")
    letters = {
        name: next(read_fasta(str(folder / f"chr0{number}.fsa"))).codes
        for number, name in enumerate(chromosomes, start=1)
    }
    rows = [feature for feature in features if feature.coding]
    assert len(rows) == 1831  # of 1,833; two are of pseudogenes
    stops = 0
    for row in rows:  # each row by itself is in frame after its phase
        part = letters[row.chromosome][row.start : row.end]
        part = part if row.strand > 0 else DNA.reverse_complement(part)
        codons = codon_codes(part[row.phase :])[::3]
        stops += int(GeneticCode(1).certain_stops[codons[:-1]].any())
    assert stops <= 3  # two genes with stops inside, one of them in two rows


GFF = """\
##gff-version 3
chr%201\tx\tgene\t1\t90\t.\t+\t.\tID=g1;gene_biotype=protein_coding
chr%201\tx\tmRNA\t1\t90\t.\t+\t.\tID=m1;Parent=g1
chr%201\tx\tCDS\t1\t30\t.\t+\t0\tID=c1;Parent=m1
chr%201\tx\tCDS\t61\t90\t.\t-\t1\tID=c1;Parent=m1
chr%201\tx\tCDS\t200\t290\t.\t+\t0\tID=c2;pseudo=true
chr%201\tx\ttRNA\t300\t370\t.\t-\t.\tID=t1
chr%201\tx\tgene\t400\t470\t.\t-\t.\tID=g3;gene_biotype=rRNA

##FASTA
>chr1
ACGT
"""


def test_rows_of_gff3(tmp_path: Path) -> None:
    for name, text in (("a.gff3", GFF.encode()), ("a.gff3.gz", gzip.compress(GFF.encode()))):
        (tmp_path / name).write_bytes(text)
        assert read_gene_features(str(tmp_path / name)) == [
            GeneFeature("chr 1", 0, 30, True, 1, 0, "c1"),
            GeneFeature("chr 1", 60, 90, True, -1, 1, "c1"),
            GeneFeature("chr 1", 199, 290, False),
            GeneFeature("chr 1", 299, 370, False),
            GeneFeature("chr 1", 399, 470, False),
        ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chr1\tx\tCDS\t1\t30\n", "line 1 is not GFF3"),
        ("chr1\tx\tCDS\t1\t30\t.\t+\t.\tID=a\n", "line 1: a CDS needs a strand and a phase"),
        ("##gff-version 3\n", "holds no CDS"),
        ("", "holds no CDS"),
    ],
)
def test_what_is_no_annotation(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.gff3").write_text(text)
    with pytest.raises(DataError, match=message):
        read_gene_features(str(tmp_path / "a.gff3"))
