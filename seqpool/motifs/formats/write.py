"""Motifs as MEME, JASPAR, TRANSFAC or HOMER text."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from seqpool.errors import UsageError
from seqpool.io.output import open_output
from seqpool.motifs.formats.entries import DEFAULT_SITES, MotifMatrix
from seqpool.motifs.matrix import CountMatrix, Matrix


def _counts(motif: MotifMatrix) -> Matrix:
    return motif.counts if isinstance(motif, CountMatrix) else motif.frequencies * DEFAULT_SITES


def _probabilities(motif: MotifMatrix) -> Matrix:
    counts = _counts(motif)
    shares: Matrix = counts / counts.sum(axis=1, keepdims=True)
    return shares


def _nucleotides(motifs: Sequence[MotifMatrix], kind: str) -> None:
    for motif in motifs:
        if motif.alphabet.complement is None:
            raise UsageError(f"motif '{motif.name}' is {motif.alphabet.name}, {kind} files hold nucleotides.")


def meme_text(motifs: Sequence[MotifMatrix], background: Matrix | None = None) -> str:
    """Minimal MEME format, version 4. background: (letters,) probabilities, default uniform."""
    alphabet = motifs[0].alphabet
    if any(motif.alphabet is not alphabet for motif in motifs):
        raise UsageError("a MEME file holds motifs of one alphabet.")
    shares = np.full(len(alphabet.letters), 1 / len(alphabet.letters)) if background is None else background
    lines = ["MEME version 4", "", f"ALPHABET= {alphabet.letters}", ""]
    if alphabet.complement is not None:
        lines += ["strands: + -", ""]
    lines += ["Background letter frequencies"]
    lines += [" ".join(f"{letter} {share:.8g}" for letter, share in zip(alphabet.letters, shares, strict=True)), ""]
    for motif in motifs:
        sites = _counts(motif).sum(axis=1).max()
        lines += [f"MOTIF {motif.name} {motif.alternate_name}".rstrip()]
        lines += [
            f"letter-probability matrix: alength= {len(alphabet.letters)} w= {motif.width} nsites= {sites:.8g} E= 0"
        ]
        lines += [" ".join(f"{value:.8f}" for value in row) for row in _probabilities(motif)]
        lines += [""]
    return "\n".join(lines)


def jaspar_text(motifs: Sequence[MotifMatrix]) -> str:
    """Bracketed JASPAR format, counts."""
    _nucleotides(motifs, "JASPAR")
    lines = []
    for motif in motifs:
        lines.append(f">{motif.name}\t{motif.alternate_name}".rstrip())
        for letter, column in zip(motif.alphabet.letters, _counts(motif).T, strict=True):
            lines.append(f"{letter}  [ {' '.join(f'{value:.10g}' for value in column)} ]")
    return "\n".join(lines) + "\n"


def transfac_text(motifs: Sequence[MotifMatrix]) -> str:
    """TRANSFAC format, counts."""
    _nucleotides(motifs, "TRANSFAC")
    lines = []
    for motif in motifs:
        lines += [f"AC  {motif.name}", "XX", f"ID  {motif.alternate_name or motif.name}", "XX"]
        lines += ["  ".join(["P0", *motif.alphabet.letters])]
        lines += [
            "  ".join([f"{position:02d}", *(f"{value:.10g}" for value in row)])
            for position, row in enumerate(_counts(motif), start=1)
        ]
        lines += ["XX", "//"]
    return "\n".join(lines) + "\n"


def homer_text(motifs: Sequence[MotifMatrix]) -> str:
    """HOMER format: consensus, name, threshold (natural logarithm; 0 where a motif has none), probabilities."""
    _nucleotides(motifs, "HOMER")
    lines = []
    for motif in motifs:
        values = _probabilities(motif)
        consensus = "".join(motif.alphabet.letters[int(best)] for best in values.argmax(axis=1))
        threshold = (motif.threshold or 0.0) * np.log(2)
        lines.append(f">{consensus}\t{motif.name}\t{threshold:.6f}")
        lines += ["\t".join(f"{value:.8f}" for value in row) for row in values]
    return "\n".join(lines) + "\n"


_WRITERS = {"meme": meme_text, "jaspar": jaspar_text, "transfac": transfac_text, "homer": homer_text}


def motif_text(motifs: Sequence[MotifMatrix], kind: str) -> str:
    """The contents of a motif file, see `write_motifs`."""
    if kind not in _WRITERS:
        raise UsageError(f"motif format '{kind}' is not written (formats: {', '.join(_WRITERS)}).")
    if not motifs:
        raise UsageError("there is no motif to write.")
    return _WRITERS[kind](motifs)


def write_motifs(path: str | os.PathLike[str] | None, motifs: Sequence[MotifMatrix], kind: str) -> None:
    """Write motifs to a file (None: stdout), whole or not at all. kind: `meme`, `jaspar`, `transfac` or `homer`.

    Raises UsageError for another kind, for no motif, and for motifs that the format cannot hold.
    """
    text = motif_text(motifs, kind)
    with open_output(path) as stream:
        stream.write(text)
