"""The text header of a WFDB record: found, checked line by line, and the names in it.

Source: the header(5) page of the WFDB Applications Guide.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from seqpool.errors import DataError

_RECORD_LINE = re.compile(
    r"(?P<name>[\w.+-]+)(?:/(?P<segments>\d+))?[ \t]+(?P<signals>\d+)"
    r"(?:[ \t]+(?P<rate>[^\s/]+)(?:/\S+)?(?:[ \t]+(?P<length>\S+))?.*)?"
)


def wfdb_header(name: str) -> Path | None:
    """The header of a record given by its name, with or without an ending, None where there is no such file."""
    path = Path(name)
    for candidate in (path if path.suffix == ".hea" else None, path.with_name(path.name + ".hea")):
        if candidate is not None and candidate.is_file():
            return candidate
    sibling = path.with_suffix(".hea")
    return sibling if path.suffix and sibling.is_file() else None


def segment_names(header: Path) -> list[str]:
    """The segments that a multi-segment header names, none for any other file."""
    try:
        lines = header_lines(header, str(header))
        fields = record_line(lines[0], str(header))
    except DataError:
        return []
    return [line.split()[0] for line in lines[1:]] if fields["segments"] else []


def header_lines(header: Path, source: str) -> list[str]:
    """The header's lines without comments and blanks."""
    raw = header.read_bytes()
    if not raw.strip():
        raise DataError(f"{source}: the header {header.name} is empty.")
    if b"\0" in raw or len(raw) > 10_000_000:
        raise DataError(f"{source}: {header.name} is not a WFDB header, it holds binary data.")
    text = raw.decode("utf-8", errors="replace")
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise DataError(f"{source}: the header {header.name} holds only comments.")
    return lines


def record_line(line: str, source: str) -> dict[str, str | None]:
    """The fields of a header's first line, checked."""
    match = _RECORD_LINE.fullmatch(line)
    if match is None:
        raise DataError(
            f"{source}: not a WFDB header, the first line is '{line[:60]}' (expected: name, signals, rate, samples)."
        )
    fields = match.groupdict()
    if fields["rate"] is not None:
        try:
            rate = float(fields["rate"])
        except ValueError:
            rate = math.nan
        if not (math.isfinite(rate) and rate > 0):
            raise DataError(
                f"{source}: the header gives a sampling rate of {fields['rate']} (expected more than 0 Hz)."
            )
    if fields["length"] is not None and not fields["length"].isdecimal():
        raise DataError(f"{source}: the header gives a length of '{fields['length']}' (expected a number of samples).")
    if int(fields["signals"] or 0) == 0:
        raise DataError(f"{source}: no voltage signal in the file (the header lists no signals).")
    return fields
