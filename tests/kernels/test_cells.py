"""Means of cells are torch's adaptive average of each row on its own, to the bit, and so is the way back.

One cell is another matter: there torch takes the mean, which adds in another order.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from seqpool.kernels.cells import cell_means, cell_shares


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(0, 23), min_size=1, max_size=4), st.integers(1, 9), st.integers(2, 11), st.integers(0, 2**31)
)
def test_cells(dtype: torch.dtype, lengths: list[int], channels: int, cells: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(len(lengths), channels, 23, generator=generator, dtype=dtype)
    gradient = torch.randn(len(lengths), channels, cells, generator=generator, dtype=dtype)
    ends = np.array(lengths)
    means, shares = np.full_like(gradient.numpy(), 7), np.full_like(values.numpy(), 7)
    cell_means(values.numpy(), ends, means, threads=2)
    cell_shares(gradient.numpy(), ends, shares, threads=2)
    for row, length in enumerate(lengths):
        assert not shares[row, :, length:].any()
        if length == 0:
            assert not means[row].any()
            continue
        alone = values[row, :, :length].clone().requires_grad_()
        expected = functional.adaptive_avg_pool1d(alone, cells)
        assert torch.equal(torch.from_numpy(means[row]), expected.detach())
        (back,) = torch.autograd.grad(expected, alone, gradient[row])
        assert torch.equal(torch.from_numpy(shares[row, :, :length]), back)
