"""Windows cover every sample."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seqpool.signal.windows import average_of_windows, window_starts


@given(st.integers(1, 3000), st.integers(1, 500), st.data())
def test_windows_cover_the_signal_and_stay_inside(samples: int, window: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, window))
    starts = window_starts(samples, window, stride)
    covered = np.zeros(samples, dtype=bool)
    for start in starts:
        assert start == 0 or start + window <= samples
        covered[start : start + window] = True
    assert covered.all()
    assert (np.diff(starts) > 0).all()
    assert (np.diff(starts) <= stride).all()


def test_average_is_by_share_of_samples() -> None:
    rows = np.array([[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_allclose(average_of_windows(rows, np.array([300, 100])), [0.75, 0.25])
