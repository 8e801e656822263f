"""Every operator, one row of a table each, against loops over single values and the same list of promises.

An operator without a row here fails `test_the_table_is_complete`.
"""

from __future__ import annotations

import copy
import inspect
import math
import os
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

import seqpool.pooling.operators
import seqpool.pooling.reduction
import seqpool.pooling.rows
from seqpool import pooling
from seqpool.errors import UsageError
from seqpool.pooling.choice import OPERATORS
from seqpool.pooling.geometry import commutes_with_reversal
from seqpool.pooling.ranks import cell_at, ranks

BUDGET = settings(max_examples=int(os.environ.get("SEQPOOL_POOLING_EXAMPLES", "12")), deadline=None)
CHANNELS = 3

Values = np.ndarray
"""(C, n): the valid values of one window or row, all channels."""
Summary = Callable[[Values, np.ndarray, nn.Module], np.ndarray]
"""(values, which cell of the window each one is, module) -> (C',)."""


# --- one window at a time, in the plainest NumPy
# ----------------------------------------------------------------------------


def each(function: Callable[[np.ndarray, nn.Module], float]) -> Summary:
    def summary(values: Values, cells: np.ndarray, module: nn.Module) -> np.ndarray:
        return np.array([function(channel, module) for channel in values])

    return summary


def power_mean(values: np.ndarray, p: float, count: int) -> float:
    if math.isinf(p):
        return float(np.abs(values).max())
    total = math.fsum(abs(value) ** p for value in values) / count
    return total ** (1 / p)


def log_mean_exp(values: np.ndarray, temperature: float) -> float:
    if math.isinf(temperature):
        return float(values.mean())
    if temperature == 0:
        return float(values.max())
    top = max(value / temperature for value in values)
    return temperature * (top + math.log(math.fsum(math.exp(v / temperature - top) for v in values) / len(values)))


def softmax_mean(values: np.ndarray, temperature: float) -> float:
    if math.isinf(temperature):
        return float(values.mean())
    if temperature == 0:
        return float(values.max())
    weights = np.exp(values / temperature - (values / temperature).max())
    return float((weights * values).sum() / weights.sum())


def expected_draw(values: np.ndarray, negatives: str) -> float:
    if negatives == "softmax":
        return softmax_mean(values, 1.0)
    sizes = np.maximum(values, 0)
    return float((sizes**2).sum() / sizes.sum()) if sizes.any() else 0.0


def learnt_temperature(module: nn.Module) -> float:
    return module.temperature if module.log_temperature is None else float(module.log_temperature.detach().exp())


def learnt_share(module: nn.Module) -> float:
    return module.weight if module.weight_logit is None else float(module.weight_logit.detach().sigmoid())


def attended(values: Values, cells: np.ndarray, module: nn.Module) -> np.ndarray:
    scorer = {name: p.detach().double().numpy() for name, p in module.scores.named_parameters()}
    scores = []
    for cell in values.T:
        gate = 1 / (1 + np.exp(-(scorer["gate.weight"] @ cell + scorer["gate.bias"])))
        scores.append(
            float(scorer["score.weight"][0] @ (np.tanh(scorer["value.weight"] @ cell + scorer["value.bias"]) * gate))
        )
    weights = np.exp(np.array(scores) - max(scores))
    return values @ (weights / weights.sum())


def filtered(values: Values, cells: np.ndarray, module: nn.Module) -> np.ndarray:
    return (values * module.weight.detach().double().numpy()[:, cells]).sum(1)


# --- one row of a batch at a time
# -------------------------------------------------------------------------------------------


def over_windows(summary: Summary) -> Callable[[nn.Module, Values], np.ndarray]:
    """All windows of a row (C, length), by the definition: which positions each one covers."""

    def oracle(module: nn.Module, row: Values) -> np.ndarray:
        window, length = module.window, row.shape[1]
        outputs = []
        while length:
            first = len(outputs) * window.step - window.padding
            end = first + window.dilation * (window.kernel_size - 1) + 1
            if end > length + window.padding and not window.ceil_mode:
                break
            # ceil mode: a window may overhang, but must start in the row or left of it, and less than a stride is
            # missing
            if window.ceil_mode and (first >= length or end - (length + window.padding) >= window.step):
                break
            positions = first + window.dilation * np.arange(window.kernel_size)
            cells = np.flatnonzero((positions >= 0) & (positions < length))
            channels = module.output_channels(row.shape[0])
            outputs.append(summary(row[:, positions[cells]], cells, module) if cells.size else np.zeros(channels))
        return np.stack(outputs, 1) if outputs else np.zeros((module.output_channels(row.shape[0]), 0))

    return oracle


PAD_MODE = {"reflect": "reflect", "replicate": "edge", "circular": "wrap", "zero": "constant"}


def blurred(row: Values, stride: int, taps: int | None, mode: str) -> np.ndarray:
    """NumPy's own padding and convolution; the filter from repeated convolution with a box."""
    if row.shape[1] == 0:
        return row
    if taps is None and stride > 2:
        kernel = np.convolve(np.ones(stride), np.ones(stride)) / stride**2
    else:
        kernel = np.ones(1)
        for _ in range((taps or 3) - 1):
            kernel = np.convolve(kernel, [0.5, 0.5])
    padding = ((len(kernel) - 1) // 2, len(kernel) // 2)
    return np.stack(
        [np.convolve(np.pad(channel, padding, PAD_MODE[mode]), kernel, "valid")[::stride] for channel in row]
    )


def blur_oracle(module: nn.Module, row: Values) -> np.ndarray:
    return blurred(row, module.stride, module.taps, module.padding_mode)


def max_blur_oracle(module: nn.Module, row: Values) -> np.ndarray:
    count = max(0, row.shape[1] - module.kernel_size + 1)
    most = np.zeros((row.shape[0], count))
    for start in range(count):
        most[:, start] = row[:, start : start + module.kernel_size].max(1)
    return blurred(most, module.stride or module.kernel_size, module.taps, module.padding_mode)


def polyphase_oracle(module: nn.Module, row: Values) -> np.ndarray:
    filled = np.pad(row, ((0, 0), (0, -row.shape[1] % module.stride)))
    combs = [filled[:, start :: module.stride] for start in range(module.stride)]

    def rank(comb: np.ndarray) -> tuple[float, list[list[float]]]:
        columns = comb.T.tolist()
        rotations = [columns[start:] + columns[:start] for start in range(len(columns))]
        return math.fsum((comb**2).ravel()), max(rotations, default=[])

    return max(combs, key=rank)


def cells_oracle(summary: Callable[[np.ndarray], np.ndarray]) -> Callable[[nn.Module, Values], np.ndarray]:
    def oracle(module: nn.Module, row: Values) -> np.ndarray:
        length, count = row.shape[1], module.output_size
        if length == 0:
            return row
        bounds = [(i * length // count, math.ceil((i + 1) * length / count)) for i in range(count)]
        return np.stack([summary(row[:, first:stop]) for first, stop in bounds], 1)

    return oracle


# --- the table
# --------------------------------------------------------------------------------------------------------------

FULL = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
FLAT = ("kernel_size", "stride", "padding", "ceil_mode")
Strategies = Mapping[str, st.SearchStrategy[Any]]


@dataclass(frozen=True)
class Row:
    """What is promised of one operator.

    Attributes:
        file: of `seqpool/pooling/operators`.
        local, whole: its modules.
        window: the window arguments that the local module takes.
        parameters: the arguments of its own.
        summary: one window or row by the definition.
        oracle: a whole row of the local operator, where windows do not say it.
        separable: one axis after the other is the operator over both.
        nested: global pooling of equal windows' results is global pooling.
        reverses: pooling the reversed row reverses the result, where the geometry says so.
        slides: leaving out the first stride positions leaves out the first output.
    """

    file: str
    local: type[nn.Module] | None = None
    whole: type[nn.Module] | None = None
    window: tuple[str, ...] = ()
    parameters: Strategies = field(default_factory=dict)
    summary: Summary | None = None
    oracle: Callable[[nn.Module, Values], np.ndarray] | None = None
    separable: bool = False
    nested: bool = False
    reverses: bool = True
    slides: bool = True


EXPONENTS = st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0, 7.5, math.inf])
TEMPERATURES = st.sampled_from([math.inf, 50.0, 1.0, 0.3, 0.0, -0.5])
LEARNT = {"learnable": st.just(True), "temperature": st.sampled_from([0.3, 1.0, 20.0])}
FIXED = {"learnable": st.just(False), "temperature": TEMPERATURES}
BLUR = {"taps": st.sampled_from([None, 2, 3, 4, 5, 6, 7]), "padding_mode": st.sampled_from(sorted(PAD_MODE))}

TABLE = {
    "max": Row(
        "maximum", pooling.MaxPool1d, pooling.GlobalMaxPool1d, FULL,
        summary=each(lambda v, m: v.max()), separable=True, nested=True,
    ),
    "min": Row(
        "minimum", pooling.MinPool1d, pooling.GlobalMinPool1d, FULL,
        summary=each(lambda v, m: v.min()), separable=True, nested=True,
    ),
    "average": Row(
        "average", pooling.AvgPool1d, pooling.GlobalAvgPool1d, FLAT,
        summary=each(lambda v, m: v.mean()), separable=True, nested=True,
    ),
    "sum": Row(
        "sum", pooling.SumPool1d, pooling.GlobalSumPool1d, FLAT,
        summary=each(lambda v, m: v.sum()), separable=True, nested=True,
    ),
    "median": Row(
        "median", pooling.MedianPool1d, pooling.GlobalMedianPool1d, FULL, summary=each(lambda v, m: np.median(v)),
    ),
    "lp": Row(
        "lp", pooling.LPPool1d, pooling.GlobalLPPool1d, ("kernel_size", "stride", "ceil_mode"),
        {"norm_type": EXPONENTS}, each(lambda v, m: power_mean(v, m.norm_type, 1)), separable=True, nested=True,
    ),
    "generalised_mean": Row(
        "generalised_mean", pooling.GeneralisedMeanPool1d, pooling.GlobalGeneralisedMeanPool1d, FULL,
        {"p": EXPONENTS},
        each(lambda v, m: power_mean(v, m.p, len(v))), separable=True, nested=True,
    ),
    "log_mean_exp": Row(
        "log_mean_exp", pooling.LogMeanExpPool1d, pooling.GlobalLogMeanExpPool1d, FULL, LEARNT,
        each(lambda v, m: log_mean_exp(v, learnt_temperature(m))), separable=True, nested=True,
    ),
    "log_mean_exp fixed": Row(
        "log_mean_exp", pooling.LogMeanExpPool1d, pooling.GlobalLogMeanExpPool1d, FULL, FIXED,
        each(lambda v, m: log_mean_exp(v, m.temperature)), separable=True, nested=True,
    ),
    "softmax": Row(
        "softmax", pooling.SoftmaxPool1d, pooling.GlobalSoftmaxPool1d, FULL, {"temperature": TEMPERATURES},
        each(lambda v, m: softmax_mean(v, m.temperature)),
    ),
    "stochastic": Row(
        "stochastic", pooling.StochasticPool1d, pooling.GlobalStochasticPool1d, FULL,
        {"negatives": st.sampled_from(["clamp", "softmax"])},
        each(lambda v, m: expected_draw(v, m.negatives)),
    ),
    "top_k": Row(
        "top_k", pooling.TopKPool1d, pooling.GlobalTopKPool1d, FULL, {"k": st.integers(1, 5)},
        each(lambda v, m: np.sort(v)[::-1][: m.k].mean()),
    ),
    "attention": Row(
        "attention", pooling.AttentionPool1d, pooling.GlobalAttentionPool1d, FULL,
        {"channels": st.just(CHANNELS), "hidden": st.integers(1, 4)}, attended,
    ),
    "mixed": Row(
        "mixed", pooling.MixedPool1d, pooling.GlobalMixedPool1d, FLAT,
        {"weight": st.sampled_from([0.2, 0.5]), "learnable": st.booleans()},
        each(lambda v, m: learnt_share(m) * v.max() + (1 - learnt_share(m)) * v.mean()),
    ),
    "max_average": Row(
        "max_average", pooling.MaxAveragePool1d, pooling.GlobalMaxAveragePool1d, FLAT,
        summary=lambda v, c, m: np.concatenate([v.max(1), v.mean(1)]), separable=True,
    ),
    "mean_std": Row(
        "mean_std", pooling.MeanStdPool1d, pooling.GlobalMeanStdPool1d, FLAT,
        summary=lambda v, c, m: np.concatenate([v.mean(1), v.std(1)]),
    ),
    "strided_convolution": Row(
        "strided_convolution", pooling.StridedConvPool1d, None, ("kernel_size", "stride", "padding", "dilation"),
        {"channels": st.just(CHANNELS)}, filtered, reverses=False,
    ),
    "average_blur": Row(
        "blur", pooling.BlurPool1d, None, ("stride",), BLUR,
        oracle=blur_oracle, separable=True, reverses=False, slides=False,
    ),
    "max_blur": Row(
        "max_blur", pooling.MaxBlurPool1d, None, ("kernel_size", "stride"), BLUR,
        oracle=max_blur_oracle, reverses=False, slides=False,
    ),
    "polyphase": Row(
        "polyphase", pooling.PolyphasePool1d, None, ("stride",),
        oracle=polyphase_oracle, reverses=False, slides=False,
    ),
    "adaptive average": Row(
        "adaptive", pooling.AdaptiveAvgPool1d, None, (), {"output_size": st.integers(1, 6)},
        oracle=cells_oracle(lambda v: v.mean(1)), separable=True, slides=False,
    ),
    "adaptive max": Row(
        "adaptive", pooling.AdaptiveMaxPool1d, None, (), {"output_size": st.integers(1, 6)},
        oracle=cells_oracle(lambda v: v.max(1)), separable=True, slides=False,
    ),
}  # fmt: skip

LOCAL = [name for name, row in TABLE.items() if row.local]
GLOBAL = [name for name, row in TABLE.items() if row.whole]
BOTH = [(name, form) for name, row in TABLE.items() for form in ("local", "whole") if getattr(row, form)]


def oracle_of(row: Row) -> Callable[[nn.Module, Values], np.ndarray]:
    if row.oracle:
        return row.oracle
    assert row.summary is not None
    return over_windows(row.summary)


def test_the_table_is_complete() -> None:
    """Every file, module, function and config name of the package stands in the table."""
    folder = Path(inspect.getfile(seqpool.pooling.operators)).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert files == {row.file for row in TABLE.values()}
    modules = {module for row in TABLE.values() for module in (row.local, row.whole) if module}
    public = {getattr(pooling, name) for name in pooling.__all__}
    assert {value for value in public if inspect.isclass(value) and issubclass(value, nn.Module)} == modules
    assert {module for choice in OPERATORS.values() for module in (choice.local, choice.whole) if module} == {
        module for module in modules if not module.__name__.startswith("Adaptive")
    }
    functions = {name for name in pooling.__all__ if name.endswith("pool1d")}
    for path in folder.glob("*.py"):
        defined = vars(__import__(f"seqpool.pooling.operators.{path.stem}", fromlist=["_"]))
        local = {
            name for name, value in defined.items()
            if inspect.isfunction(value) and name.endswith("pool1d") and value.__module__.endswith("." + path.stem)
        }  # fmt: skip
        assert local <= functions, f"{path.name} has functions that are not exported"


# --- inputs
# -----------------------------------------------------------------------------------------------------------------


@st.composite
def modules(draw: st.DrawFn, name: str, form: str = "local") -> nn.Module:
    """A module of a row in double precision, its parameters random."""
    row = TABLE[name]
    arguments = {key: draw(strategy) for key, strategy in row.parameters.items()}
    if form == "local":
        kernel_size = draw(st.integers(1, 5))
        window = {
            "kernel_size": kernel_size,
            "stride": draw(st.integers(1, 4)),
            "padding": draw(st.integers(0, kernel_size // 2)),
            "dilation": draw(st.integers(1, 3)),
            "ceil_mode": draw(st.booleans()),
        }
        arguments |= {key: window[key] for key in row.window}
    module = getattr(row, form)(**arguments).double().eval()
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) / 2)
    return module


@st.composite
def signals(draw: st.DrawFn, shape: tuple[int, ...]) -> torch.Tensor:
    """Float64 values: smooth, full of ties and zeros, or of very different sizes."""
    source = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["normal", "ties", "wide"]))
    if kind == "ties":
        return torch.from_numpy(source.integers(-1, 3, shape).astype(float))
    values = source.normal(size=shape)
    return torch.from_numpy(values * 10.0 ** source.integers(-3, 3, shape) if kind == "wide" else values)


@st.composite
def batches(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, C, L) with lengths, one of them 0; NaN and infinities past each row's length."""
    lengths = torch.tensor([*draw(st.lists(st.integers(0, 17), min_size=1, max_size=3)), 0])
    size = int(lengths.max()) + draw(st.integers(1, 4))
    input = draw(signals((len(lengths), CHANNELS, size)))
    poison = torch.tensor([math.nan, math.inf, -math.inf, 1e300]).double()
    for row, length in enumerate(lengths.tolist()):
        input[row, :, length:] = poison[torch.arange(size - length) % 4]
    return input, lengths


def pooled(module: nn.Module, input: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
    """The output alone, whichever form the module has."""
    result = module(input, lengths)
    return result[0] if isinstance(result, tuple) else result


def distinct(*shape: int, seed: int = 0) -> torch.Tensor:
    """Values of which no two are equal or near, some below 0: safe for finite differences."""
    count = math.prod(shape)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return ((order - count // 3).double() / 7 + 0.05).reshape(shape)


def some_module(name: str, form: str) -> nn.Module:
    """One typical module of a row, in single precision, its parameters as built."""
    row = TABLE[name]
    typical = {
        "kernel_size": 3, "stride": 2, "padding": 1, "norm_type": 3.0, "p": 3.0, "temperature": 0.7, "k": 2,
        "channels": CHANNELS, "hidden": 4, "output_size": 3,
    }  # fmt: skip
    accepted = inspect.signature(getattr(row, form).__init__).parameters
    arguments = {key: value for key, value in typical.items() if key in accepted}
    if name == "log_mean_exp fixed":
        arguments["learnable"] = False
    torch.manual_seed(0)
    return getattr(row, form)(**arguments).eval()


# --- the promises
# -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOCAL)
@BUDGET
@given(st.data())
def test_local_agrees_with_the_oracle(name: str, data: st.DataObject) -> None:
    module = data.draw(modules(name))
    input, lengths = data.draw(batches())
    output, new_lengths = module(input, lengths)
    for row, length in enumerate(lengths.tolist()):
        expected = oracle_of(TABLE[name])(module, input[row, :, :length].numpy())
        assert new_lengths[row] == expected.shape[1]
        assert not output[row, :, expected.shape[1] :].any()
        np.testing.assert_allclose(output[row, :, : expected.shape[1]].detach(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", GLOBAL)
@BUDGET
@given(st.data())
def test_global_agrees_with_the_oracle(name: str, data: st.DataObject) -> None:
    module, summary = data.draw(modules(name, "whole")), TABLE[name].summary
    assert summary is not None
    input, lengths = data.draw(batches())
    output = module(input, lengths)
    for row, length in enumerate(lengths.tolist()):
        values = input[row, :, :length].numpy()
        expected = summary(values, np.arange(length), module) if length else np.zeros(output.shape[1])
        np.testing.assert_allclose(output[row].detach(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "form"), BOTH)
@BUDGET
@given(st.data())
def test_a_row_is_the_same_alone_and_in_any_batch(name: str, form: str, data: st.DataObject) -> None:
    """Alone without lengths, padded with anything, beside others and an empty row: values and gradients."""
    module = data.draw(modules(name, form))
    input, lengths = data.draw(batches())
    input.requires_grad_()
    output = pooled(module, input, lengths)
    assert output.isfinite().all()
    output.sin().sum().backward()
    assert input.grad is not None
    assert input.grad.isfinite().all()
    for row, length in enumerate(lengths.tolist()):
        assert not input.grad[row, :, length:].any()
        if length == 0:
            assert not output[row].any()
            continue
        alone = input.detach()[row : row + 1, :, :length].requires_grad_()
        single = pooled(module, alone)
        torch.testing.assert_close(output[row][..., : single.shape[-1]], single[0], rtol=1e-11, atol=1e-12)
        if single.numel():
            single.sin().sum().backward()
            torch.testing.assert_close(input.grad[row, :, :length], alone.grad[0], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("name", "form"), BOTH)
@pytest.mark.parametrize("with_lengths", [False, True])
@pytest.mark.parametrize("kind", ["ties", "distinct"])
def test_every_path_of_a_cpu_gives_the_same(
    name: str, form: str, with_lengths: bool, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at once, in blocks of rows, each row as far as it is valid: values and gradients."""
    module = some_module(name, form).double()
    lengths = torch.tensor([12, 7, 0, 12, 1]) if with_lengths else None
    input = distinct(5, CHANNELS, 12)
    if kind == "ties":
        input = (input / 3).round().clamp(-1, 2)
    if lengths is not None:
        for row, length in enumerate(lengths.tolist()):
            input[row, :, length:] = math.nan
    results = []
    for worthwhile, block in ((10**9, 10**9), (10**9, 1), (0, 10**9), (0, 2 * CHANNELS * 12)):
        monkeypatch.setattr(seqpool.pooling.rows, "_WORTHWHILE", worthwhile)
        monkeypatch.setattr(seqpool.pooling.reduction, "_BLOCK", block)
        leaf = input.clone().requires_grad_()
        output = pooled(module, leaf, lengths)
        (gradient,) = torch.autograd.grad(output.sin().sum(), leaf)
        results.append((output, gradient))
    for other in results[1:]:
        torch.testing.assert_close(other, results[0], rtol=1e-11, atol=1e-12)


@given(
    st.integers(1, 8),
    st.lists(st.lists(st.sampled_from([-1.0, 0.0, -0.0, 2.0, math.inf, math.nan]), min_size=8, max_size=8)),
    st.booleans(),
)
def test_ranks_are_those_of_a_stable_sort(size: int, sets: list[list[float]], descending: bool) -> None:
    values = torch.tensor(sets, dtype=torch.float64).reshape(len(sets), 8)[:, :size]
    ranked, unknown = ranks(values, descending=descending)
    order = [cell_at(place, ranked) for place in range(size)]
    ordered = torch.sort(values, dim=-1, descending=descending, stable=True)
    assert torch.equal(unknown, values.isnan().any(-1))
    found = torch.stack(order, -1).long()
    assert torch.equal(found.sort(-1).values, torch.arange(size).expand(len(sets), size))
    torch.testing.assert_close(values.gather(-1, found), ordered.values, equal_nan=True, rtol=0, atol=0)
    known = ~unknown  # torch does not promise an order of several NaN
    assert torch.equal(found[known], ordered.indices[known])


@pytest.mark.parametrize("name", ["max", "min"])
@BUDGET
@given(st.data())
def test_extremes_are_the_same_to_the_bit(name: str, data: st.DataObject) -> None:
    module = data.draw(modules(name))
    input, lengths = data.draw(batches())
    output, new_lengths = module(input, lengths)
    for row, length in enumerate(lengths.tolist()):
        if length:
            assert torch.equal(output[row, :, : new_lengths[row]], module(input[row : row + 1, :, :length])[0])


@pytest.mark.parametrize(("name", "form"), BOTH)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(name: str, form: str, dtype: torch.dtype) -> None:
    """Same type out, near the answer of single precision, finite gradients."""
    module, input = some_module(name, form), distinct(2, CHANNELS, 12).float()
    lengths = torch.tensor([12, 7])
    expected = pooled(module, input, lengths)
    other = copy.deepcopy(module).to(dtype)
    leaf = input.to(dtype).requires_grad_()
    output = pooled(other, leaf, lengths)
    assert output.dtype == dtype
    tolerance = {torch.float16: 4e-3, torch.bfloat16: 4e-2, torch.float64: 1e-5}[dtype]
    torch.testing.assert_close(output.float(), expected, rtol=tolerance, atol=tolerance)
    output.sum().backward()
    assert leaf.grad is not None
    assert leaf.grad.dtype == dtype
    assert leaf.grad.isfinite().all()


@pytest.mark.parametrize("name", [name for name in LOCAL if TABLE[name].slides])
@BUDGET
@given(st.data())
def test_local_in_chunks_and_shifted_by_a_stride(name: str, data: st.DataObject) -> None:
    """Windows a to b, computed from the samples that they cover alone, are windows a to b of the whole."""
    module = data.draw(modules(name).filter(lambda module: module.padding == 0))
    input = data.draw(signals((2, CHANNELS, 20)))
    whole = pooled(module, input)
    assume(whole.shape[2] > 0)
    first = data.draw(st.integers(0, whole.shape[2] - 1))
    last = data.draw(st.integers(first, whole.shape[2] - 1))
    seen = module.geometry.inputs_seen
    part = pooled(module, input[..., seen(first)[0] : seen(last)[1] + 1])
    torch.testing.assert_close(part[..., : last - first + 1], whole[..., first : last + 1])
    shifted = pooled(module, input[..., module.window.step :])
    kept = min(shifted.shape[2], whole.shape[2] - 1)
    torch.testing.assert_close(shifted[..., :kept], whole[..., 1 : 1 + kept])


@pytest.mark.parametrize("name", [name for name in GLOBAL if TABLE[name].nested])
@BUDGET
@given(st.data())
def test_global_in_chunks(name: str, data: st.DataObject) -> None:
    """Pooling the pooled chunks of a partition into equal chunks is pooling the whole."""
    module = data.draw(modules(name, "whole"))
    size, count = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    input = data.draw(signals((2, CHANNELS, size * count)))
    chunks = torch.stack([module(chunk) for chunk in input.split(size, 2)], 2)
    torch.testing.assert_close(module(chunks), module(input), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "form"), [(name, form) for name, form in BOTH if TABLE[name].reverses])
@BUDGET
@given(st.data())
def test_reversal(name: str, form: str, data: st.DataObject) -> None:
    """Global: invariant. Local: commutes where the windows lie symmetrically, by the geometry's own statement."""
    module = data.draw(modules(name, form))
    input = data.draw(signals((2, CHANNELS, data.draw(st.integers(1, 20)))))
    forward, backward = pooled(module, input), pooled(module, input.flip(2))
    if form == "local":
        if hasattr(module, "geometry"):
            assume(forward.shape[2] > 0)
            assume(commutes_with_reversal(module.geometry, input.shape[2]))
        backward = backward.flip(2)
    torch.testing.assert_close(backward, forward, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "form"), BOTH)
def test_gradients_equal_finite_differences(name: str, form: str) -> None:
    module = some_module(name, form).double()
    clean = distinct(3, CHANNELS, 7, seed=3)
    poisoned = clean.clone()
    poisoned[1, :, 5:] = math.nan
    for input, given_lengths in ((clean[:1], None), (poisoned, torch.tensor([7, 5, 0]))):
        leaf = input.clone().requires_grad_()
        names = [name for name, _ in module.named_parameters()]

        def pool(leaf: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
            state = dict(zip(names, parameters, strict=True))  # noqa: B023
            result = torch.func.functional_call(module, state, (leaf, given_lengths))  # noqa: B023
            return result[0] if isinstance(result, tuple) else result

        parameters = [parameter.detach().clone().requires_grad_() for parameter in module.parameters()]
        assert torch.autograd.gradcheck(pool, (leaf, *parameters), eps=1e-6, atol=1e-6)


@pytest.mark.parametrize(("name", "form"), BOTH)
@BUDGET
@given(st.data())
def test_repr_is_the_constructor_call(name: str, form: str, data: st.DataObject) -> None:
    module = data.draw(modules(name, form))
    again = eval(repr(module), {**vars(pooling), "inf": math.inf})
    assert type(again) is type(module)
    assert repr(again) == repr(module)
    for key in inspect.signature(type(module).__init__).parameters:
        if key != "self":
            assert getattr(again, key) == getattr(module, key)


class WithAndWithoutLengths(nn.Module):
    """Both forms of one pooling module in one graph."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, input: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return pooled(self.module, input), pooled(self.module, input, lengths)


@pytest.mark.parametrize(("name", "form"), BOTH)
def test_compiles_without_a_break(name: str, form: str) -> None:
    """Full graph, in training mode, forward and backward; torch keeps no state between modules."""
    module = WithAndWithoutLengths(some_module(name, form)).train()
    input, lengths = distinct(2, CHANNELS, 12).float().requires_grad_(), torch.tensor([12, 7])
    twin = copy.deepcopy(module)
    expected = torch.cat([output.flatten() for output in module(input, lengths)])
    (expected_gradient,) = torch.autograd.grad(expected.sum(), input)
    torch._dynamo.reset()
    outputs = torch.compile(twin, backend="aot_eager", fullgraph=True)(input, lengths)
    output = torch.cat([output.flatten() for output in outputs])
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(torch.autograd.grad(output.sum(), input)[0], expected_gradient)


@pytest.mark.parametrize(("name", "form"), BOTH)
def test_exports(name: str, form: str) -> None:
    module = some_module(name, form)
    input, lengths = distinct(2, CHANNELS, 12).float(), torch.tensor([12, 7])
    program = torch.export.export(module, (input, lengths)).module()
    torch.testing.assert_close(pooled(program, input, lengths), pooled(module, input, lengths))


@pytest.mark.parametrize(("name", "form"), BOTH)
def test_deterministic_copied_and_pickled(name: str, form: str) -> None:
    """Nothing raises where only deterministic algorithms are allowed, and a copy goes on as the original does."""
    module = some_module(name, form).train()
    input, lengths = distinct(2, CHANNELS, 12).float().requires_grad_(), torch.tensor([12, 7])
    twins = [copy.deepcopy(module), pickle.loads(pickle.dumps(module))]
    torch.use_deterministic_algorithms(True)
    try:
        for _ in range(2):
            expected = pooled(module, input, lengths)
            (gradient,) = torch.autograd.grad(expected.sum(), input)
            for twin in twins:
                output = pooled(twin, input, lengths)
                assert torch.equal(output, expected)
                assert torch.equal(torch.autograd.grad(output.sum(), input)[0], gradient)
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize(("name", "form"), BOTH)
def test_axes_of_a_map(name: str, form: str) -> None:
    """Over one axis of (N, C, F, T) each line is pooled alone; over both, exact or refused by name."""
    row = TABLE[name]
    input = distinct(2, CHANNELS, 7, 8, seed=5)
    built = some_module(name, form).double()

    def along(axis: Any) -> nn.Module:
        module = copy.deepcopy(built)
        module.axis = axis
        return module

    if row.file == "attention":
        with pytest.raises(UsageError, match="attention"):
            pooled(along(-1), input)
        return
    if name == "polyphase":  # which samples are kept is decided once for the whole map
        lines = pooled(built, input.transpose(2, 3).flatten(1, 2)).unflatten(1, (CHANNELS, 8)).transpose(2, 3)
    else:
        lines = torch.stack([pooled(built, input[:, :, :, t]) for t in range(8)], -1)
    torch.testing.assert_close(pooled(along(2), input), lines)
    if not row.separable:
        with pytest.raises(UsageError, match=r"pool1d over axes \(2, 3\)"):
            pooled(along((2, 3)), input)
        return
    frequency_first = pooled(along(-1), pooled(along(2), input)) if row.file != "max_average" else None
    both = pooled(along((2, 3)), input)
    if frequency_first is not None:
        torch.testing.assert_close(both, frequency_first)
    lengths = torch.tensor([8, 5])
    padded = input.clone()
    padded[1, :, :, 5:] = math.nan
    with_lengths = pooled(along((2, 3)), padded, lengths)
    torch.testing.assert_close(with_lengths[:1], both[:1])
    alone = pooled(along((2, 3)), input[1:, :, :, :5])
    torch.testing.assert_close(with_lengths[1:][..., : alone.shape[-1]] if form == "local" else with_lengths[1:], alone)


@pytest.mark.parametrize(("name", "form"), BOTH)
def test_unbatched_and_wrong_inputs(name: str, form: str) -> None:
    module, input = some_module(name, form), distinct(1, CHANNELS, 9).float()
    if TABLE[name].file != "attention":
        torch.testing.assert_close(pooled(module, input[0]), pooled(module, input)[0])
        with pytest.raises(UsageError, match="lengths need a batch"):
            module(input[0], torch.tensor([9]))
        with pytest.raises(UsageError, match="floating-point"):
            module(input.long())
    with pytest.raises(UsageError, match="lengths has shape"):
        module(input, torch.tensor([9, 9]))
    with pytest.raises(UsageError, match="from 10 to 10"):
        module(input, torch.tensor([10]))
