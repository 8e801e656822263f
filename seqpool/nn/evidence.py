"""Where in a sequence a class's evidence lies: the window that spoke most for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from seqpool.nn.encoder import Encoder
from seqpool.nn.letters import OneHot
from seqpool.nn.motif_detector import MotifDetector, MotifFilters


@dataclass(frozen=True)
class StrongestWindows:
    """(rows, classes) each: start and stop, 0-based half open, on the given strand's coordinates; strand +1 or -1."""

    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    strand: NDArray[np.int8]


def strongest_windows(network: nn.Module, codes: Tensor, lengths: Tensor, classes: int) -> StrongestWindows:
    """The window that spoke most for each class, for (N, L) uint8 codes.

    A motif detector: the best window of the filter that adds most to the class's logit (the feature times the logit's
    gradient). Any other network: the stretch, as long as its receptive field, whose letters add most (gradient times
    input, Shrikumar et al. 2016, arXiv:1605.01713). classes: 2 for one logit, whose first class speaks against it.
    """
    if isinstance(network, MotifDetector):
        return _of_detector(network, codes, lengths, classes)
    return _of_letters(network, codes, lengths, classes)


def _gradients(logits: Tensor, wanted: Tensor, classes: int) -> list[Tensor]:
    """Of each class's logit with respect to `wanted`; of one logit, first with the sign turned."""
    if logits.shape[1] == 1 and classes == 2:
        (gradient,) = torch.autograd.grad(logits.sum(), wanted)
        return [-gradient, gradient]
    count = logits.shape[1]
    return [torch.autograd.grad(logits[:, i].sum(), wanted, retain_graph=i + 1 < count)[0] for i in range(count)]


def _of_detector(network: MotifDetector, codes: Tensor, lengths: Tensor, classes: int) -> StrongestWindows:
    with torch.no_grad():
        features = network.features(codes, lengths)
        padded, padded_lengths = network.pad(codes, lengths)
        starts, strands, widths, columns = _filter_windows(network, padded, padded_lengths)
    features.requires_grad_(True)
    with torch.enable_grad():
        logits = network.head(network.norm(features))
        gradients = _gradients(logits, features, classes)
    rows = torch.arange(len(codes))
    found: list[list[NDArray[np.int64]]] = [[], [], []]
    for gradient in gradients:
        best = (gradient * features.detach())[:, columns].argmax(dim=1)
        start = starts[rows, best] - network.options.padding
        stop = torch.minimum(start + widths[best], lengths.clamp(min=1))
        for kept, values in zip(found, (start.clamp(min=0), stop, strands[rows, best]), strict=True):
            kept.append(values.numpy())
    first, last, strand = (np.stack(values, axis=1) for values in found)
    return StrongestWindows(np.minimum(first, last - 1), last, strand.astype(np.int8))


def _filter_windows(network: MotifDetector, codes: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor, list[int]]:
    """Of each maximum feature: (rows, features) start and strand of its window, (features,) width, feature columns."""
    starts, strands, widths = [], [], []
    columns: list[int] = []
    first = 0
    for layer in network.filter_layers():
        top, place = _best_by_strand(layer, codes, lengths)
        filters = layer.weight.shape[0]
        if layer.strands == "apart":
            starts += [place[0], place[1]]
            strands += [torch.ones_like(place[0]), -torch.ones_like(place[1])]
        elif layer.strands == "both":
            reverse = top[1] > top[0]
            starts.append(torch.where(reverse, place[1], place[0]))
            strands.append(torch.where(reverse, -1, 1))
        else:
            starts.append(place[0])
            strands.append(torch.ones_like(place[0]))
        maxima = filters * (2 if layer.strands == "apart" else 1)
        widths.append(torch.full((maxima,), layer.width))
        columns += range(first, first + maxima)
        first += layer.features
    return torch.cat(starts, dim=1), torch.cat(strands, dim=1), torch.cat(widths), columns


def _best_by_strand(layer: MotifFilters, codes: Tensor, lengths: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    x = layer.one_hot(codes)
    valid = torch.arange(x.shape[2] - layer.width + 1) < (lengths - layer.width + 1)[:, None]
    weights = [layer.weight] if layer.strands == "forward" else [layer.weight, layer.weight.flip(1, 2)]
    tops, places = [], []
    for weight in weights:
        scores = F.conv1d(x, weight)
        if layer.position_bias is not None:
            scores = scores + layer.bias_of_windows(scores.shape[2])
        top, place = torch.where(valid[:, None], scores, scores.new_full((), -torch.inf)).max(dim=2)
        tops.append(top)
        places.append(place)
    return tops, places


def _of_letters(network: nn.Module, codes: Tensor, lengths: Tensor, classes: int) -> StrongestWindows:
    one_hot = next(module for module in network.modules() if isinstance(module, OneHot))
    x = one_hot(codes).requires_grad_(True)
    with torch.enable_grad():
        gradients = _gradients(network(x, lengths), x, classes)
    span = _receptive_field(network, int(lengths.max()))
    valid = torch.arange(codes.shape[1]) < lengths[:, None]
    starts, stops = [], []
    for gradient in gradients:
        evidence = torch.where(valid, (gradient * x.detach()).sum(dim=1), 0.0).double()
        total = F.pad(evidence.cumsum(dim=1), (1, 0))
        places = torch.arange(codes.shape[1])
        ends = torch.minimum(places + span, lengths[:, None])
        inside = places <= (lengths[:, None] - span).clamp(min=0)
        sums = torch.where(inside, total.gather(1, ends) - total[:, :-1], -torch.inf)
        best = sums.argmax(dim=1)
        starts.append(best.numpy())
        stops.append(torch.minimum(best + span, lengths).numpy())
    start = np.stack(starts, axis=1)
    return StrongestWindows(start, np.stack(stops, axis=1), np.ones(start.shape, dtype=np.int8))


def _receptive_field(network: nn.Module, longest: int) -> int:
    encoder = next((module for module in network.modules() if isinstance(module, Encoder)), None)
    return longest if encoder is None else min(int(encoder.geometry().receptive_field), longest)
