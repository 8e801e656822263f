"""Where a lead shows nothing: no samples, or the same value for seconds, as when an electrode is off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqpool.signal.stretches import Stretches, stretches

SHORTEST_S = 2.0
"""A lead that is missing or constant for less is only a gap or a flat moment."""


class Silence:
    """Feed it one lead (n,) in order, in chunks; stretches of at least SHORTEST_S come out, whatever the chunks.

    A heart that pauses still leaves noise on a lead, so samples that are all the same come from no patient.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._at = 0
        self._since: int | None = None  # first sample of the open run
        self._last = np.nan
        self._found: list[tuple[float, float]] = []

    def feed(self, chunk: NDArray[np.floating]) -> None:
        """The next samples, NaN where there is none."""
        if not len(chunk):
            return
        values = np.concatenate([[self._last], np.asarray(chunk, dtype=np.float64)])
        same = ~np.isfinite(values[1:]) | (values[1:] == values[:-1])
        edges = np.flatnonzero(np.diff(np.concatenate([[self._since is not None], same]).astype(np.int8)))
        for edge in edges.tolist():
            place = self._at + edge
            if same[edge]:
                self._since = place
            else:
                self._end(place)
        self._at += len(chunk)
        self._last = float(values[-1])

    def found(self) -> Stretches:
        """The stretches so far; one that is still open ends with the last sample."""
        return stretches([*self._found, *self._ended(self._at)])

    def _end(self, place: int) -> None:
        self._found += self._ended(place)
        self._since = None

    def _ended(self, place: int) -> list[tuple[float, float]]:
        """The open run, if it ends before this sample and is long enough: counted in samples, which are exact."""
        if self._since is None or place - self._since < SHORTEST_S * self._rate_hz:
            return []
        return [(self._since / self._rate_hz, place / self._rate_hz)]
