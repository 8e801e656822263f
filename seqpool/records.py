"""The plain values that flow between rooms: frozen, NumPy only, no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import Codes


@dataclass(frozen=True)
class Sequence:
    """One record of a FASTA file: the first word of its header, and its letters as codes (length,) uint8."""

    name: str
    codes: Codes

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True)
class Hits:
    """Windows that score at or above a threshold, as columns of equal length.

    sequence, motif: (hits,) int64, index of the sequence in the input and of the motif in its list.
    start, end: (hits,) int64, 0-based half open, `start` the left end on the given strand's coordinates.
    strand: (hits,) int8, +1 or -1.
    score: (hits,) float64, log-odds in bits; p, q: (hits,) float64 in (0, 1], q NaN where not asked for.
    """

    sequence: NDArray[np.int64]
    motif: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    strand: NDArray[np.int8]
    score: NDArray[np.float64]
    p: NDArray[np.float64]
    q: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True)
class Recording:
    """Voltage signals of one rate.

    signal: (leads, samples) float32 in millivolts, NaN where there is no signal.
    rate_hz: samples per second.
    leads: canonical lead names, unnamed ones `1`, `2`, ...
    start: wall-clock time of sample 0, where the file holds one.
    gaps: (start, stop) sample indices, half open, where the recorder was off; the signal there is NaN.
    source: the name as the user gave it, without ending.
    skipped: (signal name, reason) of each signal that was left out.
    notes: what the reader had to assume, one sentence each, for the user to see.
    """

    signal: NDArray[np.float32]
    rate_hz: float
    leads: tuple[str, ...]
    source: str
    start: datetime | None = None
    gaps: tuple[tuple[int, int], ...] = ()
    skipped: tuple[tuple[str, str], ...] = field(default=())
    notes: tuple[str, ...] = field(default=())

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float(self.signal.shape[1] / self.rate_hz)


WAVES = ("P", "QRS", "T")
"""The waves of a heart beat, in its order."""

POINTS = ("onset", "peak", "offset")
"""What is known of a wave."""


@dataclass(frozen=True)
class Delineation:
    """Waves of one lead as columns of equal length, in order of time.

    wave: (waves,) int8, index into WAVES. onset, peak, offset: (waves,) float64 samples from 0 (parts of samples too),
    NaN where it is not known.
    """

    wave: NDArray[np.int8]
    onset: NDArray[np.float64]
    peak: NDArray[np.float64]
    offset: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.wave)

    def of(self, wave: str) -> Delineation:
        """The waves of one kind: `P`, `QRS` or `T`."""
        return self.rows(self.wave == WAVES.index(wave))

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Delineation:
        """The waves that a mask or places choose."""
        return Delineation(self.wave[chosen], self.onset[chosen], self.peak[chosen], self.offset[chosen])

    def moved(self, start: float, scale: float) -> Delineation:
        """Every point at (point - start) · scale: another first sample, another rate."""
        points = [(getattr(self, point) - start) * scale for point in POINTS]
        return Delineation(self.wave, *points)


@dataclass(frozen=True)
class Prediction:
    """What a model says of one input.

    name: the sequence's or recording's name as given.
    probabilities: (classes,) float64 after calibration, or (targets,) predicted values of a regression.
    decision: one class name; names joined by `;` for multi-label (empty: none); empty for regression and abstention.
    """

    name: str
    probabilities: NDArray[np.float64]
    decision: str
