"""Medians by one partition against numpy's, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqpool.signal.medians import column_medians, row_medians


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(rows=st.integers(1, 40), columns=st.integers(1, 9), seed=st.integers(0, 2**32 - 1), coarse=st.booleans())
def test_the_bits_of_numpy(dtype: type[np.floating], rows: int, columns: int, seed: int, coarse: bool) -> None:
    values = np.random.default_rng(seed).standard_normal((rows, columns)).astype(dtype)
    if coarse:  # equal values
        values = np.rint(values).astype(dtype)
    before = values.copy()
    for found, wanted in (
        (column_medians(values), np.median(values, axis=0)),
        (row_medians(values), np.median(values, axis=1)),
        (column_medians(values[:, ::2]), np.median(values[:, ::2], axis=0)),
    ):
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(values, before)
