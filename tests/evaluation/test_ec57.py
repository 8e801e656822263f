"""Beats against a reference: matching against wfdb and exhaustive search, scores against worked counts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, precision_score, recall_score
from wfdb.processing import compare_annotations

from seqpool.evaluation.ec57 import (
    CLASSES,
    average_scores,
    beat_matrix,
    beat_scores,
    interval_error_s,
    j_kappa,
    match_beats,
    outside,
)

times = st.lists(st.integers(0, 4000), max_size=9, unique=True).map(lambda ms: np.sort(np.array(ms, dtype=float)) / 1e3)


def largest_matching(reference: np.ndarray, found: np.ndarray, window: float) -> int:
    """How many pairs any matching that keeps the order can have."""
    best = np.zeros((len(reference) + 1, len(found) + 1), dtype=int)
    for i, j in itertools.product(range(len(reference)), range(len(found))):
        pair = best[i, j] + (abs(reference[i] - found[j]) <= window)
        best[i + 1, j + 1] = max(pair, best[i, j + 1], best[i + 1, j])
    return int(best[-1, -1])


@given(times, times)
def test_pairs_are_one_to_one_in_order_and_within_the_window(reference: np.ndarray, found: np.ndarray) -> None:
    own, other = match_beats(reference, found, 0.15)
    assert len(own) == len(other) <= largest_matching(reference, found, 0.15 + 1e-9)
    assert (np.diff(own) > 0).all()
    assert (np.diff(other) > 0).all()
    assert (abs(reference[own] - found[other]) <= 0.15 + 1e-9).all()
    alone = [i for i in range(len(reference)) if i not in own]
    left = [j for j in range(len(found)) if j not in other]
    assert largest_matching(reference[alone], found[left], 0.15 + 1e-9) <= len(alone)


@given(st.lists(st.integers(310, 900), max_size=12), st.data())
def test_beats_further_apart_than_two_windows_match_as_many_as_can_be(gaps: list[int], data: st.DataObject) -> None:
    reference = np.cumsum(np.array(gaps, dtype=float)) / 1e3
    shifts = data.draw(st.lists(st.integers(-200, 200), min_size=len(gaps), max_size=len(gaps)))
    kept = data.draw(st.lists(st.booleans(), min_size=len(gaps), max_size=len(gaps)))
    found = np.sort((reference + np.array(shifts, dtype=float) / 1e3)[np.array(kept, dtype=bool)])
    own, _ = match_beats(reference, found, 0.15)
    assert len(own) == largest_matching(reference, found, 0.15 + 1e-9)
    if not len(found):  # wfdb has no answer
        return
    compared = compare_annotations(
        np.rint(reference * 1000).astype(int), np.rint(found * 1000).astype(int), 151
    )  # wfdb's window is open
    assert len(own) == compared.tp


def test_a_distance_of_just_the_window_is_a_pair() -> None:
    own, _ = match_beats(np.array([0.344]), np.array([0.494]))  # their difference is 0.15000000000000002
    assert len(own) == 1


def test_the_nearer_of_two_detections_is_taken() -> None:
    own, other = match_beats(np.array([1.0]), np.array([0.9, 1.01, 1.1]))
    assert (own.tolist(), other.tolist()) == ([0], [1])


def test_matrix_counts_missed_invented_and_excluded_beats() -> None:
    reference = np.array([1.0, 2.0, 3.0, 4.0, 9.0])
    found = np.array([1.01, 2.2, 2.99, 6.0, 9.1, 20.0])
    matrix = beat_matrix(reference, "NNVSQ", found, "NNVVNN", excluded_s=[(8.0, 10.0)])
    expected = np.zeros((6, 6), dtype=int)
    expected[0, 0] = expected[2, 2] = 1
    expected[0, 5] = 1  # at 2.0: 200 ms are too far
    expected[1, 5] = 1  # at 4.0
    expected[5, 0] = 2  # at 2.2 and 20.0
    expected[5, 2] = 1  # at 6.0
    assert np.array_equal(matrix, expected)
    with pytest.raises(ValueError, match="'A' is no AAMI class"):
        beat_matrix(reference, "NNVAQ", found, "NNVVNN")


def test_scores_of_a_worked_table() -> None:
    """Columns n s v f q missed; rows N S V F Q invented: positive predictivity of V leaves out F and Q called V."""
    matrix = np.array([
        [900, 10, 20, 0, 0, 5],
        [15, 80, 4, 0, 0, 1],
        [6, 2, 190, 1, 0, 1],
        [3, 1, 30, 10, 0, 0],
        [0, 7, 50, 0, 2, 0],
        [8, 3, 5, 0, 0, 0],
    ])  # fmt: skip
    scores = beat_scores(matrix)
    assert scores.ventricular_sensitivity == pytest.approx(190 / 200)
    assert scores.ventricular_positive_predictivity == pytest.approx(190 / (20 + 4 + 190 + 5))
    assert scores.supraventricular_sensitivity == pytest.approx(80 / 100)
    assert scores.supraventricular_positive_predictivity == pytest.approx(80 / (10 + 80 + 2 + 1 + 3))
    beats, missed, invented = matrix[:5].sum(), 7, 16
    assert scores.qrs_sensitivity == pytest.approx((beats - missed) / beats)
    assert scores.qrs_positive_predictivity == pytest.approx((beats - missed) / (beats - missed + invented))


def test_average_is_over_records_that_have_the_class() -> None:
    with_v, without_v = np.zeros((6, 6), dtype=int), np.zeros((6, 6), dtype=int)
    with_v[2, 2], with_v[2, 0], without_v[0, 0] = 3, 1, 9
    average = average_scores([with_v, without_v])
    assert average.ventricular_sensitivity == pytest.approx(0.75)
    assert average.qrs_sensitivity == 1
    assert np.isnan(average.supraventricular_sensitivity)


@given(st.integers(0, 1000))
def test_j_kappa_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 30, (6, 6))
    counts[1, 1] += 1
    counts[2, 2] += 1
    kappa, j, both = j_kappa(counts)
    true = np.repeat(np.repeat(np.arange(4), 4), counts[:4, :4].ravel())
    said = np.repeat(np.tile(np.arange(4), 4), counts[:4, :4].ravel())
    assert kappa == pytest.approx(cohen_kappa_score(true, said), abs=1e-12)
    expected = sum(score(true, said, labels=[1, 2], average=None).sum() for score in (recall_score, precision_score))
    assert j == pytest.approx(expected, abs=1e-12)
    assert both == pytest.approx(kappa / 2 + expected / 8, abs=1e-12)


def test_calling_every_beat_normal_has_no_j_kappa() -> None:
    """The page's row of this protocol: accuracy .890 on DS2, kappa and j 0."""
    matrix = np.zeros((6, 6), dtype=int)
    matrix[:4, 0] = [44259, 1837, 3221, 388]
    assert j_kappa(matrix) == (0.0, 0.0, 0.0)
    assert matrix[0, 0] / matrix[:4, :4].sum() == pytest.approx(0.890, abs=5e-4)


def test_interval_error_is_of_intervals_with_both_beats() -> None:
    reference = np.array([0.0, 1.0, 2.0, 3.0])
    assert interval_error_s(reference, np.array([0.0, 1.01, 3.0])) == pytest.approx(0.01)
    assert np.isnan(interval_error_s(reference, np.array([1.0])))


def test_outside_holds_the_ends_of_an_episode_inside() -> None:
    assert outside(np.array([0.9, 1.0, 2.0, 2.1]), [(1.0, 2.0)]).tolist() == [True, False, False, True]
    assert len(CLASSES) == 5
