"""Matches of waves against brute force, and figures against ones worked out by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqpool.evaluation.delineation import delineation_scores, matched, share_of_beats_with_p, tally
from seqpool.records import WAVES, Delineation

NONE = float("nan")
POINTS = st.lists(st.integers(0, 40), max_size=5, unique=True).map(sorted)


def waves(*rows: tuple[str, float, float, float]) -> Delineation:
    points = np.array([row[1:] for row in rows], dtype=float).reshape(-1, 3).T
    return Delineation(np.array([WAVES.index(row[0]) for row in rows], dtype=np.int8), *points)


@given(POINTS, POINTS)
def test_as_many_pairs_as_possible_and_then_the_nearest(marked: list[int], found: list[int]) -> None:
    one, other = matched(np.array(marked, float), np.array(found, float), 6.0)
    assert len(set(one.tolist())) == len(one) == len(set(other.tolist()))
    distance = [abs(marked[i] - found[j]) for i, j in zip(one, other, strict=True)]
    assert all(d <= 6 for d in distance)
    small, large = sorted((marked, found), key=len)
    best = (0, 0)
    for chosen in permutations(range(len(large)), len(small)):
        near = [abs(a - large[j]) for a, j in zip(small, chosen, strict=True) if abs(a - large[j]) <= 6]
        best = max(best, (len(near), -sum(near)))
    assert (len(distance), -sum(distance)) == best


MARKED = waves(("P", 100, 120, 140), ("QRS", 200, 220, 240), ("T", 300, 340, 380), ("QRS", NONE, 700, 720))


def test_figures_by_hand() -> None:
    found = waves(
        ("P", 20, 30, 40),  # before the span: left alone
        ("P", 105, 120, 130),
        ("QRS", 202, 221, 236),
        ("P", 420, 430, 440),  # none there
        ("QRS", 690, 705, 721),  # its onset is not marked: neither right nor wrong
        ("T", 800, 820, 860),  # behind the span
    )
    scores = delineation_scores([tally(MARKED, found, (100, 720), 500)])
    assert scores["f1[P onset]"] == pytest.approx(2 / 3)
    assert scores["sensitivity[P onset]"] == 1
    assert scores["precision[P onset]"] == 1 / 2
    assert scores["error_mean_ms[P onset]"] == pytest.approx(10)
    assert scores["error_mean_ms[P offset]"] == pytest.approx(-20)
    assert scores["f1[QRS onset]"] == 1
    assert scores["error_sd_ms[QRS onset]"] == 0
    assert scores["error_mean_ms[QRS offset]"] == pytest.approx(-3)
    assert scores["error_sd_ms[QRS offset]"] == pytest.approx(5)
    assert scores["f1[T offset]"] == 0
    assert np.isnan(scores["error_sd_ms[T offset]"])


def test_a_match_may_lie_outside_the_span_and_at_most_150_ms_away() -> None:
    scores = delineation_scores([tally(MARKED, waves(("P", 25, 120, 216)), (100, 720), 500)])
    assert scores["f1[P onset]"] == 1
    assert scores["f1[P offset]"] == 0


def test_beats_that_got_a_p_wave() -> None:
    beats = waves(("QRS", 90, 100, 110), ("QRS", 290, 300, 310), ("QRS", 490, 500, 510))
    two_before_one_beat = waves(("P", 180, 190, 200), ("P", 220, 230, 240))
    one = tally(beats, two_before_one_beat, (90, 510), 500)
    assert (one.beats, one.beats_with_p) == (3, 1)
    none = tally(beats, waves(("P", 520, 530, 540)), (90, 600), 500)
    assert none.beats_with_p == 0
    assert share_of_beats_with_p([one, none]) == pytest.approx(1 / 6)
    assert np.isnan(share_of_beats_with_p([]))
