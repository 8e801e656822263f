"""What a network's decisions withstand, proven: walks a network's modules and judges the margins of its answers.

A method bounds the outputs under a perturbation; `interval` (bounds layer by layer) is the one there is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seqpool.errors import UsageError
from seqpool.nn.intervals import interval_of, with_margins, without_map
from seqpool.nn.perturbations import Perturbation, logit_bounds
from seqpool.pooling.intervals import Bounds

MOST_PAIRS = 132
"""Pairs of classes whose differences are bounded as one layer: of up to 12 classes."""

LEAST_MARGIN = 1e-9
"""A margin counts from here on, so that no rounding of probabilities makes equals of unequals."""

BISECTIONS = 12
"""Steps after which a largest radius is known to a 4000th of the range that was searched."""

Radius = TypeVar("Radius", float, int)


@dataclass(frozen=True)
class Rule:
    """How outputs become decisions, as `seqpool.evaluation` makes them.

    target: binary, multiclass or multilabel. thresholds: as in an artifact. temperature: logits are divided by it.
    """

    target: str
    thresholds: Sequence[float] = ()
    temperature: float = 1.0

    def limits(self, outputs: int) -> Tensor:
        """(outputs,) logits from which on a label is decided to be 1."""
        shares = list(self.thresholds) or [0.5] * outputs
        each = [math.inf if p >= 1 else -math.inf if p <= 0 else math.log(p / (1 - p)) for p in shares]
        return torch.tensor(each, dtype=torch.float64) * self.temperature

    def decisions(self, logits: Tensor) -> Tensor:
        """(N,) class numbers, or (N, labels) of 0 and 1; binary (N, 1)."""
        if self.target == "multiclass":
            return logits.argmax(dim=1)
        return (logits.double() >= self.limits(logits.shape[1])).long()

    def margin(self, logits: Tensor, decided: Tensor) -> Tensor:
        """(N,) how far the outputs are from another decision; 0 or below where it is another. Differentiable."""
        if self.target == "multiclass":
            own = logits.gather(1, decided[:, None])
            others = logits.scatter(1, decided[:, None], -torch.inf)
            return (own - others.amax(dim=1, keepdim=True))[:, 0]
        away = (logits - self.limits(logits.shape[1]).to(logits)) * (2 * decided - 1)
        return away.amin(dim=1)

    def least_margin(self, bounds: Bounds, decided: Tensor) -> Tensor:
        """(N,) float64 the least margin between the bounds of the outputs."""
        lower, upper = bounds.lower.double(), bounds.upper.double()
        if self.target == "multiclass":
            true = nn.functional.one_hot(decided, lower.shape[1]).bool()
            return self.margin(torch.where(true, lower, upper), decided)
        return self.margin(torch.where(decided == 1, lower, upper), decided)


class Certifier:
    """Proves decisions of a network on signals.

    Bounds are computed in the network's type, rounding allowed for, so what they prove holds for its own predictions:
    float32 by default, or those of `network.double()`.

    Raises UsageError, before any work, for a network with a module without an interval map, and names it.
    """

    method = "interval"

    def __init__(self, network: nn.Module, rule: Rule) -> None:
        check_maps(network)
        self.network = network.eval()
        self.rule = rule
        self._margins: nn.Module | None = None

    def decisions(self, x: Tensor) -> Tensor:
        """Decisions of signals (N, C, L), as `Rule.decisions`."""
        with torch.no_grad():
            return self.rule.decisions(self.network(x))

    def bounds(self, x: Tensor, perturbation: Perturbation) -> Bounds:
        """Of the outputs (N, outputs)."""
        with torch.no_grad():
            return logit_bounds(self.network, x, perturbation)

    def least_margin(self, x: Tensor, decided: Tensor, perturbation: Perturbation) -> Tensor:
        """(N,) at least so far the outputs stay from another decision."""
        pairs = self._pairs_network()
        if pairs is None:
            return self.rule.least_margin(self.bounds(x, perturbation), decided)
        with torch.no_grad():
            return self._of_pairs(logit_bounds(pairs, x, perturbation), decided)

    def least_margin_within(self, lower: Tensor, upper: Tensor, decided: Tensor) -> Tensor:
        """(N,) at least so far the outputs stay from another decision while signals stay in a box."""
        pairs = self._pairs_network()
        with torch.no_grad():
            if pairs is None:
                return self.rule.least_margin(interval_of(self.network, lower, upper), decided)
            return self._of_pairs(interval_of(pairs, lower, upper), decided)

    def _of_pairs(self, found: Bounds, decided: Tensor) -> Tensor:
        lower = found.lower.double().view(len(decided), self._classes, self._classes - 1)
        return lower.gather(1, decided[:, None, None].expand(-1, 1, lower.shape[2]))[:, 0].amin(dim=1)

    def proven(self, x: Tensor, decided: Tensor, perturbation: Perturbation) -> Tensor:
        """(N,) whether no such perturbation makes another decision."""
        return self.least_margin(x, decided, perturbation) > LEAST_MARGIN

    def largest(self, x: Tensor, decided: Tensor, perturbation: Perturbation, most: float) -> Tensor:
        """(N,) largest radius up to `most` that is proven, by bisection; 0 where none is."""
        low, high = torch.zeros(len(x)), torch.full((len(x),), most)
        for step in range(BISECTIONS + 1):
            middle = high if step == 0 else (low + high) / 2
            held = torch.zeros(len(x), dtype=torch.bool)
            for row in range(len(x)):
                one = slice(row, row + 1)
                held[row] = self.proven(x[one], decided[one], replace(perturbation, radius=float(middle[row])))[0]
            low, high = torch.where(held, middle, low), torch.where(held, high, middle)
            if bool((low >= high).all()):
                break
        return low

    def _pairs_network(self) -> nn.Module | None:
        """The network with differences of all pairs of classes for outputs, where its last layer is dense."""
        if self.rule.target != "multiclass":
            return None
        if self._margins is None:
            found: Callable[[], list[nn.Linear]] | None = getattr(self.network, "last_layers", None)
            last = [] if found is None else found()
            if not last:
                return None
            self._classes = last[0].out_features
            if self._classes * (self._classes - 1) > MOST_PAIRS or self._classes < 2:
                return None
            eye = torch.eye(self._classes)
            rows = [eye[i] - eye[j] for i in range(self._classes) for j in range(self._classes) if i != j]
            self._margins = with_margins(self.network, last, torch.stack(rows)).eval()
        return self._margins


def check_maps(network: nn.Module) -> None:
    """Raises UsageError naming the first module of a network that has no interval map."""
    missing = without_map(network)
    if missing:
        raise UsageError(
            f"nothing can be proven of this network: its module {missing[0]} has no interval map (docs/certainty.md "
            "lists what has one)."
        )


def attacked(
    margin: Callable[[Tensor], Tensor], x: Tensor, perturbation: Perturbation, *, steps: int = 20, starts: int = 2,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Projected gradient descent on the margin (Madry et al. 2018, arXiv:1706.06083): (N,) the least margin that was
    found, and the perturbed signals (N, C, L) that have it.

    margin: differentiable, of signals. From the middle, then from random places, each step by the gradient's sign.
    """
    generator = torch.Generator().manual_seed(seed)
    shape = perturbation.shape(x)
    least = torch.full((len(x),), torch.inf, dtype=torch.float64)
    worst = x.clone()
    for start in range(starts):
        random = 2 * torch.rand(shape, generator=generator, dtype=x.dtype) - 1
        place = torch.zeros(shape, dtype=x.dtype) if start == 0 else random
        for step in range(steps + 1):
            place = place.detach().requires_grad_(True)
            with torch.enable_grad():
                moved = perturbation.applied(x, place)
                found = margin(moved)
                (gradient,) = torch.autograd.grad(found.sum(), place)
            values = found.detach().double()
            better = values < least
            least = torch.where(better, values, least)
            worst = torch.where(better[:, None, None], moved.detach(), worst)
            push = torch.where(gradient == 0, random if step == 0 else torch.zeros_like(random), gradient.sign())
            place = (place.detach() - max(0.5 * 0.8**step, 0.02) * push).clamp(-1, 1)
        # where the margin falls with every number, the corner itself
        corner = perturbation.applied(x, place.detach().sign())
        with torch.no_grad():
            values = margin(corner).double()
        better = values < least
        least = torch.where(better, values, least)
        worst = torch.where(better[:, None, None], corner, worst)
    return least, worst


def smallest_success(succeeds: Callable[[float], bool], proven: float, most: float, steps: int = 8) -> float | None:
    """The smallest radius, to a fraction of the range, at which an attack succeeds; None where it does not at `most`.

    Above `proven` first by doubling, then by bisection. What is proven withstands, so nothing below is tried.
    """
    radius = min(max(2 * proven, most / 1024), most)
    low = proven
    while not succeeds(radius):
        if radius >= most:
            return None
        low, radius = radius, min(2 * radius, most)
    high = radius
    for _ in range(steps):
        middle = (low + high) / 2
        if succeeds(middle):
            high = middle
        else:
            low = middle
    return high


def mean_probabilities(bounds: Bounds, rule: Rule) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(outputs,) bounds of the probabilities averaged over windows, from those of their logits (windows, outputs)."""
    lower, upper = bounds.lower.double() / rule.temperature, bounds.upper.double() / rule.temperature
    if rule.target != "multiclass":
        return lower.sigmoid().mean(dim=0).numpy() - 1e-12, upper.sigmoid().mean(dim=0).numpy() + 1e-12
    low, high = torch.empty_like(lower), torch.empty_like(upper)
    for i in range(lower.shape[1]):
        own = torch.arange(lower.shape[1]) == i
        low[:, i] = torch.where(own, lower, upper).softmax(dim=1)[:, i]
        high[:, i] = torch.where(own, upper, lower).softmax(dim=1)[:, i]
    return low.mean(dim=0).numpy() - 1e-12, high.mean(dim=0).numpy() + 1e-12


def decided_by_mean(low: NDArray[Any], high: NDArray[Any], rule: Rule, decided: NDArray[np.int64]) -> bool:
    """Whether probabilities between these bounds all make the same decision: a class number, or 0 and 1 of labels."""
    if rule.target == "multiclass":
        others = np.delete(high, int(decided[0]))
        return bool(low[int(decided[0])] > others.max())
    limits = np.asarray(list(rule.thresholds) or [0.5] * len(low))
    return bool(np.all(np.where(decided == 1, low >= limits, high < limits)))
