"""Images of boxes under layers: torch's own, those that say so themselves, and several one after the other.

A layer of seqpool owns `interval(lower, upper, lengths)` beside `forward`. Linear layers are bounded from the box's
centre c and radius r: W c + b -+ |W| r, both ends attained by each value of the result (Gowal et al. 2018,
arXiv:1810.12715), and wider by what rounding can be off in the bounds and in the prediction
(`seqpool.pooling.intervals`). The bounds hold for predictions in the type of the bounds.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqpool.errors import UsageError
from seqpool.pooling import AvgPool1d, BlurPool1d, GlobalAvgPool1d, GlobalSumPool1d, StridedConvPool1d, SumPool1d
from seqpool.pooling.intervals import Bounds, magnitudes, rounding
from seqpool.pooling.masks import zero_padding
from seqpool.pooling.modules import GlobalPool, LocalPool, PoolingModule

Linear = Callable[[Tensor, Tensor], Tensor]
"""(input, weight) -> the linear layer's result without its bias."""

Convolve = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""(input, weight, bias) -> a convolution's result."""

_RISING = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.CELU, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.Hardtanh)
"""Activations that fall nowhere."""

_LOWEST = {nn.GELU: -0.7517916, nn.SiLU: -1.2784645, nn.Hardswish: -1.5}
"""Activations that fall up to one point and rise from there."""

_IN_PLACE = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Identity, nn.Flatten)
"""Layers that, in evaluation, give their input."""

_LINEAR = (
    nn.Linear, nn.Conv1d, nn.BatchNorm1d, nn.AvgPool1d, nn.AdaptiveAvgPool1d, AvgPool1d, GlobalAvgPool1d, SumPool1d,
    GlobalSumPool1d, BlurPool1d, StridedConvPool1d,
)  # fmt: skip
"""Layers that may be bounded together with those beside them."""

_OF_TORCH = (
    *_RISING, *_LOWEST, *_IN_PLACE, nn.Sequential, nn.Linear, nn.Conv1d, nn.BatchNorm1d,
    nn.MaxPool1d, nn.AvgPool1d, nn.AdaptiveMaxPool1d, nn.AdaptiveAvgPool1d,
)  # fmt: skip
"""torch's own layers that `interval_of` knows."""


def linear_interval(
    linear: Linear, weight: Tensor, bias: Tensor | None, lower: Tensor, upper: Tensor, *, size: Tensor, operations: int
) -> tuple[Tensor, Tensor]:
    """Lower and upper end of `linear(x, weight) + bias`, both attained but for rounding.

    bias: shaped to fit the result. size: at least the sum of the magnitudes that are added up, likewise.
    operations: roundings of one value of the result.
    """
    middle = linear((lower + upper) / 2, weight)
    if bias is not None:
        middle = middle + bias
    reach = linear((upper - lower) / 2, weight.abs()) + rounding(operations, lower.dtype) * size
    return middle - reach, middle + reach


def dense_interval(weight: Tensor, bias: Tensor | None, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
    """Image of a box (..., features) under a dense layer with weight (outputs, features) and bias (outputs,)."""
    size = F.linear(magnitudes(lower, upper).detach(), weight.detach().abs())
    if bias is not None:
        size = size + bias.detach().abs()
    return linear_interval(F.linear, weight, bias, lower, upper, size=size, operations=2 * weight.shape[1] + 8)


def convolution_size(weight: Tensor, lower: Tensor, upper: Tensor, groups: int = 1) -> Tensor:
    """(N, C', 1) at least the magnitudes that a window of (N, C, L) adds up with a weight (C', C / groups, kernel)."""
    low, high = lower.detach(), upper.detach()
    if low.shape[2]:
        most = torch.maximum(high.amax(dim=2, keepdim=True), -low.amin(dim=2, keepdim=True))
    else:
        most = low.new_zeros(*low.shape[:2], 1)
    return F.conv1d(most, weight.detach().abs().sum(dim=2, keepdim=True), groups=groups)


def convolution_interval(
    convolve: Convolve,
    weight: Tensor,
    bias: Tensor | None,
    lower: Tensor,
    upper: Tensor,
    *,
    weight_size: Tensor | None = None,
    bias_size: Tensor | None = None,
    groups: int = 1,
) -> tuple[Tensor, Tensor]:
    """Image of a box (N, C, L) under a convolution with weight (C', C / groups, kernel) and bias (C',).

    weight_size, bias_size: the magnitudes of which weight and bias are made, where those are not their own.
    """
    size = convolution_size(weight if weight_size is None else weight_size, lower, upper, groups)
    if bias is not None:
        size = size + (bias.detach().abs() if bias_size is None else bias_size)[:, None]
    half = weight / 2  # exact, and cheaper than halving the box
    middle = convolve(lower + upper, half, bias)
    reach = convolve(upper - lower, half.abs(), None)
    slack = rounding(2 * weight[0].numel() + 16, lower.dtype) * size
    if torch.is_grad_enabled():
        reach = reach + slack
        return middle - reach, middle + reach
    reach.add_(slack)
    return middle - reach, middle.add_(reach)


def normalisation_interval(norm: nn.BatchNorm1d, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
    """Image of (N, C) or (N, C, L) under batch normalisation by its running moments; each value attained."""
    scale, shift, shift_size = scale_and_shift(norm)
    if lower.dim() == 3:
        scale, shift, shift_size = scale[:, None], shift[:, None], shift_size[:, None]
    first, second = lower * scale + shift, upper * scale + shift
    slack = rounding(12, lower.dtype) * (magnitudes(lower, upper) * scale.abs() + shift_size).detach()
    return torch.minimum(first, second) - slack, torch.maximum(first, second) + slack


def scale_and_shift(norm: nn.BatchNorm1d) -> tuple[Tensor, Tensor, Tensor]:
    """(C,) factor, (C,) summand and (C,) the magnitudes in the summand, of batch normalisation by running moments.

    Raises UsageError for a normalisation that keeps none.
    """
    if norm.running_mean is None or norm.running_var is None:
        raise UsageError(f"{type(norm).__name__} keeps no running moments, so it has no interval map.")
    scale = torch.rsqrt(norm.running_var + norm.eps)
    if norm.weight is not None:
        scale = scale * norm.weight
    away = norm.running_mean * scale
    shift = -away if norm.bias is None else norm.bias - away
    size = away.abs() if norm.bias is None else away.abs() + norm.bias.abs()
    return scale, shift, size.detach()


def rising_interval(function: Callable[[Tensor], Tensor], lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
    """Image under a function of single values that falls nowhere; both ends attained but for 4 units in the last place
    of functions that are not exact."""
    low, high = function(lower), function(upper)
    slack = 4 * torch.finfo(low.dtype).eps
    return low - slack * low.detach().abs(), high + slack * high.detach().abs()


def _valley_interval(layer: nn.Module, lowest: float, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
    low, high = layer(lower), layer(upper)
    bottom = layer(torch.minimum(torch.maximum(lower, lower.new_tensor(lowest)), upper))
    slack = 1e-5 if lower.dtype != torch.float64 else 1e-12
    reach = slack * (1 + magnitudes(lower, upper).detach())
    return torch.minimum(bottom, torch.minimum(low, high)) - reach, torch.maximum(low, high) + reach


def interval_of(layer: nn.Module, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
    """Bounds of a layer's result while its input stays between `lower` and `upper`; lengths as its `forward` gives.

    Gradients pass through. Raises UsageError for a layer without a map.
    """
    own = getattr(layer, "interval", None)
    if own is not None:
        return own(lower, upper, lengths)  # type: ignore[no-any-return]
    if isinstance(layer, nn.Sequential):
        return chain(list(layer), lower, upper, lengths)
    if isinstance(layer, nn.Flatten):
        return Bounds(layer(lower), layer(upper), lengths)
    if isinstance(layer, _IN_PLACE):
        return Bounds(lower, upper, lengths)
    if isinstance(layer, nn.ReLU | nn.LeakyReLU):  # exact, or one product
        slack = 0.0 if isinstance(layer, nn.ReLU) else torch.finfo(lower.dtype).eps
        low, high = layer(lower), layer(upper)
        return Bounds(low - slack * low.detach().abs(), high + slack * high.detach().abs(), lengths)
    if isinstance(layer, _RISING):
        return Bounds(*rising_interval(layer, lower, upper), lengths)
    for kind, lowest in _LOWEST.items():
        if isinstance(layer, kind):
            return Bounds(*_valley_interval(layer, lowest, lower, upper), lengths)
    if isinstance(layer, nn.Linear):
        return Bounds(*dense_interval(layer.weight, layer.bias, lower, upper), lengths)
    if isinstance(layer, nn.Conv1d):
        return Bounds(*torch_convolution_interval(layer, lower, upper), lengths)
    if isinstance(layer, nn.BatchNorm1d):
        return Bounds(*normalisation_interval(layer, lower, upper), lengths)
    if isinstance(layer, nn.MaxPool1d | nn.AdaptiveMaxPool1d) and not layer.return_indices:
        return Bounds(layer(lower), layer(upper), lengths)
    if isinstance(layer, nn.AvgPool1d | nn.AdaptiveAvgPool1d):
        low, high = layer(lower), layer(upper)
        slack = rounding(lower.shape[-1] + 4, lower.dtype) * layer(magnitudes(lower, upper).detach())
        return Bounds(low - slack, high + slack, lengths)
    raise UsageError(f"{type(layer).__name__} has no interval map.")


def torch_convolution_interval(layer: nn.Conv1d, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
    """Of torch's own convolution, which pads with zeros or not at all. Raises UsageError for another padding."""
    if layer.padding_mode != "zeros":
        raise UsageError(f"Conv1d with padding_mode {layer.padding_mode} has no interval map.")

    def convolve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.conv1d(x, weight, bias, layer.stride, layer.padding, layer.dilation, layer.groups)

    return convolution_interval(convolve, layer.weight, layer.bias, lower, upper, groups=layer.groups)


def _is_linear(layer: nn.Module) -> bool:
    return isinstance(layer, _LINEAR + _IN_PLACE)


def chain(layers: Sequence[nn.Module], lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
    """Layers one after the other. Linear layers that lie side by side and end in a dense one are bounded as one linear
    layer, each value of whose result is attained; bounds of one layer after the other would forget what their values
    have in common."""
    bounds = Bounds(lower, upper, lengths)
    place = 0
    while place < len(layers):
        stop = place
        while stop < len(layers) and _is_linear(layers[stop]):
            stop += 1
        ends = [i for i in range(place, stop) if isinstance(layers[i], nn.Linear)]
        several = [i for i in range(place, stop) if not isinstance(layers[i], _IN_PLACE)]
        if ends and len(several) > 1 and several[0] < ends[-1]:
            bounds = _merged(layers[place : ends[-1] + 1], *bounds)
            place = ends[-1] + 1
        else:
            bounds = interval_of(layers[place], *bounds)
            place += 1
    return bounds


def _called(layer: nn.Module, x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """A layer's result and new lengths."""
    if lengths is None or isinstance(layer, nn.Linear | _IN_PLACE):
        return layer(x), lengths
    if isinstance(layer, GlobalPool):
        return layer(x, lengths), None
    if isinstance(layer, LocalPool) or hasattr(layer, "interval"):
        found = layer(x, lengths)
        return found if isinstance(found, tuple) else (found, lengths)
    return layer(zero_padding(x, lengths)), lengths


def _merged(layers: Sequence[nn.Module], lower: Tensor, upper: Tensor, lengths: Tensor | None) -> Bounds:
    """Linear layers that end in a dense one: the rows of their common matrix are the gradients of its outputs."""

    def through(x: Tensor) -> Tensor:
        own = lengths
        for layer in layers:
            x, own = _called(layer, x, own)
        return x

    lower, upper = zero_padding(lower, lengths), zero_padding(upper, lengths)
    centre, radius = (lower + upper) / 2, (upper - lower) / 2
    with torch.enable_grad():
        place = centre.detach().requires_grad_(True)
        output = through(place)
        rows = [torch.autograd.grad(output[..., i].sum(), place, create_graph=True)[0] for i in range(output.shape[-1])]
    reach = torch.stack([(row.abs() * radius).flatten(1).sum(dim=1) for row in rows], dim=-1)
    if not torch.is_grad_enabled():
        reach = reach.detach()
    size, operations = _sum_of_magnitudes(layers, lower, upper, lengths)
    slack = rounding(2 * operations, centre.dtype) * size
    middle = through(centre)
    return Bounds(middle - reach - slack, middle + reach + slack, None)


def _sum_of_magnitudes(
    layers: Sequence[nn.Module], lower: Tensor, upper: Tensor, lengths: Tensor | None
) -> tuple[Tensor, int]:
    """Of linear layers one after the other: what all magnitudes add up to, and the roundings of a value."""
    operations = 0
    with torch.no_grad():
        size = magnitudes(lower, upper)
        for layer in layers:
            weight = getattr(layer, "weight", None)
            values = size.shape[-1] if not isinstance(weight, Tensor) or weight.dim() < 2 else weight[0].numel()
            operations += 2 * values + 16
            bounds = interval_of(layer, -size, size, lengths)
            size = magnitudes(bounds.lower, bounds.upper)
            lengths = None if lengths is None else bounds.lengths
    return size, operations


def has_map(layer: nn.Module) -> bool:
    """Whether `interval_of` knows what to do with a layer, its parts left out of account."""
    if isinstance(layer, PoolingModule):
        return type(layer).interval is not PoolingModule.interval
    return hasattr(layer, "interval") or isinstance(layer, _OF_TORCH)


def without_map(network: nn.Module) -> list[str]:
    """Names and kinds of the modules of a network that have no interval map: `head.0 (Bilinear)`."""
    inside = {
        part
        for module in network.modules()
        if isinstance(module, PoolingModule) or hasattr(module, "bounds_its_parts")
        for part in module.modules()
        if part is not module
    }
    return [
        f"{name or 'the network'} ({type(module).__name__})"
        for name, module in network.named_modules()
        if module not in inside and not isinstance(module, nn.ModuleList | nn.ModuleDict) and not has_map(module)
    ]


class DenseMargins(nn.Linear):
    """A dense layer that gives differences (or other sums) of another one's outputs.

    Its bounds allow for the rounding of those outputs, whose magnitudes cancel in their differences.
    """

    outputs_weight: Tensor
    outputs_bias: Tensor

    def __init__(self, layer: nn.Linear, margins: Tensor) -> None:
        """margins: (margins, outputs of the layer)."""
        super().__init__(layer.in_features, len(margins), dtype=layer.weight.dtype)
        weight = layer.weight.detach().double()
        bias = weight.new_zeros(len(weight)) if layer.bias is None else layer.bias.detach().double()
        wide = margins.to(weight)
        self.weight = nn.Parameter((wide @ weight).to(layer.weight.dtype), requires_grad=False)
        self.bias = nn.Parameter((wide @ bias).to(layer.weight.dtype), requires_grad=False)
        self.register_buffer("outputs_weight", (wide.abs() @ weight.abs()).to(layer.weight.dtype))
        self.register_buffer("outputs_bias", (wide.abs() @ bias.abs()).to(layer.weight.dtype))

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Each margin's bounds, attained but for rounding."""
        size = F.linear(magnitudes(lower, upper), self.outputs_weight) + self.outputs_bias
        operations = 2 * self.in_features + 24
        ends = linear_interval(F.linear, self.weight, self.bias, lower, upper, size=size, operations=operations)
        return Bounds(*ends, lengths)


def with_margins(network: nn.Module, last: Sequence[nn.Linear], margins: Tensor) -> nn.Module:
    """A copy of a network whose last dense layers `last` give `margins` (margins, outputs) times what they gave.

    So that differences of logits are bounded by one linear layer and not from the bounds of each.
    """
    numbers = {id(module): number for number, module in enumerate(network.modules())}
    wanted = {numbers[id(layer)] for layer in last}
    made = copy.deepcopy(network)
    twins = [module for number, module in enumerate(made.modules()) if number in wanted]
    for parent in list(made.modules()):
        for name, child in list(parent.named_children()):
            if any(child is twin for twin in twins):
                assert isinstance(child, nn.Linear)
                setattr(parent, name, DenseMargins(child, margins))
    return made
