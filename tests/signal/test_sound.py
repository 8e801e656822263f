"""What happens to a clip before a network hears it."""

from __future__ import annotations

import numpy as np
import pytest

from seqpool.options.audio import Audio
from seqpool.signal.sound import prepare_sound, without_trailing_silence


def test_a_tone_keeps_its_pitch_and_height_when_resampled() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100).astype(np.float32)
    sound, notes, _ = prepare_sound(tone[None], 44100, Audio(rate_hz=8000))
    expected = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    np.testing.assert_allclose(sound[0, 100:-100], expected[100:-100], atol=2e-3)
    assert notes == ["resampled from 44100 to 8000 Hz"]


def test_channels_are_averaged_and_nothing_is_said_of_nothing() -> None:
    two = np.array([[1, 2, 3], [3, 2, 1]], dtype=np.float32)
    assert prepare_sound(two, 8000, Audio(rate_hz=8000))[1] == ["2 channels are averaged"]
    np.testing.assert_array_equal(prepare_sound(two, 8000, Audio(rate_hz=8000))[0], [[2, 2, 2]])
    assert prepare_sound(two[:1], 8000, Audio(rate_hz=8000))[1] == []


def test_trailing_silence_is_cut_before_the_clip_is_repeated() -> None:
    sound = np.array([[0, 1, 0, 2, 1e-5, 0]], dtype=np.float32)
    reads = Audio(rate_hz=100, trim_silence=True, repeat_to_s=0.1)
    np.testing.assert_array_equal(prepare_sound(sound, 100, reads)[0], [[0, 1, 0, 2, 0, 1, 0, 2, 0, 1]])
    assert len(without_trailing_silence(np.zeros(7))) == 7


def test_quiet_ends_are_cut_at_the_stated_level_up_to_one_block() -> None:
    rate_hz = 8000  # blocks of 200 samples
    noise = np.random.default_rng(0).normal(size=20 * 200)
    level = np.repeat([-60] * 5 + [-40] * 3 + [0] * 4 + [-20] * 2 + [-40] * 6, 200)
    sound = (noise * 10 ** (level / 20)).astype(np.float32)
    for decibels, first, last in ((30, 7, 15), (10, 7, 13), (50, 4, 20), (90, 0, 20)):
        found, _, start_s = prepare_sound(sound[None], rate_hz, Audio(rate_hz=rate_hz, trim_quiet_db=decibels))
        np.testing.assert_array_equal(found[0], sound[first * 200 : last * 200])
        assert start_s == pytest.approx(first * 0.025)
    for whole in (np.zeros((1, 900), np.float32), sound[None, :70]):
        np.testing.assert_array_equal(
            prepare_sound(whole, rate_hz, Audio(trim_quiet_db=30, rate_hz=8000)).values, whole
        )


@pytest.mark.parametrize(
    "wrong",
    [{"rate_hz": 50}, {"repeat_to_s": 0}, {"trim_quiet_db": 0}, {"stride_s": 1.0}, {"window_s": 1.0, "stride_s": 2.0}],
)
def test_wrong_options(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)) if len(wrong) == 1 else "stride_s"):
        Audio(**wrong)
