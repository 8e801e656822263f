"""Leads that show nothing: the same stretches however the signal was cut."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seqpool.signal.silence import SHORTEST_S, Silence

RATE_HZ = 10.0


def by_hand(values: np.ndarray) -> list[list[float]]:
    """A sample is silent if it is missing or equals the one before; runs of 2 s and more, one sample at a time."""
    found, since = [], None
    for place in range(len(values) + 1):
        silent = place < len(values) and (np.isnan(values[place]) or (place > 0 and values[place] == values[place - 1]))
        if silent and since is None:
            since = place
        if not silent and since is not None:
            if place - since >= SHORTEST_S * RATE_HZ:
                found.append([since / RATE_HZ, place / RATE_HZ])
            since = None
    return found


RUNS = st.lists(st.tuples(st.sampled_from(["noise", "flat", "missing"]), st.integers(1, 45)), min_size=1, max_size=8)


@given(RUNS, st.integers(1, 60))
def test_stretches_in_chunks(runs: list[tuple[str, int]], chunk: int) -> None:
    rng = np.random.default_rng(len(runs))
    parts = []
    for kind, length in runs:
        level = rng.standard_normal()
        parts.append(
            {"noise": rng.standard_normal(length), "flat": np.full(length, level), "missing": np.full(length, np.nan)}[
                kind
            ]
        )
    values = np.concatenate(parts)
    silence = Silence(RATE_HZ)
    for start in range(0, len(values), chunk):
        silence.feed(values[start : start + chunk])
    assert silence.found().tolist() == by_hand(values)
