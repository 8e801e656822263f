"""Interval maps of layers: nothing in the box leaves the bounds, a linear layer's bounds are attained, merging helps.

Every class of `seqpool.nn` that is a network or a layer is tried or is named with the reason why it has no map.
"""

from __future__ import annotations

import importlib
import itertools
import pkgutil
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import seqpool.nn
from seqpool.errors import UsageError
from seqpool.nn.convolution import ConvolutionBlock, SameConv1d
from seqpool.nn.encoder import Encoder
from seqpool.nn.frame_layers import GROUPS, EquivariantLayer
from seqpool.nn.frames import FrameSymmetrized
from seqpool.nn.group_pool import GroupPool
from seqpool.nn.heads import EnsembleHead, FeatureNorm, StrandHead, dense_head
from seqpool.nn.intervals import chain, interval_of, with_margins, without_map
from seqpool.nn.normalisation import MaskedBatchNorm1d
from seqpool.nn.strand_layers import OnEachStrand, ReverseComplementConv1d, StrandPool
from seqpool.nn.strands import StrandSymmetrized
from seqpool.nn.valid_stack import ValidStack
from seqpool.options.networks import Encoder as EncoderOptions
from seqpool.options.pooling import LOCAL_NAMES, Pooling
from seqpool.pooling import AvgPool1d, GlobalAvgPool1d, GlobalMaxPool1d, MaxPool1d
from tests.nn.test_networks import DETECTORS, ENCODERS, codes, made

NO_MAP = {
    "BeatClassifier": "its second input is numbers of rhythm and shape",
    "BeatNetwork": "its second input is numbers of rhythm and shape",
    "CodonEncoder": "on letters: what a substitution does is found by trying all",
    "ReadingFrame": "on letters, as CodonEncoder",
    "UNetDecoder": "an answer for each sample is not certified",
    "FeaturePyramidDecoder": "an answer for each sample is not certified",
    "HypercolumnDecoder": "an answer for each sample is not certified",
    "SampleLabeller": "an answer for each sample is not certified",
    "MapBlock": "after a spectrogram",
    "MapLayers": "after a spectrogram",
    "MaskedBatchNorm2d": "after a spectrogram",
    "NormReLU2d": "after a spectrogram",
    "Spectrogram": "magnitudes of a Fourier transform",
    "PCEN": "after a spectrogram",
    "SpectrogramEncoder": "after a spectrogram",
}


def modules_of_nn() -> set[type[nn.Module]]:
    found = set()
    for info in pkgutil.iter_modules(seqpool.nn.__path__):
        module = importlib.import_module(f"seqpool.nn.{info.name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, nn.Module) and value.__module__ == module.__name__:
                found.add(value)
    return found


@pytest.mark.parametrize(
    "kind", sorted(modules_of_nn(), key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__
)
def test_every_layer_has_a_map_of_its_own(kind: type[nn.Module]) -> None:
    assert ("interval" in vars(kind)) != (kind.__name__ in NO_MAP)


def trained(layer: nn.Module, seed: int = 0) -> nn.Module:
    """As after some training: nothing is at its start, signs are mixed."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if "pool" not in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) / parameter[0].numel() ** 0.5)
        for module in layer.modules():
            if isinstance(module, nn.BatchNorm1d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.uniform_(-0.5, 0.5, generator=generator)
                module.running_var.uniform_(0.2, 2.0, generator=generator)
    return layer.eval()


def valid_stack() -> ValidStack:
    return ValidStack(nn.Conv1d(4, 5, 3, stride=3), MaskedBatchNorm1d(5), nn.GELU(), nn.Conv1d(5, 3, 2), nn.SiLU())


def blocks() -> dict[str, ConvolutionBlock]:
    found = {
        "residual, one convolution": ConvolutionBlock(4, 4, 5, residual=True),
        "residual, other channels": ConvolutionBlock(4, 6, 3, residual=True, stride=2),
        "residual, dilated": ConvolutionBlock(4, 6, 4, residual=True, dilation=2),
        "residual, even and dilated": ConvolutionBlock(4, 4, 4, residual=True, dilation=3),
        "residual, two": ConvolutionBlock(4, 6, 3, residual=True, convolutions=2),
        "not normalised": ConvolutionBlock(4, 6, 5, normalise=False),
    }
    for name in LOCAL_NAMES:
        found[name] = ConvolutionBlock(4, 4, 3, pool=Pooling(name), pool_size=2)
    return found


ON_MAPS: dict[str, nn.Module] = {
    "same": SameConv1d(4, 5, 5),
    "same, strided, dilated": SameConv1d(4, 5, 4, stride=2, dilation=3),
    "norm": MaskedBatchNorm1d(4),
    "strand convolution": ReverseComplementConv1d(4, 6, 5, padding=2),
    "on each strand": OnEachStrand(MaskedBatchNorm1d(2)),
    "pool on each strand": OnEachStrand(MaxPool1d(3, 1)),
    "codons": EquivariantLayer(4, 3, "C3", codons=3),
    "codons, six frames": EquivariantLayer(2, 3, "D3", codons=1),
    "valid stack": valid_stack(),
    "strand symmetrised": StrandSymmetrized(nn.Sequential(nn.Conv1d(4, 6, 3), nn.ReLU(), GlobalMaxPool1d()), "average"),
    "three frames": FrameSymmetrized(valid_stack(), 3, "max"),
    "six frames": FrameSymmetrized(valid_stack(), 6, "log_mean_exp", channels=3),
    "every letter": FrameSymmetrized(valid_stack(), 6, "average", every_letter=True),
    "frames pooled": FrameSymmetrized(Encoder(EncoderOptions(channels=(3,)), 4, 2, None), 3, "average"),
    **blocks(),
}
WITHOUT_LENGTHS = {"strand symmetrised"}
"""Its inner network is of torch's own layers, which take no lengths."""


def inside(lower: torch.Tensor, upper: torch.Tensor, generator: torch.Generator, count: int) -> list[torch.Tensor]:
    """Corners and points between, in the box's own type."""
    points = [lower, upper]
    for _ in range(count):
        share = torch.rand(lower.shape, generator=generator, dtype=lower.dtype)
        points.append(torch.where(share < 0.5, lower, upper))
        points.append((lower + share * (upper - lower)).clamp(lower, upper))
    return points


def assert_sound(layer: nn.Module, lower: torch.Tensor, upper: torch.Tensor, lengths: torch.Tensor | None) -> None:
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        bounds = interval_of(layer, lower, upper, lengths)
        for point in inside(lower, upper, generator, 12):
            found = layer(point) if lengths is None else layer(point, lengths)
            output, new_lengths = found if isinstance(found, tuple) else (found, None)
            assert output.shape == bounds.lower.shape
            if new_lengths is not None:
                assert bounds.lengths is not None
                assert bounds.lengths.equal(new_lengths)
                valid = torch.arange(output.shape[2]) < new_lengths[:, None, None]
            else:
                valid = torch.ones((), dtype=torch.bool)
            assert (~valid | (bounds.lower <= output)).all()
            assert (~valid | (output <= bounds.upper)).all()


@pytest.mark.parametrize("name", ON_MAPS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_point_of_the_box_leaves_the_bounds(name: str, dtype: torch.dtype) -> None:
    layer = trained(ON_MAPS[name]).to(dtype)
    generator = torch.Generator().manual_seed(1)
    for width, with_lengths in itertools.product((0.0, 1e-6, 0.5), (False, True)):
        lower = torch.randn(3, 4, 14, generator=generator, dtype=dtype) * 2
        upper = lower + width * torch.rand(lower.shape, generator=generator, dtype=dtype)
        if not with_lengths:
            assert_sound(layer, lower, upper, None)
        elif name not in WITHOUT_LENGTHS:
            assert_sound(layer, lower, upper, torch.tensor([14, 9, 11]))


HEADS: dict[str, nn.Module] = {
    "dense": dense_head(6, 3, hidden=5, dropout=0.2),
    "linear": dense_head(6, 3, hidden=0, dropout=0.2),
    "norm": FeatureNorm(6),
    "ensemble": EnsembleHead([[0, 2, 4], [1, 3, 5], [0, 1]], 3, hidden=4, dropout=0.1),
    "strands": StrandHead([0, 1], [2, 3], [4, 5], 3, hidden=4, dropout=0.1, normalise=True),
    "strand pool": StrandPool("max"),
    "group pool": GroupPool("average"),
    "readings": EquivariantLayer(4, 3, "D3"),
}


@pytest.mark.parametrize("name", HEADS)
def test_bounds_of_heads(name: str) -> None:
    head = trained(HEADS[name])
    shape = (4, 6, 4) if name in ("readings", "group pool") else (4, 6)
    generator = torch.Generator().manual_seed(5)
    for width in (0.0, 1e-6, 0.7):
        lower = torch.randn(shape, generator=generator)
        assert_sound(head, lower, lower + width * torch.rand(shape, generator=generator), None)


@pytest.mark.parametrize("name", [name for name in DETECTORS if "bins" not in name])
def test_bounds_of_detectors_on_channels(name: str) -> None:
    network = made("MotifDetector", DETECTORS[name])
    assert isinstance(network, nn.Module)
    x = network.one_hot(codes(3, 30))  # type: ignore[operator]
    lengths = torch.tensor([30, 12, 3])
    for width in (0.0, 1e-5, 0.3):
        lower, upper = (x - width).clamp(min=0), (x + width).clamp(max=1)
        lower[:, :, 2::3], upper[:, :, 2::3] = x[:, :, 2::3], x[:, :, 2::3]
        assert_sound(network, lower, upper, lengths)


@pytest.mark.parametrize("name", ["bins", "bins apart"])
def test_bounds_of_detectors_with_bins(name: str) -> None:
    network = made("MotifDetector", DETECTORS[name], length=30)
    assert isinstance(network, nn.Module)
    x = network.one_hot(codes(3, 30))  # type: ignore[operator]
    assert_sound(network, (x - 0.2).clamp(min=0), (x + 0.2).clamp(max=1), torch.tensor([30, 12, 7]))


@pytest.mark.parametrize("name", ENCODERS)
def test_bounds_of_encoders(name: str) -> None:
    network = made("Encoder", ENCODERS[name]).network
    assert isinstance(network, nn.Module)
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(3, 4, 40, generator=generator)
    for width in (0.0, 1e-5, 0.2):
        assert_sound(network, x - width, x + width, torch.tensor([40, 23, 8]))
        assert_sound(network, x - width, x + width, None)


def corners(box: torch.Tensor, radius: float) -> torch.Tensor:
    signs = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=box.numel())), dtype=box.dtype)
    return box + radius * signs.view(-1, *box.shape[1:])


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("convolution", SameConv1d(2, 3, 3)),
        ("strided", SameConv1d(2, 3, 4, stride=2)),
        ("convolution, norm", ConvolutionBlock(2, 3, 3)),
        ("convolution, norm, branch", ConvolutionBlock(2, 2, 3, residual=True)),
        ("norm", MaskedBatchNorm1d(2)),
        ("strand convolution", ReverseComplementConv1d(2, 4, 3, padding=1)),
        ("dense", nn.Sequential(nn.Flatten(), nn.Linear(10, 3))),
        ("dense after dense", nn.Sequential(nn.Flatten(), nn.Linear(10, 6), nn.Linear(6, 3))),
        (
            "average after convolution, dense",
            nn.Sequential(nn.Conv1d(2, 3, 3), AvgPool1d(2, 1), nn.Flatten(), nn.Linear(6, 2)),
        ),
        ("grouped", nn.Conv1d(2, 4, 3, groups=2, padding=1)),
        ("norm, average, dense", nn.Sequential(MaskedBatchNorm1d(2), GlobalAvgPool1d(), nn.Linear(2, 3))),
        ("frames", GroupPool("max")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_the_image_is_attained(name: str, layer: nn.Module) -> None:
    """Against all 1024 corners, linear layers side by side as one."""
    layer = trained(layer).double()
    x = torch.randn(1, 2, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    outputs = layer(corners(x, 0.3))
    outputs = outputs[0] if isinstance(outputs, tuple) else outputs
    bounds = interval_of(layer, x - 0.3, x + 0.3)
    assert torch.allclose(bounds.lower[0], outputs.amin(0), rtol=0, atol=1e-6)
    assert torch.allclose(bounds.upper[0], outputs.amax(0), rtol=0, atol=1e-6)


@given(st.integers(0, 10_000), st.sampled_from(["max", "average"]))
@settings(max_examples=10, deadline=None)
def test_merged_bounds_are_never_wider(seed: int, pool: str) -> None:
    """And of a network without an activation and a maximum they are the image."""
    middle = AvgPool1d(2) if pool == "average" else MaxPool1d(2)
    layers = [nn.Conv1d(1, 3, 3), middle, nn.Conv1d(3, 2, 2), nn.Flatten(), nn.Linear(4, 1)]
    network = trained(nn.Sequential(*layers), seed).double()
    x = torch.randn(1, 1, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    merged = chain(layers, x - 0.1, x + 0.1)
    apart = merged._replace(lower=x - 0.1, upper=x + 0.1)
    for layer in layers:
        apart = interval_of(layer, *apart)
    assert (merged.lower >= apart.lower - 1e-9).all()
    assert (merged.upper <= apart.upper + 1e-9).all()
    outputs = network(corners(x, 0.1)).detach()
    assert (merged.upper >= outputs.amax()).all()
    if pool == "average":
        assert merged.upper.item() == pytest.approx(outputs.amax().item(), abs=1e-6)


def test_margins_are_bounded_as_one_layer() -> None:
    network = trained(nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)))
    margins = torch.tensor([[1.0, -1.0, 0.0], [1.0, 0.0, -1.0]])
    last = network[-1]
    assert isinstance(last, nn.Linear)
    changed = with_margins(network, [last], margins)
    x = torch.randn(50, 6)
    assert torch.allclose(changed(x), network(x) @ margins.T, atol=1e-5)
    together, apart = interval_of(changed, x - 0.2, x + 0.2), interval_of(network, x - 0.2, x + 0.2)
    loose = apart.lower[:, :1] - apart.upper[:, 1:]
    assert (together.lower > loose).all()
    for point in inside(x - 0.2, x + 0.2, torch.Generator().manual_seed(0), 20):
        assert ((network(point) @ margins.T) >= together.lower).all()


@pytest.mark.parametrize(
    ("network", "named"),
    [
        (nn.Sequential(nn.Conv1d(1, 2, 3), nn.GroupNorm(1, 2)), "1 (GroupNorm)"),
        (nn.Sequential(nn.LSTM(3, 4)), "0 (LSTM)"),
    ],
)
def test_what_has_no_map_is_named(network: nn.Module, named: str) -> None:
    assert without_map(network) == [named]
    with pytest.raises(UsageError, match="no interval map"):
        interval_of(network, torch.zeros(1, 1, 8), torch.ones(1, 1, 8))


def test_networks_have_maps_throughout() -> None:
    cases: list[tuple[str, dict[str, Any], int | None]] = [("Encoder", one, None) for one in ENCODERS.values()]
    cases += [("MotifDetector", one, 30) for one in DETECTORS.values()]
    for name, arguments, length in cases:
        assert without_map(made(name, arguments, length=length)) == []
    assert without_map(trained(blocks()["attention"])) == []
    assert set(GROUPS)  # the layers above take their groups from there


def test_gradients_pass_through() -> None:
    network = made("Encoder", ENCODERS["residual"]).network
    assert isinstance(network, nn.Module)
    x = torch.randn(2, 4, 30)
    bounds = interval_of(network, x - 0.1, x + 0.1)
    (bounds.upper - bounds.lower).sum().backward()
    moved = [float(parameter.grad.abs().sum()) for parameter in network.parameters() if parameter.grad is not None]
    assert len(moved) > 4
    assert all(value > 0 for value in moved[:2])
