"""From a file's signals to one recording: which belong to it, in which unit, and whether the amplitudes can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError
from seqpool.io.ecg.leads import LEADS, UNSTATED_UNITS, distinct, millivolts_per
from seqpool.io.ecg.recording_file import ReadChannels, RecordingFile

LOWEST_RATE_HZ = 10.0
HIGHEST_RATE_HZ = 100_000.0

HIGHEST_RANGE_MV = 30.0
LOWEST_RANGE_MV = 0.003
"""The median range per second lies within these by a factor of 5 in all 8,244 recordings of MIT-BIH DS1, LUDB, PTB-XL
(first 500) and CinC 2017, where it is 0.04 to 5.7 mV, noise included."""

_TYPICAL_RANGE_MV = 1.5
_KNOWN_FACTORS = {1000.0: "microvolts read as millivolts", 200.0: "raw converter values read as millivolts"}

_STATUS_NAMES = frozenset({"status", "marker", "event", "event marker", "trigger", "stim"})
"""Channels that recorders write beside the signals, sometimes in microvolts (BioSemi's Status)."""

_JUDGED_WHOLE_S = 600.0
_JUDGED_PIECES = 10
"""The amplitude of a longer recording is judged by ten evenly spread minutes, so that opening a Holter stays fast."""


@dataclass(frozen=True)
class Channel:
    """One signal of a file.

    name: canonical. unit: as the file has it. rate_hz: samples per second. samples: how many.
    """

    name: str
    unit: str
    rate_hz: float
    samples: int


def from_arrays(values: Sequence[NDArray[np.float64]]) -> ReadChannels:
    """The reader of signals that are in memory, each (samples,) in its unit; NaN past the end of a shorter one."""

    def read(places: Sequence[int], start: int, stop: int) -> NDArray[np.float64]:
        piece = np.full((len(places), stop - start), np.nan)
        for row, place in enumerate(places):
            part = values[place][start:stop]
            piece[row, : len(part)] = part
        return piece

    return read


def assemble(
    channels: Sequence[Channel],
    read: ReadChannels,
    source: str,
    *,
    unit: str | None = None,
    start: datetime | None = None,
    gaps_s: Sequence[tuple[float, float]] = (),
    skipped: Sequence[tuple[str, str]] = (),
    notes: Sequence[str] = (),
) -> RecordingFile:
    """The voltage signals of one rate as an opened recording in millivolts.

    The highest rate with a known lead name wins, else the rate with the most voltage signals; the rest is listed in
    `skipped`. unit: replaces the unit of every voltage signal and of those without one, and switches the check of the
    amplitude off. gaps_s: (start, stop) in seconds where the recorder was off.
    Raises DataError where no voltage signal is left, the rate cannot be an ECG's, or the amplitude is implausible.
    """
    left_out = list(skipped)
    factors: dict[int, float] = {}
    for place, channel in enumerate(channels):
        factor = _factor(channel.unit, unit)
        if channel.name.lower() in _STATUS_NAMES:
            left_out.append((channel.name, "it is a status channel"))
        elif factor is None:
            left_out.append((channel.name, f"its unit '{channel.unit}' is no voltage"))
        else:
            factors[place] = factor
    if not factors:
        listed = "; ".join(f"{name}: {reason}" for name, reason in left_out) or "it lists none"
        raise DataError(f"{source}: no voltage signal in the file ({listed}).")
    rate_hz = _chosen_rate([channels[place] for place in factors])
    left_out += [
        (channels[place].name, f"its rate is {channels[place].rate_hz:g} Hz")
        for place in factors
        if channels[place].rate_hz != rate_hz
    ]
    kept = [place for place in factors if channels[place].rate_hz == rate_hz]
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise DataError(
            f"{source}: a sampling rate of {rate_hz:g} Hz cannot be an ECG's "
            f"(expected {LOWEST_RATE_HZ:g} to {HIGHEST_RATE_HZ:g} Hz)."
        )
    samples = max(channels[place].samples for place in kept)
    if samples < 2:
        raise DataError(f"{source}: {samples} sample{'s' * (samples != 1)} per lead is too short for a recording.")
    opened = RecordingFile(
        rate_hz=rate_hz,
        leads=tuple(distinct([channels[place].name for place in kept])),
        samples=samples,
        source=source,
        start=start,
        gaps=tuple((round(first * rate_hz), round(last * rate_hz)) for first, last in gaps_s),
        skipped=tuple(left_out),
        notes=tuple(notes),
        places=tuple(kept),
        factors=tuple(factors[place] for place in kept),
        read=read,
    )
    if unit is None:
        _check_amplitude(opened)
    return opened


def _factor(stated: str, wanted: str | None) -> float | None:
    """Millivolts per unit of a signal, None where it is no voltage."""
    factor = millivolts_per(stated)
    if wanted is None:
        return factor
    if factor is None and stated.strip().lower() not in UNSTATED_UNITS:
        return None
    return millivolts_per(wanted)


def _chosen_rate(channels: Sequence[Channel]) -> float:
    """The highest rate that has a known lead name, else the rate with the most signals (the highest of equals)."""
    known = [channel.rate_hz for channel in channels if channel.name in LEADS]
    if known:
        return max(known)
    rates = [channel.rate_hz for channel in channels]
    return max(set(rates), key=lambda rate: (rates.count(rate), rate))


def second_ranges(signal: NDArray[np.float32], rate_hz: float) -> NDArray[np.float32]:
    """Each lead's range within each whole second, (leads, seconds), NaN where a sample of the second is missing."""
    second = min(max(round(rate_hz), 2), signal.shape[1])
    whole = signal.shape[1] // second * second
    pieces = signal[:, :whole].reshape(len(signal), -1, second)
    ranges: NDArray[np.float32] = pieces.max(axis=2) - pieces.min(axis=2)
    return ranges


def _judged_ranges(opened: RecordingFile) -> NDArray[np.float64]:
    """Median range per second of each lead that has a whole second and is not constant, in millivolts."""
    if opened.duration_s <= _JUDGED_WHOLE_S:
        ranges = second_ranges(opened.signal(), opened.rate_hz)
    else:
        minute = round(60 * opened.rate_hz)
        starts = np.linspace(0, opened.samples - minute, _JUDGED_PIECES).astype(int)
        ranges = np.concatenate(
            [second_ranges(opened.signal(first, first + minute), opened.rate_hz) for first in starts.tolist()], axis=1
        )
    named = [lead in LEADS or lead[:3].upper() in ("ECG", "EKG") for lead in opened.leads]
    judged = ranges[named] if any(named) else ranges  # beside an ECG, other signals may be anything
    medians = [float(np.median(row[np.isfinite(row)])) for row in judged if np.isfinite(row).any()]
    return np.array([median for median in medians if median > 0])  # a constant lead is off, not wrong


def _check_amplitude(opened: RecordingFile) -> None:
    """Refuse amplitudes that no body makes: the most frequent mistake is a unit 1000 times too large or too small."""
    ranges = _judged_ranges(opened)
    if not len(ranges):
        return
    largest = float(ranges.max())
    if LOWEST_RANGE_MV <= largest <= HIGHEST_RANGE_MV:
        return
    high = largest > HIGHEST_RANGE_MV
    ratio = largest / _TYPICAL_RANGE_MV if high else _TYPICAL_RANGE_MV / largest
    suspect = min(_KNOWN_FACTORS, key=lambda factor: abs(np.log(ratio / factor)))
    if not high:
        cause = "about 1000 times too small (volts read as millivolts?)"
    elif abs(np.log(ratio / suspect)) < np.log(2):
        cause = f"about {suspect:g} times too large ({_KNOWN_FACTORS[suspect]}?)"
    else:
        cause = f"about {float(f'{ratio:.1g}'):g} times too large"
    raise DataError(
        f"{opened.source}: a typical range of {largest:.3g} mV per second cannot be an ECG's, it is {cause}: "
        "check the gain in the header, or state the unit with --unit."
    )
