"""R peaks of a long lead: windows and the whole at once give the same, and the margin is all that a sample sees."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seqpool.nn.decoders import SampleLabeller
from seqpool.nn.peak_finder import found_peaks, margin
from seqpool.options import networks
from seqpool.signal.r_peaks import PeakFinder

RATE_HZ = 125.0

SHAPES = [
    {"channels": (4, 6, 8), "width": 5, "convolutions": 1, "stem_pool": 2},
    {"channels": (4, 6), "width": 7, "convolutions": 2, "stem_pool": 1},
    {"channels": (4, 4, 4, 4, 4), "width": 5, "convolutions": 1, "stem_pool": 4, "decoder": "fpn"},
]


def detector_of(shape: dict[str, object]) -> SampleLabeller:
    torch.manual_seed(0)
    detector = SampleLabeller(networks.SampleLabeller(stem=4, **shape), 1, 1).eval()  # type: ignore[arg-type]
    answer = detector(torch.randn(1, 1, 8000))[..., 2000:6000].detach()
    detector.samples.bias.data -= answer.mean()
    for tensor in (detector.samples.weight, detector.samples.bias):  # as often above as below a half
        tensor.data *= 3.0 / answer.std()
    return detector


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seconds", [3.0, 20.0, 67.3])
def test_windows_give_the_peaks_of_the_whole(
    shape: dict[str, object], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seqpool.nn.peak_finder.WINDOW_S", 20.0)
    detector = detector_of(shape)
    samples = round(seconds * RATE_HZ)
    values = np.random.default_rng(1).normal(0, 1, (1, samples)).astype(np.float32)
    whole = PeakFinder(RATE_HZ)
    with torch.inference_mode():
        whole.feed(detector(torch.from_numpy(values)[None])[0, 0].sigmoid().numpy())
    wanted = whole.peaks_s()
    found = found_peaks(detector, lambda start, stop: values[:, start:stop], samples, RATE_HZ)
    assert len(wanted) > seconds / 5
    assert found == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_beyond_the_margin_matters(shape: dict[str, object]) -> None:
    detector = detector_of(shape)
    reach = margin(detector)
    x = torch.randn(1, 1, 4 * reach + 1, dtype=torch.float64)
    detector.double()
    x.requires_grad_()
    for place in {0, 1, detector.multiple // 2, detector.multiple - 1}:
        sample = 2 * reach + place
        gradient = torch.autograd.grad(detector(x)[0, 0, sample], x)[0][0, 0]
        touched = gradient.nonzero().ravel()
        assert sample - reach <= int(touched.min())
        assert int(touched.max()) <= sample + reach
