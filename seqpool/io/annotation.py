"""Genes of annotated genomes: GFF3 and GenBank files, as stretches that code and stretches of other genes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import unquote

from seqpool.errors import DataError
from seqpool.io.compressed import open_decompressed, shown_name

_RNA_FEATURES = re.compile(r"(?!mRNA$|transcript$).*RNA$")
_GENBANK_RNA = ("tRNA", "rRNA", "ncRNA", "tmRNA", "misc_RNA")
_PSEUDO = ("pseudo", "pseudogene")


@dataclass(frozen=True)
class GeneFeature:
    """A stretch of a chromosome that a gene takes.

    start, end: 0-based half open. coding: a row of a CDS (an exon's part of it) rather than an RNA gene or pseudogene.
    strand: +1 or -1, of coding ones. phase: letters from the stretch's own 5' end to its first whole codon, 0 to 2.
    name: of the CDS; the rows of one have the same.
    """

    chromosome: str
    start: int
    end: int
    coding: bool
    strand: int = 0
    phase: int = 0
    name: str = ""


def read_gene_features(path: str) -> list[GeneFeature]:
    """Coding stretches, RNA genes and pseudogenes of a GFF3 or GenBank file (by content), plain or compressed.

    A CDS marked as pseudo is a pseudogene. Raises DataError naming the line for what is neither format, and where the
    file holds no CDS.
    """
    file = shown_name(path)
    with open_decompressed(path) as stream:
        genbank = stream.read(5) == b"LOCUS"
    with open_decompressed(path) as stream:
        features = list((_genbank if genbank else _gff3)(stream, file))
    if not any(feature.coding for feature in features):
        raise DataError(f"{file} holds no CDS.")
    return features


def _gff3(stream: BinaryIO, file: str) -> Iterator[GeneFeature]:
    """Sequence Ontology, GFF3 1.26."""
    for number, raw in enumerate(stream, start=1):
        line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
        if line.startswith("##FASTA"):
            return
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) != 9 or not (cells[3].isdecimal() and cells[4].isdecimal()):
            raise DataError(
                f"{file}: line {number} is not GFF3: 9 columns separated by tabs are expected, got {line!r}."
            )
        pairs = (pair.partition("=") for pair in cells[8].split(";"))
        attributes = {key.strip(): unquote(value) for key, _, value in pairs}
        place = (unquote(cells[0]), int(cells[3]) - 1, int(cells[4]))
        pseudo = attributes.get("pseudo") == "true" or cells[2] == "pseudogene" or "pseudogene" in attributes
        biotype = attributes.get("gene_biotype", "protein_coding")
        if cells[2] == "CDS" and not pseudo:
            if cells[6] not in "+-" or cells[7] not in ("0", "1", "2"):
                raise DataError(
                    f"{file}: line {number}: a CDS needs a strand and a phase of 0, 1 or 2, got {cells[6]} {cells[7]}."
                )
            name = attributes.get("ID") or attributes.get("Parent") or attributes.get("Name") or f"line {number}"
            yield GeneFeature(*place, True, 1 if cells[6] == "+" else -1, int(cells[7]), name)
        elif pseudo or _RNA_FEATURES.match(cells[2]) or (cells[2] == "gene" and biotype != "protein_coding"):
            yield GeneFeature(*place, False)


def _genbank(stream: BinaryIO, file: str) -> Iterator[GeneFeature]:
    from Bio import SeqIO

    try:
        text = io.TextIOWrapper(stream, "utf-8", errors="replace")
        for record in SeqIO.parse(text, "genbank"):  # type: ignore[no-untyped-call]
            for feature in record.features:
                pseudo = any(word in feature.qualifiers for word in _PSEUDO)
                if feature.type == "CDS" and not pseudo:
                    name = next(
                        (
                            feature.qualifiers[key][0]
                            for key in ("locus_tag", "protein_id")
                            if key in feature.qualifiers
                        ),
                        f"CDS at {int(feature.location.start) + 1}",
                    )
                    letters = 1 - int(feature.qualifiers.get("codon_start", ["1"])[0])
                    for part in feature.location.parts:  # in the order of translation
                        start, end = int(part.start), int(part.end)
                        yield GeneFeature(record.id, start, end, True, int(part.strand or 1), -letters % 3, name)
                        letters += end - start
                elif pseudo or feature.type in _GENBANK_RNA:
                    for part in feature.location.parts:
                        yield GeneFeature(record.id, int(part.start), int(part.end), False)
    except ValueError as error:
        raise DataError(f"{file} is not GenBank as Biopython reads it: {error}.") from error
