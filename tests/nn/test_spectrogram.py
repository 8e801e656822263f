"""The front end against SciPy's ShortTimeFFT and librosa, and a row alone against the same row in a batch."""

from __future__ import annotations

import warnings
from typing import Any

import librosa
import numpy as np
import pytest
import torch
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from seqpool.nn.spectrogram import Spectrogram
from seqpool.nn.spectrogram_augmentation import masked_spectrogram
from seqpool.options.spectrogram import Pcen, SpectrogramAugmentation
from seqpool.options.spectrogram import Spectrogram as Options

RATE = 8000
SOUND = np.random.default_rng(0).normal(0, 0.1, 6037) * np.linspace(0, 1, 6037)
PLAIN: dict[str, Any] = {"level": "none", "compression": "none", "normalise": "none"}


def front(**options: Any) -> Spectrogram:
    return Spectrogram(Options(**{**PLAIN, **options}), RATE)


def of(network: Spectrogram, sound: np.ndarray = SOUND) -> np.ndarray:
    found = network(torch.from_numpy(sound)[None, None])
    assert isinstance(found, torch.Tensor)
    return found[0].numpy()


def mel(bands: int) -> np.ndarray:
    power = np.abs(librosa.stft(SOUND, n_fft=256, hop_length=80, pad_mode="constant")) ** 2
    return librosa.filters.mel(sr=RATE, n_fft=256, n_mels=bands, dtype=np.float64) @ power


@pytest.mark.parametrize(("window", "hop", "transform"), [(256, 80, 256), (200, 64, 256), (250, 100, 250)])
def test_power_is_that_of_scipy_and_librosa(window: int, hop: int, transform: int) -> None:
    network = front(bands="linear", window_s=window / RATE, hop_s=hop / RATE, transform_s=transform / RATE)
    found = of(network)[0]
    expected = np.abs(librosa.stft(SOUND, n_fft=transform, win_length=window, hop_length=hop, pad_mode="constant")) ** 2
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    if window == transform:
        by_scipy = ShortTimeFFT(hann(window, sym=False), hop, RATE, mfft=transform, scale_to=None)
        slices = by_scipy.spectrogram(SOUND)[:, -by_scipy.p_min :][:, : found.shape[1]]
        np.testing.assert_allclose(found, slices, rtol=1e-9, atol=1e-12)


def test_mel_decibels_and_deltas_are_those_of_librosa() -> None:
    network = front(compression="decibel", log_floor=1e-10, band_count=24, views=("plain", "delta", "delta2"))
    found, expected = of(network), librosa.power_to_db(mel(24))
    np.testing.assert_allclose(found[0], expected, atol=1e-9)
    for order in (1, 2):
        np.testing.assert_allclose(
            found[order], librosa.feature.delta(expected, order=order, mode="nearest"), atol=1e-9
        )
    single = network(torch.from_numpy(SOUND.astype(np.float32))[None, None])[0].numpy()
    np.testing.assert_allclose(single, found, rtol=1e-5, atol=1e-3)


def test_energy_normalisation_is_that_of_librosa() -> None:
    found = of(front(compression="pcen", band_count=24, pcen=Pcen(scale=2.0**31)))[0]
    np.testing.assert_allclose(found, librosa.pcen(mel(24) * 2.0**31, sr=RATE, hop_length=80), atol=1e-5)
    first = of(front(compression="pcen", band_count=24, pcen=Pcen(start="first")))[0]
    b = (np.sqrt(1 + 4 * 40**2) - 1) / (2 * 40**2)
    expected = librosa.pcen(mel(24), sr=RATE, hop_length=80, zi=(1 - b) * mel(24)[:, :1])
    np.testing.assert_allclose(first, expected, atol=1e-5)


VARIANTS: list[dict[str, Any]] = [
    {"level": "clip", "compression": "log", "normalise": "clip", "views": ("plain", "row", "delta", "delta2")},
    {"compression": "decibel", "normalise": "clip"},
    {"level": "clip", "compression": "pcen", "pcen": Pcen(start="first", scale=1000)},
    {"bands": "linear"},
    {"bands": "log", "lowest_hz": 300, "band_count": 12, "hop_s": 0.0125},
]


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_a_row_is_the_same_alone_padded_and_in_any_batch(options: dict[str, Any]) -> None:
    network = front(**{"band_count": 20, **options})
    lengths = torch.tensor([3000, 400, 1, 2213, 2400])
    x = torch.randn(5, 1, 3500, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x[1] *= 1000
    batch = torch.where(torch.arange(3500) < lengths[:, None, None], x, torch.nan)
    maps, frames = network(batch, lengths)
    assert frames.tolist() == [int(n) // network.hop + 1 for n in lengths]
    for row, n in enumerate(lengths.tolist()):
        alone = network(x[row : row + 1, :, :n])
        torch.testing.assert_close(maps[row : row + 1, ..., : frames[row]], alone, rtol=1e-9, atol=1e-9)
        assert not maps[row, ..., frames[row] :].any()


def test_silence_and_a_constant_are_finite_and_have_gradients() -> None:
    network = front(**VARIANTS[0])
    for sound in (torch.zeros(1, 1, 900), torch.full((1, 1, 900), 0.25)):
        sound.requires_grad_()
        maps = network(sound)
        (gradient,) = torch.autograd.grad(maps.square().sum(), sound)
        assert torch.isfinite(maps).all()
        assert torch.isfinite(gradient).all()


def test_a_warp_moves_a_tone_by_its_factor() -> None:
    network = front(bands="linear", window_s=0.128, hop_s=0.05)
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(8000) / RATE)[None, None].repeat(3, 1, 1)
    maps = network(tone, None, torch.tensor([1.0, 1.1, 0.9]))
    peaks = maps[:, 0].mean(dim=2).argmax(dim=1) * (RATE / network.transform)
    np.testing.assert_allclose(peaks, [1000, 1100, 900], atol=RATE / network.transform)
    torch.testing.assert_close(maps[:1], network(tone[:1]))


def test_bands_that_look_elsewhere_are_bands_of_the_moved_power() -> None:
    options = {"window_s": 0.032, "hop_s": 0.01, "band_count": 12}
    bands, frequencies = (front(bands=name, **options).double() for name in ("mel_slaney", "linear"))
    power, factor = torch.rand(3, 2, 129, 7, dtype=torch.float64), torch.tensor([0.9, 1.0, 1.08])
    moved = frequencies.band_power(power, factor)
    torch.testing.assert_close(bands.band_power(power, factor), bands.band_power(moved))


def test_masks_lie_within_the_clip_and_are_of_the_stated_size() -> None:
    torch.manual_seed(0)
    maps, lengths = torch.rand(300, 2, 12, 40) + 1, torch.tensor([40, 7, 20]).repeat(100)
    maps = maps * (torch.arange(40) < lengths[:, None, None, None])
    options = SpectrogramAugmentation(time_masks=1, time_mask_s=0.5, frequency_masks=1, frequency_mask_bands=3)
    found = masked_spectrogram(maps, lengths, options, frame_rate_hz=20.0)
    changed = (found != maps).any(dim=1)
    hidden_frames = changed.all(dim=1).sum(dim=1)
    hidden_bands = (changed | (torch.arange(40) >= lengths[:, None, None])).all(dim=2).sum(dim=1)
    assert set(hidden_bands.tolist()) - {12} == {0, 1, 2, 3}
    assert int(hidden_frames.max()) == 10
    assert not found[torch.arange(40).expand(300, 2, 12, 40) >= lengths[:, None, None, None]].any()
    torch.testing.assert_close(masked_spectrogram(maps, lengths, SpectrogramAugmentation(), 20.0), maps)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"window_s": 0.0001, "hop_s": 0.0001}, "are 1 and 1 samples"),
        ({"bands": "mel_htk", "band_count": 128}, "band 1 of 128"),
        ({"highest_hz": 6000}, "above half the rate"),
    ],
)
def test_options_that_do_not_fit_the_rate(options: dict[str, Any], sentence: str) -> None:
    with warnings.catch_warnings(), pytest.raises(ValueError, match=sentence):
        front(**options)
