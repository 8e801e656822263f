"""Two formats of single programs: XMS (NestedMICA, XML) and universalmotif's YAML."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import yaml

from seqpool.alphabet import DNA
from seqpool.motifs.formats.entries import (
    DEFAULT_SITES,
    MotifFormatError,
    MotifMatrix,
    alphabet_of,
    counted,
    in_alphabet_order,
    rectangular,
)

_BASES = {"adenine": "A", "cytosine": "C", "guanine": "G", "thymine": "T"}


def read_xms(root: ElementTree.Element, source: str) -> list[MotifMatrix]:
    """The motifs of an XMS file; its symbols are spelt out and come in any order."""
    motifs: list[MotifMatrix] = []
    for element in [root] if root.tag == "motif" else root.iter("motif"):
        name = (element.findtext("name") or "").strip() or f"motif_{len(motifs) + 1}"
        rows = []
        for column in element.iterfind("./weightmatrix/column"):
            weights = {_BASES.get(w.get("symbol", ""), ""): float(w.text or "nan") for w in column.iterfind("weight")}
            if sorted(weights) != sorted(DNA.letters):
                raise MotifFormatError(f"motif '{name}': expected the weights of {', '.join(_BASES)} in every column")
            rows.append([weights[letter] for letter in DNA.letters])
        values = rectangular(name, rows)
        sites = DEFAULT_SITES if np.abs(values.sum(axis=1) - 1).max() < 0.05 else None
        motifs.append(counted(name, "", DNA, values, source, sites=sites))
    return motifs


def read_universalmotif(text: str, source: str) -> list[MotifMatrix]:
    """The probability or count matrices of universalmotif's YAML output."""
    motifs: list[MotifMatrix] = []
    try:
        documents = [entry for entry in yaml.safe_load_all(text) if isinstance(entry, dict)]
    except yaml.YAMLError as error:
        raise MotifFormatError("it is not readable as YAML") from error
    for entry in documents:
        name = str(entry.get("name") or f"motif_{len(motifs) + 1}")
        if entry.get("type") not in ("PPM", "PCM"):
            raise MotifFormatError(f"motif '{name}' is of type {entry.get('type')}, expected PPM or PCM")
        letters = {"DNA": "ACGT", "RNA": "ACGU", "AA": "ACDEFGHIKLMNPQRSTVWY"}.get(str(entry.get("alphabet")), "")
        alphabet = alphabet_of(letters or str(entry.get("alphabet")))
        rows = [[float(word) for word in str(row).split()] for row in entry.get("motif") or []]
        values = rectangular(name, rows)
        if values.shape[1] != len(alphabet.letters):
            raise MotifFormatError(f"motif '{name}': expected {len(alphabet.letters)} numbers in a row")
        values = in_alphabet_order(values, alphabet.letters, alphabet)
        sites = float(entry.get("nsites") or DEFAULT_SITES) if entry["type"] == "PPM" else None
        motifs.append(counted(name, str(entry.get("altname") or ""), alphabet, values, source, sites=sites))
    return motifs
