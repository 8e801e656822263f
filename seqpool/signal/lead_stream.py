"""One lead, chunk by chunk: gaps bridged, resampled, filtered, with the same numbers however the chunks were cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqpool.signal.filters import CausalFilter, ZeroPhaseBlocks, design
from seqpool.signal.gaps import Bridge
from seqpool.signal.resampling import Resampler
from seqpool.signal.settings import Preprocessing

BLOCK_S = 600
"""Seconds that are filtered at once. A recording of at most so many is filtered as a whole."""


class FilteredBlock(NamedTuple):
    """samples: (n,) float64 at the model's rate. absent: (n,) which of them stand for missing ones."""

    samples: NDArray[np.float64]
    absent: NDArray[np.bool_]


class LeadStream:
    """Feed it a lead in millivolts at `rate_hz`, in order; blocks of BLOCK_S seconds at the model's rate come out.

    `bridge` knows how many samples came, how many were missing, and their range.
    """

    def __init__(self, rate_hz: float, settings: Preprocessing) -> None:
        self.bridge = Bridge()
        self._resampler = Resampler(rate_hz, settings.rate_hz)
        self._step = rate_hz / settings.rate_hz
        sections = design(
            settings.rate_hz, settings.highpass_hz, settings.lowpass_hz, settings.filter_order, settings.notch_hz
        )
        self._causal = CausalFilter(sections) if settings.causal else None
        # where the causal filter has been, blocks are only cut
        around = sections[:0] if settings.causal else sections
        self._blocks = ZeroPhaseBlocks(around, settings.rate_hz, BLOCK_S * max(round(settings.rate_hz), 1))
        self._missing = np.zeros(0, dtype=bool)  # of the samples from `_begin` on
        self._begin = 0
        self._resampled = 0
        self._absent: list[NDArray[np.bool_]] = []

    def feed(self, chunk: NDArray[np.floating]) -> Iterator[FilteredBlock]:
        """The blocks that these samples (n,) complete."""
        for samples, missing in self.bridge.feed(chunk):
            yield from self._bridged(samples, missing)

    def finish(self) -> Iterator[FilteredBlock]:
        """The blocks that are left once the lead has ended."""
        for samples, missing in self.bridge.finish():
            yield from self._bridged(samples, missing)
        yield from self._filtered(self._resampler.finish())
        for block in self._blocks.finish():
            yield self._with_absent(block)

    def _bridged(self, samples: NDArray[np.float64], missing: NDArray[np.bool_]) -> Iterator[FilteredBlock]:
        self._missing = np.concatenate([self._missing, missing])
        yield from self._filtered(self._resampler.feed(samples))

    def _filtered(self, resampled: NDArray[np.float64]) -> Iterator[FilteredBlock]:
        if not len(resampled):
            return
        # a sample is absent where the nearest one of the recording is missing
        places = np.rint(np.arange(self._resampled, self._resampled + len(resampled)) * self._step).astype(np.int64)
        last = self._begin + len(self._missing) - 1
        self._absent.append(self._missing[np.minimum(places, last) - self._begin])
        self._resampled += len(resampled)
        begin = min(int(np.rint(self._resampled * self._step)), last)
        self._missing, self._begin = self._missing[begin - self._begin :], begin
        for block in self._blocks.feed(resampled if self._causal is None else self._causal.feed(resampled)):
            yield self._with_absent(block)

    def _with_absent(self, block: NDArray[np.float64]) -> FilteredBlock:
        absent = np.concatenate(self._absent)
        self._absent = [absent[len(block) :]]
        return FilteredBlock(block, absent[: len(block)])
