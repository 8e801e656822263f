"""Which leads of a recording a model gets, and limb leads that follow from two others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError
from seqpool.records import Recording

_OF_I_AND_II = {
    "I": (1.0, 0.0), "II": (0.0, 1.0), "III": (-1.0, 1.0),
    "aVF": (-0.5, 1.0), "aVL": (1.0, -0.5), "aVR": (-0.5, -0.5),
}  # fmt: skip
"""Each limb lead as a sum of leads I and II (Einthoven 1908, Goldberger 1942): any two of them give the other four."""


def place_of(leads: Sequence[str], name: str) -> int | None:
    """Where a lead is, by its name without case; None where it is not."""
    lowered = [lead.lower() for lead in leads]
    return lowered.index(name.lower()) if name.lower() in lowered else None


def lead_signal(recording: Recording, name: str) -> NDArray[np.float32] | None:
    """(samples,) millivolts of a lead, measured or derived from two limb leads; None where neither is possible."""
    place = place_of(recording.leads, name)
    if place is not None:
        measured: NDArray[np.float32] = recording.signal[place]
        return measured
    wanted = next((canonical for canonical in _OF_I_AND_II if canonical.lower() == name.lower()), None)
    measured_ones = [(limb, at) for limb in _OF_I_AND_II if (at := place_of(recording.leads, limb)) is not None]
    if wanted is None or len(measured_ones) < 2:
        return None
    (first, first_at), (second, second_at) = measured_ones[:2]
    system = np.array([_OF_I_AND_II[first], _OF_I_AND_II[second]]).T
    weights = np.linalg.solve(system, _OF_I_AND_II[wanted])
    derived = weights[0] * recording.signal[first_at].astype(np.float64) + weights[1] * recording.signal[second_at]
    return np.asarray(derived, dtype=np.float32)


class Named(Protocol):
    """A recording, opened or in memory."""

    @property
    def leads(self) -> tuple[str, ...]: ...
    @property
    def source(self) -> str: ...


def derivable(leads: Sequence[str], name: str) -> bool:
    """Whether `lead_signal` finds a lead among these, measured or derived."""
    limbs = sum(place_of(leads, limb) is not None for limb in _OF_I_AND_II)
    return place_of(leads, name) is not None or (limbs >= 2 and place_of(tuple(_OF_I_AND_II), name) is not None)


def choose_lead(recording: Named, wanted: str | None, preferred: Sequence[str]) -> str:
    """The name of the lead for a model that takes one: `wanted`, else the first of `preferred` that is measured, else
    the only lead. Raises DataError that lists the leads."""
    if wanted is not None:
        place = place_of(recording.leads, wanted)
        if place is not None:
            return recording.leads[place]
        if derivable(recording.leads, wanted):
            return wanted
        raise DataError(f"{recording.source}: there is no lead {wanted} (the leads are {_listed(recording)}).")
    for name in preferred:
        place = place_of(recording.leads, name)
        if place is not None:
            return recording.leads[place]
    if len(recording.leads) == 1:
        return recording.leads[0]
    hoped = f", of which the model knows none ({', '.join(preferred)})" if preferred else ""
    raise DataError(f"{recording.source}: choose a lead with --lead: the leads are {_listed(recording)}{hoped}.")


def _listed(recording: Named) -> str:
    return ", ".join(recording.leads)
