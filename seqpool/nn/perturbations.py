"""What may happen to a signal, as a set of signals around one: noise, an offset, a gain, a baseline that wanders.

Each says its box, and more tightly what it can do after the first convolution of an encoder: there an offset moves
every value by the sum of the filter's weights, not by the sum of their magnitudes.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from seqpool.nn.convolution import SameConv1d
from seqpool.nn.encoder import Encoder
from seqpool.nn.intervals import convolution_size, interval_of
from seqpool.pooling.intervals import Bounds, rounding


@dataclass(frozen=True)
class Perturbation(ABC):
    """radius: how far, in the units of the signal (N, C, L), of a gain as a share. Every lead is moved by its own."""

    unit: ClassVar[str] = "mV"

    radius: float

    @abstractmethod
    def box(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Lower and upper bound of every sample."""

    @abstractmethod
    def shape(self, x: Tensor) -> tuple[int, ...]:
        """Of the numbers from -1 to 1 that say which perturbation it is."""

    @abstractmethod
    def applied(self, x: Tensor, place: Tensor) -> Tensor:
        """The perturbed signal for such numbers; differentiable."""

    @abstractmethod
    def reach(self, x: Tensor, convolution: SameConv1d, weight: Tensor) -> Tensor:
        """At most so far each value of a convolution of the signal with `weight` moves; shaped to fit the result."""


class Noise(Perturbation):
    """Up to `radius` on every sample."""

    def box(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x - self.radius, x + self.radius

    def shape(self, x: Tensor) -> tuple[int, ...]:
        return tuple(x.shape)

    def applied(self, x: Tensor, place: Tensor) -> Tensor:
        return x + self.radius * place

    def reach(self, x: Tensor, convolution: SameConv1d, weight: Tensor) -> Tensor:
        return self.radius * convolution.convolved(torch.ones_like(x[:1]), weight.abs())


class Offset(Perturbation):
    """The same amount, up to `radius`, on every sample of a lead."""

    def box(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x - self.radius, x + self.radius

    def shape(self, x: Tensor) -> tuple[int, ...]:
        return (*x.shape[:2], 1)

    def applied(self, x: Tensor, place: Tensor) -> Tensor:
        return x + self.radius * place

    def reach(self, x: Tensor, convolution: SameConv1d, weight: Tensor) -> Tensor:
        ones = torch.ones_like(x[:1, :1])
        return self.radius * sum_over_leads(weight, lambda lead, own: convolution.convolved(ones, own).abs())


class Gain(Perturbation):
    """Every sample of a lead times the same factor from 1 - radius to 1 + radius."""

    unit = "share"

    def box(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first, second = x * (1 - self.radius), x * (1 + self.radius)
        return torch.minimum(first, second), torch.maximum(first, second)

    def shape(self, x: Tensor) -> tuple[int, ...]:
        return (*x.shape[:2], 1)

    def applied(self, x: Tensor, place: Tensor) -> Tensor:
        return x * (1 + self.radius * place)

    def reach(self, x: Tensor, convolution: SameConv1d, weight: Tensor) -> Tensor:
        def moved(lead: int, own: Tensor) -> Tensor:
            return convolution.convolved(x[:, lead : lead + 1], own).abs()

        return self.radius * sum_over_leads(weight, moved)


@dataclass(frozen=True)
class Wander(Perturbation):
    """Anything added to a lead that has no part above `below_hz` and is nowhere larger than `radius`.

    Such a baseline has a slope of at most 2 pi below_hz radius, and a second derivative of at most that times
    2 pi below_hz (Bernstein 1912): within a filter's width it is nearly a straight line. rate_hz: of the signal.
    """

    below_hz: float
    rate_hz: float

    def box(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x - self.radius, x + self.radius

    def shape(self, x: Tensor) -> tuple[int, ...]:
        return (*x.shape[:2], 2)

    def applied(self, x: Tensor, place: Tensor) -> Tensor:
        """One sine wave: `place` holds its frequency and phase."""
        seconds = torch.arange(x.shape[2], dtype=x.dtype, device=x.device) / self.rate_hz
        turns = self.below_hz * (place[..., :1] + 1) / 2 * seconds + place[..., 1:] / 2
        return x + self.radius * torch.sin(2 * math.pi * turns)

    def reach(self, x: Tensor, convolution: SameConv1d, weight: Tensor) -> Tensor:
        pace = 2 * math.pi * self.below_hz
        seconds = torch.arange(x.shape[2], dtype=torch.float64, device=x.device)[None, None] / self.rate_hz
        ones = torch.ones_like(seconds)
        step = torch.arange(-(-x.shape[2] // convolution.stride[0]), dtype=torch.float64, device=x.device)
        middle = convolution.dilation[0] * (convolution.kernel_size[0] - 1) / 2 - convolution.left_padding
        centre = (step * convolution.stride[0] + middle) / self.rate_hz

        def moved(lead: int, own: Tensor) -> Tensor:
            level = convolution.convolved(ones, own)
            slope = convolution.convolved(seconds, own) - centre * level
            sizes = [convolution.convolved(power, own.abs()) for power in (ones, seconds, seconds**2)]
            bend = (sizes[2] - 2 * centre * sizes[1] + centre**2 * sizes[0]).clamp(min=0) + 1e-9 * sizes[2]
            line = level.abs() + pace * slope.abs() + pace**2 / 2 * bend
            return torch.minimum(line, sizes[0])

        return self.radius * (sum_over_leads(weight.double(), moved) * (1 + 1e-9)).to(x.dtype)


def sum_over_leads(weight: Tensor, moved: Callable[[int, Tensor], Tensor]) -> Tensor:
    """Sum over leads of `moved(lead, weight of the lead)`."""
    each = [moved(lead, weight[:, lead : lead + 1]) for lead in range(weight.shape[1])]
    return torch.stack(each).sum(dim=0)


def logit_bounds(network: torch.nn.Module, x: Tensor, perturbation: Perturbation) -> Bounds:
    """Bounds of a network's outputs (N, outputs) under a perturbation of whole signals (N, C, L)."""
    lower, upper = perturbation.box(x)
    linear = network.first_linear() if isinstance(network, Encoder) else None
    if linear is None or isinstance(perturbation, Noise):
        return interval_of(network, lower, upper)
    assert isinstance(network, Encoder)
    convolution, norm, beside = linear
    folded = convolution.folded(norm, beside)
    middle = convolution.convolved(x, folded.weight, folded.bias)
    size = convolution_size(folded.weight_size, lower, upper) + folded.bias_size[:, None]
    reach = perturbation.reach(x, convolution, folded.weight)
    # the reach is a sum of rounded products too, of values no larger than the box
    share = rounding(4 * folded.weight[0].numel() + 64, x.dtype)
    reach = reach * (1 + share) + share * size
    return network.interval(lower, upper, first=Bounds(middle - reach, middle + reach))
