"""From a recording in memory to what a network eats: the same steps with the same numbers in training and in use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.records import Recording
from seqpool.signal.prepared_signal import PreparedLead, PreparedSignal, prepared_signal
from seqpool.signal.settings import Preprocessing


@dataclass(frozen=True)
class Prepared:
    """What a network eats of one recording.

    values: (channels, samples) float32 at the model's rate, 0 where the signal is missing.
    leads: names of the leads that hold a signal. duration_s: of the recording.
    notes: what was missing or masked, one sentence each.
    """

    values: NDArray[np.float32]
    leads: tuple[str, ...]
    duration_s: float
    notes: tuple[str, ...] = ()


def prepare(recording: Recording, settings: Preprocessing, lead: str | None = None) -> Prepared:
    """All of `seqpool.signal.prepared_signal.prepared_signal`, in memory. Raises DataError as that does."""
    with in_memory(recording, settings, lead) as signal:
        return Prepared(signal.read(0, signal.samples), signal.leads, signal.duration_s, signal.notes)


def in_memory(recording: Recording, settings: Preprocessing, lead: str | None = None) -> PreparedSignal:
    """`seqpool.signal.prepared_signal.prepared_signal` of a recording in memory."""
    return prepared_signal(_InMemory(recording), settings, lead)


class _InMemory:
    """A recording that is read in blocks though it is in memory."""

    def __init__(self, recording: Recording) -> None:
        self._signal = recording.signal
        self.rate_hz, self.leads, self.source = recording.rate_hz, recording.leads, recording.source
        self.samples = recording.signal.shape[1]

    def signal(self, start: int, stop: int) -> NDArray[np.float32]:
        return self._signal[:, start:stop]


def prepare_lead(
    signal: NDArray[np.float32], rate_hz: float, settings: Preprocessing, what: str
) -> tuple[NDArray[np.float32], float]:
    """One lead (n,) in millivolts at `rate_hz` as (samples,) float32 at the model's rate, and its missing share.

    what: names the lead in messages. Raises DataError where the lead is mostly missing, constant or flat.
    """
    lead = PreparedLead(rate_hz, settings, what)
    try:
        lead.feed(signal)
        lead.finish()
        return lead.read(0, lead.samples), lead.missing_share
    finally:
        lead.close()
