"""MEME motif files: minimal and full text, XML, and the JSON block of the HTML output.

Format: https://meme-suite.org/meme/doc/meme-format.html. Own readers, because Bio.motifs rounds the probabilities of
minimal files to counts and refuses proteins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import numpy as np

from seqpool.alphabet import DNA, Alphabet
from seqpool.motifs.formats.entries import (
    DEFAULT_SITES,
    MotifFormatError,
    MotifMatrix,
    alphabet_of,
    counted,
    in_alphabet_order,
    rectangular,
)

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_FACT = re.compile(rf"(\w+)\s*=\s*({_NUMBER})")


def _text_alphabet(lines: list[str]) -> tuple[str, Alphabet]:
    """The letters in the file's order, and their alphabet; DNA where a file does not say."""
    for number, line in enumerate(lines):
        if match := re.match(r"^ALPHABET\s*=\s*(\S+)", line):
            return match[1], alphabet_of(match[1])
        if re.match(r"^ALPHABET\b", line):
            core: list[str] = []
            paired = ""
            for entry in lines[number + 1 :]:
                if entry.startswith("END ALPHABET") or (core and entry.startswith("*")):
                    break
                # "A "Adenine" CC0000 ~ T "Thymine" 008000", "C "Cytosine" 0000CC", but not "N = ACGT"
                symbols = re.findall(r'(?:^|~)\s*(\S)(?=\s|$)(?:\s+"[^"]*")?(?:\s+[0-9A-Fa-f]{6})?\s*(?=~|$)', entry)
                core += symbols[:1]
                paired += "".join(symbols[1:])
            letters = "".join(dict.fromkeys([*core, *paired]))
            # letters are listed in the order of the alphabet, complements last: A C | G T
            letters = "".join(sorted(letters))
            return letters, alphabet_of(letters)
    return DNA.letters, DNA


def read_meme_text(text: str, source: str) -> list[MotifMatrix]:
    """The letter-probability matrices of a MEME text file, minimal or full."""
    lines = text.splitlines()
    letters, alphabet = _text_alphabet(lines)
    motifs: list[MotifMatrix] = []
    name, alternate = "", ""
    for number, line in enumerate(lines):
        if match := re.match(r"^MOTIF\s+(\S+)(.*)$", line):
            name = match[1]
            alternate = re.split(r"\bwidth\s*=", match[2])[0].strip()
            alternate = "" if alternate == "MEME" else alternate
        elif line.startswith("letter-probability matrix:"):
            facts = {key: float(value) for key, value in _FACT.findall(line)}
            if not name:
                raise MotifFormatError(f"line {number + 1}: a matrix before the first MOTIF line")
            rows = _rows(lines, number + 1, facts.get("w"))
            if "w" in facts and len(rows) != facts["w"]:
                raise MotifFormatError(f"motif '{name}' declares w= {facts['w']:g} but has {len(rows)} rows of numbers")
            values = rectangular(name, rows)
            if values.shape[1] != len(letters):
                raise MotifFormatError(f"motif '{name}' has {values.shape[1]} columns, its alphabet is {letters}")
            values = in_alphabet_order(values, letters, alphabet)
            motifs.append(
                counted(name, alternate, alphabet, values, source, sites=facts.get("nsites") or DEFAULT_SITES)
            )
    return motifs


def _rows(lines: list[str], first: int, width: float | None) -> list[list[float]]:
    """Rows of numbers from a line on; blank lines may come before them."""
    rows: list[list[float]] = []
    for line in lines[first:]:
        words = line.split()
        if not words and not rows:
            continue
        if not words or len(rows) == width or not all(re.fullmatch(_NUMBER, word) for word in words):
            break
        rows.append([float(word) for word in words])
    return rows


def read_meme_xml(root: ElementTree.Element, source: str) -> list[MotifMatrix]:
    """The motifs of MEME's XML output."""
    symbols = {
        letter.get("id", ""): letter.get("symbol", "")
        for letter in root.iterfind("./training_set/alphabet/letter")
        if letter.get("equals") is None
    }
    motifs: list[MotifMatrix] = []
    for element in root.iterfind("./motifs/motif"):
        name = element.get("name") or element.get("id") or ""
        rows, order = [], ""
        for array in element.iterfind("./probabilities/alphabet_matrix/alphabet_array"):
            values = [(value.get("letter_id", ""), float(value.text or "nan")) for value in array.iterfind("value")]
            order = "".join(symbols.get(identifier, "?") for identifier, _ in values)
            rows.append([number for _, number in values])
        alphabet = alphabet_of(order)
        matrix = in_alphabet_order(rectangular(name, rows), order, alphabet)
        sites = float(element.get("sites") or DEFAULT_SITES)
        motifs.append(counted(name, element.get("alt", ""), alphabet, matrix, source, sites=sites))
    return motifs


def read_meme_html(text: str, source: str) -> list[MotifMatrix]:
    """The motifs in the JSON block of MEME's HTML output (`var data = {...}`)."""
    start = re.search(r"\bvar\s+data\s*=\s*(?=\{)", text)
    if start is None:
        raise MotifFormatError("it is HTML without the data block of MEME's output")
    data, _ = json.JSONDecoder().raw_decode(text, start.end())
    listed: Mapping[str, Any] = data.get("alphabet", {})
    letters = "".join(str(entry["symbol"]) for entry in listed.get("symbols", [])[: listed.get("ncore")])
    alphabet = alphabet_of(letters)
    motifs: list[MotifMatrix] = []
    for motif in data.get("motifs", []):
        name = str(motif["id"])
        matrix = in_alphabet_order(np.array(motif["pwm"], dtype=np.float64), letters, alphabet)
        sites = float(motif.get("nsites") or DEFAULT_SITES)
        motifs.append(counted(name, str(motif.get("alt", "")), alphabet, matrix, source, sites=sites))
    return motifs
