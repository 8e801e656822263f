"""Motif files, told apart by their content."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from seqpool.alphabet import DNA, PROTEIN, RNA, Alphabet
from seqpool.errors import DataError
from seqpool.io.compressed import open_decompressed, shown_name
from seqpool.motifs.matrix import CountMatrix, FrequencyMatrix

MotifMatrix = CountMatrix | FrequencyMatrix

DEFAULT_SITES = 20
"""Number of sites behind a matrix of probabilities that does not say it, as in the MEME suite."""

_JASPAR_ROW = re.compile(r"^\s*([A-Za-z])\s*\[?\s*((?:[-+.\deE]+\s*)+)\]?\s*$")


class _Wrong(Exception):
    """What is wrong with a motif file, without the file's name."""


def read_motifs(path: str) -> list[MotifMatrix]:
    """Read the motifs of a JASPAR or MEME file (plain or compressed; `-`: standard input), in the file's order.

    Motifs of the same name stay apart. Raises DataError for a file that cannot be read or holds no motif.
    """
    name = shown_name(path)
    with open_decompressed(path) as stream:
        raw = stream.read()
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not a motif file: it is not text.") from error
    try:
        motifs = _reader(text)(text, name)
    except _Wrong as error:
        raise DataError(f"{name}: {error}.") from error
    except ValueError as error:
        raise DataError(f"{name} is not a readable motif file: {error}.") from error
    if not motifs:
        raise DataError(f"{name} holds no motif.")
    return motifs


def _reader(text: str) -> Callable[[str, str], list[MotifMatrix]]:
    if re.search(r"^\s*MEME version", text, re.MULTILINE):
        return _read_meme_text
    if text.lstrip().startswith(">"):
        return _read_jaspar
    raise _Wrong("it is in no motif format that is read (JASPAR, MEME)")


def _matrix(
    name: str,
    alternate: str,
    alphabet: Alphabet,
    rows: list[list[float]],
    source: str,
    sites: float | None = None,
) -> CountMatrix:
    """A CountMatrix with the motif's name in what is wrong; `sites`: the rows are probabilities of so many sites."""
    try:
        if len({len(row) for row in rows}) > 1:
            raise ValueError("its rows differ in length")
        values = np.array(rows, dtype=np.float64)
        return CountMatrix(name, alternate, alphabet, values if sites is None else values * sites, source)
    except ValueError as error:
        raise _Wrong(f"motif '{name}': {error}") from error


def _read_jaspar(text: str, source: str) -> list[MotifMatrix]:
    motifs: list[MotifMatrix] = []
    for entry in re.split(r"^>", text, flags=re.MULTILINE)[1:]:
        header, _, body = entry.partition("\n")
        words = header.split(maxsplit=1)
        if not words:
            raise _Wrong(f"motif {len(motifs) + 1} has no name after '>'")
        rows: dict[str, list[float]] = {}
        for line in filter(str.strip, body.splitlines()):
            match = _JASPAR_ROW.match(line)
            if match is None or match[1].upper() in rows:
                raise _Wrong(f"motif '{words[0]}': expected one row of counts per letter, got {line.strip()[:40]!r}")
            rows[match[1].upper()] = [float(word) for word in match[2].split()]
        alphabet = RNA if "U" in rows else DNA
        if sorted(rows) != sorted(alphabet.letters):
            raise _Wrong(f"motif '{words[0]}': expected rows {' '.join(alphabet.letters)}, got {' '.join(rows)}")
        if len({len(row) for row in rows.values()}) > 1:
            raise _Wrong(f"motif '{words[0]}': its rows differ in length")
        columns = [list(column) for column in zip(*(rows[a] for a in alphabet.letters), strict=True)]
        alternate = words[1].strip() if len(words) > 1 else ""
        motifs.append(_matrix(words[0], alternate, alphabet, columns, source))
    return motifs


def _meme_alphabet(text: str) -> Alphabet:
    match = re.search(r"^ALPHABET\s*=\s*(\S+)", text, re.MULTILINE)
    if match:
        letters = match[1].upper()
    else:
        block = re.search(r"^ALPHABET\b(.*?)^END ALPHABET", text, re.MULTILINE | re.DOTALL)
        if block is None:
            return DNA  # MEME's default where a file does not say
        core = re.findall(r"^\s*([A-Za-z0-9*.?-])\s*(?:\"|~|$|[0-9A-Fa-f]{6})", block[1], re.MULTILINE)
        letters = "".join(letter.upper() for letter in core)
    for alphabet in (DNA, RNA, PROTEIN):
        if sorted(letters) == sorted(alphabet.letters):
            return alphabet
    raise _Wrong(f"its alphabet ({letters}) is neither DNA, RNA nor protein")


def _read_meme_text(text: str, source: str) -> list[MotifMatrix]:
    alphabet = _meme_alphabet(text)
    motifs: list[MotifMatrix] = []
    name, alternate = "", ""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if match := re.match(r"^MOTIF\s+(\S+)(.*)$", line):
            name = match[1]
            alternate = re.split(r"\bwidth\s*=", match[2])[0].strip()
            alternate = "" if alternate == "MEME" else alternate
        elif line.startswith("letter-probability matrix:"):
            facts = dict(re.findall(r"(\w+)=\s*(\S+)", line))
            rows: list[list[float]] = []
            for row in lines[number + 1 :]:
                words = row.split()
                if not words and not rows:
                    continue
                try:
                    rows.append([float(word) for word in words])
                except ValueError:
                    break
                if not words:
                    rows.pop()
                    break
                if len(rows) == int(facts.get("w", 0)):
                    break
            if "w" in facts and len(rows) != int(facts["w"]):
                raise _Wrong(f"motif '{name}' declares w= {facts['w']} but has {len(rows)} rows of numbers")
            sites = float(facts.get("nsites", DEFAULT_SITES)) or DEFAULT_SITES
            motifs.append(_matrix(name, alternate, alphabet, rows, source, sites))
    return motifs
