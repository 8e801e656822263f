"""Every rejection of the option checker, by its sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from seqpool.errors import UsageError
from seqpool.options.check import plain, record
from seqpool.options.networks import Encoder


@dataclass(frozen=True)
class Inner:
    rate: float = 1e-3
    kind: Literal["cosine", "constant"] = "cosine"


@dataclass(frozen=True)
class Outer:
    filters: int
    widths: tuple[int, ...] = (19,)
    name: str | None = None
    inner: Inner = field(default_factory=Inner)
    weights: dict[str, float] = field(default_factory=dict)
    both: bool = True
    width: int | tuple[int, ...] = 3

    def __post_init__(self) -> None:
        if self.filters < 1:
            raise ValueError("filters must be at least 1")


def test_round_trip() -> None:
    values = {"filters": 4, "widths": [3, 5], "inner": {"rate": "1e-2"}, "weights": {"a": 2}, "width": [1, 2]}
    built = record(Outer, values)
    assert built == Outer(4, (3, 5), inner=Inner(rate=0.01), weights={"a": 2.0}, width=(1, 2))
    assert record(Outer, plain(built)) == built


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "model lacks filters, which Outer needs"),
        ({"filtrs": 3}, "model.filtrs is not an option of Outer: did you mean filters?"),
        ({"filters": "many"}, "model.filters is 'many', expected a whole number"),
        ({"filters": True}, "model.filters is True, expected a whole number"),
        ({"filters": 0}, "model: filters must be at least 1"),
        ({"filters": 1, "widths": 3}, "model.widths is 3, expected a list of items, each a whole number"),
        ({"filters": 1, "widths": [3, "x"]}, "model.widths.1 is 'x', expected a whole number"),
        ({"filters": 1, "inner": {"kind": "cosin"}}, "model.inner.kind is 'cosin': did you mean cosine?"),
        ({"filters": 1, "inner": {"rate": "fast"}}, "model.inner.rate is 'fast', expected a number"),
        ({"filters": 1, "inner": 3}, "model.inner should hold the options of Inner, but is 3"),
        ({"filters": 1, "weights": [1]}, r"model.weights is \[1\], expected a mapping to a number"),
        ({"filters": 1, "both": "yes"}, "model.both is 'yes', expected true or false"),
        ({"filters": 1, "width": "x"}, "model.width is 'x', expected a whole number or a list of items"),
        ({"filters": 1, "inner": {"rate": float("nan")}}, "model.inner.rate is nan, expected a number"),
    ],
)
def test_rejections(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        record(Outer, values, key=("model",))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"pool": "avrage"}, r"model: 'avrage' is no local pooling, expected one of max .*; did you mean average\?"),
        ({"pool": {"name": "lq", "p": 3}}, r"model: 'lq' is no local pooling, expected one of max .* polyphase"),
        ({"global_pool": "polyphase"}, r"model: 'polyphase' is no global pooling, expected one of max .* mean_std"),
    ],
)
def test_an_unknown_pooling_is_refused_before_anything_is_built(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        record(Encoder, {"channels": [8], **values}, key=("model",))
