"""Lengths and masks say the same thing, and nothing in the padding matters."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from seqpool import pooling
from seqpool.errors import UsageError
from seqpool.pooling import lengths_from_mask, mask_from_lengths, rows, zero_padding

FILTERS = torch.tensor([[1.0, -2.0, 0.5], [0.3, 0.3, 0.4]], dtype=torch.float64)


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


@pytest.mark.parametrize(
    "pool",
    [
        pooling.global_max_pool1d,
        pooling.global_min_pool1d,
        pooling.global_avg_pool1d,
        pooling.global_sum_pool1d,
        pooling.zero_padding,
        lambda input, lengths: pooling.max_pool1d(input, 3, 2, 1, lengths=lengths)[0],
        lambda input, lengths: pooling.avg_pool1d(input, 3, 2, 1, lengths=lengths)[0],
        lambda input, lengths: pooling.lp_pool1d(input, 3.0, 3, 2, lengths=lengths)[0],
        lambda input, lengths: pooling.blur_pool1d(input, lengths=lengths)[0],
        lambda input, lengths: pooling.strided_conv_pool1d(input, FILTERS, 2, lengths=lengths)[0],
        lambda input, lengths: pooling.adaptive_max_pool1d(input, 3, lengths=lengths)[0],
        lambda input, lengths: pooling.adaptive_avg_pool1d(input, 3, lengths=lengths)[0],
    ],
)
def test_row_by_row_is_what_masking_the_batch_gives(
    pool: Callable[..., torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large batches on a CPU take another path: same values, gradients and second derivatives."""
    lengths = torch.tensor([9, 5, 1, 0])
    input = torch.randn(4, 2, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    poisoned = input.masked_fill(~mask_from_lengths(lengths, 9).unsqueeze(1), torch.nan)
    results = []
    for worthwhile in (0, 10**9):
        monkeypatch.setattr(rows, "_WORTHWHILE", worthwhile)
        leaf = poisoned.clone().requires_grad_()
        output = pool(leaf, lengths=lengths)
        (gradient,) = torch.autograd.grad(output.sin().sum(), leaf, create_graph=True)
        (second,) = torch.autograd.grad(gradient.sin().sum(), leaf)
        results.append((output, gradient, second))
    for by_rows, masked in zip(*results, strict=True):
        assert torch.equal(by_rows.isnan(), masked.isnan())
        torch.testing.assert_close(by_rows, masked)
    monkeypatch.setattr(rows, "_WORTHWHILE", 0)
    assert torch.autograd.gradcheck(lambda leaf: pool(leaf, lengths=lengths), input.requires_grad_())


@pytest.mark.parametrize("worthwhile", [0, 10**9])
@pytest.mark.parametrize("padding", [0.0, 7.0, torch.nan])
def test_gradients_of_filters_never_see_the_padding(
    padding: float, worthwhile: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "_WORTHWHILE", worthwhile)
    lengths = torch.tensor([9, 5])
    input = torch.randn(2, 2, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    input = input.masked_fill(~mask_from_lengths(lengths, 9).unsqueeze(1), padding)
    weights = FILTERS.clone().requires_grad_()
    pooling.strided_conv_pool1d(input, weights, 2, lengths=lengths)[0].square().sum().backward()
    alone = FILTERS.clone().requires_grad_()
    parts = [pooling.strided_conv_pool1d(input[row : row + 1, :, :size], alone, 2) for row, size in ((0, 9), (1, 5))]
    torch.stack([part.square().sum() for part in parts]).sum().backward()
    torch.testing.assert_close(weights.grad, alone.grad)
