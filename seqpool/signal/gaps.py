"""Samples that are missing: bridged before a filter sees them, and known afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def bridged(samples: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """One lead (n,) with its missing samples on straight lines between their neighbours, and (n,) which were missing.

    At the ends the nearest sample stands in. A lead without any sample becomes zeros, all of them missing.
    """
    values = np.asarray(samples, dtype=np.float64)
    missing = ~np.isfinite(values)
    if not missing.any():
        return values, missing
    if missing.all():
        return np.zeros_like(values), missing
    places = np.arange(len(values))
    return np.interp(places, places[~missing], values[~missing]), missing


GAP_AT_ONCE = 1 << 16
"""A longer gap is bridged in parts of so many samples."""


class Bridge:
    """`bridged` for a lead that comes in chunks: what it yields, joined, is the same to the bit.

    Memory: one chunk; of a gap that is still open only its length is kept. received, missing: samples so far, and how
    many of them were missing. lowest, highest: of those that were not (infinite before the first).
    """

    def __init__(self) -> None:
        self.received = 0
        self.missing = 0
        self.lowest = np.inf
        self.highest = -np.inf
        self._last: float | None = None
        self._open = 0  # samples of the gap at the end

    def feed(self, chunk: NDArray[np.floating]) -> Iterator[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
        """Samples (n,) that are known now, and which of them were missing."""
        values = np.asarray(chunk, dtype=np.float64)
        known = np.flatnonzero(np.isfinite(values))
        self.received += len(values)
        self.missing += len(values) - len(known)
        if not len(known):
            self._open += len(values)
            return
        first, last = int(known[0]), int(known[-1])
        yield from self._closed(first, float(values[first]))
        inner, missing = bridged(values[first : last + 1])
        self.lowest, self.highest = min(self.lowest, float(inner.min())), max(self.highest, float(inner.max()))
        self._last, self._open = float(values[last]), len(values) - 1 - last
        yield inner, missing

    def finish(self) -> Iterator[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
        """The gap at the end."""
        yield from self._closed(0, 0.0 if self._last is None else self._last)

    def _closed(self, more: int, after: float) -> Iterator[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
        """The open gap and `more` missing samples, up to the sample `after`."""
        length = self._open + more
        before = after if self._last is None else self._last
        for start in range(0, length, GAP_AT_ONCE):
            places = np.arange(start, min(start + GAP_AT_ONCE, length)) + 1
            yield np.interp(places, [0, length + 1], [before, after]), np.ones(len(places), dtype=bool)
        self._open = 0
