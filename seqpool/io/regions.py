"""Regions on sequences as BED and GFF3, each in its own coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from seqpool.io.tables import Columns, Repeated, TsvWriter, values_of

_BED = ("chrom", "start", "end", "name", "score", "strand", "signal", "p", "q", "alternate")
_REGION = "region"


def phred(p_values: NDArray[np.float64]) -> NDArray[np.int64]:
    """min(1000, round(-10 log10 p)), the whole number that BED's score column may hold."""
    scores: NDArray[np.int64] = np.minimum(1000.0, np.rint(-10 * np.log10(p_values))).astype(np.int64)
    return scores


def _named(names: Any) -> Any:
    """A column of names with a point for none."""
    if isinstance(names, Repeated):
        return Repeated(_named(names.distinct), names.places)
    return np.array([name or "." for name in names.tolist()], dtype=object)


class HitBedWriter:
    """Hits as BED6+4: 0-based half open, no header; after the strand come score, p, q and the motif's other name.

    with_region: one more column at the end, the name of the region that holds the hit.
    """

    def __init__(self, stream: TextIO, *, with_region: bool = False) -> None:
        self._more = (_REGION,) if with_region else ()
        self._writer = TsvWriter(stream, _BED + self._more, header=False)

    def write(self, columns: Columns) -> None:
        """Write rows of the hit table (1-based closed)."""
        self._writer.write(
            {
                "chrom": columns["sequence_name"],
                "start": columns["start"] - 1,
                "end": columns["stop"],
                "name": columns["motif_id"],
                "score": phred(columns["p-value"]),
                "strand": columns["strand"],
                "signal": columns["score"],
                "p": columns["p-value"],
                "q": columns["q-value"],
                "alternate": _named(columns["motif_alt_id"]),
                **{name: columns[name] for name in self._more},
            }
        )

    def close(self) -> None:
        """Nothing is left."""


def escaped(text: str, forbidden: str) -> str:
    """Text with what GFF3 reserves percent-encoded (Sequence Ontology, GFF3 1.26)."""
    return "".join(f"%{ord(c):02X}" if c in forbidden or ord(c) < 32 or c == "%" else c for c in text)


class HitGffWriter:
    """Hits as GFF3: 1-based closed, `#!` lines with the run's facts first."""

    def __init__(self, stream: TextIO, facts: Mapping[str, str]) -> None:
        self._stream = stream
        lines = ["##gff-version 3", *[f"#!{name} {value}" for name, value in facts.items()]]
        stream.write("\n".join(lines) + "\n")
        self._row = 0

    def write(self, columns: Columns) -> None:
        """Write rows of the hit table."""
        names: Sequence[str] = ("sequence_name", "start", "stop", "strand", "score", "p-value", "q-value")
        values: list[list[Any]] = [columns[name].tolist() for name in names]
        motifs = zip(columns["motif_id"].tolist(), columns["motif_alt_id"].tolist(), strict=True)
        matched = values_of(columns["matched_sequence"])
        lines: list[str] = []
        for sequence, start, stop, strand, score, p, q in zip(*values, strict=True):
            identifier, alternate = next(motifs)
            self._row += 1
            attributes = [f"ID=hit{self._row}", f"Name={escaped(identifier, ';=&,')}"]
            if alternate:
                attributes.append(f"Alias={escaped(alternate, ';=&,')}")
            attributes += [f"pvalue={p:.6g}", f"qvalue={q:.6g}", f"sequence={matched[len(lines)]}"]
            lines.append(
                f"{escaped(sequence, ' >')}\tseqpool\tnucleotide_motif\t{start}\t{stop}\t{score:.6g}\t{strand}\t.\t"
                + ";".join(attributes)
            )
        self._stream.write("".join(line + "\n" for line in lines))

    def close(self) -> None:
        """Nothing is left."""
