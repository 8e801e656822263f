"""Times of samples as tables write them, and the even grid they stand on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError

SECONDS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "min": 60.0}
"""Seconds in one of each unit of time."""

_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)")
_EPOCHS = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3))
"""Numbers above are nanoseconds, microseconds, milliseconds since 1970, as no recording lasts so long."""

_LONGEST_GAP = 10.0
_LEAST_GAP_S = 86_400.0


@dataclass(frozen=True)
class Times:
    """rate_hz: of the grid. start: of the first row, where the times tell the day. gaps_s: (start, stop) after it.
    positions: (rows,) sample number of each row, None where they follow one another."""

    rate_hz: float
    start: datetime | None
    gaps_s: list[tuple[float, float]]
    positions: NDArray[np.int64] | None


def seconds_in(cell: str) -> float | None:
    """Seconds of a written time: ISO 8601 date and time (since 1970), or a clock `h:mm:ss.f`; None for another text."""
    match = _CLOCK.fullmatch(cell)
    if match is not None:
        return 3600 * int(match[1] or 0) + 60 * int(match[2]) + float(match[3].replace(",", "."))
    if not re.match(r"\d{4}-\d\d-\d\d", cell):
        return None
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def times_of(cells: Sequence[str], unit: str, lines: Sequence[int], source: str) -> Times:
    """The grid that a column of times stands on.

    Rows more than one and a half steps apart have a gap between them. The rate is the mean over the rows without gaps,
    as a whole number where the digits of the times allow one. Raises DataError naming the line of a time that cannot
    be read or does not increase.
    """
    seconds = np.empty(len(cells))
    for at, cell in enumerate(cells):
        written = seconds_in(cell)
        try:
            seconds[at] = float(cell) if written is None else written
        except ValueError:
            raise DataError(f"{source}: line {lines[at]} has '{cell[:40]}' as time.") from None
    if not np.isfinite(seconds).all():
        raise DataError(f"{source}: line {lines[int(np.argmin(np.isfinite(seconds)))]} has no time.")
    dated = bool(re.match(r"\d{4}-", cells[0]))
    factor = 1.0 if dated or ":" in cells[0] else SECONDS.get(unit, 0.0)
    if not factor:
        factor = next((one for above, one in _EPOCHS if seconds[0] > above), 1.0)
        dated = seconds[0] > 1e8
    start = None
    if dated:
        try:
            start = datetime.fromtimestamp(seconds[0] * factor, UTC).replace(tzinfo=None)
        except (OverflowError, ValueError, OSError):
            start = None
    resolution = max(_resolution(cell) for cell in cells[:20]) * factor
    return _grid((seconds - seconds[0]) * factor, resolution, start, lines, source)


def _resolution(cell: str) -> float:
    """The step of the last digit of a time."""
    digits = re.search(r"[.,](\d+)", cell)
    return 10.0 ** -len(digits[1]) if digits else 1.0


def _grid(
    elapsed_s: NDArray[np.float64], resolution_s: float, start: datetime | None, lines: Sequence[int], source: str
) -> Times:
    if len(elapsed_s) < 2:
        raise DataError(f"{source}: one row is too short for a recording.")
    steps = np.diff(elapsed_s)
    if steps.min() <= 0:
        at = int(np.argmax(steps <= 0)) + 1
        raise DataError(f"{source}: the time in line {lines[at]} is not later than the one before it.")
    typical = float(np.median(steps))
    jumps = np.flatnonzero(steps > 1.5 * typical) + 1
    edges = [0, *jumps.tolist(), len(elapsed_s)]
    if len(jumps) > 0.05 * len(elapsed_s):
        raise DataError(f"{source}: the times are not even, {len(jumps)} of {len(elapsed_s)} steps are over 1.5 times "
                        f"the usual {typical:g} s.")  # fmt: skip
    spans = [(elapsed_s[last - 1] - elapsed_s[first], last - 1 - first) for first, last in pairwise(edges)]
    total_s, number = float(sum(span for span, _ in spans)), sum(count for _, count in spans)
    rate_hz = _simplest_rate(number, total_s, resolution_s * max(len(spans), 1))
    if not len(jumps):
        return Times(rate_hz, start, [], None)
    missing_s = elapsed_s[-1] - total_s
    if missing_s > max(_LEAST_GAP_S, _LONGEST_GAP * total_s):
        raise DataError(f"{source}: gaps of {missing_s:g} s between {total_s:g} s of signal cannot be one recording.")
    positions = np.empty(len(elapsed_s), dtype=np.int64)
    for first, last in pairwise(edges):
        positions[first:last] = round(elapsed_s[first] * rate_hz) + np.arange(last - first)
    if (np.diff(positions) <= 0).any():
        at = int(np.argmax(np.diff(positions) <= 0)) + 1
        raise DataError(f"{source}: the time in line {lines[at]} does not fit the {rate_hz:g} Hz of the other rows.")
    gaps = [((positions[at - 1] + 1) / rate_hz, positions[at] / rate_hz) for at in jumps.tolist()]
    return Times(rate_hz, start, [(float(first), float(last)) for first, last in gaps if last > first], positions)


def _simplest_rate(number: int, total_s: float, uncertain_s: float) -> float:
    """`number` steps in `total_s`: the rate of fewest decimals within what the rounding of the times allows."""
    rate_hz = number / total_s
    low = number / (total_s + uncertain_s)
    high = number / max(total_s - uncertain_s, total_s / 2)
    for decimals in range(5):
        rounded = round(rate_hz, decimals)
        if low <= rounded <= high:
            return float(rounded)
    return rate_hz


def laid_out(values: NDArray[np.float64], positions: NDArray[np.int64]) -> NDArray[np.float64]:
    """Values at their sample numbers, NaN between."""
    whole = np.full(int(positions[-1]) + 1, np.nan)
    whole[positions] = values
    return whole
