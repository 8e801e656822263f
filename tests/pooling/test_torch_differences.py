"""Where torch.nn is right we agree with it to the last digit; where it is wrong, a named test shows both answers."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from seqpool.pooling import (
    AdaptiveAvgPool1d,
    AdaptiveMaxPool1d,
    AvgPool1d,
    LPPool1d,
    MaxPool1d,
    adaptive_avg_pool1d,
    avg_pool1d,
    blur_pool1d,
    global_avg_pool1d,
    global_log_mean_exp_pool1d,
    global_max_pool1d,
    global_median_pool1d,
    global_top_k_pool1d,
    lp_pool1d,
    max_pool1d,
)

BUDGET = settings(max_examples=30, deadline=None)


@st.composite
def windows(draw: st.DrawFn) -> dict[str, int | bool]:
    kernel_size = draw(st.integers(1, 6))
    return {
        "kernel_size": kernel_size,
        "stride": draw(st.integers(1, 5)),
        "padding": draw(st.integers(0, kernel_size // 2)),
        "ceil_mode": draw(st.booleans()),
    }


def inputs(seed: int, size: int = 23) -> torch.Tensor:
    return torch.randn(2, 3, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def same(ours: nn.Module, theirs: nn.Module, input: torch.Tensor) -> None:
    leaves = [input.clone().requires_grad_() for _ in range(2)]
    outputs = [module(leaf) for module, leaf in zip((ours, theirs), leaves, strict=True)]
    assert torch.equal(*outputs)
    for output in outputs:
        output.sin().sum().backward()
    assert torch.equal(leaves[0].grad, leaves[1].grad)


@BUDGET
@given(windows(), st.integers(1, 2), st.integers(0, 99))
def test_maximum_is_torchs(window: dict[str, int | bool], dilation: int, seed: int) -> None:
    same(MaxPool1d(**window, dilation=dilation), nn.MaxPool1d(**window, dilation=dilation), inputs(seed))


@BUDGET
@given(windows(), st.booleans(), st.integers(0, 99))
def test_average_is_torchs(window: dict[str, int | bool], counted: bool, seed: int) -> None:
    same(
        AvgPool1d(**window, count_include_pad=counted), nn.AvgPool1d(**window, count_include_pad=counted), inputs(seed)
    )


@BUDGET
@given(st.integers(1, 9), st.integers(0, 99))
def test_adaptive_pooling_is_torchs(size: int, seed: int) -> None:
    same(AdaptiveAvgPool1d(size), nn.AdaptiveAvgPool1d(size), inputs(seed))
    same(AdaptiveMaxPool1d(size), nn.AdaptiveMaxPool1d(size), inputs(seed))


@BUDGET
@given(st.sampled_from([1.0, 2.0, 3.0, 5.0]), st.integers(1, 5), st.integers(1, 4), st.integers(0, 99))
def test_lp_is_torchs_for_values_above_zero(p: float, kernel_size: int, stride: int, seed: int) -> None:
    input = inputs(seed).abs() + 0.1
    torch.testing.assert_close(LPPool1d(p, kernel_size, stride)(input), nn.LPPool1d(p, kernel_size, stride)(input))


@BUDGET
@given(windows(), st.booleans(), st.integers(0, 20))
def test_counted_padding_of_a_short_row_is_that_of_the_row_alone(
    window: dict[str, int | bool], counted: bool, length: int
) -> None:
    input = inputs(1)
    output, lengths = avg_pool1d(input, **window, count_include_pad=counted, lengths=torch.tensor([23, length]))
    if length:
        alone = avg_pool1d(input[1:, :, :length], **window, count_include_pad=counted)
        torch.testing.assert_close(output[1:, :, : alone.shape[2]], alone)
        assert lengths[1] == alone.shape[2]


# --- where torch is wrong, or answers another question ----


@pytest.mark.parametrize(("p", "values"), [(3.0, [1.0, -2.0, 0.5]), (1.5, [1.0, -1.0, 2.0])])
def test_lp_of_negative_values_is_not_nan(p: float, values: list[float]) -> None:
    """torch raises x itself to the power; its NaN reaches the gradient of the whole window."""
    theirs = torch.tensor([[values]], requires_grad=True)
    result = functional.lp_pool1d(theirs, p, 3)
    assert result.isnan().all()
    result.sum().backward()
    assert theirs.grad.isnan().all()
    ours = torch.tensor([[values]], requires_grad=True)
    result = lp_pool1d(ours, p, 3)
    assert result.item() == pytest.approx(sum(abs(value) ** p for value in values) ** (1 / p))
    result.sum().backward()
    assert ours.grad.isfinite().all()


def test_lp_is_a_norm_and_has_no_sign() -> None:
    values = torch.tensor([[[-1.0, -2.0, -0.5]]])
    assert functional.lp_pool1d(values, 1.0, 3).item() == -3.5
    assert lp_pool1d(values, 1.0, 3).item() == 3.5
    cancelling = torch.tensor([[[1.0, -1.0, 0.0]]])
    assert functional.lp_pool1d(cancelling, 3.0, 3).item() == 0
    assert lp_pool1d(cancelling, 3.0, 3).item() == pytest.approx(2 ** (1 / 3))


def test_lp_in_ceil_mode_does_not_scale_the_partial_window() -> None:
    values = torch.tensor([[[1.0, 2, 3, 4, 5]]])
    assert functional.lp_pool1d(values, 2.0, 2, ceil_mode=True)[0, 0, -1].item() == pytest.approx(7.071, abs=1e-3)
    assert lp_pool1d(values, 2.0, 2, ceil_mode=True)[0, 0, -1].item() == 5


@pytest.mark.parametrize("p", [0.5, 1.0, 1.5, 2.0, 3.0])
def test_lp_of_a_zero_window_has_gradient_zero(p: float) -> None:
    values = torch.zeros(1, 1, 3, requires_grad=True)
    lp_pool1d(values, p, 3).sum().backward()
    assert values.grad.tolist() == [[[0, 0, 0]]]
    theirs = torch.zeros(1, 1, 3, requires_grad=True)
    functional.lp_pool1d(theirs, p, 3).sum().backward()
    assert theirs.grad.isnan().any() == (p < 1)


@pytest.mark.parametrize(
    ("p", "values"), [(24.0, [30.0, 40.0, 50.0]), (20.0, [1e-3, 2e-3, 5e-4]), (2.0, [1e-23, 1e-23, 1e-23])]
)
def test_lp_neither_overflows_nor_vanishes_in_single_precision(p: float, values: list[float]) -> None:
    input = torch.tensor([[values]], requires_grad=True)
    theirs = functional.lp_pool1d(input, p, 3).item()
    assert theirs in (0, math.inf)
    ours = lp_pool1d(input, p, 3)
    scale = max(values)
    assert ours.item() == pytest.approx(scale * sum((value / scale) ** p for value in values) ** (1 / p))
    ours.sum().backward()
    expected = [(value / ours.item()) ** (p - 1) for value in values]
    assert input.grad.flatten().tolist() == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_a_window_of_nothing_but_padding_gives_zero_and_not_minus_infinity() -> None:
    input = torch.tensor([[[-1.0, -2.0]]], requires_grad=True)
    options = {"kernel_size": 3, "stride": 4, "padding": 1, "dilation": 3, "ceil_mode": True}
    assert functional.max_pool1d(input, **options).tolist() == [[[-math.inf]]]
    output = max_pool1d(input, **options)
    assert output.tolist() == [[[0]]]
    output.sum().backward()
    assert input.grad.tolist() == [[[0, 0]]]


def test_ties_go_to_the_first_winner_where_topk_takes_any() -> None:
    """torch.topk promises no order among equals, so a ReLU's zeros would train whichever it likes."""
    assert torch.zeros(7).topk(1).indices.item() != 0
    input = torch.zeros(1, 1, 7, requires_grad=True)
    global_top_k_pool1d(input, k=2).sum().backward()
    assert input.grad.tolist() == [[[0.5, 0.5, 0, 0, 0, 0, 0]]]


def test_padding_is_not_counted_as_a_value() -> None:
    """torch's default counts it, so a constant is no constant at its ends."""
    ones = torch.ones(1, 1, 6)
    options = {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}
    theirs = functional.avg_pool1d(ones, **options).flatten().tolist()
    assert theirs == pytest.approx([2 / 3, 1, 1, 0.5])
    assert avg_pool1d(ones, **options).flatten().tolist() == [1, 1, 1, 1]
    assert avg_pool1d(ones, **options, count_include_pad=True).flatten().tolist() == pytest.approx(theirs)


def test_a_batch_that_is_too_short_gives_no_windows_and_does_not_raise() -> None:
    short = torch.ones(2, 3, 2)
    with pytest.raises(RuntimeError, match="Output size"):
        functional.avg_pool1d(short, 3)
    assert avg_pool1d(short, 3).shape == max_pool1d(short, 3).shape == (2, 3, 0)


def test_empty_rows_are_zero_where_torch_raises_or_says_nan() -> None:
    nothing = torch.zeros(2, 3, 0)
    assert nothing.mean(2).isnan().all()
    with pytest.raises((IndexError, RuntimeError)):
        nothing.amax(2)
    lengths = torch.tensor([0, 0])
    for pool in (global_avg_pool1d, global_max_pool1d, global_median_pool1d, global_log_mean_exp_pool1d):
        assert pool(nothing).tolist() == [[0, 0, 0]] * 2
        assert pool(torch.full((2, 3, 4), math.nan), lengths=lengths).tolist() == [[0, 0, 0]] * 2


def test_the_median_is_the_middle_where_torch_takes_the_lower_of_two() -> None:
    values = torch.tensor([[[4.0, 1.0, 3.0, 2.0]]])
    assert values.median(2).values.item() == 2
    assert global_median_pool1d(values).item() == 2.5


def test_half_precision_sums_in_single_precision() -> None:
    """65504 is the largest float16: a mean of 30000 twice must not pass through a sum that is infinite."""
    values = torch.full((1, 1, 8), 30000.0, dtype=torch.float16)
    assert global_avg_pool1d(values, lengths=torch.tensor([5])).item() == pytest.approx(30000, rel=1e-3)
    assert global_log_mean_exp_pool1d(values).item() == pytest.approx(30000, rel=1e-3)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_valid_and_not_a_number_shows(value: float) -> None:
    """Only padding is hidden: NaN among the values of a window is NaN in its result and in no other's."""
    input = torch.zeros(1, 1, 8)
    input[..., 2] = value
    for output in (max_pool1d(input, 2), avg_pool1d(input, 2), lp_pool1d(input, 2.0, 2), blur_pool1d(input, 1)):
        assert not output.isfinite().all()
        assert output[..., -2:].isfinite().all()
    assert adaptive_avg_pool1d(input, 4, lengths=torch.tensor([8]))[0].isfinite().sum() == 3
