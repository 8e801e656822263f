"""Which frequencies of a Fourier transform make which band: triangles in hertz, edges equal in mel or octaves."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Scale = Literal["mel_slaney", "mel_htk", "log", "linear"]

# Slaney's Auditory Toolbox (1998): linear below 1000 Hz, 27 steps per factor 6.4 above
_SLANEY_BREAK_HZ, _SLANEY_HZ_PER_MEL, _SLANEY_STEP = 1000.0, 200.0 / 3.0, np.log(6.4) / 27.0


def hz_to_mel(frequency_hz: Numbers, scale: Scale) -> Numbers:
    """Place on the scale: Slaney's mel, HTK's 2595 log10(1 + f/700), octaves above 1 Hz, or hertz."""
    frequency = np.asarray(frequency_hz, dtype=np.float64)
    if scale == "mel_slaney":
        above = np.log(np.maximum(frequency, 1e-9) / _SLANEY_BREAK_HZ) / _SLANEY_STEP
        start = _SLANEY_BREAK_HZ / _SLANEY_HZ_PER_MEL
        return np.where(frequency < _SLANEY_BREAK_HZ, frequency / _SLANEY_HZ_PER_MEL, start + above)
    if scale == "mel_htk":
        return np.asarray(2595.0 * np.log10(1.0 + frequency / 700.0))
    return np.asarray(np.log2(frequency)) if scale == "log" else frequency


def mel_to_hz(place: Numbers, scale: Scale) -> Numbers:
    """The inverse of `hz_to_mel`."""
    if scale == "mel_slaney":
        start = _SLANEY_BREAK_HZ / _SLANEY_HZ_PER_MEL
        above = _SLANEY_BREAK_HZ * np.exp(_SLANEY_STEP * (place - start))
        return np.where(place < start, place * _SLANEY_HZ_PER_MEL, above)
    if scale == "mel_htk":
        return np.asarray(700.0 * (10.0 ** (place / 2595.0) - 1.0))
    return np.asarray(2.0**place) if scale == "log" else place


def band_edges_hz(scale: Scale, bands: int, lowest_hz: float, highest_hz: float) -> Numbers:
    """(bands + 2,) edges, equally far apart on the scale; band i rises from edge i to i + 1 and falls to i + 2."""
    ends = hz_to_mel(np.array([lowest_hz, highest_hz]), scale)
    return mel_to_hz(np.linspace(ends[0], ends[1], bands + 2), scale)


def filter_bank(
    scale: Scale,
    bands: int,
    lowest_hz: float,
    highest_hz: float,
    rate_hz: float,
    transform: int,
    *,
    equal_area: bool,
) -> Numbers:
    """(bands, transform // 2 + 1) weights of each frequency in each band.

    equal_area: divided by half the triangle's width in hertz. Raises ValueError naming the first band that holds no
    frequency of the transform, and for a highest frequency above half the rate.
    """
    if highest_hz > rate_hz / 2:
        raise ValueError(f"highest_hz is {highest_hz:g}, above half the rate of {rate_hz:g} Hz")
    edges = band_edges_hz(scale, bands, lowest_hz, highest_hz)
    frequencies = np.arange(transform // 2 + 1) * (rate_hz / transform)
    rise = (frequencies - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - frequencies) / np.diff(edges)[1:, None]
    weights = np.maximum(0.0, np.minimum(rise, fall))
    empty = np.flatnonzero(weights.max(axis=1) <= 0)
    if len(empty):
        first = empty[0]
        raise ValueError(
            f"band {first + 1} of {bands} ({edges[first]:.1f} to {edges[first + 2]:.1f} Hz) holds no frequency of the "
            f"transform, which are {rate_hz / transform:g} Hz apart ({len(empty)} bands hold none): take fewer bands, "
            "a higher lowest_hz or a longer transform_s"
        )
    return weights * (2.0 / (edges[2:] - edges[:-2]))[:, None] if equal_area else weights
