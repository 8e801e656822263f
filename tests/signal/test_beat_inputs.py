"""How beats are described: against other libraries, on leads whose beats are known, and what must not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors

from seqpool.options.beat_inputs import BeatInputs
from seqpool.signal.beat_inputs import FEATURES, beat_inputs
from seqpool.signal.beat_intervals import (
    INTERVAL_FEATURES,
    interval_features,
    irregularity,
    regular_beats,
    running_median,
)
from seqpool.signal.beat_neighbours import neighbour_features
from seqpool.signal.beat_shapes import cluster_centres
from seqpool.signal.beat_stretches import beat_stretches
from seqpool.signal.beat_templates import laid_beats
from seqpool.signal.beat_windows import beat_windows, best_shifts, correlation
from tests.signal.simulated_beats import RATE_HZ, lead, rhythm

NUMBERS = BeatInputs()
BEFORE, AFTER = 112, 80


@given(st.integers(0, 9999))
def test_windows_are_slices_with_zeros_outside(seed: int) -> None:
    rng = np.random.default_rng(seed)
    signal = rng.standard_normal(int(rng.integers(1, 300))).astype(np.float32)
    places = rng.integers(-30, len(signal) + 30, 5)
    before, after = int(rng.integers(1, 40)), int(rng.integers(1, 40))
    long = np.concatenate([np.zeros(200), signal, np.zeros(200)])
    expected = np.stack([long[200 + place - before : 200 + place + after] for place in places])
    np.testing.assert_array_equal(beat_windows(signal, places, before, after), expected)


@given(st.integers(0, 9999))
def test_correlation_is_pearsons(seed: int) -> None:
    rng = np.random.default_rng(seed)
    beats, others = rng.standard_normal((2, 4, 20)).astype(np.float32)
    expected = [np.corrcoef(a, b)[0, 1] for a, b in zip(beats, others, strict=True)]
    np.testing.assert_allclose(correlation(beats, others), expected, atol=1e-5)
    assert correlation(np.zeros((1, 20), dtype=np.float32), others[:1])[0] == 0


def test_beats_are_moved_back_onto_their_template() -> None:
    peaks = np.arange(2, 60, 1.0)
    signal = lead(peaks, "N" * len(peaks), noise=0)
    wrong = np.random.default_rng(3).integers(-12, 13, len(peaks))
    template = beat_windows(signal, np.rint(peaks * RATE_HZ).astype(int), BEFORE, AFTER)
    shift, match = best_shifts(signal, np.rint(peaks * RATE_HZ).astype(int) + wrong, template, NUMBERS, RATE_HZ)
    np.testing.assert_array_equal(shift, -wrong)
    np.testing.assert_allclose(match, 1, atol=1e-4)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40), st.integers(1, 6))
def test_running_median_holds_the_ends(values: list[float], half: int) -> None:
    half = min(half, len(values))
    padded = [values[0]] * half + values + [values[-1]] * half
    expected = [np.median(padded[place : place + 2 * half + 1]) for place in range(len(values))]
    np.testing.assert_array_equal(running_median(np.array(values), half), expected)


def test_interval_features_of_an_early_beat() -> None:
    peaks = np.cumsum([0, *[0.8] * 20, 0.5, 1.1, *[0.8] * 20])
    found = interval_features(peaks, NUMBERS)
    early = 21
    for reference in ("local", "far", "record"):
        assert found[f"interval -1 to {reference}"][early] == pytest.approx(0)
        assert found[f"interval +0 to {reference}"][early] == pytest.approx(np.log(0.5 / 0.8))
        assert found[f"interval +1 to {reference}"][early] == pytest.approx(np.log(1.1 / 0.8))
        assert found[f"interval +0 to {reference}"][early + 1] == pytest.approx(np.log(1.1 / 0.8))
    assert found["before to after"][early] == pytest.approx(np.log(0.5 / 1.1))
    assert found["record interval"][early] == pytest.approx(0.8)
    assert not regular_beats(peaks, NUMBERS)[[early - 1, early, early + 1]].any()
    assert regular_beats(peaks, NUMBERS)[2:19].all()


@given(st.integers(0, 999), st.floats(0.5, 2))
def test_a_faster_heart_has_the_same_ratios(seed: int, factor: float) -> None:
    peaks = np.cumsum(np.random.default_rng(seed).uniform(0.5, 1.2, 60))
    own, other = interval_features(peaks, NUMBERS), interval_features(factor * peaks, NUMBERS)
    for name in INTERVAL_FEATURES[:-1]:
        np.testing.assert_allclose(own[name], other[name], atol=1e-9)


def test_irregularity_tells_fibrillation_from_ectopic_beats() -> None:
    rng = np.random.default_rng(0)
    regular = irregularity(rhythm("N" * 200), np.zeros(200, dtype=bool), 30)
    chaos = irregularity(np.cumsum(rng.uniform(0.4, 1.0, 200)), np.zeros(200, dtype=bool), 30)
    assert regular.max() < 0.06
    assert chaos.min() > 0.1
    pattern = "NNNNV" * 40
    odd = np.array([letter == "V" for letter in pattern])
    assert irregularity(rhythm(pattern), odd, 30).max() < 0.06
    assert irregularity(np.array([1.0, 2.0]), np.zeros(2, dtype=bool), 30).tolist() == [0, 0]


def test_clusters_are_those_of_k_means() -> None:
    rng = np.random.default_rng(1)
    centres = 10 * rng.standard_normal((4, 6))
    values = (centres[rng.integers(0, 4, 400)] + 0.1 * rng.standard_normal((400, 6))).astype(np.float32)
    expected = KMeans(4, n_init=20, random_state=0).fit(values).cluster_centers_
    found = cluster_centres(values, 4)
    np.testing.assert_allclose(found[np.argsort(found[:, 0])], expected[np.argsort(expected[:, 0])], atol=1e-3)
    assert len(cluster_centres(values[:2], 5)) == 2


def test_neighbours_are_those_of_scikit_learn() -> None:
    pattern = "NNNNNNV" * 20
    peaks = rhythm(pattern)
    laid = laid_beats(lead(peaks, pattern, noise=0.05), RATE_HZ, peaks, NUMBERS)
    rng = np.random.default_rng(0)
    steady, before, after = rng.random(140) < 0.5, rng.normal(0, 0.5, 140), rng.normal(0, 0.5, 140)
    found = neighbour_features(laid, steady, before, after, NUMBERS, RATE_HZ)
    shapes = laid.beats[:, BEFORE - 12 : BEFORE + 20]
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    distance, place = NearestNeighbors(n_neighbors=21).fit(shapes).kneighbors(shapes)
    np.testing.assert_allclose(found["regular of like QRS"], steady[place[:, 1:]].mean(axis=1))
    early = np.clip(before, -1, 1)[place[:, 1:]].mean(axis=1)
    np.testing.assert_allclose(found["early of like QRS"], early, atol=1e-7)  # summed in float32
    expected = np.log(distance[:, -1] / np.sqrt(shapes.shape[1]) + 0.02)
    np.testing.assert_allclose(found["rarity of like QRS"], expected, atol=1e-3)


def described(pattern: str, noise: float = 0.02) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
    peaks = rhythm(pattern)
    difference, features = beat_inputs(lead(peaks, pattern, noise=noise), RATE_HZ, peaks, NUMBERS)
    return difference, dict(zip(FEATURES, features.T, strict=True))


@pytest.mark.parametrize("pattern", ["N" * 60 + "NNNNV" * 20, "N" * 60 + "NV" * 40, "N" * 60 + "NNVV" * 20])
def test_ventricular_beats_stand_out_even_where_they_are_many(pattern: str) -> None:
    difference, features = described(pattern)
    ventricular = np.array([letter == "V" for letter in pattern])
    size = np.abs(difference[:, BEFORE - 10 : BEFORE + 20]).max(axis=1)
    assert size[ventricular].min() > 3 * size[~ventricular].max()
    for name, larger in (("scaled distance QRS", 2.0), ("width", 0.3), ("cluster QRS", 1.0)):
        assert features[name][ventricular].min() > features[name][~ventricular].max() + larger
    assert features["correlation QRS"][~ventricular].min() > 0.95 > features["correlation QRS"][ventricular].max()
    assert features["early of like QRS"][ventricular].max() < features["early of like QRS"][~ventricular].min()


def test_a_second_normal_shape_is_laid_on_itself() -> None:
    """As when the patient turns over: the P wave and the rhythm stay, the QRS complex is another one."""
    pattern = "N" * 100 + "M" * 25 + "N" * 100 + "NNNV" * 10
    peaks = rhythm(pattern)
    laid = laid_beats(lead(peaks, pattern, noise=0.02), RATE_HZ, peaks, NUMBERS)
    size = np.abs(laid.beats - laid.templates)[:, BEFORE - 10 : BEFORE + 20].max(axis=1)
    by_letter = {letter: size[[one == letter for one in pattern]] for letter in "NMV"}
    assert max(by_letter["N"].max(), by_letter["M"].max()) < 0.35 < by_letter["V"].min()


def test_what_does_not_matter() -> None:
    """Neither the lead's sign nor how long the recording ran before."""
    pattern = "NNNNVNNNS" * 12
    peaks = rhythm(pattern)
    signal = lead(peaks, pattern)
    own = beat_inputs(signal, RATE_HZ, peaks, NUMBERS)
    upside_down = beat_inputs(-signal, RATE_HZ, peaks, NUMBERS)
    later = beat_inputs(np.concatenate([np.zeros(250, dtype=np.float32), signal]), RATE_HZ, peaks + 2.0, NUMBERS)
    for other in (upside_down, later):
        for mine, theirs in zip(own, other, strict=True):
            np.testing.assert_allclose(mine, theirs, atol=2e-4)


@pytest.mark.parametrize(
    ("signal", "peaks"),
    [
        (np.zeros(500), []),
        (np.ones(500), [1.0]),
        (np.zeros(1250), np.arange(0, 10, 0.8)),
        (np.random.default_rng(0).standard_normal(400), [0.0, 3.19]),
        (np.random.default_rng(0).standard_normal(400), [0.5, 1.5, 2.5]),
        (np.random.default_rng(0).standard_normal(15000), np.arange(0, 120, 0.2)),
        (np.random.default_rng(0).standard_normal(15000), np.repeat(np.arange(1, 100.0), 2)),
    ],
    ids=["no beat", "one", "flat", "at the ends", "three", "noise", "twice each"],
)
def test_nothing_is_refused(signal: NDArray[np.float64], peaks: list[float]) -> None:
    difference, features = beat_inputs(signal.astype(np.float32), RATE_HZ, np.array(peaks, dtype=float), NUMBERS)
    assert difference.shape == (len(peaks), BEFORE + AFTER)
    assert features.shape == (len(peaks), len(FEATURES))
    assert np.isfinite(difference).all()
    assert np.isfinite(features).all()


@given(st.integers(0, 9999))
def test_stretches_judge_every_beat_once_and_see_around_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    duration_s = float(rng.uniform(1, 20000))
    peaks = np.sort(rng.uniform(0, duration_s, int(rng.integers(0, 300))))
    samples = int(duration_s * RATE_HZ)
    pieces = list(beat_stretches(samples, RATE_HZ, peaks, stretch_s=1800, margin_s=150, around_s=2))
    judged = [place for one in pieces for place in range(one.own_first, one.own_last)]
    assert judged == list(range(len(peaks)))
    for one in pieces:
        assert one.first <= one.own_first < one.own_last <= one.last
        assert 0 <= one.start < one.stop <= samples
        own = peaks[one.own_first : one.own_last]
        assert (peaks[one.first : one.last] >= own[0] - 150 - 2700).all()
        assert one.start <= max((own[0] - 2) * RATE_HZ, 0)
        assert one.stop >= min((own[-1] + 2) * RATE_HZ, samples - 1)
        assert (one.stop - one.start) / RATE_HZ < 2700 + 2 * 150 + 2 * 2 + 1
