"""Batch normalisation and ReLU of maps: the same as torch's on the valid columns alone, forwards and backwards."""

from __future__ import annotations

import pytest
import torch

from seqpool.nn.map_normalisation import NormReLU2d


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_it_is_batch_norm_and_relu_on_the_valid_columns_side_by_side(offset: float) -> None:
    torch.manual_seed(0)
    lengths = torch.tensor([7, 3, 0, 5])
    x = (torch.randn(4, 3, 2, 7, dtype=torch.float64) + offset).requires_grad_()
    masked, plain = NormReLU2d(3).double(), torch.nn.BatchNorm2d(3).double()
    for norm in (masked, plain):
        torch.nn.init.normal_(norm.weight, generator=torch.Generator().manual_seed(1))
        torch.nn.init.normal_(norm.bias, generator=torch.Generator().manual_seed(2))
    weights = torch.randn(4, 3, 2, 7, dtype=torch.float64)

    def side_by_side(maps: torch.Tensor) -> torch.Tensor:
        return torch.cat([row[:, :, :n] for row, n in zip(maps, lengths.tolist(), strict=True)], dim=2)[None]

    found = side_by_side(masked(x, lengths))
    expected = plain(side_by_side(x)).relu()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(masked.running_mean, plain.running_mean)
    torch.testing.assert_close(masked.running_var, plain.running_var)
    one, other = (torch.autograd.grad((y * side_by_side(weights)).sum(), (x, *norm.parameters()))
                  for y, norm in ((found, masked), (expected, plain)))  # fmt: skip
    for first, second in zip(one, other, strict=True):
        torch.testing.assert_close(first, second)


def test_what_stands_past_a_length_does_not_matter() -> None:
    torch.manual_seed(0)
    x, lengths = torch.randn(3, 2, 4, 6), torch.tensor([6, 2, 4])
    other = x.clone()
    other[1, :, :, 2:] = 1e6
    found, again = (NormReLU2d(2)(one, lengths) for one in (x, other))
    torch.testing.assert_close(found[1, :, :, :2], again[1, :, :, :2])
    torch.testing.assert_close(found[0], again[0])
