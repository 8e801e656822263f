"""The statements that textbooks make about pooling, each with its numbers, and the theorems behind them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from seqpool.pooling import (
    AvgPool1d,
    BlurPool1d,
    GlobalAvgPool1d,
    GlobalMaxPool1d,
    LPPool1d,
    MaxPool1d,
    MedianPool1d,
    MinPool1d,
    avg_pool1d,
    global_avg_pool1d,
    global_log_mean_exp_pool1d,
    global_max_pool1d,
    global_softmax_pool1d,
    log_mean_exp_pool1d,
    max_pool1d,
    polyphase_pool1d,
    strided_conv_pool1d,
)
from seqpool.pooling.geometry import conv_parameters, dense_parameters

MATRIX = torch.tensor([[3.0, 2, 0, 0], [0, 7, 1, 3], [5, 2, 3, 0], [0, 9, 2, 3]]).reshape(1, 1, 4, 4)
CHANNELS_LAST = torch.tensor([[[3.0, 2, 0, 0], [0, 7, 1, 3]], [[5, 2, 3, 0], [0, 9, 2, 3]]]).reshape(1, 2, 2, 4)


def test_one_window() -> None:
    window = torch.tensor([[[1.7, 0.9, -0.2, 1.1]]])
    assert avg_pool1d(window, 4).item() == pytest.approx(0.875)
    assert max_pool1d(window, 4).item() == pytest.approx(1.7)


def test_a_matrix_pooled_two_by_two() -> None:
    assert max_pool1d(MATRIX, 2, axis=(2, 3)).tolist() == [[[[7, 3], [9, 3]]]]
    assert avg_pool1d(MATRIX, 2, axis=(2, 3)).tolist() == [[[[3, 1], [4, 2]]]]


def test_a_channels_last_array_pooled_globally() -> None:
    assert global_avg_pool1d(CHANNELS_LAST, axis=(1, 2)).tolist() == [[2, 5, 1.5, 1.5]]
    assert global_max_pool1d(CHANNELS_LAST, axis=(1, 2)).tolist() == [[5, 9, 3, 3]]


@pytest.mark.parametrize("size", [5, 50])
def test_any_size_ends_as_one_by_one(size: int) -> None:
    image = torch.rand(2, 7, size, size)
    assert global_avg_pool1d(image, axis=(2, 3)).shape == (2, 7)
    assert global_max_pool1d(image, axis=(2, 3)).shape == (2, 7)


@pytest.mark.parametrize(
    "module",
    [
        MaxPool1d(2),
        AvgPool1d(2),
        MinPool1d(2),
        LPPool1d(3, 2),
        MedianPool1d(3),
        BlurPool1d(2),
        GlobalMaxPool1d(),
        GlobalAvgPool1d(),
    ],
)
def test_fixed_poolers_have_no_parameters(module: nn.Module) -> None:
    assert not list(module.parameters())
    assert not list(module.buffers())


@pytest.mark.parametrize("size", [2, 4, 8])
def test_one_outlier_moves_the_maximum_in_full_and_the_average_by_its_share(size: int) -> None:
    window = torch.zeros(1, 1, size)
    outlier = window.clone()
    outlier[..., 1] = 5
    assert (max_pool1d(outlier, size) - max_pool1d(window, size)).item() == 5
    assert (avg_pool1d(outlier, size) - avg_pool1d(window, size)).item() == pytest.approx(5 / size)


def test_a_shift_inside_its_window_leaves_the_maximum_and_moves_the_average_within_its_bound() -> None:
    """|change of the average| <= min(t, k) / k times the range, and the bound is reached."""
    size = 4
    impulse = torch.zeros(1, 1, 12, dtype=torch.float64)
    impulse[..., 5] = 1
    assert torch.equal(max_pool1d(impulse.roll(1, 2), size), max_pool1d(impulse, size))
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(2000, 1, 12, generator=generator, dtype=torch.float64)
    for shift in range(1, 6):
        change = (avg_pool1d(noise.roll(shift, 2), size) - avg_pool1d(noise, size)).abs()
        span = noise.amax(2) - noise.amin(2)
        assert (change.amax(2) <= min(shift, size) / size * span + 1e-12).all()
        step = torch.tensor([0.0] * 6 + [1.0] * 6).double().roll(-2).reshape(1, 1, 12)
        largest = (avg_pool1d(step.roll(shift, 2), size) - avg_pool1d(step, size)).abs().max()
        assert largest == pytest.approx(min(shift, size) / size)


@pytest.mark.parametrize(("size", "share"), [(2, 1 / 3), (4, 3 / 5), (8, 7 / 9)])
def test_share_of_maxima_that_a_shift_by_one_leaves(size: int, share: float) -> None:
    """White noise: (k - 1) / (k + 1) of the maxima stay, none of the averages do."""
    noise = torch.rand(1, 1, 400_000, generator=torch.Generator().manual_seed(1))
    shifted = noise.roll(1, 2)
    unchanged = (max_pool1d(shifted, size) == max_pool1d(noise, size)).double().mean().item()
    assert unchanged == pytest.approx(share, abs=0.01)
    assert (avg_pool1d(shifted, size) == avg_pool1d(noise, size)).double().mean().item() < 1e-3


def test_a_shift_by_one_stride_shifts_the_output_by_one() -> None:
    signal = torch.rand(3, 2, 24, generator=torch.Generator().manual_seed(2))
    for pool in (max_pool1d, avg_pool1d):
        assert torch.equal(pool(signal.roll(4, 2), 4), pool(signal, 4).roll(1, 2))


def test_pooling_halves_and_halves_again() -> None:
    once = max_pool1d(torch.rand(1, 1, 128), 2)
    assert once.shape[2] == 64
    assert max_pool1d(once, 2).shape[2] == 32


@pytest.mark.parametrize("size", [2, 3, 5])
def test_binary_windows_average_tells_the_share_and_maximum_only_presence(size: int) -> None:
    windows = torch.tensor(list(np.ndindex(*[2] * size))).double().unsqueeze(1)
    assert len(max_pool1d(windows, size).unique()) == 2
    assert len(avg_pool1d(windows, size).unique()) == size + 1


def test_three_convolutions_see_seven_and_have_55744_parameters() -> None:
    stages = [(1, 32), (32, 64), (64, 64)]
    assert [conv_parameters(a, b, 3, dimensions=2) for a, b in stages] == [320, 18496, 36928]
    network = nn.Sequential(*[nn.Conv2d(a, b, 3) for a, b in stages])
    assert sum(parameter.numel() for parameter in network.parameters()) == 55744
    image = torch.zeros(1, 1, 7, 7, requires_grad=True)
    output = network(image)
    assert output.shape == (1, 64, 1, 1)


def test_global_pooling_cuts_the_head_by_more_than_nine_tenths() -> None:
    assert dense_parameters(256 * 36, 10) == 92170
    assert dense_parameters(256, 10) == 2570
    assert pytest.approx(0.972, abs=5e-4) == 1 - 2570 / 92170
    hidden = dense_parameters(256 * 36, 4096) + dense_parameters(4096, 1000)
    assert hidden == 41849832
    assert dense_parameters(256, 1000) == 257000
    assert sum(parameter.numel() for parameter in nn.Linear(256, 1000).parameters()) == 257000


# --- log-mean-exp ----


def test_log_mean_exp_runs_from_average_to_maximum() -> None:
    values = torch.randn(1, 1, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    average, most = values.mean(), values.amax()
    results = [global_log_mean_exp_pool1d(values, temperature=10.0**power).item() for power in range(4, -5, -1)]
    assert results == sorted(results)
    assert results[0] == pytest.approx(average.item(), abs=1e-3)
    assert results[-1] == pytest.approx(most.item(), abs=1e-3)
    assert global_log_mean_exp_pool1d(values, temperature=math.inf).item() == pytest.approx(average.item())
    assert global_log_mean_exp_pool1d(values, temperature=0.0).item() == most
    for temperature in (0.01, 0.1, 1.0):
        gap = most - global_log_mean_exp_pool1d(values, temperature=temperature)
        assert -1e-12 <= gap.item() <= temperature * math.log(9) + 1e-12


def test_log_mean_exp_is_exact_where_the_plain_formula_fails() -> None:
    """Near the average mean + var / (2 T) is the truth; logsumexp loses it in single precision and exp overflows."""
    values = torch.randn(1, 1, 9, generator=torch.Generator().manual_seed(4))
    exact = values.double()
    for temperature in (1e3, 1e5, 1e7):
        truth = (exact.mean() + exact.var(correction=0) / (2 * temperature)).item()
        ours = global_log_mean_exp_pool1d(values, temperature=temperature).item()
        plain = (temperature * (torch.logsumexp(values / temperature, 2) - math.log(9))).item()
        assert ours == pytest.approx(truth, abs=1e-6)
        if temperature > 1e4:
            assert abs(plain - truth) > 1e-3
    for sharpness in (-100.0, -1.0, 1.0, 88.0, 1000.0):
        ours = global_log_mean_exp_pool1d(values, temperature=1 / sharpness).double()
        truth = global_log_mean_exp_pool1d(exact, temperature=1 / sharpness)
        torch.testing.assert_close(ours, truth, rtol=0, atol=4e-7)


def test_log_mean_exp_moves_with_a_constant_and_weighs_by_softmax() -> None:
    values = torch.randn(2, 3, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(5), requires_grad=True)
    result = log_mean_exp_pool1d(values, 4, temperature=0.5)
    torch.testing.assert_close(log_mean_exp_pool1d(values + 7, 4, temperature=0.5), result + 7)
    result.sum().backward()
    weights = (values.detach().reshape(2, 3, 2, 4) / 0.5).softmax(-1).reshape(2, 3, 8)
    torch.testing.assert_close(values.grad, weights)


def test_the_average_is_the_maximum_entropy_member() -> None:
    """LME maximises <p, x> + T H(p) over weights p, less T log n; the entropy of its weights grows with T."""
    values = torch.randn(1, 1, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(6))
    entropies = []
    for temperature in (0.1, 1.0, 10.0, 1000.0):
        weights = (values / temperature).softmax(-1)
        entropy = -(weights * weights.log()).sum()
        entropies.append(entropy.item())
        softmax_mean = global_softmax_pool1d(values, temperature=temperature)
        expected = softmax_mean + temperature * (entropy - math.log(7))
        torch.testing.assert_close(global_log_mean_exp_pool1d(values, temperature=temperature), expected.reshape(1, 1))
        assert global_log_mean_exp_pool1d(values, temperature=temperature) <= softmax_mean <= values.amax()
    assert entropies == sorted(entropies)
    assert entropies[-1] == pytest.approx(math.log(7), abs=1e-5)


def test_a_learnt_temperature_follows_the_divergence_from_uniform() -> None:
    """d LME / d(1/T) = T^2 KL(softmax || uniform), never below 0."""
    values = torch.randn(1, 1, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
    sharpness = torch.tensor(1.7, dtype=torch.float64, requires_grad=True)
    global_log_mean_exp_pool1d(values, temperature=1 / sharpness).sum().backward()
    weights = (1.7 * values).softmax(-1)
    divergence = (weights * (weights * 6).log()).sum()
    torch.testing.assert_close(sharpness.grad, divergence / 1.7**2)


# --- identities ----


def test_a_strided_convolution_of_equal_weights_is_the_average() -> None:
    values = torch.randn(2, 3, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(8))
    weights = torch.full((3, 4), 0.25, dtype=torch.float64)
    torch.testing.assert_close(strided_conv_pool1d(values, weights), avg_pool1d(values, 4))


def test_global_average_and_a_dense_layer_change_places() -> None:
    values = torch.randn(2, 5, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(9))
    dense = nn.Linear(5, 3).double()
    after = dense(global_avg_pool1d(values))
    before = global_avg_pool1d(dense(values.transpose(1, 2)).transpose(1, 2))
    torch.testing.assert_close(before, after)


def test_flooring_drops_the_tail_and_ceiling_overweighs_it() -> None:
    values = torch.tensor([[[0.0] * 8 + [1.0] * 3]])
    assert avg_pool1d(values, 4).mean().item() == 0
    assert avg_pool1d(values, 4, ceil_mode=True).mean().item() == pytest.approx(1 / 3)
    assert global_avg_pool1d(values).item() == pytest.approx(3 / 11)


# --- adaptive polyphase sampling ----


@pytest.mark.parametrize("stride", [2, 3, 4, 5])
@pytest.mark.parametrize("content", ["noise", "ties"])
def test_polyphase_sampling_of_a_circle_only_rolls(stride: int, content: str) -> None:
    """A shift by t gives the same samples, rolled, to the bit; also where combs have equal energies."""
    generator = torch.Generator().manual_seed(stride)
    for _ in range(20):
        shape = (1, 2, 4 * stride)
        noise, grid = torch.randn(shape, generator=generator), torch.randint(-2, 3, shape, generator=generator).float()
        signal = noise if content == "noise" else grid
        kept = polyphase_pool1d(signal, stride)
        for shift in range(1, 2 * stride):
            moved = polyphase_pool1d(signal.roll(shift, 2), stride)
            assert any(torch.equal(moved, kept.roll(roll, 2)) for roll in range(4))


def test_polyphase_sampling_breaks_the_known_tie() -> None:
    """[3, 5, 4, 0]: both combs have energy 25; the naive choice keeps [3, 4], then [0, 5]."""
    signal = torch.tensor([[[3.0, 5, 4, 0]]])
    kept = [sorted(polyphase_pool1d(signal.roll(shift, 2)).flatten().tolist()) for shift in range(4)]
    assert kept == [[0, 5]] * 4


@pytest.mark.parametrize("stride", [2, 3, 4])
def test_polyphase_sampling_inside_margins_of_zeros(stride: int) -> None:
    signal = torch.zeros(1, 2, 8 * stride)
    signal[..., 3 * stride : 5 * stride] = torch.randn(1, 2, 2 * stride, generator=torch.Generator().manual_seed(0))
    kept = polyphase_pool1d(signal, stride)
    for shift in range(-2 * stride, 2 * stride):
        moved = polyphase_pool1d(signal.roll(shift, 2), stride)
        assert any(torch.equal(moved, kept.roll(roll, 2)) for roll in range(-3, 4))


# --- blur ----


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("stride", [2, 3, 4])
def test_blur_keeps_a_constant_up_to_every_edge(mode: str, stride: int) -> None:
    output, lengths = BlurPool1d(stride, padding_mode=mode)(torch.ones(3, 2, 9), torch.tensor([9, 5, 1]))
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(output[row, :, :length], torch.ones(2, length))


def test_blur_padded_with_zeros_does_not() -> None:
    output = BlurPool1d(1, taps=5, padding_mode="zero")(torch.ones(1, 1, 8))
    assert output[0, 0, 0].item() == pytest.approx(0.6875)


def test_gain_of_an_impulse_does_not_depend_on_where_it_falls() -> None:
    """Summed over the outputs: 1/3 for the triangle at stride 3 at every offset, 1/2 for any binomial at stride 2."""
    for module, gains in [
        (BlurPool1d(3, taps=3, padding_mode="circular"), {0.25, 0.5}),
        (BlurPool1d(3, padding_mode="circular"), {1 / 3}),
        (BlurPool1d(2, padding_mode="circular"), {0.5}),
        (BlurPool1d(2, taps=6, padding_mode="circular"), {0.5}),
    ]:
        impulses = torch.eye(12, dtype=torch.float64).unsqueeze(1)
        found = module(impulses).sum(2).flatten().tolist()
        assert all(min(abs(gain - wanted) for wanted in gains) < 1e-12 for gain in found)
        assert all(min(abs(gain - wanted) for gain in found) < 1e-12 for wanted in gains)
