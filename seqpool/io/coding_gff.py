"""Coding regions as GFF3 (Sequence Ontology, GFF3 1.26)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from seqpool.io.regions import escaped


class CodingGffWriter:
    """One CDS row per region: 1-based closed, phase 0 (a region begins with a whole codon), score in bits.

    facts: written as `#!` lines first. Attributes: ID, and frame (0 to 2, counted from the strand's own 5' end of the
    sequence).
    """

    def __init__(self, stream: TextIO, facts: Mapping[str, str]) -> None:
        self._stream = stream
        self.regions = 0
        stream.write("##gff-version 3\n" + "".join(f"#!{name} {value}\n" for name, value in facts.items()))

    def begin(self, name: str, length: int) -> None:
        """The rows that follow are of this sequence."""
        self._name = escaped(name, " >")
        self._stream.write(f"##sequence-region {self._name} 1 {length}\n")

    def write(self, start: int, end: int, strand: int, frame: int, score: float) -> None:
        """One region: start, end 0-based half open; strand +1 or -1."""
        self.regions += 1
        sign = "+" if strand > 0 else "-"
        self._stream.write(
            f"{self._name}\tseqpool\tCDS\t{start + 1}\t{end}\t{score:.4g}\t{sign}\t0\t"
            f"ID=coding{self.regions};frame={frame}\n"
        )
