"""Bands of frequencies: librosa's mel filters, and triangles drawn another way."""

from __future__ import annotations

import itertools

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqpool.signal.filter_banks import Scale, band_edges_hz, filter_bank, hz_to_mel, mel_to_hz


@pytest.mark.parametrize(
    ("scale", "area", "setting"),
    [*itertools.product(["mel_slaney", "mel_htk"], [True, False], [(8000, 256, 24, 60.0), (16000, 1024, 64, 40.0)])],
)
def test_mel_filters_are_those_of_librosa(scale: Scale, area: bool, setting: tuple[int, int, int, float]) -> None:
    rate, transform, bands, lowest = setting
    found = filter_bank(scale, bands, lowest, rate / 2, rate, transform, equal_area=area)
    expected = librosa.filters.mel(
        sr=rate, n_fft=transform, n_mels=bands, fmin=lowest, fmax=rate / 2, htk=scale == "mel_htk",
        norm="slaney" if area else None, dtype=np.float64,
    )  # fmt: skip
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_bands_by_octave_are_triangles_between_geometric_edges() -> None:
    edges = np.geomspace(100, 3200, 12)
    np.testing.assert_allclose(band_edges_hz("log", 10, 100, 3200), edges)
    found = filter_bank("log", 10, 100, 3200, 8000, 512, equal_area=False)
    frequencies = np.fft.rfftfreq(512, 1 / 8000)
    for number, row in enumerate(found):
        np.testing.assert_allclose(row, np.interp(frequencies, edges[number : number + 3], [0, 1, 0]), atol=1e-12)


@given(st.floats(1, 20000), st.sampled_from(["mel_slaney", "mel_htk", "log", "linear"]))
def test_scales_turn_back(frequency: float, scale: Scale) -> None:
    there = hz_to_mel(np.array([frequency]), scale)
    assert mel_to_hz(there, scale)[0] == pytest.approx(frequency, rel=1e-9)


def test_an_empty_band_is_refused_by_name() -> None:
    with pytest.raises(
        ValueError, match=r"band 1 of 128 \(0\.0 to 21\.0 Hz\) .* 31\.25 Hz apart \(6 bands hold none\)"
    ):
        filter_bank("mel_htk", 128, 0, 4000, 8000, 256, equal_area=False)
    with pytest.raises(ValueError, match="highest_hz is 5000, above half the rate"):
        filter_bank("mel_htk", 10, 0, 5000, 8000, 256, equal_area=False)
