"""Receptive fields, lengths, reversal and attenuation against gradients, torch and published numbers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from seqpool.errors import UsageError
from seqpool.pooling import (
    AvgPool1d,
    BlurPool1d,
    Geometry,
    MaxBlurPool1d,
    MaxPool1d,
    PolyphasePool1d,
    StridedConvPool1d,
    conv_geometry,
    upsample_geometry,
)
from seqpool.pooling.geometry import (
    attenuation_db,
    branches,
    commutes_with_reversal,
    head_parameters,
    heartbeats,
    output_length,
    receptive_field_warnings,
    seconds,
    stack,
    whole_codons,
)
from seqpool.pooling.operators.blur import binomial_taps, triangle_taps


class Join(nn.Module):
    """Two paths added over the outputs that both have."""

    def __init__(self, paths: list[nn.Sequential]) -> None:
        super().__init__()
        self.paths = nn.ModuleList(paths)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        outputs = [path(input) for path in self.paths]
        shortest = min(output.shape[2] for output in outputs)
        return torch.stack([output[..., :shortest] for output in outputs]).sum(0)


def positive_conv(kernel_size: int, stride: int, padding: int, dilation: int) -> nn.Conv1d:
    """A convolution of positive weights: nothing that it sees cancels."""
    conv = nn.Conv1d(1, 1, kernel_size, stride, padding, dilation, bias=False)
    nn.init.uniform_(conv.weight, 0.5, 1.5)
    return conv.double()


def random_layer(source: np.random.Generator) -> tuple[nn.Module, Geometry]:
    kernel_size, stride, dilation = (int(source.integers(1, high)) for high in (6, 4, 4))
    kind = source.choice(["conv", "average", "strided", "blur"])
    if kind == "conv":
        padding = int(source.integers(0, 4))
        return positive_conv(kernel_size, stride, padding, dilation), conv_geometry(
            kernel_size, stride, padding, dilation
        )
    if kind == "average":
        module: nn.Module = AvgPool1d(kernel_size, stride, int(source.integers(0, kernel_size // 2 + 1)))
    elif kind == "strided":
        module = StridedConvPool1d(1, kernel_size, stride, kernel_size // 2, dilation).double()
    else:
        module = BlurPool1d(stride, padding_mode="zero")
    return module, module.geometry


def random_stack(source: np.random.Generator) -> tuple[nn.Sequential, Geometry]:
    """One to six layers; every third stack ends in two parallel paths of one jump."""
    layers, geometries = map(list, zip(*[random_layer(source) for _ in range(source.integers(1, 5))], strict=True))
    if source.integers(3) == 0:
        stride = int(source.integers(1, 3))
        paths, seen = [], []
        for _ in range(2):
            size, padding, dilation = (int(source.integers(*bounds)) for bounds in ((1, 6), (0, 3), (1, 4)))
            paths.append(nn.Sequential(positive_conv(size, stride, padding, dilation), positive_conv(3, 1, 1, 1)))
            seen.append(conv_geometry(size, stride, padding, dilation) >> conv_geometry(3, 1, 1))
        layers.append(Join(paths))
        geometries.append(branches(seen))
    return nn.Sequential(*layers), stack(geometries)


@pytest.mark.parametrize("seed", range(200))
def test_receptive_fields_equal_those_found_by_gradients(seed: int) -> None:
    """200 random stacks with stride, dilation, padding and branches: exactly the inputs that the geometry names."""
    torch.manual_seed(seed)
    network, geometry = random_stack(np.random.default_rng(seed))
    inside = max(0, math.ceil(-geometry.start / geometry.jump))  # the first output whose field starts in the input
    size = int(geometry.inputs_seen(inside + 2)[1]) + 1
    input = torch.ones(1, 1, size, dtype=torch.float64, requires_grad=True)
    output = network(input)
    for position in range(inside + 3):
        (gradient,) = torch.autograd.grad(output[0, 0, position], input, retain_graph=True)
        seen = gradient.flatten().nonzero().flatten().tolist()
        first, last = geometry.inputs_seen(position)
        if position >= inside:
            assert (min(seen), max(seen)) == (first, last)
        else:
            assert all(first <= index <= last for index in seen)


@pytest.mark.parametrize(
    "module",
    [
        MaxPool1d(3, 2, 1),
        MaxBlurPool1d(2),
        MaxBlurPool1d(3, 3),
        BlurPool1d(3),
        BlurPool1d(2, taps=6),
        PolyphasePool1d(3),
    ],
    ids=repr,
)
def test_geometry_of_every_other_local_operator(module: nn.Module) -> None:
    """Which inputs can change an output: each one in turn is raised, from many random inputs."""
    geometry, size = module.geometry, 30
    generator = torch.Generator().manual_seed(0)
    position = 4
    changed = torch.zeros(size, dtype=torch.bool)
    for _ in range(60):
        signal = torch.rand(1, 1, size, generator=generator, dtype=torch.float64)
        if isinstance(module, PolyphasePool1d):
            signal[..., :: module.stride] += 0.1
        moved = signal.expand(size, 1, size) + 0.5 * torch.eye(size).unsqueeze(1)
        changed |= module(moved)[:, 0, position] != module(signal)[0, 0, position]
    first, last = geometry.inputs_seen(position)
    seen = changed.nonzero().flatten().tolist()
    if isinstance(module, PolyphasePool1d):
        # an input anywhere can change which comb is kept; the sample that is kept comes from this group
        kept = module(torch.arange(1.0, size + 1).reshape(1, 1, size))[0, 0, position].item() - 1
        assert first <= kept <= last
    else:
        assert (min(seen), max(seen)) == (first, last)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 40), st.integers(1, 7), st.integers(1, 5), st.integers(0, 3), st.integers(1, 3), st.booleans())
def test_output_lengths_are_torchs(
    length: int, kernel_size: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> None:
    padding = min(padding, kernel_size // 2)
    ours = output_length(length, kernel_size, stride, padding, dilation, ceil_mode)
    module = MaxPool1d(kernel_size, stride, padding, dilation, ceil_mode)
    assert module.output_lengths(torch.tensor([length])).tolist() == [ours]
    assert module.output_length(length) == ours
    if length == 0:
        assert ours == 0
        return
    try:
        theirs = functional.max_pool1d(torch.zeros(1, 1, length), kernel_size, stride, padding, dilation, ceil_mode)
    except RuntimeError:
        assert ours == 0
        return
    assert ours == theirs.shape[2]


def test_composition_is_associative_and_has_an_identity() -> None:
    a, b, c = conv_geometry(7, 2, 3), conv_geometry(3, 1, 2, 2), conv_geometry(2, 2)
    assert (a >> b) >> c == a >> (b >> c)
    assert Geometry() >> a == a >> Geometry() == a
    assert stack([a, b, c]) == a >> b >> c


@pytest.mark.parametrize(("pool", "blocks", "fields"), [(2, 8, [8, 22, 50, 106, 218, 442, 890, 1786])])
def test_blocks_of_convolution_and_pooling(pool: int, blocks: int, fields: list[int]) -> None:
    block = conv_geometry(7) >> conv_geometry(pool, pool)
    assert [stack([block] * count).receptive_field for count in range(1, blocks + 1)] == fields


def test_depth_without_pooling_and_with_growing_dilation() -> None:
    assert stack([conv_geometry(7)] * 8).receptive_field == 49
    assert stack([conv_geometry(3, dilation=2**layer) for layer in range(8)]).receptive_field == 511
    assert stack([conv_geometry(3)] * 3).receptive_field == 7


def test_fields_in_seconds_heartbeats_and_codons() -> None:
    assert seconds(442, 360) == pytest.approx(1.23, abs=0.005)
    assert heartbeats(442, 360, 75) == pytest.approx(1.53, abs=0.005)
    assert seconds(442, 500) == pytest.approx(0.884)
    for field in range(1, 40):
        inside = [len(range(phase, field - 2, 3)) for phase in range(3)]
        assert whole_codons(field) == (min(inside), max(inside))


@pytest.mark.parametrize(
    ("rate_hz", "blocks", "convolutions"), [(100, 4, 14), (250, 5, 34), (360, 6, 48), (500, 6, 67)]
)
def test_depth_that_sees_a_beat(rate_hz: int, blocks: int, convolutions: int) -> None:
    """Smallest depth whose field spans 0.8 s, with width 7: halving after each convolution, or none."""
    block = conv_geometry(7) >> conv_geometry(2, 2)

    def depth(layer: Geometry) -> int:
        return next(n for n in range(1, 100) if seconds(stack([layer] * n).receptive_field, rate_hz) >= 0.8)

    assert depth(block) == blocks
    assert depth(conv_geometry(7)) == convolutions


def test_warnings_name_the_field_and_the_measure() -> None:
    short = stack([conv_geometry(7)] * 3)
    (sentence,) = receptive_field_warnings(short, 3000, 300.0)
    assert "19 samples (0.0633 s) is shorter than one beat at 75 beats per minute (0.8 s)" in sentence
    (sentence,) = receptive_field_warnings(Geometry(receptive_field=900), 800, 300.0)
    assert "900 samples is longer than the 800 samples" in sentence
    assert receptive_field_warnings(Geometry(receptive_field=442), 3000, 360.0) == []
    assert receptive_field_warnings(short, 3000) == []


def test_pooled_cells_and_upsampling_are_centred_alike() -> None:
    """A pooled cell of s lies on j s + (s - 1) / 2, where align_corners=False puts it back."""
    for size in (2, 3, 4):
        cell = conv_geometry(size, size)
        assert cell.centre(5) == 5 * size + Fraction(size - 1, 2)
        there_and_back = cell >> upsample_geometry(size)
        for output in range(12):
            assert there_and_back.centre(output) == output
    ramp = torch.arange(48.0, dtype=torch.float64).reshape(1, 1, -1)
    restored = functional.interpolate(AvgPool1d(4)(ramp), scale_factor=4, mode="linear", align_corners=False)
    torch.testing.assert_close(restored[..., 4:-4], ramp[..., 4:-4])
    assert conv_geometry(3, 2, 1).centre(3) == 6


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 30), st.integers(0, 10_000))
def test_reversal_is_what_the_geometry_says(extra: int, seed: int) -> None:
    """Stacks of symmetric convolutions and pools, floor mode: commute if and only if the stated condition holds."""
    source = np.random.default_rng(seed)
    layers: list[nn.Module] = []
    geometries = []
    for _ in range(source.integers(1, 5)):
        size, stride, dilation = (int(source.integers(1, high)) for high in (6, 4, 3))
        padding = int(source.integers(0, size // 2 + 1))
        if source.integers(2):
            half = torch.from_numpy(source.normal(size=size))
            conv = nn.Conv1d(1, 1, size, stride, padding, dilation, bias=False).double()
            conv.weight.data = (half + half.flip(0)).reshape(1, 1, size)
            layers.append(conv)
        else:
            layers.append(MaxPool1d(size, stride, padding, dilation))
        geometries.append(conv_geometry(size, stride, padding, dilation))
    geometry, network = stack(geometries), nn.Sequential(*layers)
    length = int(geometry.receptive_field) + extra
    signal = torch.from_numpy(source.normal(size=(1, 1, length)))
    forward, backward = network(signal), network(signal.flip(2)).flip(2)
    same = forward.shape[2] > 0 and torch.allclose(forward, backward, rtol=0, atol=1e-9)
    if commutes_with_reversal(geometry, length):
        assert same
    elif all(isinstance(layer, nn.Conv1d) for layer in layers):  # a maximum can hide the difference
        assert not same


@pytest.mark.parametrize(("length", "commutes"), [(40, True), (43, True), (41, False), (42, False), (44, False)])
def test_reversal_of_a_known_stack(length: int, commutes: bool) -> None:
    geometry = conv_geometry(5) >> conv_geometry(3, 3) >> conv_geometry(3)
    assert commutes_with_reversal(geometry, length) == commutes


@pytest.mark.parametrize("taps", range(2, 8))
def test_attenuation_of_binomial_filters(taps: int) -> None:
    """Gain cos(w / 2)^(n - 1): n - 1 times the dB of two taps, at each frequency that matters."""
    table = {2: (-3.010, -math.inf), 3: (-1.249, -6.021), 4: (-0.688, -3.010), 5: (-0.436, -1.841)}
    for stride, (edge, fold) in table.items():
        filter_taps = binomial_taps(taps)
        assert sum(filter_taps) == 1
        assert attenuation_db(filter_taps, math.pi / stride) == pytest.approx((taps - 1) * edge, abs=4e-3)
        assert attenuation_db(filter_taps, 2 * math.pi / stride) == pytest.approx((taps - 1) * fold, abs=4e-3)


@pytest.mark.parametrize(
    ("stride", "box", "triangle"), [(2, -3.01, -6.02), (3, -3.52, -7.04), (4, -3.70, -7.40), (5, -3.78, -7.56)]
)
def test_only_box_and_triangle_remove_all_that_folds_onto_the_constant(
    stride: int, box: float, triangle: float
) -> None:
    for taps, edge in (([1 / stride] * stride, box), (triangle_taps(stride), triangle)):
        assert sum(taps) == pytest.approx(1)
        assert attenuation_db(taps, math.pi / stride) == pytest.approx(edge, abs=5e-3)
        for multiple in range(1, stride):
            assert attenuation_db(taps, 2 * math.pi * multiple / stride) == -math.inf
    if stride > 2:
        assert attenuation_db(binomial_taps(7), 2 * math.pi / stride) > -40


def test_heads() -> None:
    flattened, pooled = head_parameters(256, 36, 10)
    assert (flattened, pooled) == (92170, 2570)
    assert pooled < 0.1 * flattened


def test_what_has_no_geometry_is_refused() -> None:
    with pytest.raises(UsageError, match="one jump, got \\['1', '2'\\]"):
        branches([Geometry(1), Geometry(2)])
    with pytest.raises(UsageError, match="above 0"):
        Geometry(jump=0)
