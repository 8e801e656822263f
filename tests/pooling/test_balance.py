"""Plans of strides: the worked examples, and the best of all plans by brute force."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqpool.pooling.balance import STRIDES, StridePlan, balanced_plan, fewest_layers, spread, stride_products


def test_worked_examples() -> None:
    assert balanced_plan(42, 40, 4, 2) == StridePlan((1, 2, 2, 2), (2, 2, 2, 2), 6, 3)
    assert balanced_plan(501, 64, 5, 4, cells=(16, 64)) == StridePlan((2,) * 5, (1, 2, 2, 2, 2), 16, 4)


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_products_are_all_that_strides_can_make(layers: int) -> None:
    every = list(itertools.product(STRIDES, repeat=layers))
    assert stride_products(layers) == sorted({math.prod(one) for one in every})
    assert len(stride_products(layers)) == (layers + 1) ** 2 if layers == 4 else True
    for factor in stride_products(layers):
        plans = [one for one in every if math.prod(one) == factor]
        assert spread(factor, layers) in plans
        assert fewest_layers(factor) == min(sum(s > 1 for s in one) for one in plans)
        assert sum(s > 1 for s in spread(factor, layers)) == max(sum(s > 1 for s in one) for one in plans)


@given(st.integers(4, 400), st.integers(2, 90), st.integers(1, 3), st.floats(0.3, 6))
def test_no_plan_is_nearer(frames: int, bands: int, layers: int, ratio: float) -> None:
    def after(size: int, strides: tuple[int, ...]) -> int:
        for stride in strides:
            size = -(-size // stride)
        return size

    maps = {
        (after(frames, time), after(bands, frequency))
        for time in itertools.product(STRIDES, repeat=layers)
        for frequency in itertools.product(STRIDES, repeat=layers)
    }
    fitting = [(t, f) for t, f in maps if t >= 4 and f >= 2 and 8 <= t * f <= 32]
    if not fitting:
        with pytest.raises(ValueError, match="change layers or limits"):
            balanced_plan(frames, bands, layers, ratio)
        return
    plan = balanced_plan(frames, bands, layers, ratio)
    assert (plan.frames, plan.bands) in fitting
    assert (after(frames, plan.time), after(bands, plan.frequency)) == (plan.frames, plan.bands)
    nearest = min(abs(math.log(t / (f * ratio))) for t, f in fitting)
    assert abs(math.log(plan.ratio / ratio)) == pytest.approx(nearest, abs=1e-9)
