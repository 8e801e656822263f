"""From a file's signals to one `Recording`: which belong to it, in which unit, and whether the amplitudes can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError
from seqpool.io.ecg.leads import LEADS, UNSTATED_UNITS, distinct, millivolts_per
from seqpool.records import Recording

LOWEST_RATE_HZ = 10.0
HIGHEST_RATE_HZ = 100_000.0

HIGHEST_RANGE_MV = 30.0
LOWEST_RANGE_MV = 0.003
"""The median range per second lies within these by a factor of 5 in all 8,244 recordings of MIT-BIH DS1, LUDB, PTB-XL
(first 500) and CinC 2017, where it is 0.04 to 5.7 mV, noise included."""

_TYPICAL_RANGE_MV = 1.5
_KNOWN_FACTORS = {1000.0: "microvolts read as millivolts", 200.0: "raw converter values read as millivolts"}


@dataclass(frozen=True)
class Channel:
    """One signal of a file.

    name: canonical. unit: as the file has it. rate_hz: samples per second.
    values: (samples,) float64 in `unit`, NaN where there is no signal.
    """

    name: str
    unit: str
    rate_hz: float
    values: NDArray[np.float64]


def assemble(
    channels: Sequence[Channel],
    source: str,
    *,
    unit: str | None = None,
    start: datetime | None = None,
    gaps_s: Sequence[tuple[float, float]] = (),
    skipped: Sequence[tuple[str, str]] = (),
    notes: Sequence[str] = (),
) -> Recording:
    """The voltage signals of one rate as a `Recording` in millivolts.

    The highest rate with a known lead name wins, else the rate with the most voltage signals; the rest is listed in
    `skipped`. unit: replaces the unit of every voltage signal and of those without one, and switches the check of the
    amplitude off. gaps_s: (start, stop) in seconds where the recorder was off.
    Raises DataError where no voltage signal is left, the rate cannot be an ECG's, or the amplitude is implausible.
    """
    left_out = list(skipped)
    factors = {}
    for channel in channels:
        factor = _factor(channel.unit, unit)
        if factor is None:
            left_out.append((channel.name, f"its unit '{channel.unit}' is no voltage"))
        else:
            factors[id(channel)] = factor
    voltages = [channel for channel in channels if id(channel) in factors]
    if not voltages:
        listed = "; ".join(f"{name}: {reason}" for name, reason in left_out) or "it lists none"
        raise DataError(f"{source}: no voltage signal in the file ({listed}).")
    rate_hz = _chosen_rate(voltages)
    left_out += [(one.name, f"its rate is {one.rate_hz:g} Hz") for one in voltages if one.rate_hz != rate_hz]
    kept = [channel for channel in voltages if channel.rate_hz == rate_hz]
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise DataError(
            f"{source}: a sampling rate of {rate_hz:g} Hz cannot be an ECG's "
            f"(expected {LOWEST_RATE_HZ:g} to {HIGHEST_RATE_HZ:g} Hz)."
        )
    samples = max(len(channel.values) for channel in kept)
    if samples < 2:
        raise DataError(f"{source}: {samples} sample{'s' * (samples != 1)} per lead is too short for a recording.")
    signal = np.full((len(kept), samples), np.nan, dtype=np.float32)
    for row, channel in enumerate(kept):
        signal[row, : len(channel.values)] = channel.values * factors[id(channel)]
    if unit is None:
        _check_amplitude(signal, rate_hz, source)
    return Recording(
        signal=signal,
        rate_hz=rate_hz,
        leads=tuple(distinct([channel.name for channel in kept])),
        source=source,
        start=start,
        gaps=tuple((round(first * rate_hz), round(last * rate_hz)) for first, last in gaps_s),
        skipped=tuple(left_out),
        notes=tuple(notes),
    )


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


def median_range(signal: NDArray[np.float32], rate_hz: float) -> NDArray[np.float64]:
    """Median over seconds of each lead's range within a second, (leads,), NaN for a lead without a whole second."""
    second = min(max(round(rate_hz), 2), signal.shape[1])
    whole = signal.shape[1] // second * second
    pieces = signal[:, :whole].reshape(len(signal), -1, second)
    ranges = pieces.max(axis=2) - pieces.min(axis=2)  # NaN where a sample of the second is missing
    result = np.full(len(signal), np.nan)
    for lead, row in enumerate(ranges):
        present = row[np.isfinite(row)]
        if len(present):
            result[lead] = np.median(present)
    return result


def _check_amplitude(signal: NDArray[np.float32], rate_hz: float, source: str) -> None:
    """Refuse amplitudes that no body makes: the most frequent mistake is a unit 1000 times too large or too small."""
    ranges = median_range(signal, rate_hz)
    ranges = ranges[np.isfinite(ranges) & (ranges > 0)]  # a constant lead is off, not wrong
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
        f"{source}: a typical range of {largest:.3g} mV per second cannot be an ECG's, it is {cause}: "
        "check the gain in the header, or state the unit with --unit."
    )
