"""Interval maps: nothing in the box leaves the bounds, and where the image is said to be attained, it is.

Every operator of the table of `test_operators` is tried; one without an interval map of its own fails.
"""

from __future__ import annotations

import itertools
import os

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from seqpool import pooling
from seqpool.errors import UsageError
from seqpool.pooling.intervals import Bounds, rounding
from tests.pooling.test_operators import BOTH, CHANNELS, TABLE, batches, modules, pooled

BUDGET = settings(max_examples=int(os.environ.get("SEQPOOL_POOLING_EXAMPLES", "5")), deadline=None)
LOOSE = {"softmax", "stochastic", "attention", "mean_std", "polyphase"}
"""Operators whose bounds hold the image and need not be attained."""


def boxes(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A batch as the lower bounds, with poison past each row's length, its upper bounds and its lengths."""
    lower, lengths = draw(batches())
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    width = torch.rand(lower.shape, generator=generator, dtype=torch.float64) * draw(st.sampled_from([0.0, 1e-3, 2.0]))
    return lower, lower + width * (torch.rand(lower.shape, generator=generator) < 0.8), lengths


def inside(lower: torch.Tensor, upper: torch.Tensor, seed: int) -> list[torch.Tensor]:
    """Points of a box in its own type: both ends, corners, and points between."""
    generator = torch.Generator().manual_seed(seed)
    points = [lower, upper]
    for _ in range(6):
        share = torch.rand(lower.shape, generator=generator, dtype=lower.dtype)
        points.append(torch.where(share < 0.5, lower, upper))
        points.append((lower + share * (upper - lower)).clamp(lower, upper))
    return points


def test_every_operator_has_a_map_of_its_own() -> None:
    for name, form in BOTH:
        assert "interval" in vars(getattr(TABLE[name], form)), f"{name}, {form}"


@pytest.mark.parametrize(("name", "form"), BOTH)
@given(data=st.data())
@BUDGET
def test_no_point_of_the_box_leaves_the_bounds(name: str, form: str, data: st.DataObject) -> None:
    """In double and in single precision, with lengths and without, a row in its batch and alone."""
    module = data.draw(modules(name, form))
    lower, upper, lengths = boxes(data.draw)
    dtype = data.draw(st.sampled_from([torch.float32, torch.float64]))
    lower, upper, module = lower.to(dtype), upper.to(dtype), module.to(dtype)
    bounds = module.interval(lower, upper, lengths)
    assert isinstance(bounds, Bounds)
    result = module(lower, lengths)
    if isinstance(result, tuple):
        assert bounds.lengths is not None
        assert bounds.lengths.equal(result[1])
    else:
        assert bounds.lengths is None
    for point in inside(lower, upper, data.draw(st.integers(0, 999))):
        output = pooled(module, point, lengths)
        assert (bounds.lower <= output).all()
        assert (output <= bounds.upper).all()
    row = int(lengths.argmax())
    low, high = (bound[row : row + 1, :, : int(lengths[row])] for bound in (lower, upper))
    alone = module.interval(low, high)
    for point in inside(low, high, 1):
        output = pooled(module, point)
        assert (alone.lower <= output).all()
        assert (output <= alone.upper).all()
        assert (bounds.lower[row : row + 1, ..., : output.shape[-1]] <= output).all()
        assert (output <= bounds.upper[row : row + 1, ..., : output.shape[-1]]).all()


@pytest.mark.parametrize(("name", "form"), [pair for pair in BOTH if pair[0] not in LOOSE])
@given(data=st.data())
@BUDGET
def test_the_image_is_attained(name: str, form: str, data: st.DataObject) -> None:
    """Against all corners, and zero where a side holds it, of boxes of up to five positions."""
    module = data.draw(modules(name, form))
    size = data.draw(st.integers(1, 5))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 999)))
    ends = torch.randn(2, 1, CHANNELS, size, generator=generator, dtype=torch.float64)
    lower, upper = ends.amin(0), ends.amax(0)
    sides = torch.stack([lower, upper, torch.zeros_like(lower).clamp(lower, upper)])
    patterns = torch.tensor(list(itertools.product(range(3), repeat=size)))
    points = torch.stack([sides[pattern, 0, :, torch.arange(size)].T for pattern in patterns])
    outputs = pooled(module, points)
    bounds = module.interval(lower, upper)
    assert torch.allclose(outputs.amin(0), bounds.lower[0], rtol=0, atol=1e-6)
    assert torch.allclose(outputs.amax(0), bounds.upper[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("module", "ends", "looser"),
    [
        (pooling.GlobalSoftmaxPool1d(), ([-1.0, 0.0], [1.0, 0.3]), 1.33),
        (pooling.GlobalStochasticPool1d(), ([0.0, 0.8], [1.0, 1.2]), 1.49),
    ],
    ids=["softmax", "stochastic"],
)
def test_how_loose_the_bounds_are(module: nn.Module, ends: tuple[list[float], list[float]], looser: float) -> None:
    """The figures of the documentation, against a fine grid over the box."""
    lower, upper = (torch.tensor([[end]], dtype=torch.float64) for end in ends)
    steps = torch.linspace(0, 1, 401, dtype=torch.float64)
    grid = torch.cartesian_prod(steps, steps).unsqueeze(1)
    outputs = module.eval()(lower + grid * (upper - lower))
    bounds = module.interval(lower, upper)
    width = float(bounds.upper - bounds.lower) / float(outputs.max() - outputs.min())
    assert width == pytest.approx(looser, abs=0.01)


def test_gradients_reach_both_ends() -> None:
    lower = torch.tensor([[[0.0, 1.0, 2.0]]], requires_grad=True)
    upper = torch.tensor([[[1.0, 1.5, 2.0]]], requires_grad=True)
    bounds = pooling.GlobalAvgPool1d().interval(lower, upper)
    (bounds.upper - bounds.lower).sum().backward()
    assert lower.grad is not None
    assert upper.grad is not None
    assert torch.allclose(lower.grad, torch.full_like(lower, -1 / 3), atol=1e-5)
    assert torch.allclose(upper.grad, torch.full_like(upper, 1 / 3), atol=1e-5)


def test_drawing_has_no_bounds() -> None:
    box = torch.zeros(1, 1, 4), torch.ones(1, 1, 4)
    with pytest.raises(UsageError, match="training mode"):
        pooling.StochasticPool1d(2).interval(*box)
    with pytest.raises(UsageError, match="training mode"):
        pooling.GlobalStochasticPool1d().interval(*box)


def test_too_many_values_for_a_type() -> None:
    with pytest.raises(UsageError, match="too many"):
        rounding(1 << 25, torch.float32)
    assert rounding(1 << 25, torch.float64) < 1e-8
