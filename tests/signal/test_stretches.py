"""Stretches of time against a ruler with a mark for every second."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seqpool.signal.stretches import inside, seconds_before, seconds_within, stretches, without

LENGTH = 40
PAIRS = st.lists(st.tuples(st.integers(0, LENGTH), st.integers(0, LENGTH)), max_size=6)


def ruler(pairs: object) -> np.ndarray:
    marks = np.zeros(LENGTH, dtype=bool)
    for start, end in pairs:  # type: ignore[attr-defined]
        marks[int(start) : int(end)] = True
    return marks


@given(PAIRS, PAIRS)
def test_as_on_a_ruler(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> None:
    one, two = stretches(first), stretches(second)
    np.testing.assert_array_equal(ruler(one), ruler(first))
    assert (np.diff(one.ravel()) > 0).all()  # in order, none empty, none touching
    np.testing.assert_array_equal(ruler(without(one, two)), ruler(first) & ~ruler(second))
    seconds = np.arange(LENGTH)
    np.testing.assert_array_equal(inside(one, seconds.astype(float)), ruler(first))
    np.testing.assert_array_equal(
        seconds_before(one, np.arange(LENGTH + 1.0)), [ruler(first)[:n].sum() for n in range(LENGTH + 1)]
    )
    assert seconds_within(one, 5.0, 17.0) == ruler(first)[5:17].sum()


def test_parts_of_seconds() -> None:
    one = stretches([(0.5, 1.25), (3, 4)])
    np.testing.assert_allclose(
        seconds_before(one, np.array([-1.0, 0.5, 1.0, 2.0, 3.5, 9.0])), [0, 0, 0.5, 0.75, 1.25, 1.75]
    )
    assert not len(stretches([(2, 2), (3, 1)]))
