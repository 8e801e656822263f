"""Where the gradient goes: the documented fact of each operator."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from seqpool.pooling import (
    AttentionPool1d,
    BlurPool1d,
    GlobalAttentionPool1d,
    MaxBlurPool1d,
    StochasticPool1d,
    adaptive_max_pool1d,
    avg_pool1d,
    generalised_mean_pool1d,
    global_avg_pool1d,
    global_generalised_mean_pool1d,
    global_log_mean_exp_pool1d,
    global_lp_pool1d,
    global_max_average_pool1d,
    global_max_pool1d,
    global_mean_std_pool1d,
    global_median_pool1d,
    global_min_pool1d,
    global_mixed_pool1d,
    global_softmax_pool1d,
    global_stochastic_pool1d,
    global_sum_pool1d,
    global_top_k_pool1d,
    lp_pool1d,
    max_pool1d,
    min_pool1d,
    polyphase_pool1d,
    strided_conv_pool1d,
)

TIES = [0.0, 3.0, 1.0, 3.0, 3.0, 2.0]
SEVEN = [0.3, -1.2, 0.8, 2.1, -0.4, 0.05, 1.4]


def gradient(pool: Callable[[torch.Tensor], torch.Tensor], values: list[float]) -> torch.Tensor:
    """Gradient of the summed output with respect to one channel of values."""
    leaf = torch.tensor([[values]], dtype=torch.float64, requires_grad=True)
    pool(leaf).sum().backward()
    assert leaf.grad is not None
    return leaf.grad.flatten()


def one_hot(index: int, size: int) -> list[float]:
    return [float(position == index) for position in range(size)]


@pytest.mark.parametrize(
    "pool",
    [
        global_max_pool1d,
        lambda x: max_pool1d(x, 6),
        lambda x: adaptive_max_pool1d(x, 1),
        lambda x: max_pool1d(x, 6, lengths=torch.tensor([6]))[0],
        lambda x: adaptive_max_pool1d(x, 1, lengths=torch.tensor([6]))[0],
        lambda x: global_max_pool1d(x, lengths=torch.tensor([6])),
        lambda x: global_top_k_pool1d(x, k=1),
        lambda x: global_log_mean_exp_pool1d(x, temperature=0.0),
        lambda x: global_softmax_pool1d(x, temperature=0.0),
        lambda x: global_mixed_pool1d(x, weight=1.0),
        lambda x: global_lp_pool1d(x, math.inf),
        lambda x: -global_min_pool1d(-x),
        lambda x: -min_pool1d(-x, 6),
    ],
)
def test_the_maximum_sends_all_to_the_first_winner_in_every_path(
    pool: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    assert gradient(pool, TIES).tolist() == one_hot(1, 6)
    assert gradient(pool, [0.0] * 6).abs().tolist() in (one_hot(0, 6), [0.0] * 6)


def test_a_winner_of_overlapping_windows_collects_from_each() -> None:
    """At most ceil(k / s) windows see one position."""
    values = [0.0, 0, 0, 0, 9, 0, 0, 0, 0]
    assert gradient(lambda x: max_pool1d(x, 5, 2), values)[4] == 3


def test_nested_maxima_keep_the_gradient_whole_on_one_cell() -> None:
    values = torch.randn(32, generator=torch.Generator().manual_seed(0)).tolist()

    def nested(x: torch.Tensor) -> torch.Tensor:
        for _ in range(5):
            x = max_pool1d(x, 2)
        return x

    assert gradient(nested, values).tolist() == one_hot(max(range(32), key=values.__getitem__), 32)


@pytest.mark.parametrize(("size", "layers", "share"), [(2, 5, 0.03125), (3, 5, 3**-5)])
def test_nested_averages_fade_as_a_power_of_the_window(size: int, layers: int, share: float) -> None:
    """Each value is k^-n; their sum stays 1; their Euclidean norm is k^(-n / 2)."""

    def nested(x: torch.Tensor) -> torch.Tensor:
        for _ in range(layers):
            x = avg_pool1d(x, size)
        return x

    found = gradient(nested, [0.0] * size**layers)
    torch.testing.assert_close(found, torch.full_like(found, share))
    assert found.abs().sum().item() == pytest.approx(1)
    assert found.norm().item() == pytest.approx(size ** (-layers / 2))


def test_averages_share_evenly_over_what_is_valid() -> None:
    assert gradient(global_avg_pool1d, SEVEN).tolist() == pytest.approx([1 / 7] * 7)
    found = gradient(lambda x: global_avg_pool1d(x, lengths=torch.tensor([5])), SEVEN)
    assert found.tolist() == pytest.approx([1 / 5] * 5 + [0, 0])
    assert gradient(global_sum_pool1d, SEVEN).tolist() == [1] * 7


def test_top_k_and_median() -> None:
    assert gradient(lambda x: global_top_k_pool1d(x, k=2), TIES).tolist() == [0, 0.5, 0, 0.5, 0, 0]
    assert gradient(global_median_pool1d, SEVEN).tolist() == one_hot(0, 7)
    assert gradient(global_median_pool1d, TIES).tolist() == [0, 0.5, 0, 0, 0, 0.5]


def test_log_mean_exp_and_softmax() -> None:
    x = torch.tensor(SEVEN, dtype=torch.float64)
    weights = (x / 0.5).softmax(0)
    torch.testing.assert_close(gradient(lambda x: global_log_mean_exp_pool1d(x, temperature=0.5), SEVEN), weights)
    found = gradient(lambda x: global_softmax_pool1d(x, temperature=0.5), SEVEN)
    torch.testing.assert_close(found, weights * (1 + (x - (weights * x).sum()) / 0.5))
    assert found.sum().item() == pytest.approx(1)
    assert found.min() < 0


@pytest.mark.parametrize("p", [0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 64.0, 200.0])
def test_powers(p: float) -> None:
    """sign(x) (|x| / y)^(p - 1), over n for the mean; 0 at 0."""
    values = [1.0, -2.0, 3.0, 0.0, 0.5]
    x = torch.tensor(values, dtype=torch.float64)
    for mean, pool in ((1, global_lp_pool1d), (5, global_generalised_mean_pool1d)):
        y = (x.abs().pow(p).sum() / mean) ** (1 / p)
        expected = torch.where(x == 0, 0.0, x.sign() * (x.abs() / y) ** (p - 1)) / mean
        found = gradient(
            lambda x, pool=pool: pool(x, norm_type=p) if pool is global_lp_pool1d else pool(x, p=p), values
        )
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-14)
        if p >= 1:
            assert found.abs().sum() <= (1 if mean == 5 else 5 ** (1 / p)) + 1e-12


@pytest.mark.parametrize("p", [0.5, 1.0, 1.5, 2.0, 7.0])
def test_a_zero_window_takes_and_gives_nothing(p: float) -> None:
    for pool in (lambda x: lp_pool1d(x, p, 3), lambda x: generalised_mean_pool1d(x, 3, p=p)):
        assert gradient(pool, [0.0] * 6).tolist() == [0] * 6


def test_stochastic_pooling() -> None:
    """Training: all to the one drawn. Evaluation: (2 a - E) / sum a where a > 0."""
    values = [1.6, 0.0, 0.0, 2.4]
    assert global_stochastic_pool1d(torch.tensor([[values]])).item() == pytest.approx(2.08)
    found = gradient(global_stochastic_pool1d, values)
    expected = torch.tensor([2 * value - 2.08 if value > 0 else 0 for value in values], dtype=torch.float64) / 4
    torch.testing.assert_close(found, expected)
    for seed in range(8):
        drawn = gradient(lambda x, seed=seed: global_stochastic_pool1d(x, training=True, seed=seed), values)
        assert drawn.tolist() in (one_hot(0, 4), one_hot(3, 4))
    assert gradient(lambda x: global_stochastic_pool1d(x, training=True), [0.0, -1.0, 0.0]).tolist() == [0, 0, 0]


def test_stochastic_draws_have_the_stated_probabilities_and_a_generator_of_their_own() -> None:
    rows = torch.tensor([[[1.6, -3.0, 0.0, 2.4]]]).expand(200_000, 1, 4)
    module = StochasticPool1d(4).train()
    state = torch.get_rng_state()
    first, second = module(rows), module(rows)
    assert torch.equal(torch.get_rng_state(), state)
    assert first.unique().tolist() == pytest.approx([1.6, 2.4])
    assert first.mean().item() == pytest.approx(2.08, abs=0.005)
    agreement = (first == second).double().mean().item()
    assert agreement == pytest.approx(0.4**2 + 0.6**2, abs=0.01)
    resumed = StochasticPool1d(4).train()
    resumed.load_state_dict(module.state_dict())
    assert torch.equal(resumed(rows), module(rows))
    assert not torch.equal(StochasticPool1d(4, seed=1).train()(rows), StochasticPool1d(4).train()(rows))


def test_stochastic_draws_are_uniform_and_independent() -> None:
    """Moments, and no correlation between neighbours in any direction (rows, channels, windows, seeds)."""
    from seqpool.pooling.operators.stochastic import uniform_draws

    draws = torch.stack([uniform_draws(torch.tensor(seed), 40, 40, 100) for seed in range(3)]).double()
    assert draws.min() >= 0
    assert draws.max() < 1
    assert draws.mean().item() == pytest.approx(0.5, abs=3e-3)
    assert draws.var().item() == pytest.approx(1 / 12, abs=1e-3)
    counts = torch.histc(draws.float(), 64, 0, 1)
    expected = draws.numel() / 64
    assert ((counts - expected).square() / expected).sum().item() < 125  # 63 degrees of freedom: p < 1e-5
    for axis in range(4):
        size = draws.shape[axis]
        pair = torch.stack([draws.narrow(axis, 0, size - 1).flatten(), draws.narrow(axis, 1, size - 1).flatten()])
        assert abs(torch.corrcoef(pair)[0, 1].item()) < 0.01


def test_mixed_and_joined() -> None:
    expected = 0.3 * torch.tensor(one_hot(1, 6)) + 0.7 / 6
    torch.testing.assert_close(gradient(lambda x: global_mixed_pool1d(x, weight=0.3), TIES).float(), expected)
    weight = torch.tensor(0.4, requires_grad=True)
    global_mixed_pool1d(torch.tensor([[TIES]]), weight=weight.sigmoid()).sum().backward()
    share = torch.tensor(0.4).sigmoid()
    torch.testing.assert_close(weight.grad, share * (1 - share) * (3 - 2))
    torch.testing.assert_close(gradient(global_max_average_pool1d, TIES).float(), torch.tensor(one_hot(1, 6)) + 1 / 6)


def test_standard_deviation() -> None:
    x = torch.tensor(SEVEN, dtype=torch.float64)
    deviation = x.std(correction=0)
    found = gradient(lambda x: global_mean_std_pool1d(x)[:, 1:], SEVEN)
    torch.testing.assert_close(found, (x - x.mean()) / (7 * deviation))
    assert gradient(lambda x: global_mean_std_pool1d(x)[:, 1:], [2.0] * 4).tolist() == [0] * 4


def test_attention_weights_and_their_limits() -> None:
    """No preference: the average. One position: that position. Order does not matter. 2 (C h + h) + h parameters."""
    torch.manual_seed(0)
    module = GlobalAttentionPool1d(5, hidden=4).double()
    assert sum(parameter.numel() for parameter in module.parameters()) == 2 * (5 * 4 + 4) + 4
    values = torch.randn(2, 5, 9, dtype=torch.float64)
    torch.testing.assert_close(module(values[..., :1]), values[..., 0])
    torch.testing.assert_close(module(values[..., torch.randperm(9)]), module(values))
    with torch.no_grad():
        module.scores.score.weight.zero_()
    torch.testing.assert_close(module(values), values.mean(2))
    whole = AttentionPool1d(5, 9, hidden=4).double()
    whole.load_state_dict(module.state_dict())
    torch.testing.assert_close(whole(values).squeeze(2), module(values))


def test_filters_send_their_taps() -> None:
    impulse = gradient(lambda x: BlurPool1d(2)(x)[..., 1], [0.0] * 6)
    assert impulse.tolist() == [0, 0.25, 0.5, 0.25, 0, 0]
    weights = torch.tensor([[2.0, -1.0]], dtype=torch.float64)
    assert gradient(lambda x: strided_conv_pool1d(x, weights), [0.0] * 4).tolist() == [2, -1, 2, -1]
    spread = gradient(lambda x: MaxBlurPool1d(2)(x)[..., 1], [0.0, 1, 2, 9, 0, 0, 0])
    assert spread.tolist() == pytest.approx([0, 0, 0.25, 0.75, 0, 0, 0])
    assert gradient(polyphase_pool1d, [1.0, 5, 2, 5, 0, 5]).tolist() == [0, 1] * 3
