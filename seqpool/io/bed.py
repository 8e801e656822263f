"""BED files as regions, and tables of the names that one chromosome goes by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seqpool.errors import DataError
from seqpool.io.compressed import open_decompressed, shown_name


@dataclass(frozen=True)
class Region:
    """A stretch of a chromosome: start, end 0-based half open; strand `+`, `-` or `.`; name empty where it has none;
    summit: the 0-based position of a narrowPeak's summit, None where there is none."""

    chromosome: str
    start: int
    end: int
    name: str
    strand: str
    summit: int | None = None


def _lines(path: str) -> Iterator[tuple[int, str]]:
    with open_decompressed(path) as stream:
        for number, raw in enumerate(stream, start=1):
            yield number, raw.decode("utf-8", errors="replace").rstrip("\r\n")


def read_bed(path: str) -> list[Region]:
    """Regions of a BED (3 to 12 columns) or narrowPeak file (10 columns), plain or compressed, in its order.

    Empty lines, comments, `track` and `browser` lines are skipped. Raises DataError naming the line.
    """
    file = shown_name(path)
    regions = []
    for number, line in _lines(path):
        if not line.strip() or line.startswith(("#", "track ", "browser ")):
            continue
        cells = line.split("\t") if "\t" in line else line.split()
        if len(cells) < 3 or not (cells[1].isdecimal() and cells[2].isdecimal()):
            raise DataError(f"{file}: line {number} is not BED: a name, a start and an end are expected, got {line!r}.")
        start, end = int(cells[1]), int(cells[2])
        strand = cells[5] if len(cells) > 5 else "."
        if end < start:
            raise DataError(f"{file}: line {number} ends at {end}, before its start {start}.")
        if strand not in ("+", "-", "."):
            raise DataError(f"{file}: line {number} has strand {strand!r}, expected +, - or a dot.")
        # a narrowPeak's tenth column is the summit's distance from the start, -1 where none was called
        summit = start + int(cells[9]) if len(cells) == 10 and cells[9].isdecimal() else None
        name = cells[3] if len(cells) > 3 and cells[3] != "." else ""
        regions.append(Region(cells[0], start, end, name, strand, summit))
    if not regions:
        raise DataError(f"{file} holds no regions.")
    return regions


def read_chromosome_names(path: str) -> dict[str, int]:
    """Line number by name: the names that stand on one line of a table (tabs) are names of one chromosome.

    Raises DataError where one name stands on two lines.
    """
    line_of: dict[str, int] = {}
    for number, line in _lines(path):
        for name in {cell.strip() for cell in line.split("\t")} - {""}:
            if line_of.setdefault(name, number) != number:
                raise DataError(
                    f"{shown_name(path)}: {name!r} stands on lines {line_of[name]} and {number}: "
                    "one line holds the names of one chromosome."
                )
    return line_of
