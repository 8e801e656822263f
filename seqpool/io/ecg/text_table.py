"""CSV, TSV and other tables of numbers: a row per sample, a column per lead, perhaps a time column.

Conventions met in the wild are recognised: tab, semicolon, comma or blanks between cells, a decimal comma, units in
column names (`II [mV]`, `ecg_mV`), key lines before the samples (`Sample Rate,360 hertz`), empty cells, time stamps
with gaps. What a file does not say must be stated: the rate, and a unit that is not millivolts.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError
from seqpool.io.ecg.channels import Channel, assemble, from_arrays
from seqpool.io.ecg.leads import MILLIVOLTS, canonical_lead, distinct
from seqpool.io.ecg.recording_file import RecordingFile
from seqpool.io.ecg.stated import Stated
from seqpool.io.ecg.time_column import SECONDS, Times, laid_out, seconds_in, times_of

UNIT_ASSUMED = "no unit is stated, millivolts are assumed (--unit says otherwise)"

_MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "-", "--"})
_MOST_UNNAMED = 32
_TIME_NAMES = frozenset({"time", "t", "timestamp", "date", "datetime", "date time", "seconds", "elapsed time", "zeit",
                         "temps", "tiempo", "tempo"})  # fmt: skip
_COUNT_NAMES = frozenset({"sample", "sample #", "samples", "sample number", "sample_number", "index", "n", "#"})
_RATE_KEYS = frozenset({"sample rate", "sampling rate", "sample frequency", "sampling frequency", "rate", "rate hz",
                        "frequency", "fs"})  # fmt: skip
_BRACKETED = re.compile(r"(.*?)[\s_]*[\[(]\s*([^\])]*?)\s*[\])]")
_SUFFIXED = re.compile(r"(.*?)[\s_]+(mV|[uµμ]V|nV|s|ms|us|sec|seconds)", re.IGNORECASE)


@dataclass(frozen=True)
class _Table:
    """A file taken apart: what stands before the samples, and the rows with the line each stands in.

    names: of the columns, None without a header line. keys: of the lines before it, in small letters.
    """

    names: list[str] | None
    keys: dict[str, str]
    rows: list[list[str]]
    lines: list[int]


def looks_like_samples(head: bytes) -> bool:
    """Whether a file that begins so holds rows of numbers: two rows in succession of the same number of numbers."""
    try:
        text = _text(head)[0]
    except DataError:
        return False
    lines = [line for line in text.splitlines()[:-1] if line.strip()][:60]
    if not lines:
        return False
    split = _splitter(lines)
    widths = [len(cells) if _is_row(cells) else 0 for cells in map(split, lines)]
    return any(first == second > 0 for first, second in pairwise(widths))


def open_table(path: Path, source: str, stated: Stated) -> RecordingFile:
    """A table of samples.

    The rate is the file's (time column or key line), else the stated one. Raises DataError naming the line of a cell
    that is no number and of a row of another length; without a rate; for times that do not increase.
    """
    raw = path.read_bytes()
    text, notes = _text(raw, source)
    table = _taken_apart(text, source)
    if table.names is None and len(table.rows[0]) > _MOST_UNNAMED:
        raise _not_samples(len(table.rows), len(table.rows[0]), source)
    names = table.names or [""] * len(table.rows[0])
    parts = [_name_and_unit(name) for name in names]
    times, places = _time_and_signals(table, parts, source)
    values = [_numbers(table, place, source) for place in places]
    rate_hz, gaps, positions = _rate(table, times, stated, source, notes)
    if positions is not None:
        values = [laid_out(column, positions) for column in values]
    if not places:
        raise DataError(f"{source}: no voltage signal in the file (it has no column beside the time).")
    shared = table.keys.get("unit") or table.keys.get("units") or ""
    units = [parts[place][1] or shared for place in places]
    if stated.unit is None and not all(units):
        notes.append(UNIT_ASSUMED)
    named = [parts[place][0] for place in places]
    if len(places) == 1 and not named[0]:
        named = [table.keys.get("lead", "")]
    leads = distinct([canonical_lead(name, at) for at, name in enumerate(named)])
    return assemble(
        [
            Channel(lead, unit or "mV", rate_hz, len(column))
            for lead, unit, column in zip(leads, units, values, strict=True)
        ],
        from_arrays(values),
        source,
        unit=stated.unit,
        start=times.start if times is not None else None,
        gaps_s=gaps,
        notes=notes,
    )


def _not_samples(rows: int, columns: int, source: str) -> DataError:
    return DataError(
        f"{source}: {rows} rows of {columns} columns without names are not a recording with a column per lead "
        "(a row per beat or per window?)."
    )


def _text(raw: bytes, source: str = "") -> tuple[str, list[str]]:
    """The text, and what had to be assumed of its encoding."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace"), []
    if b"\0" in raw:
        raise DataError(f"{source}: the file holds binary data, expected a table of numbers.")
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return raw.decode("latin-1"), ["the file is not UTF-8, Latin-1 is assumed"]


def _splitter(lines: Sequence[str]) -> _Splitter:
    """How cells are separated: by the first of tab, semicolon, comma that most lines hold, else by blanks.

    A decimal comma is one between digits where the cells are separated by something else and no cell holds a point.
    """
    sample = lines[-40:]
    for mark in ("\t", ";", ","):
        if sum(mark in line for line in sample) * 2 > len(sample):
            decimal = mark != "," and any(re.search(r"\d,\d", line) for line in sample)
            return _Splitter(mark, decimal and not any(re.search(r"\d\.\d", line) for line in sample))
    return _Splitter(None, False)


@dataclass(frozen=True)
class _Splitter:
    mark: str | None
    decimal_comma: bool

    def __call__(self, line: str) -> list[str]:
        cells = [cell.strip().strip('"').strip() for cell in line.split(self.mark)]
        if self.decimal_comma:
            cells = [cell.replace(",", ".") for cell in cells]
        return cells


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_row(cells: Sequence[str]) -> bool:
    """Whether cells are of a row of samples: numbers, missing ones or times, and at least one number."""
    numbers = [_is_number(cell) and cell.lower() not in _MISSING for cell in cells]
    return any(numbers) and all(
        number or cell.lower() in _MISSING or seconds_in(cell) is not None
        for number, cell in zip(numbers, cells, strict=True)
    )


def _taken_apart(text: str, source: str) -> _Table:
    filled = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not filled:
        raise DataError(f"{source}: the file is empty.")
    split = _splitter([line for _, line in filled])
    first = next((at for at, (_, line) in enumerate(filled[:500]) if _is_row(split(line))), None)
    if first is None and len(split(filled[-1][1])) > _MOST_UNNAMED:
        raise _not_samples(len(filled), len(split(filled[-1][1])), source)
    if first is None:
        raise DataError(f"{source}: no row of numbers in the file (expected a row per sample).")
    rows = [split(line) for _, line in filled[first:]]
    width = len(rows[0])
    before = [line for _, line in filled[:first]]
    names = None
    # a line of one cell that a key and its value would be, is one
    heads = bool(before) and not before[-1].startswith("#") and (width > 1 or not re.search(r"[,;:=\t]", before[-1]))
    if heads and len(split(before[-1])) == width:
        names = split(before.pop())
    keys = {}
    for line in before:
        parts = [part.strip() for part in re.split(r"[,;:=\t]", line.lstrip("# "), maxsplit=1)]
        if len(parts) == 2:
            keys[parts[0].lower().replace("_", " ")] = parts[1]
    lines = [number for number, _ in filled[first:]]
    for number, cells in zip(lines, rows, strict=True):
        if len(cells) != width:
            raise DataError(
                f"{source}: line {number} has {len(cells)} cells (expected {width}, as in line {lines[0]})."
            )
    return _Table(names, keys, rows, lines)


def _name_and_unit(name: str) -> tuple[str, str]:
    """A column's name and its unit, empty where it states none."""
    match = _BRACKETED.fullmatch(name.strip()) or _SUFFIXED.fullmatch(name.strip())
    if match is not None and match[2].lower() in (MILLIVOLTS.keys() | SECONDS.keys()):
        return match[1], match[2]
    return name.strip(), ""


def _numbers(table: _Table, place: int, source: str) -> NDArray[np.float64]:
    """A column (rows,), NaN where a cell is missing."""
    values = np.full(len(table.rows), np.nan)
    for at, row in enumerate(table.rows):
        cell = row[place]
        try:
            value = float(cell)
        except ValueError:
            if cell.lower() in _MISSING:
                continue
            raise DataError(
                f"{source}: line {table.lines[at]} has '{cell[:40]}' in column {place + 1} (expected a number)."
            ) from None
        if math.isinf(value):
            raise DataError(f"{source}: line {table.lines[at]} has an infinite value in column {place + 1}.")
        values[at] = value
    return values


def _time_and_signals(table: _Table, parts: Sequence[tuple[str, str]], source: str) -> tuple[Times | None, list[int]]:
    """The times of the rows, from the first column where it holds them, and the columns that are left."""
    name, unit = parts[0][0].lower(), parts[0][1].lower()
    everything = list(range(len(parts)))
    first = [row[0] for row in table.rows]
    if name in _COUNT_NAMES:
        return None, everything[1:]
    written = not _is_number(first[0]) and seconds_in(first[0]) is not None
    if name in _TIME_NAMES or unit in SECONDS or written:
        return times_of(first, unit, table.lines, source), everything[1:]
    if table.names is None and len(parts) > 1 and len(first) > 10 and all(map(_is_number, first)):
        steps = np.diff(np.array(first, dtype=np.float64))
        if (steps == 1).all():
            return None, everything[1:]
        if steps.min() > 0 and steps.max() < 1.01 * steps.min():  # no voltage climbs evenly: a clock
            return times_of(first, "", table.lines, source), everything[1:]
    return None, everything


def _rate(
    table: _Table, times: Times | None, stated: Stated, source: str, notes: list[str]
) -> tuple[float, list[tuple[float, float]], NDArray[np.int64] | None]:
    """Rate, gaps in seconds, and the sample number of each row where there are gaps."""
    found: float | None = None
    gaps: list[tuple[float, float]] = []
    positions = None
    if times is not None:
        found, gaps, positions = times.rate_hz, times.gaps_s, times.positions
    else:
        key = next((value for name, value in table.keys.items() if name in _RATE_KEYS), "")
        number = re.match(r"[\d.]+", key.replace(",", "."))
        if number is not None and _is_number(number[0]) and float(number[0]) > 0:
            found = float(number[0])
    if found is None and stated.rate_hz is None:
        raise DataError(f"{source}: the file gives no sampling rate and no times: state it with --rate-hz.")
    if found is not None and stated.rate_hz is not None and abs(found - stated.rate_hz) > 0.01 * found:
        notes.append(f"the file says {found:g} Hz, the stated {stated.rate_hz:g} Hz is not used")
    rate_hz = found if found is not None else float(stated.rate_hz or 0)
    return rate_hz, gaps, positions
