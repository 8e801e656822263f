"""Motifs given as aligned sites: FASTA of sites, JASPAR .sites (the site in upper case), AlignACE output."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from seqpool.alphabet import DNA
from seqpool.motifs.formats.entries import MotifFormatError, MotifMatrix, counted

WIDEST_SITE = 64
"""Wider alignments are taken for sequences that someone passed as motifs."""


def _motif_of_sites(name: str, sites: list[str], source: str) -> MotifMatrix:
    if len({len(site) for site in sites}) > 1:
        raise MotifFormatError(f"motif '{name}': its sites differ in length, expected aligned sites of one length")
    if not sites or not 0 < len(sites[0]) <= WIDEST_SITE:
        raise MotifFormatError(f"motif '{name}': sites of 1 to {WIDEST_SITE} letters are read, are these sequences?")
    try:
        codes = np.array([DNA.encode(site) for site in sites])
    except ValueError as error:
        raise MotifFormatError(f"motif '{name}': {error}") from error
    return counted(name, "", DNA, DNA.distributions[codes].sum(axis=0), source)


def read_site_fasta(text: str, source: str) -> list[MotifMatrix]:
    """One motif from a FASTA file of aligned sites; lower-case letters beside upper-case ones are flanks."""
    names, sites = set(), []
    for entry in re.split(r"^>", text, flags=re.MULTILINE)[1:]:
        header, _, body = entry.partition("\n")
        letters = "".join(body.split())
        upper = "".join(re.findall(r"[A-Z]", letters))
        names.add((header.split() or [""])[0])
        sites.append(upper or letters)
    name = names.pop() if len(names) == 1 else Path(source).name.split(".")[0]
    return [_motif_of_sites(name, sites, source)]


def read_alignace(text: str, source: str) -> list[MotifMatrix]:
    """The motifs of AlignACE's output."""
    motifs: list[MotifMatrix] = []
    for entry in re.split(r"^Motif ", text, flags=re.MULTILINE)[1:]:
        sites = re.findall(r"^([A-Za-z]+)\t\d+\t\d+\t[01]\s*$", entry, re.MULTILINE)
        motifs.append(_motif_of_sites(entry.split(maxsplit=1)[0], sites, source))
    return motifs
