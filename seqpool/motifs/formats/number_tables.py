"""Motifs as blocks of numbers in text: one reader for JASPAR, TRANSFAC, UniPROBE, HOMER, HOCOMOCO, CIS-BP,
Cluster-Buster, XXmotif, GimmeMotifs and plain PFM files.

They differ in how a block is labelled and in the lines around it, not in what a block is: rows of numbers, either one
row per letter or one row per position. A row may name its letter (`A [ 1 2 3 ]`), a header may name the columns
(`P0 A T G C`); without either, four columns are A C G T. Negative numbers are log-odds, rows that sum to 1
probabilities, anything else counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from seqpool.alphabet import DNA, RNA, Alphabet
from seqpool.motifs.formats.entries import (
    DEFAULT_SITES,
    MotifFormatError,
    MotifMatrix,
    counted,
    in_alphabet_order,
    rectangular,
)
from seqpool.motifs.matrix import FrequencyMatrix, Matrix

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_LETTER_ROW = re.compile(r"^\s*([ACGTUacgtu])\s*[:|\[]?\s*(?=[-+.\d])")
_HEADER = re.compile(r"^\s*(?:pos|po|p0|base)?\s+(?:[acgtu]\s+){3}[acgtu]\s*$|^\s*(?:[acgtu]\s+){3}[acgtu]\s*$", re.I)
_CONSENSUS = re.compile(r"\s+[A-Za-z]$")
_POSITION_NUMBERS = re.compile(r"^\s*(?:pos|po|p0|base)\s+\d", re.I)


@dataclass
class _Labels:
    """What the lines before a block say about it."""

    name: str = ""
    alternate: str = ""
    threshold: float | None = None
    text: str = ""
    comment: str = ""


@dataclass
class _Block:
    """Consecutive rows of numbers. letters: the letter of each row; columns: letters of a header line."""

    line: int
    columns: str = ""
    letters: str = ""
    rows: list[list[float]] = field(default_factory=list)


def _numbers(text: str) -> list[float] | None:
    """The numbers of a line that holds nothing else."""
    words = text.replace("[", " ").replace("]", " ").split()
    return [float(word) for word in words] if words and all(_NUMBER.fullmatch(word) for word in words) else None


def read_number_tables(text: str, source: str) -> list[MotifMatrix]:
    """All motifs of a file of number blocks, in its order. Raises MotifFormatError for a block that is no motif."""
    motifs: list[MotifMatrix] = []
    labels = _Labels()
    block: _Block | None = None
    # a full UniPROBE report gives scores and energies before the probabilities
    only_probabilities = re.search(r"^Probability matrix", text, re.MULTILINE) is not None
    wanted = not only_probabilities
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        stripped = line.strip()
        if _HEADER.match(line):
            if block is not None and block.rows:
                motifs.append(_motif(block, labels, source, len(motifs)))
                labels = _Labels()
            columns = "".join(word for word in stripped.split() if len(word) == 1)
            block = _Block(number, columns=columns)
            continue
        row = _row(stripped, block)
        if row is not None and wanted:
            letter, values = row
            if block is None or (block.rows and bool(letter) != bool(block.letters)):
                if block is not None:
                    motifs.append(_motif(block, labels, source, len(motifs)))
                    labels = _Labels()
                block = _Block(number)
            block.letters += letter
            block.rows.append(values)
            if block.letters and len(block.rows) == 4:
                motifs.append(_motif(block, labels, source, len(motifs)))
                labels, block = _Labels(), None
            continue
        if stripped.startswith("#") and block is not None and block.rows:
            continue  # Cluster-Buster's "# WEIGHT" lines
        if block is not None and block.rows:
            motifs.append(_motif(block, labels, source, len(motifs)))
            labels, block = _Labels(), None
        if only_probabilities and row is None and stripped:
            wanted = stripped.startswith("Probability matrix")
        if row is None and stripped:
            labels = _labelled(stripped, labels)
    return motifs


def _row(stripped: str, block: _Block | None) -> tuple[str, list[float]] | None:
    """(letter or nothing, numbers) of a line that is a row of a block, else None."""
    if match := _LETTER_ROW.match(stripped):
        values = _numbers(stripped[match.end() :])
        return None if values is None else (match[1].upper(), values)
    if block is not None and block.columns:
        values = _numbers(_CONSENSUS.sub("", stripped))
        if values is not None and len(values) == len(block.columns) + 1:
            return "", values[1:]  # the first is the position
        return None if values is None else ("", values)
    values = _numbers(stripped)
    return None if values is None else ("", values)


def _labelled(line: str, labels: _Labels) -> _Labels:
    """Labels with what one more line says."""
    if line.startswith(">"):
        fields = [part.strip() for part in re.split(r"\t|\s{2,}", line[1:].strip())]
        words = line[1:].split()
        if len(words) >= 3 and _NUMBER.fullmatch(words[2]) and re.fullmatch(r"[A-Za-z]+", words[0]):
            # HOMER: consensus, name, threshold in natural logarithms
            return _Labels(words[1], words[0], float(words[2]) / np.log(2))
        alternate = " ".join(words[1:]) if len(fields) < 2 else " ".join(fields[1:])
        return _Labels(words[0] if words else "", alternate)
    if match := re.match(r"^(AC|ID|NA)\s+(\S.*)$", line):
        # TRANSFAC: the accession is the identifier, ID or NA the other name
        if match[1] == "AC" or not labels.name:
            other = labels.name if match[1] == "AC" else labels.alternate
            return _Labels(match[2].split()[0], labels.alternate or other)
        labels.alternate = match[2].split()[0]
    elif match := re.match(r"^#?\s*(?:Gene:\s*(\S+)|Motif:?\s+([^\s:]+))", line):
        labels.name = match[1] or match[2]
    elif match := re.match(r"^TF Name\s+(\S+)", line):
        labels.alternate = match[1]
    elif match := re.match(r"^Gene\s+(\S+)", line):
        labels.text = match[1]
    elif line.startswith("#"):
        labels.comment = labels.comment or "_".join(line.strip("# ").split())
    elif not (_POSITION_NUMBERS.match(line) or re.match(r"^(XX|//|[A-Z]{2}\s)", line)):
        labels.text = line.split()[0]
    return labels


def _motif(block: _Block, labels: _Labels, source: str, index: int) -> MotifMatrix:
    name = labels.name or labels.text or labels.comment
    if not name:
        stem = Path(source).name.split(".")[0]
        name = stem if index == 0 else f"{stem}_{index + 1}"
    rows = rectangular(name, block.rows)
    alphabet, values = _by_position(name, block, rows)
    if (values < 0).any():
        return _from_log_odds(name, labels, alphabet, values, source)
    sums = values.sum(axis=1)
    sites = DEFAULT_SITES if np.abs(sums - 1).max() < 0.05 else None
    return counted(name, labels.alternate, alphabet, values, source, sites=sites, threshold=labels.threshold)


def _by_position(name: str, block: _Block, rows: Matrix) -> tuple[Alphabet, Matrix]:
    """(width, 4) values in the order of the alphabet."""
    order = block.letters or block.columns.upper()
    if order:
        alphabet = RNA if "U" in order else DNA
        if sorted(order) != sorted(alphabet.letters):
            raise MotifFormatError(f"motif '{name}': expected {' '.join(alphabet.letters)}, got {' '.join(order)}")
        values = rows.T if block.letters else rows
        if values.shape[1] != 4:
            raise MotifFormatError(f"motif '{name}': expected 4 numbers in a row, got {values.shape[1]}")
        return alphabet, in_alphabet_order(values, order, alphabet)
    if rows.shape[1] == 4 and (rows.shape[0] != 4 or _even(rows.sum(axis=1)) or not _even(rows.sum(axis=0))):
        return DNA, rows
    if rows.shape[0] == 4:
        return DNA, np.ascontiguousarray(rows.T)
    if rows.shape[1] == 16:
        raise MotifFormatError(f"motif '{name}' has 16 columns: matrices of dinucleotides are not read")
    raise MotifFormatError(
        f"line {block.line}: expected 4 rows or 4 columns of numbers, got {rows.shape[0]} x {rows.shape[1]}"
    )


def _even(sums: Matrix) -> bool:
    return bool(np.ptp(sums) <= 0.01 * np.abs(sums).max())


def _from_log_odds(name: str, labels: _Labels, alphabet: Alphabet, values: Matrix, source: str) -> MotifMatrix:
    """Weights against a uniform background (HOCOMOCO: natural logarithms, pseudocount inside) as frequencies."""
    for base in (np.e, 2.0):
        with np.errstate(over="ignore"):  # numbers that are no weights
            frequencies = base**values / len(alphabet.letters)
        if np.abs(frequencies.sum(axis=1) - 1).max() < 0.02:
            return FrequencyMatrix(name, labels.alternate, alphabet, frequencies, source=source)
    raise MotifFormatError(f"motif '{name}' has negative numbers that are no log-odds against a uniform background")
