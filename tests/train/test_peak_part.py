"""Windows that a detector of R peaks learns from: targets on peaks, the same from one seed, unknown kept out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seqpool.options.recordings import SignalAugmentation
from seqpool.train.peak_part import PEAK_WEIGHT, PeakRecording, PeakWindows, peak_loss

RATE_HZ = 125.0


def spikes(name: str, seconds: float = 60.0) -> PeakRecording:
    """A spike of height 1 at each peak; nothing is known from 20 to 25 s, where there are spikes of height 3."""
    samples = round(seconds * RATE_HZ)
    place = np.arange(100, samples, 90)
    values = np.zeros((1, samples), dtype=np.float32)
    values[0, place] = 1.0
    unknown = np.zeros(samples, dtype=bool)
    unknown[2500:3125] = True
    values[0, place[unknown[place]]] = 3.0
    return PeakRecording(name, values, place[~unknown[place]] / RATE_HZ, unknown)


def windows(augment: SignalAugmentation, number: tuple[int, ...] = (4, 7), count: int = 40) -> PeakWindows:
    return PeakWindows([spikes("a"), spikes("b")], np.array(number), augment, RATE_HZ, count)


AUGMENT = SignalAugmentation(crop_s=8, stretch=0.25, gain=0.2, sign_flip=0.5, noise=0.0)


def test_targets_lie_on_the_spikes() -> None:
    """Stretched, turned over and cropped: wherever the signal is away from 0, the target is near 1, or unknown."""
    x, target, known = windows(AUGMENT).batch(np.arange(40), 3, 0)
    assert x.shape == (40, 1, 1000)
    assert target.shape == known.shape == (40, 1000)
    high = x[:, 0].abs() > 0.5
    assert (high & known).any()
    assert target[high & known].min() > 0.9
    assert (target[known] > 0.9).sum() <= 5 * (high & known).sum()
    assert bool((x[:, 0].abs()[known] < 2.5).all())  # the tall ones are where nothing is known
    assert (~known).any()


def test_a_window_is_a_function_of_seed_epoch_and_recording() -> None:
    rows = np.arange(8)
    noisy = SignalAugmentation(crop_s=4, noise=0.1, stretch=0.1)
    one = windows(noisy).batch(rows, 1, 5)
    again = windows(noisy, count=100).batch(rows[::-1].copy(), 1, 5)
    for ours, theirs in zip(one, again, strict=True):
        assert torch.equal(ours, theirs.flip(0))
    assert not torch.equal(one[0], windows(noisy).batch(rows, 2, 5)[0])
    assert not torch.equal(one[0], windows(noisy).batch(rows, 1, 6)[0])
    assert not torch.equal(one[0][0], one[0][2])  # another turn of the same recording
    swapped = windows(noisy, number=(7, 4)).batch(rows, 1, 5)
    assert torch.equal(swapped[0][0], one[0][1])  # the recordings hold the same, and are known by number


def test_each_recording_gives_equally_many() -> None:
    tall = PeakRecording("tall", np.full((1, 3000), 5, dtype=np.float32), np.zeros(0), np.zeros(3000, dtype=bool))
    part = PeakWindows([spikes("a"), tall], np.arange(2), SignalAugmentation(crop_s=8), RATE_HZ, 20)
    x, _, _ = part.batch(np.arange(20), 0, 0)
    assert len(part) == 20
    assert int((x[:, 0].mean(1) > 4).sum()) == 10


def test_a_short_recording_is_padded_and_unknown_behind() -> None:
    part = PeakWindows([spikes("a", 5.0)], np.arange(1), SignalAugmentation(crop_s=8), RATE_HZ, 1)
    x, target, known = part.batch(np.arange(1), 0, 0)
    assert x.shape[2] == 1000
    assert not x[0, 0, 625:].any()
    assert not target[0, 625:].any()
    assert not known[0, 625:].any()
    assert known[0, :625].all()


def test_windows_need_a_length_and_recordings() -> None:
    with pytest.raises(ValueError, match="crop_s"):
        windows(SignalAugmentation())
    with pytest.raises(ValueError, match="recordings"):
        PeakWindows([], np.zeros(0, dtype=np.int64), AUGMENT, RATE_HZ, 1)


def test_the_loss_leaves_out_the_unknown_and_weighs_peaks() -> None:
    logits = torch.tensor([[[0.0, 2.0, -1.0]]])
    target = torch.tensor([[1.0, 0.0, 0.0]])
    known = torch.tensor([[True, True, False]])
    each = torch.nn.functional.softplus(torch.tensor([0.0, 2.0]))  # -log p of the right answer
    wanted = ((1 + PEAK_WEIGHT) * each[0] + each[1]) / (2 + PEAK_WEIGHT)
    assert peak_loss(logits, target, known) == pytest.approx(wanted)
    assert peak_loss(logits, target, torch.zeros_like(known)) == 0
