"""Preprocessing: units, offset, rate and sign do not matter; gaps and dead leads are said."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from seqpool.errors import DataError
from seqpool.options.signal_input import Signal
from seqpool.records import Recording
from seqpool.signal.leads import choose_lead, lead_signal
from seqpool.signal.preprocessing import prepare


def beats(rate_hz: float, seconds: float = 20.0) -> np.ndarray:
    """Narrow bumps of 1 mV every 0.8 s and broad ones of 0.2 mV after them."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    phase = times % 0.8
    return np.exp(-(((phase - 0.2) / 0.02) ** 2)) + 0.2 * np.exp(-(((phase - 0.5) / 0.05) ** 2))


def recording(signal: np.ndarray, rate_hz: float = 250.0, leads: tuple[str, ...] = ("II",)) -> Recording:
    return Recording(np.atleast_2d(signal).astype(np.float32), rate_hz, leads, "x")


def test_rate_unit_and_offset_do_not_matter() -> None:
    settings = Signal()
    wanted = prepare(recording(beats(250.0)), settings).values[0]
    for rate_hz in (200.0, 300.0, 360.0, 500.0, 1000.0):
        got = prepare(recording(beats(rate_hz), rate_hz), settings).values[0]
        assert len(got) == len(wanted) == 2000
        np.testing.assert_allclose(got[100:-100], wanted[100:-100], atol=0.01)
    scaled = prepare(recording(3.7 * beats(250.0) + 5.0), settings).values[0]
    np.testing.assert_allclose(scaled, wanted, atol=1e-5)
    turned = prepare(recording(-beats(250.0)), settings).values[0]
    np.testing.assert_allclose(turned, -wanted, atol=1e-5)


def test_the_typical_second_has_range_one() -> None:
    values = prepare(recording(beats(250.0)), Signal()).values[0]
    assert np.median(np.ptp(values.reshape(-1, 100), axis=1)) == pytest.approx(1.0, rel=1e-5)
    values = prepare(recording(beats(250.0)), Signal(normalise="standard", limit=None)).values[0]
    assert values.std() == pytest.approx(1.0, rel=1e-5)
    values = prepare(recording(beats(250.0)), Signal(normalise="none", highpass_hz=None)).values[0]
    assert values.max() == pytest.approx(1.0, abs=0.1)


def test_artefacts_are_limited() -> None:
    signal = beats(250.0)
    signal[1000:1010] += 50.0
    assert np.abs(prepare(recording(signal), Signal()).values).max() == 5.0


def test_gaps_are_zero_and_said() -> None:
    signal = beats(250.0)
    signal[1000:1500] = np.nan
    prepared = prepare(recording(signal), Signal())
    assert (prepared.values[0, 401:599] == 0).all()
    assert np.isfinite(prepared.values).all()
    assert prepared.notes == ("10 % of lead II is missing",)
    whole = prepare(recording(beats(250.0)), Signal()).values
    np.testing.assert_allclose(prepared.values[0, 1000:], whole[0, 1000:], atol=0.05)


@pytest.mark.parametrize(
    ("signal", "sentence"),
    [
        (np.full(5000, np.nan), "unreadable, 100 %"),
        (np.full(5000, 0.3), "is constant"),
        (np.concatenate([beats(250.0)[:1000], np.full(4000, 0.2)]), "flat most of the time"),
        (beats(250.0)[:200], "too short"),
    ],
)
def test_dead_leads_are_refused(signal: np.ndarray, sentence: str) -> None:
    settings = Signal(highpass_hz=None) if "flat" in sentence else Signal()
    with pytest.raises(DataError, match=sentence):
        prepare(recording(signal), settings)


def test_a_rate_too_low_for_the_model_is_refused() -> None:
    with pytest.raises(DataError, match=r"sampled at 50 Hz, .* at least 80 Hz"):
        prepare(recording(beats(50.0), 50.0), Signal())
    assert prepare(recording(beats(90.0), 90.0), Signal()).values.shape == (1, 2000)


def test_lead_choice() -> None:
    two = recording(np.stack([beats(250.0), -beats(250.0)]), leads=("V1", "MLII"))
    assert choose_lead(two, None, ("I", "MLII")) == "MLII"
    assert choose_lead(two, "v1", ("I", "MLII")) == "V1"
    assert choose_lead(recording(beats(250.0), leads=("ECG",)), None, ("I",)) == "ECG"
    with pytest.raises(DataError, match="choose a lead with --lead: the leads are V1, MLII"):
        choose_lead(two, None, ())
    with pytest.raises(DataError, match=r"no lead aVF \(the leads are V1, MLII\)"):
        choose_lead(two, "aVF", ())


def test_limb_leads_follow_from_two_others() -> None:
    """The checks of the reference: III = II - I, aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2."""
    one, two = np.random.default_rng(0).normal(size=(2, 100)).astype(np.float32)
    both = recording(np.stack([one, two]), leads=("I", "II"))
    wanted = {"III": two - one, "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2}
    for name, values in wanted.items():
        found = lead_signal(both, name)
        assert found is not None
        np.testing.assert_allclose(found, values, atol=1e-6)
    third = recording(np.stack([two, two - one]), leads=("II", "III"))
    found = lead_signal(third, "I")
    assert found is not None
    np.testing.assert_allclose(found, one, atol=1e-6)
    assert lead_signal(both, "V1") is None


def test_any_two_limb_leads_give_the_others() -> None:
    one, two = np.random.default_rng(1).normal(size=(2, 50)).astype(np.float32)
    limb = {"I": one, "II": two, "III": two - one, "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2}
    for first, second in combinations(limb, 2):
        pair = recording(np.stack([limb[first], limb[second]]), leads=(first, second))
        for name, values in limb.items():
            found = lead_signal(pair, name)
            assert found is not None
            np.testing.assert_allclose(found, values, atol=1e-5)


def test_all_leads_are_channels_and_a_missing_one_is_masked_and_said() -> None:
    settings = Signal(leads=("I", "II", "III"), all_leads=True)
    both = recording(np.stack([beats(250.0), 2 * beats(250.0)]), leads=("I", "II"))
    assert prepare(both, settings).values.shape == (3, 2000)
    alone = prepare(recording(beats(250.0)), settings)
    assert alone.leads == ("II",)
    assert alone.notes == tuple(f"lead {name} is masked, the model gets 0 in its place" for name in ("I", "III"))
    assert (alone.values[[0, 2]] == 0).all()
    assert alone.values[1].any()
    flat = prepare(recording(np.stack([beats(250.0), np.ones(5000)]), leads=("I", "V1")),
                   Signal(leads=("I", "V1"), all_leads=True))  # fmt: skip
    assert (flat.leads, (flat.values[1] == 0).all()) == (("I",), True)
    with pytest.raises(DataError, match="needs lead I "):
        prepare(recording(beats(250.0), leads=("V1",)), settings)


@pytest.mark.parametrize(
    "wrong",
    [{"rate_hz": 0.0}, {"lowpass_hz": 50.0}, {"highpass_hz": 45.0}, {"all_leads": True}, {"limit": 0.0},
     {"stride_s": 5.0}, {"window_s": 5.0, "stride_s": 6.0}, {"filter_order": 0}],
)  # fmt: skip
def test_settings_that_cannot_be(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(reversed(wrong)) if len(wrong) > 1 else next(iter(wrong))):
        Signal(**wrong)
