"""`read_motifs`: which reader a file needs is told by its content."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from xml.etree import ElementTree

from seqpool.errors import DataError
from seqpool.io.compressed import open_decompressed, shown_name
from seqpool.motifs.formats.entries import MotifFormatError, MotifMatrix
from seqpool.motifs.formats.jaspar_release import PREFIX, read_jaspar_release
from seqpool.motifs.formats.meme import read_meme_html, read_meme_text, read_meme_xml
from seqpool.motifs.formats.number_tables import read_number_tables
from seqpool.motifs.formats.other import read_universalmotif, read_xms
from seqpool.motifs.formats.sites import read_alignace, read_site_fasta


def read_motifs(path: str | os.PathLike[str]) -> list[MotifMatrix]:
    """Read all motifs of a file, in its order; motifs of the same name stay apart.

    path: a file (plain or compressed; `-`: standard input) in one of the formats MEME (text, XML, HTML), JASPAR,
    TRANSFAC, UniPROBE, HOMER, HOCOMOCO, CIS-BP, Cluster-Buster, XXmotif, GimmeMotifs, AlignACE, XMS, universalmotif,
    aligned sites or a plain matrix; or a JASPAR release as `jaspar:2024/CORE/vertebrates`.
    Raises DataError for a file that cannot be read or holds no motif, UsageError for a release that is not there.
    """
    address = os.fspath(path)
    if address.startswith(PREFIX):
        return read_jaspar_release(address)
    name = shown_name(address)
    with open_decompressed(address) as stream:
        raw = stream.read()
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not a motif file: it is not text.") from error
    try:
        motifs = _reader(text)(text, name)
    except MotifFormatError as error:
        raise DataError(f"{name}: {error}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        # a structured file (JSON, XML, YAML) with other contents than its format says
        raise DataError(f"{name} is damaged or in no motif format that is read: {error}.") from error
    if not motifs:
        raise DataError(f"{name} holds no motif in a format that is read (MEME, JASPAR, TRANSFAC, HOMER and others).")
    return motifs


def _read_xml(text: str, source: str) -> list[MotifMatrix]:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise MotifFormatError(f"it is not readable as XML ({error})") from error
    if root.tag == "MEME":
        return read_meme_xml(root, source)
    if root.find(".//weightmatrix") is not None:
        return read_xms(root, source)
    raise MotifFormatError(f"it is XML of another kind (<{root.tag}>), expected MEME or XMS")


def _reader(text: str) -> Callable[[str, str], list[MotifMatrix]]:
    start = text.lstrip()[:200]
    if re.match(r"<!doctype html|<html", start, re.IGNORECASE):
        return read_meme_html
    if start.startswith("<"):
        return _read_xml
    if re.search(r"^\s*MEME version", text, re.MULTILINE):
        return read_meme_text
    if start.startswith("AlignACE"):
        return read_alignace
    if re.search(r"^motif:\s*$", text, re.MULTILINE) and re.search(r"^type:", text, re.MULTILINE):
        return read_universalmotif
    if re.match(r">[^\n]*\n\s*[A-Za-z*-]{2,}\s*\n", start) or re.match(r">[^\n]*\n\s*[A-Za-z]{2,}$", start):
        return read_site_fasta
    return read_number_tables
