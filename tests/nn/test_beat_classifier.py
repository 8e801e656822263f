"""Beats of a whole lead: stretches, the gate for atrial fibrillation, artifacts of networks of beats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from seqpool.errors import UsageError
from seqpool.nn.beat_classifier import beat_probabilities, gated_logits, softmax
from seqpool.nn.beat_network import BeatNetwork
from seqpool.nn.build import build_network
from seqpool.options import networks
from seqpool.options.beat_inputs import BeatInputs, BeatSignal, FibrillationGate
from seqpool.options.inputs import Letters
from seqpool.options.signal_input import Signal
from seqpool.signal.beat_inputs import FEATURES, beat_inputs
from tests.signal.simulated_beats import RATE_HZ, lead, rhythm

SMALL = networks.BeatNetwork(members=2, stem=2, channels=(2,), feature_units=4, hidden=0)
SIGNAL = BeatSignal(leads=("MLII",), rate_hz=RATE_HZ)


def network(signal: BeatSignal = SIGNAL) -> BeatNetwork:
    torch.manual_seed(0)
    built = build_network(SMALL, signal, 4, None)
    assert isinstance(built, BeatNetwork)
    return built.eval()


def test_forward_is_the_mean_of_the_members() -> None:
    one = network()
    beats, features = torch.randn(5, 192), torch.randn(5, len(FEATURES))
    with torch.no_grad():
        each = one.each(beats, features)
        torch.testing.assert_close(one(beats, features), (each[0] + each[1]) / 2)
    assert not torch.allclose(each[0], each[1])


@pytest.mark.parametrize(("beats", "rows"), [(192, 1), (192, 200), (96, 7), (190, 3)])
def test_without_gradients_the_maps_lie_otherwise_and_the_answer_is_the_same(beats: int, rows: int) -> None:
    """Against the blocks as they are trained, with moments and weights of every channel apart."""
    torch.manual_seed(1)
    options = replace(SMALL, stem=3, stem_width=7, channels=(3, 5, 4), width=5)
    built = build_network(options, SIGNAL, 4, None)
    assert isinstance(built, BeatNetwork)
    for name, values in (*built.named_parameters(), *built.named_buffers()):
        if "norm" in name and values.is_floating_point():
            values.data.uniform_(0.5, 2.0)
    built.eval()
    x, features = torch.randn(rows, beats), torch.randn(rows, len(FEATURES))
    wanted = built(x, features)
    assert wanted.requires_grad
    with torch.inference_mode():
        torch.testing.assert_close(built(x, features), wanted.detach(), rtol=1e-5, atol=1e-5)


def test_a_long_lead_is_judged_stretch_by_stretch() -> None:
    """Each stretch has the answers that its own beats, and those within the margin, would have as a recording."""
    pattern = "NNNNVNNNNS" * 30
    peaks = rhythm(pattern)
    signal = lead(peaks, pattern)
    one = network(BeatSignal(leads=("MLII",), rate_hz=RATE_HZ, beats=BeatInputs(stretch_s=60, margin_s=20)))
    reads: list[int] = []

    def read(start: int, stop: int) -> np.ndarray:
        reads.append(stop - start)
        return signal[None, start:stop]

    found = beat_probabilities(one, read, len(signal), RATE_HZ, peaks)
    assert found.shape == (300, 4)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    count = round(len(signal) / RATE_HZ / 60)
    assert len(reads) == count > 2
    assert max(reads) < 110 * RATE_HZ
    edges = np.arange(count + 1) * len(signal) / RATE_HZ / count
    seen = np.flatnonzero((peaks >= edges[1] - 20) & (peaks < edges[2] + 20))
    own = np.flatnonzero((peaks >= edges[1]) & (peaks < edges[2]))
    alone = beat_probabilities(
        network(), lambda start, stop: signal[None, start:stop], len(signal), RATE_HZ, peaks[seen]
    )
    np.testing.assert_allclose(found[own], alone[own - seen[0]], atol=1e-5)


def test_temperature_softens() -> None:
    peaks = rhythm("N" * 30)
    signal = lead(peaks, "N" * 30)
    plain, soft = (
        beat_probabilities(network(), lambda a, b: signal[None, a:b], len(signal), RATE_HZ, peaks, temperature=t)
        for t in (1.0, 5.0)
    )
    assert (soft.max(axis=1) < plain.max(axis=1)).all()


def test_the_gate_closes_in_fibrillation_only() -> None:
    gate, numbers = FibrillationGate(limit=0.07, factor=0.1), BeatInputs()
    peaks = np.cumsum(np.r_[np.full(150, 0.8), np.random.default_rng(0).uniform(0.4, 1.0, 150)])
    given = np.tile([0.4, 0.5, 0.05, 0.05], (300, 1))
    found = softmax(gated_logits(np.log(given), peaks, gate, numbers))
    np.testing.assert_allclose(found[:100], given[:100])
    np.testing.assert_allclose(found[200:], np.tile(np.array([0.4, 0.05, 0.05, 0.05]) / 0.55, (100, 1)))


@pytest.mark.parametrize("wrong", [Letters("dna"), Signal(leads=("I",))])
def test_a_network_of_beats_needs_beats(wrong: Letters | Signal) -> None:
    with pytest.raises(UsageError, match="for recordings whose beats are marked"):
        build_network(SMALL, wrong, 4, None)


def test_the_detector_and_beats_meet_at_one_rate() -> None:
    """Half an hour's worth of description does not depend on where the recording starts reading."""
    pattern = "N" * 40
    peaks = rhythm(pattern)
    signal = lead(peaks, pattern)
    direct = beat_inputs(signal, RATE_HZ, peaks, BeatInputs())
    one = network()
    with torch.no_grad():
        logits = one(*(torch.from_numpy(part) for part in direct))
    expected = logits.double().softmax(dim=1).numpy()
    found = beat_probabilities(one, lambda a, b: signal[None, a:b], len(signal), RATE_HZ, peaks)
    np.testing.assert_allclose(found, expected, atol=1e-5)
