"""From a recording, read once in blocks, to what a network eats of it, in memory that does not grow with its length."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError
from seqpool.records import Recording
from seqpool.signal.lead_stream import FilteredBlock, LeadStream
from seqpool.signal.leads import choose_lead, derivable, lead_signal
from seqpool.signal.normalisation import Seconds, TypicalAmplitude
from seqpool.signal.settings import Preprocessing

MOST_MISSING = 0.5
"""A lead of which more than this share is missing is not judged."""

LEAST_AMPLITUDE_MV = 1e-3
"""A lead of which the typical second moves by less, a converter's smallest step, shows no heart."""

READ_S = 600
"""Seconds of a recording that are read at once."""

MEMORY_BYTES = 1 << 22
"""A lead's filtered samples beyond this go to an unnamed temporary file."""

_BYTES = 8


class Source(Protocol):
    """A recording in memory or on disk, such as `seqpool.io.ecg.recording_file.RecordingFile`."""

    @property
    def rate_hz(self) -> float: ...
    @property
    def leads(self) -> tuple[str, ...]: ...
    @property
    def samples(self) -> int: ...
    @property
    def source(self) -> str: ...
    def signal(self, start: int, stop: int) -> NDArray[np.float32]:
        """(leads, stop - start) millivolts, NaN where there is no signal."""
        ...


class PreparedLead:
    """One lead at the model's rate, its typical amplitude 1, upright where asked for, limited, 0 where it is missing.

    samples: at the model's rate. missing_share: of the recording's samples.
    """

    def __init__(self, rate_hz: float, settings: Preprocessing, what: str) -> None:
        """what: names the lead in messages."""
        self.what = what
        self.samples = 0
        self._limit = settings.limit
        self._stream = LeadStream(rate_hz, settings)
        self._seconds = Seconds(settings.rate_hz)
        self._typical = TypicalAmplitude(self._seconds, settings.normalise)
        self._upright = settings.upright
        self._amplitude = 1.0
        self._filtered = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115

    @property
    def missing_share(self) -> float:
        bridge = self._stream.bridge
        return bridge.missing / bridge.received if bridge.received else 1.0

    @property
    def turned(self) -> bool:
        """Whether the finished lead was turned over."""
        return self._amplitude < 0

    def feed(self, chunk: NDArray[np.floating]) -> None:
        """The next samples (n,) in millivolts."""
        self._keep(self._stream.feed(chunk))

    def finish(self) -> None:
        """Ends the lead. Raises DataError where it is mostly missing, constant or flat."""
        share, bridge = self.missing_share, self._stream.bridge
        if share > MOST_MISSING:
            raise DataError(f"{self.what} is unreadable, {100 * share:.3g} % of its samples are missing.")
        if bridge.lowest == bridge.highest:
            raise DataError(f"{self.what} is constant, as when the electrode is off: there is nothing to judge.")
        self._keep(self._stream.finish())
        self._amplitude = self._typical.value()
        if self._amplitude < LEAST_AMPLITUDE_MV:
            raise DataError(
                f"{self.what} is flat most of the time, as when the electrode is off: there is nothing to judge."
            )
        if self._upright and self._seconds.points_down():
            self._amplitude = -self._amplitude

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """(stop - start,) of the finished lead."""
        self._filtered.seek(_BYTES * start)
        scaled = np.frombuffer(self._filtered.read(_BYTES * (stop - start)), dtype=np.float64) / self._amplitude
        if self._limit is not None:
            np.clip(scaled, -self._limit, self._limit, out=scaled)
        scaled[np.isnan(scaled)] = 0.0
        return scaled.astype(np.float32)

    def read_within(
        self, start: int, stop: int, reach_mv: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Lower and upper bound of `read`, while every filtered sample moves by at most `reach_mv`.

        The typical amplitude moves with them: a median of ranges by at most twice as much, a standard deviation by at
        most as much. None where the amplitude could vanish or the lead turn over: nothing can be said then.
        """
        amplitude = abs(self._amplitude)
        moved = {"none": 0.0, "standard": reach_mv, "second_range": 2 * reach_mv}[self._typical.rule]
        lowest, highest = self._seconds.extremes()
        turns = self._upright and abs(float(np.median(lowest + highest))) <= 2 * reach_mv * (1 + 1e-9)
        if turns or amplitude - moved <= LEAST_AMPLITUDE_MV:
            return None
        self._filtered.seek(_BYTES * start)
        samples = np.frombuffer(self._filtered.read(_BYTES * (stop - start)), dtype=np.float64)
        samples = samples if self._amplitude > 0 else -samples
        corners = np.stack([
            (samples + side * reach_mv) / size for side in (-1, 1) for size in (amplitude - moved, amplitude + moved)
        ])  # fmt: skip
        ends = corners.min(axis=0), corners.max(axis=0)
        if self._limit is not None:
            ends = np.clip(ends[0], -self._limit, self._limit), np.clip(ends[1], -self._limit, self._limit)
        return (
            np.nextafter(ends[0].astype(np.float32), np.float32(-np.inf)),
            np.nextafter(ends[1].astype(np.float32), np.float32(np.inf)),
        )

    def close(self) -> None:
        """Drops what is kept of the lead."""
        self._filtered.close()

    def _keep(self, blocks: Iterable[FilteredBlock]) -> None:
        for samples, absent in blocks:
            self._seconds.feed(samples, absent)
            self._typical.feed(samples, absent)
            self._filtered.write(np.where(absent, np.nan, samples).tobytes())
            self.samples += len(samples)


class PreparedSignal:
    """What a network eats of one recording, to be read in any order. Use as a context manager.

    samples: at the model's rate. leads: names of the leads that hold a signal. duration_s: of the recording.
    notes: what was missing or masked, one sentence each.
    """

    def __init__(self, channels: Sequence[PreparedLead | None], leads: tuple[str, ...], duration_s: float,
                 notes: tuple[str, ...]) -> None:  # fmt: skip
        self._channels = channels
        self.samples = next(channel.samples for channel in channels if channel is not None)
        self.leads, self.duration_s, self.notes = leads, duration_s, notes

    @property
    def missing_share(self) -> float:
        """The largest share of missing samples among the leads that are used."""
        return max(channel.missing_share for channel in self._channels if channel is not None)

    @property
    def turned(self) -> tuple[bool, ...]:
        """Of each channel whether its lead was turned over."""
        return tuple(channel is not None and channel.turned for channel in self._channels)

    def __enter__(self) -> PreparedSignal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for channel in self._channels:
            if channel is not None:
                channel.close()

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """(channels, stop - start) of samples `start` up to `stop` at the model's rate, masked leads 0."""
        silent = np.zeros(stop - start, dtype=np.float32)
        return np.stack([silent if channel is None else channel.read(start, stop) for channel in self._channels])

    def read_within(
        self, start: int, stop: int, reach_mv: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Bounds (channels, stop - start) of `read`, as `PreparedLead.read_within` says; None where there are none."""
        silent = np.zeros(stop - start, dtype=np.float32)
        ends = []
        for channel in self._channels:
            found = (silent, silent) if channel is None else channel.read_within(start, stop, reach_mv)
            if found is None:
                return None
            ends.append(found)
        return np.stack([low for low, _ in ends]), np.stack([high for _, high in ends])


def prepared_signal(source: Source, settings: Preprocessing, lead: str | None = None) -> PreparedSignal:
    """Leads chosen, gaps bridged, resampled, filtered, brought to a typical amplitude of 1, turned upright
    where the settings say so, limited, gaps set to 0.

    lead: the name of the lead to use by a model that takes one. Of a model that takes several together, a lead that is
    absent, constant or mostly missing is masked: its channel is 0, as in training with `lead_dropout`, and noted.
    The recording is read once, in order; the filtered leads of a long one wait in temporary files.
    Raises DataError where the recording is too short or sampled too slowly, or none of the leads holds a signal.
    """
    name, duration_s = source.source, source.samples / source.rate_hz
    if duration_s < settings.shortest_s:
        raise DataError(f"{name}: {duration_s:.3g} s are too short (expected at least {settings.shortest_s:g} s).")
    needed_hz = settings.rate_hz if settings.lowpass_hz is None else 2 * settings.lowpass_hz
    if source.rate_hz < needed_hz:
        raise DataError(
            f"{name}: sampled at {source.rate_hz:g} Hz, which cannot hold what the model looks at "
            f"(expected at least {needed_hz:g} Hz)."
        )
    if settings.all_leads:
        names = settings.leads
    else:
        names = (choose_lead(source, lead, settings.leads),)
    channels = {
        one: PreparedLead(source.rate_hz, settings, f"{name}: lead {one}")
        for one in names
        if derivable(source.leads, one)
    }
    failures: dict[str, DataError] = {}
    for one in names:
        if one not in channels:
            listed = ", ".join(source.leads)
            failures[one] = DataError(f"{name}: the model needs lead {one} (the leads are {listed}).")
    try:
        _feed(source, channels)
    except BaseException:
        for channel in channels.values():
            channel.close()
        raise
    for one, channel in list(channels.items()):
        try:
            channel.finish()
        except DataError as error:
            failures[one] = error
            channels.pop(one).close()
    if not channels:
        raise next(failures[one] for one in names)
    notes = [
        f"{100 * channel.missing_share:.2g} % of lead {one} is missing"
        for one, channel in channels.items()
        if channel.missing_share
    ]
    notes += [f"lead {one} is masked, the model gets 0 in its place" for one in names if one in failures]
    return PreparedSignal([channels.get(one) for one in names], tuple(channels), duration_s, tuple(notes))


def _feed(source: Source, channels: dict[str, PreparedLead]) -> None:
    step = max(round(READ_S * source.rate_hz), 1)
    for start in range(0, source.samples if channels else 0, step):
        signal = source.signal(start, min(start + step, source.samples))
        block = Recording(signal, source.rate_hz, source.leads, source.source)
        for name, channel in channels.items():
            values = lead_signal(block, name)
            assert values is not None
            channel.feed(values)
