"""Medians of many columns or rows at once.

The bits of `numpy.median`, in a third of its time: partitions of contiguous rows about one place use vector
instructions, those about two places or along columns do not.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Float = TypeVar("Float", np.float32, np.float64)


def column_medians(values: NDArray[Float]) -> NDArray[Float]:
    """(columns,) medians of finite values (rows, columns), at least one row."""
    return _medians(np.array(values.T, order="C"))


def row_medians(values: NDArray[Float]) -> NDArray[Float]:
    """(rows,) medians of finite values (rows, columns), at least one column."""
    return _medians(np.array(values, order="C"))


def _medians(rows: NDArray[Float]) -> NDArray[Float]:
    """Medians of rows, whose values are moved about."""
    half = rows.shape[1] // 2
    rows.partition(half, axis=1)
    upper: NDArray[Float] = rows[:, half].copy()
    if rows.shape[1] % 2 == 0:
        upper += rows[:, :half].max(axis=1)
        upper /= 2
    return upper
