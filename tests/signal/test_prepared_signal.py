"""A recording prepared in blocks: the same bits however it is cut, and within rounding of filtering it as a whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqpool.options.signal_input import Signal
from seqpool.records import Recording
from seqpool.signal import lead_stream, prepared_signal
from seqpool.signal.filters import ZeroPhaseBlocks, design, memory_samples, zero_phase
from seqpool.signal.gaps import Bridge, bridged
from seqpool.signal.normalisation import Seconds, TypicalAmplitude
from seqpool.signal.preprocessing import prepare


def noisy(seconds: float, rate_hz: float = 250.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    beats = np.exp(-((((times % 0.8) - 0.2) / 0.02) ** 2))
    drift = 0.5 * np.sin(2 * np.pi * 0.05 * times) + 2.0
    return (beats + drift + 0.02 * rng.standard_normal(len(times))).astype(np.float32)


def with_gaps(signal: np.ndarray) -> np.ndarray:
    for start, stop in ((0, 40), (3000, 3700), (9000, 9001), (len(signal) - 300, len(signal))):
        signal[start:stop] = np.nan
    return signal


SETTINGS = {
    "default": Signal(),
    "three": Signal(rate_hz=360.0, notch_hz=50.0, filter_order=3, highpass_hz=0.67),
    "causal": Signal(causal=True),
    "standard": Signal(normalise="standard", rate_hz=125.0),
    "none": Signal(normalise="none", highpass_hz=None, lowpass_hz=None, limit=None),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_any_cutting_gives_the_same_bits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lead_stream, "BLOCK_S", 20)
    two = Recording(np.stack([with_gaps(noisy(95.0)), noisy(95.0, seed=1)]), 250.0, ("II", "V1"), "x")
    wanted = prepare(two, SETTINGS[name], "II")
    for seconds, memory in ((95, 1 << 30), (7, 1 << 30), (0.31, 1000), (40, 0)):
        monkeypatch.setattr(prepared_signal, "READ_S", seconds)
        monkeypatch.setattr(prepared_signal, "MEMORY_BYTES", memory)
        found = prepare(two, SETTINGS[name], "II")
        np.testing.assert_array_equal(found.values, wanted.values)
        assert found.notes == wanted.notes


@pytest.mark.parametrize("name", SETTINGS)
def test_blocks_agree_with_the_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = Recording(with_gaps(noisy(95.0))[None], 250.0, ("II",), "x")
    whole = prepare(recording, SETTINGS[name]).values
    monkeypatch.setattr(lead_stream, "BLOCK_S", 20)
    np.testing.assert_allclose(prepare(recording, SETTINGS[name]).values, whole, atol=2e-6)


def test_parts_are_read_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared_signal, "MEMORY_BYTES", 100)
    reads = Signal(leads=("I", "II", "III"), all_leads=True)
    both = Recording(np.stack([noisy(30.0), 2 * noisy(30.0, seed=1)]), 250.0, ("I", "II"), "x")
    wanted = prepare(both, reads).values
    opened = prepared_signal.prepared_signal(_Whole(both), reads)
    with opened:
        assert opened.samples == wanted.shape[1] == 3000
        for start, stop in ((2900, 3000), (0, 3000), (17, 18), (500, 500)):
            np.testing.assert_array_equal(opened.read(start, stop), wanted[:, start:stop])


class _Whole:
    def __init__(self, recording: Recording) -> None:
        self._all = recording.signal
        self.rate_hz, self.leads, self.source = recording.rate_hz, recording.leads, recording.source
        self.samples = recording.signal.shape[1]

    def signal(self, start: int, stop: int) -> np.ndarray:
        return self._all[:, start:stop]


def test_a_file_that_breaks_off_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared_signal, "MEMORY_BYTES", 0)
    monkeypatch.setattr(prepared_signal, "READ_S", 5)
    monkeypatch.setattr(lead_stream, "BLOCK_S", 5)
    opened = []

    class Kept(prepared_signal.PreparedLead):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)  # type: ignore[arg-type]
            opened.append(self)

    class Broken(_Whole):
        def signal(self, start: int, stop: int) -> np.ndarray:
            if stop > 5000:
                raise OSError("the disk is gone")
            return super().signal(start, stop)

    monkeypatch.setattr(prepared_signal, "PreparedLead", Kept)
    with pytest.raises(OSError, match="the disk is gone"):
        prepared_signal.prepared_signal(Broken(Recording(noisy(60.0)[None], 250.0, ("II",), "x")), Signal())
    assert [one._filtered.closed for one in opened] == [True]


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_gaps_are_bridged_alike_in_chunks(seed: int, chunks: list[int]) -> None:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(sum(chunks))
    values[rng.random(len(values)) < rng.choice([0.0, 0.3, 0.9, 1.0])] = np.nan
    bridge = Bridge()
    parts = [part for chunk in np.split(values, np.cumsum(chunks)[:-1]) for part in bridge.feed(chunk)]
    parts += list(bridge.finish())
    wanted, missing = bridged(values)
    np.testing.assert_array_equal(np.concatenate([part for part, _ in parts]), wanted)
    np.testing.assert_array_equal(np.concatenate([part for _, part in parts]), missing)
    assert (bridge.received, bridge.missing) == (len(values), int(missing.sum()))
    if not missing.all():
        assert (bridge.lowest, bridge.highest) == (np.nanmin(values), np.nanmax(values))


def test_long_gaps_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqpool.signal.gaps.GAP_AT_ONCE", 7)
    bridge = Bridge()
    values = np.concatenate([[1.0], np.full(100, np.nan), [3.0]])
    parts = [part for at in range(0, 102, 10) for part, _ in bridge.feed(values[at : at + 10])]
    assert max(len(part) for part in parts) <= 10
    np.testing.assert_array_equal(np.concatenate(parts), bridged(values)[0])


@pytest.mark.parametrize("edges", [(0.5, 40.0, 2), (0.05, 40.0, 2), (0.5, None, 4), (None, 30.0, 2)])
def test_a_filter_forgets_within_its_memory(edges: tuple[float | None, float | None, int]) -> None:
    """A step of 1 mV far enough before a block leaves less than a millionth in it."""
    sections = design(100.0, *edges)
    side = memory_samples(sections)
    signal = np.concatenate([np.zeros(500), np.ones(4 * side)])
    whole = zero_phase(signal, sections, 100.0)
    cut = zero_phase(signal[500 + side :], sections, 100.0)
    assert np.abs(whole[500 + 2 * side :] - cut[side:]).max() < 1e-6


@given(st.lists(st.integers(0, 500), min_size=1, max_size=8), st.integers(1, 300))
@settings(max_examples=40)
def test_zero_phase_blocks_have_one_size(chunks: list[int], block: int) -> None:
    signal = np.random.default_rng(0).standard_normal(sum(chunks))
    blocks = ZeroPhaseBlocks(design(100.0, 5.0, 40.0), 100.0, block)
    found = [one for chunk in np.split(signal, np.cumsum(chunks)[:-1]) for one in blocks.feed(chunk)]
    found += list(blocks.finish())
    assert [len(one) for one in found[:-1]] == [block] * max(len(found) - 1, 0)
    assert sum(len(one) for one in found) == len(signal)


def test_typical_amplitudes() -> None:
    rng = np.random.default_rng(3)
    samples, missing = rng.standard_normal(1037) * 3 + 1, np.zeros(1037, dtype=bool)
    missing[250:260] = True
    seconds = [np.ptp(samples[at : at + 100]) for at in range(0, 1000, 100) if at != 200]
    for rule, wanted in (("second_range", np.median(seconds)), ("standard", samples[~missing].std()), ("none", 1.0)):
        by_second = Seconds(100.0)
        typical = TypicalAmplitude(by_second, rule)  # type: ignore[arg-type]
        for part in (slice(0, 300), slice(300, 900), slice(900, None)):
            by_second.feed(samples[part], missing[part])
            typical.feed(samples[part], missing[part])
        assert typical.value() == pytest.approx(wanted, rel=1e-12)
    short = Seconds(100.0)
    short.feed(samples[:60], missing[:60])
    assert TypicalAmplitude(short, "second_range").value() == np.ptp(samples[:60])


@pytest.mark.parametrize("name", SETTINGS)
def test_upright_turns_what_points_down_and_nothing_else(name: str) -> None:
    plain, turning = SETTINGS[name], replace(SETTINGS[name], upright=True)
    up = with_gaps(noisy(95.0) - 2.0)
    up[:2000] *= -1  # less than half of the time
    wanted = prepare(Recording(up[None], 250.0, ("II",), "x"), plain).values
    for signal in (up, -up):
        np.testing.assert_array_equal(prepare(Recording(signal[None], 250.0, ("II",), "x"), turning).values, wanted)
    assert np.abs(prepare(Recording(-up[None], 250.0, ("II",), "x"), plain).values + wanted).max() < 1e-6


def test_upright_is_for_models_of_one_lead() -> None:
    with pytest.raises(ValueError, match="upright is set"):
        Signal(leads=("I", "II"), all_leads=True, upright=True)
