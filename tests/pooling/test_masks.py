"""Lengths and masks say the same thing, and nothing in the padding matters."""

from __future__ import annotations

import pytest
import torch

from seqpool.errors import UsageError
from seqpool.pooling import lengths_from_mask, mask_from_lengths, zero_padding


def test_lengths_and_mask_are_two_forms_of_one_thing() -> None:
    lengths = torch.tensor([0, 3, 5])
    mask = mask_from_lengths(lengths, 5)
    assert mask.tolist() == [[False] * 5, [True] * 3 + [False] * 2, [True] * 5]
    assert torch.equal(lengths_from_mask(mask), lengths)


def test_a_mask_with_a_gap_is_refused() -> None:
    with pytest.raises(UsageError, match=r"row 1 .* gap"):
        lengths_from_mask(torch.tensor([[True, False], [False, True]]))


@pytest.mark.parametrize("mask", [torch.ones(3), torch.ones(2, 3)])
def test_a_mask_is_two_dimensional_and_boolean(mask: torch.Tensor) -> None:
    with pytest.raises(UsageError, match="expected \\(N, L\\)"):
        lengths_from_mask(mask)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (torch.tensor([1]), "shape"),
        (torch.tensor([1.0, 2.0]), "integers"),
        (torch.tensor([1, 7]), "from 1 to 7"),
        (torch.tensor([-1, 2]), "from -1"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(lengths: torch.Tensor, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        zero_padding(torch.zeros(2, 3, 4), lengths)


def test_padding_becomes_zero_and_takes_no_gradient_even_when_it_is_not_a_number() -> None:
    input = torch.tensor([[[1.0, 2.0, torch.nan, torch.inf]]], requires_grad=True)
    output = zero_padding(input, torch.tensor([2]))
    assert output.tolist() == [[[1, 2, 0, 0]]]
    output.square().sum().backward()
    assert input.grad.tolist() == [[[2, 4, 0, 0]]]
    assert zero_padding(input, None) is input
