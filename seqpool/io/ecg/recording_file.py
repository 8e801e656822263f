"""An opened recording: what it holds is known, its samples are read when asked for, all or in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError
from seqpool.records import Recording

_HIGHEST_MV = 1e9
"""A million volts: whole converter ranges read as volts stay below, damaged floating-point numbers do not."""

ReadChannels = Callable[[Sequence[int], int, int], NDArray[np.float64]]
"""(places of signals of one rate, start, stop) -> (signals, stop - start) values in the file's units, NaN where there
is no signal."""


@dataclass(frozen=True)
class RecordingFile:
    """A `Recording` whose signal is still on disk; the other fields are as there.

    samples: per lead. places: of the leads among the file's signals. factors: millivolts per unit of each.
    read: gives their values. Blocks hold the same numbers as the whole, in memory that depends on the block only for
    WFDB, EDF, BDF, ISHNE and NPY; the other formats, of short recordings, are decoded when opened.
    """

    rate_hz: float
    leads: tuple[str, ...]
    samples: int
    source: str
    start: datetime | None
    gaps: tuple[tuple[int, int], ...]
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    places: tuple[int, ...]
    factors: tuple[float, ...]
    read: ReadChannels

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples / self.rate_hz

    def signal(self, start: int = 0, stop: int | None = None) -> NDArray[np.float32]:
        """(leads, stop - start) millivolts of samples `start` up to `stop` (default: all); NaN where there is none.

        Raises DataError for numbers that are no voltages, ValueError unless 0 <= start <= stop <= samples.
        """
        end = self.samples if stop is None else stop
        if not 0 <= start <= end <= self.samples:
            raise ValueError(f"samples {start} to {end} were asked of a recording of {self.samples}")
        values = self.read(self.places, start, end)
        with np.errstate(over="ignore"):
            values *= np.array(self.factors)[:, None]
        if (np.abs(values) > _HIGHEST_MV).any():
            raise DataError(f"{self.source}: it holds voltages over {_HIGHEST_MV:g} mV, the file is damaged.")
        return values.astype(np.float32)

    def blocks(self, samples: int) -> Iterator[NDArray[np.float32]]:
        """The signal in order, (leads, samples) at a time; the last block may be shorter."""
        if samples < 1:
            raise ValueError(f"a block of {samples} samples, expected at least 1")
        for start in range(0, self.samples, samples):
            yield self.signal(start, min(start + samples, self.samples))

    def recording(self) -> Recording:
        """All of it, in memory."""
        return Recording(
            signal=self.signal(),
            rate_hz=self.rate_hz,
            leads=self.leads,
            source=self.source,
            start=self.start,
            gaps=self.gaps,
            skipped=self.skipped,
            notes=self.notes,
        )
