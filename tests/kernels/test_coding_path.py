"""The seven-state path against every path there is, and against itself in pieces."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seqpool.jobs.coding import ENTER_COST, OPEN_COST, RegionPath
from seqpool.kernels.coding_path import STATES, agreed, extend_paths, traced


def worth(path: tuple[int, ...], evidence: np.ndarray, stops: np.ndarray) -> float:
    """What a path of states is worth; stops: (codons + 1, 6) from the codon before the first one."""
    total, before = 0.0, 0
    for codon, state in enumerate(path):
        if state != before:
            if 1 <= before <= 3 and not stops[codon + 1, before - 1]:
                total -= 1.0
            if state:
                total -= 2.0
            if state > 3 and not stops[codon, state - 1]:
                total -= 1.0
        if state:
            total += evidence[codon, state - 1]
        before = state
    return total


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_the_best_of_all_paths(seed: int) -> None:
    generator = np.random.default_rng(seed)
    codons = 4
    evidence = generator.integers(-4, 5, (codons, 6)).astype(np.float32)
    stops = generator.random((codons + 1, 6)) < 0.3
    totals = np.array([0.0] + [-1e9] * 6)
    steps = np.empty((codons, STATES), dtype=np.uint8)
    extend_paths(evidence, stops, 2.0, 1.0, totals, steps)
    found = tuple(traced(steps, codons - 1, int(totals.argmax())).tolist())
    # states that code nowhere in the path found need not be tried: all paths over it and three others, and none
    states = sorted({0, *found, *generator.choice(np.arange(1, 7), 3).tolist()})
    best = max(worth(path, evidence, stops) for path in product(states, repeat=codons))
    # leaving at the very end costs nothing
    assert worth(found, evidence, stops) >= best - 1e-6


def regions(evidence: np.ndarray, stops: np.ndarray, cuts: list[int]) -> list[tuple[int, int, int, float]]:
    path = RegionPath()
    found = []
    edges = [0, *cuts, len(evidence)]
    for first, end in pairwise(edges):
        found += list(path.take(evidence[first:end], stops[first:end], last=end == len(evidence)))
    return found


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 299), max_size=4, unique=True))
def test_pieces_give_what_the_whole_gives(seed: int, cuts: list[int]) -> None:
    generator = np.random.default_rng(seed)
    evidence = generator.normal(-0.5, 1.0, (300, 6)).astype(np.float32)
    for _ in range(4):
        start, state = generator.integers(250), generator.integers(6)
        evidence[start : start + 50, state] += 1.5
    stops = generator.random((300, 6)) < 0.03
    evidence[stops] = -1e6
    whole = regions(evidence, stops, [])
    pieces = regions(evidence, stops, sorted(cuts))
    assert [one[:3] for one in pieces] == [one[:3] for one in whole]
    np.testing.assert_allclose([one[3] for one in pieces], [one[3] for one in whole], rtol=1e-5)
    for state, first, end, score in whole:
        assert score == np.float64(evidence[first:end, state - 1].sum(dtype=np.float64)) or abs(score) < 1e9
        assert not stops[first:end, state - 1].any()
        assert score >= ENTER_COST - 1e-3


def test_a_region_without_a_stop_must_be_better_by_the_open_cost() -> None:
    def found(total: float, *, stop: bool) -> bool:
        evidence = np.full((40, 6), -5, dtype=np.float32)
        evidence[10:20, 1] = total / 10
        stops = np.zeros((40, 6), dtype=bool)
        stops[20, 1] = stop
        return bool(regions(evidence, stops, []))

    assert found(ENTER_COST + 0.1, stop=True)
    assert not found(ENTER_COST - 0.1, stop=True)
    assert found(ENTER_COST + OPEN_COST + 0.1, stop=False)
    assert not found(ENTER_COST + OPEN_COST - 0.1, stop=False)


def test_paths_that_share_nothing_yet() -> None:
    steps = np.tile(np.arange(STATES, dtype=np.uint8), (5, 1))
    assert agreed(steps)[0] == -1
