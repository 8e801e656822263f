"""The check of bounds by sampling: a small part of it, and that it finds what is wrong."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch

from seqpool.pooling import GlobalMaxPool1d, MaxPool1d, local_pool
from seqpool.pooling.intervals import Bounds, widened
from tests.nn.test_certify import encoder
from tests.nn.test_letter_changes import detector


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = Path(__file__).parents[2] / "scripts/check_bounds.py"
    spec = importlib.util.spec_from_file_location("check_bounds", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["max", "softmax", "lp", "strided_convolution"])
def test_operators_hold(script: ModuleType, name: str) -> None:
    done, wrong = script.check_operator(lambda: local_pool(name, 3, 2, 3), 2000)
    assert done >= 2000
    assert wrong == 0


class TooNarrow(GlobalMaxPool1d):
    """Bounds that leave out the end."""

    def interval(self, lower: torch.Tensor, upper: torch.Tensor, lengths: torch.Tensor | None = None) -> Bounds:
        return widened(super().interval(lower, upper, lengths), -1e-7)


def test_bounds_that_are_too_narrow_are_found(script: ModuleType) -> None:
    assert script.check_operator(TooNarrow, 2000)[1] > 0
    assert script.check_operator(lambda: MaxPool1d(2), 1000)[1] == 0


def test_networks_hold(script: ModuleType) -> None:
    assert script.check_signals(encoder(2), 2, 60, 1000)[1] == 0
    assert script.check_letters(detector("words"), 2000)[1] == 0
