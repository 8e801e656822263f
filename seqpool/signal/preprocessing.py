"""From a recording to what a network eats: the same steps with the same numbers in training and in use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError
from seqpool.records import Recording
from seqpool.signal.filters import CausalFilter, design, zero_phase
from seqpool.signal.gaps import bridged
from seqpool.signal.leads import choose_lead, lead_signal
from seqpool.signal.normalisation import Normalisation, typical_amplitude
from seqpool.signal.resampling import resample

MOST_MISSING = 0.5
"""A lead of which more than this share is missing is not judged."""


LEAST_AMPLITUDE_MV = 1e-3
"""A lead of which the typical second moves by less, a converter's smallest step, shows no heart."""


class Preprocessing(Protocol):
    """The numbers, as `seqpool.options.signal_input.Signal` holds them."""

    @property
    def leads(self) -> tuple[str, ...]: ...
    @property
    def all_leads(self) -> bool: ...
    @property
    def rate_hz(self) -> float: ...
    @property
    def highpass_hz(self) -> float | None: ...
    @property
    def lowpass_hz(self) -> float | None: ...
    @property
    def filter_order(self) -> int: ...
    @property
    def notch_hz(self) -> float | None: ...
    @property
    def causal(self) -> bool: ...
    @property
    def normalise(self) -> Normalisation: ...
    @property
    def limit(self) -> float | None: ...
    @property
    def shortest_s(self) -> float: ...


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
    """Leads chosen, gaps bridged, resampled, filtered, brought to a typical amplitude of 1, limited, gaps set to 0.

    lead: the name of the lead to use by a model that takes one. Of a model that takes several together, a lead that is
    absent, constant or mostly missing is masked: its channel is 0, as in training with `lead_dropout`, and noted.
    Raises DataError where the recording is too short or sampled too slowly, or none of the leads holds a signal.
    """
    if recording.duration_s < settings.shortest_s:
        raise DataError(
            f"{recording.source}: {recording.duration_s:.3g} s are too short "
            f"(expected at least {settings.shortest_s:g} s)."
        )
    needed_hz = settings.rate_hz if settings.lowpass_hz is None else 2 * settings.lowpass_hz
    if recording.rate_hz < needed_hz:
        raise DataError(
            f"{recording.source}: sampled at {recording.rate_hz:g} Hz, which cannot hold what the model looks at "
            f"(expected at least {needed_hz:g} Hz)."
        )
    if settings.all_leads:
        names = settings.leads
    else:
        names = (choose_lead(recording, lead, settings.leads),)
    channels: dict[str, NDArray[np.float32]] = {}
    masked: dict[str, DataError] = {}
    notes = []
    for name in names:
        try:
            values, share = _prepared_lead(recording, name, settings)
        except DataError as error:
            masked[name] = error
            continue
        if share:
            notes.append(f"{100 * share:.2g} % of lead {name} is missing")
        channels[name] = values
    if not channels:
        raise next(iter(masked.values()))
    samples = len(next(iter(channels.values())))
    notes += [f"lead {name} is masked, the model gets 0 in its place" for name in masked]
    silent = np.zeros(samples, dtype=np.float32)
    values = np.stack([channels.get(name, silent) for name in names])
    return Prepared(values, tuple(channels), recording.duration_s, tuple(notes))


def _prepared_lead(recording: Recording, name: str, settings: Preprocessing) -> tuple[NDArray[np.float32], float]:
    signal = lead_signal(recording, name)
    if signal is None:
        raise DataError(
            f"{recording.source}: the model needs lead {name} (the leads are {', '.join(recording.leads)})."
        )
    return prepare_lead(signal, recording.rate_hz, settings, f"{recording.source}: lead {name}")


def prepare_lead(
    signal: NDArray[np.float32], rate_hz: float, settings: Preprocessing, what: str
) -> tuple[NDArray[np.float32], float]:
    """One lead (n,) in millivolts at `rate_hz` as (samples,) float32 at the model's rate, and its missing share.

    what: names the lead in messages.
    """
    values, missing = bridged(signal)
    share = float(missing.mean())
    if share > MOST_MISSING:
        raise DataError(f"{what} is unreadable, {100 * share:.3g} % of its samples are missing.")
    if float(np.ptp(values)) == 0:
        raise DataError(f"{what} is constant, as when the electrode is off: there is nothing to judge.")
    resampled = resample(values, rate_hz, settings.rate_hz)
    places = np.minimum(np.rint(np.arange(len(resampled)) * (rate_hz / settings.rate_hz)).astype(int), len(missing) - 1)
    absent = missing[places]
    sections = design(
        settings.rate_hz, settings.highpass_hz, settings.lowpass_hz, settings.filter_order, settings.notch_hz
    )
    filtered = (
        CausalFilter(sections).feed(resampled) if settings.causal else zero_phase(resampled, sections, settings.rate_hz)
    )
    amplitude = typical_amplitude(filtered, absent, settings.rate_hz, settings.normalise)
    if amplitude < LEAST_AMPLITUDE_MV:
        raise DataError(f"{what} is flat most of the time, as when the electrode is off: there is nothing to judge.")
    scaled = filtered / amplitude
    if settings.limit is not None:
        scaled = np.clip(scaled, -settings.limit, settings.limit)
    scaled[absent] = 0.0
    return scaled.astype(np.float32), share
