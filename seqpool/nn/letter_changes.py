"""What changes of letters can do to the features of a motif detector, and to its answer.

A window's score after any k substitutions lies between itself minus the k largest losses and plus the k largest gains,
exactly. The upper bound of a maximum over windows is the largest of theirs, exactly; the lower bound is found from
windows apart from each other, or for narrow filters exactly by dynamic programming. One change is known exactly: only
the windows that it touches are scored anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seqpool.alphabet import DNA, Alphabet
from seqpool.kernels.letter_changes import bounds_of_maxima, lowest_maximum, maxima_of_single_changes, window_scores
from seqpool.nn.letters import BLANK
from seqpool.nn.motif_detector import MotifDetector, MotifFilters
from seqpool.nn.word_bag import WordBag
from seqpool.pooling.intervals import Bounds, rounding

Codes = NDArray[np.uint8]

EXACT_STEPS = 1 << 22
"""Steps of dynamic programming for one filter that are worth their time: half a second for all filters of a network."""


@dataclass(frozen=True)
class LetterChanges:
    """At most `count` letters changed: to any plain letter (`substitutions`), or to the unknown one (`unknown`)."""

    kind: Literal["substitutions", "unknown"]
    count: int
    alphabet: Alphabet = DNA

    @property
    def allowed(self) -> Codes:
        """Codes that a changed letter may have."""
        if self.kind == "unknown":
            return np.array([self.alphabet.unknown], dtype=np.uint8)
        return np.arange(len(self.alphabet.letters), dtype=np.uint8)

    def variants(self, codes: Codes) -> tuple[NDArray[np.int64], Codes]:
        """Position and new code of every single change of (L,) codes."""
        positions = np.repeat(np.arange(len(codes)), len(self.allowed))
        replacement = np.tile(self.allowed, len(codes))
        different = replacement != codes[positions]
        return positions[different], replacement[different]


def changed(codes: Codes, positions: NDArray[np.int64], replacement: Codes) -> Codes:
    """(changes, L) codes, each with one position replaced."""
    rows = np.repeat(codes[None], len(positions), axis=0)
    rows[np.arange(len(positions)), positions] = replacement
    return rows


def outputs_of_single_changes(
    network: nn.Module, codes: Codes, positions: NDArray[np.int64], replacement: Codes
) -> NDArray[np.float64]:
    """(changes, outputs) what a network says of (L,) codes after each change of one letter.

    Of a motif detector only the windows that a change touches are scored anew, equal to rounding; any other network
    sees every changed sequence.
    """
    with torch.inference_mode():
        if isinstance(network, MotifDetector) and len(codes) >= max(network.options.widths):
            features = _features_of_single_changes(network, codes, positions, replacement)
            return network.head(network.norm(features)).double().numpy()  # type: ignore[no-any-return]
        return network_outputs(network, changed(codes, positions, replacement))


def network_outputs(network: nn.Module, rows: Codes, batch: int = 1024) -> NDArray[np.float64]:
    """(rows, outputs) of sequences (rows, L) of one length."""
    found = []
    with torch.inference_mode():
        for first in range(0, len(rows), batch):
            part = torch.from_numpy(rows[first : first + batch])
            lengths = torch.full((len(part),), part.shape[1], dtype=torch.int64)
            found.append(network(part, lengths).double().numpy())
    return np.concatenate(found)


@dataclass(frozen=True)
class _Padded:
    """A sequence as a network pads it, in few symbols: plain letters are themselves, other codes follow.

    symbols: (P,). offset: where the sequence begins in it. symbol: (256,) of each code. channels: (symbols, letters) of
    each symbol in float64. changeable: (P,) the letters of the sequence.
    """

    symbols: Codes
    offset: int
    symbol: Codes
    channels: Tensor
    changeable: NDArray[np.bool_]


def _padded(network: MotifDetector, codes: Codes, allowed: Codes) -> _Padded:
    offset = network.options.padding
    if len(codes) >= max(network.options.widths):
        rows = np.full(len(codes) + 2 * offset, BLANK, dtype=np.uint8)
        rows[offset : offset + len(codes)] = codes
    else:
        rows = network.pad(torch.from_numpy(codes.copy())[None], torch.tensor([len(codes)]))[0][0].numpy()
    table = network.one_hot.table.numpy()
    letters = table.shape[1]
    others = np.setdiff1d(np.append(np.unique(rows), allowed), np.arange(letters))
    symbol = np.zeros(256, dtype=np.uint8)
    symbol[:letters] = np.arange(letters)
    symbol[others] = letters + np.arange(len(others))
    channels = np.zeros((letters + len(others), letters))
    channels[:letters] = table[:letters]
    known = others < len(table)  # a blank is zero in every channel
    channels[letters:][known] = table[others[known]]
    changeable = np.zeros(len(rows), dtype=bool)
    changeable[offset : offset + len(codes)] = True
    return _Padded(symbol[rows], offset, symbol, torch.from_numpy(channels), changeable)


@dataclass(frozen=True)
class _Windows:
    """Windows of one filter layer on one padded sequence.

    table: (width, symbols, lanes). scores: (windows, lanes) with the bias of their stretch and without the bias of the
    filter. bias: (windows, lanes) that of the stretch.
    """

    symbols: Codes
    table: NDArray[np.float32]
    scores: NDArray[np.float32]
    bias: NDArray[np.float32]


def _windows_of(layer: MotifFilters, padded: _Padded) -> _Windows:
    lanes = torch.cat([weight.detach() for weight in layer.weights_of_strands()]).double()  # (lanes, letters, width)
    filters, letters, width = lanes.shape
    table = (padded.channels @ lanes.permute(1, 2, 0).reshape(letters, -1)).view(-1, width, filters).transpose(0, 1)
    windows = len(padded.symbols) - width + 1
    bias = np.zeros((windows, filters), dtype=np.float32)
    if layer.position_bias is not None:
        bias[:] = layer.bias_of_windows(windows).detach().repeat(len(layer.weights_of_strands()), 1).T.numpy()
    rows = table.float().contiguous().numpy()
    return _Windows(padded.symbols, rows, window_scores(padded.symbols, rows, bias), bias)


def _features_of_single_changes(
    network: MotifDetector, codes: Codes, positions: NDArray[np.int64], replacement: Codes
) -> Tensor:
    padded = _padded(network, codes, replacement)
    threads, places, symbols = torch.get_num_threads(), positions + padded.offset, padded.symbol[replacement]
    parts = []
    for layer in network.filter_layers():
        own = _windows_of(layer, padded)
        maxima = maxima_of_single_changes(own.symbols, own.scores, own.table, places, symbols, threads)
        best = torch.from_numpy(maxima)
        filters = len(layer.weight)
        if layer.strands == "both":
            best = torch.maximum(best[:, :filters], best[:, filters:])
        bias = torch.cat([layer.bias, layer.bias]) if layer.strands == "apart" else layer.bias
        parts.append(torch.relu(best + bias))
        if layer.average:
            parts.append(_averages_of_single_changes(layer, own, places, symbols))
    for words in network.words:
        assert isinstance(words, WordBag)
        parts.append(words.after_single_changes(codes, positions, replacement))
    if network.options.composition:
        rows = torch.from_numpy(changed(codes, positions, replacement))
        lengths = torch.full((len(rows),), len(codes), dtype=torch.int64)
        parts.append(network.composition(rows, lengths))
    return torch.cat(parts, dim=1)


def _averages_of_single_changes(
    layer: MotifFilters, own: _Windows, positions: NDArray[np.int64], replacement: Codes
) -> Tensor:
    """(changes, filters) averages over windows of the rectified scores after each change."""
    strands = len(layer.weights_of_strands())
    offset = layer.bias.detach().repeat(strands).numpy()
    scores = own.scores - own.bias + offset
    total = np.maximum(scores, 0).sum(axis=0, dtype=np.float64)
    windows, width = len(scores), layer.width
    found = np.empty((len(positions), scores.shape[1]))
    for number, (position, symbol) in enumerate(zip(positions.tolist(), replacement.tolist(), strict=True)):
        first, last = max(0, position - width + 1), min(position, windows - 1)
        places = position - np.arange(first, last + 1)
        old = scores[first : last + 1]
        new = old + (own.table[places, symbol] - own.table[places, own.symbols[position]])
        found[number] = total + (np.maximum(new, 0) - np.maximum(old, 0)).sum(axis=0, dtype=np.float64)
    mean = found.reshape(len(positions), strands, -1).sum(axis=1) / (strands * windows)
    return torch.from_numpy(mean).to(layer.weight.dtype)


def feature_bounds(network: MotifDetector, codes: Codes, changes: LetterChanges, *, exact: bool = True) -> Bounds:
    """Bounds (1, features) of what a motif detector's features can be after the changes of (L,) codes.

    exact: lower ends of maxima by dynamic programming, where that is affordable.
    """
    padded = _padded(network, codes, changes.allowed)
    allowed = padded.symbol[changes.allowed]
    lowest, highest = [], []
    for layer in network.filter_layers():
        low, high = _bounds_of_layer(layer, _windows_of(layer, padded), padded, allowed, changes, exact)
        lowest.append(low)
        highest.append(high)
    for words in network.words:
        assert isinstance(words, WordBag)
        low, high = _bounds_of_words(words, codes, changes.count)
        lowest.append(low)
        highest.append(high)
    if network.options.composition:
        shares = network.composition(torch.from_numpy(codes)[None], torch.tensor([len(codes)]))[0].double()
        one = changes.count / max(len(codes), 1)
        lowest.append((shares - one).clamp(min=0))
        highest.append((shares + one).clamp(max=1))
    dtype = next(network.parameters()).dtype
    low, high = torch.cat(lowest).double()[None], torch.cat(highest).double()[None]
    # scores of float32, of the network and of the bounds, are sums of up to so many values
    widest = max(network.options.widths)
    slack = rounding(4 * (widest * len(network.one_hot.table[0]) + 16), torch.float32) * _sizes(network, low, high)
    return Bounds((low - slack).to(dtype), (high + slack).to(dtype))


def _sizes(network: MotifDetector, low: Tensor, high: Tensor) -> Tensor:
    """(features,) at least the magnitudes that are added up for each feature."""
    parts = []
    for layer in network.filter_layers():
        size = layer.weight.detach().abs().amax(dim=1).sum(dim=1).double() + layer.bias.detach().abs()
        if layer.position_bias is not None:
            size = size + layer.position_bias.detach().abs().amax(dim=1)
        maxima = torch.cat([size, size]) if layer.strands == "apart" else size
        parts.append(torch.cat([maxima, size]) if layer.average else maxima)
    known = torch.cat(parts)
    others = torch.maximum(low.abs(), high.abs())[0, len(known) :]
    return torch.cat([known, others])


def _bounds_of_layer(
    layer: MotifFilters,
    own: _Windows,
    padded: _Padded,
    allowed: Codes,
    changes: LetterChanges,
    exact: bool,
) -> tuple[Tensor, Tensor]:
    changeable = padded.changeable
    strands = 2 if layer.strands == "both" else 1
    lower, upper = bounds_of_maxima(
        own.symbols, own.scores, own.table, allowed, changeable, changes.count, strands, torch.get_num_threads()
    )
    letters = layer.weight.shape[1]
    steps = len(own.symbols) * letters**layer.width * (changes.count + 1)
    plain = bool((own.symbols[changeable] < letters).all() and (own.symbols[~changeable] == padded.symbol[BLANK]).all())
    if exact and changes.kind == "substitutions" and plain and steps <= EXACT_STEPS:
        lower = np.maximum(lower, _exact_lower(layer, own, changeable, changes.count, strands))
    bias = torch.cat([layer.bias, layer.bias]) if layer.strands == "apart" else layer.bias
    low, high = (torch.relu(torch.from_numpy(end) + bias.double()) for end in (lower, upper))
    if not layer.average:
        return low, high
    mean_low, mean_high = _bounds_of_average(layer, own, allowed, changeable, changes.count)
    return torch.cat([low, mean_low]), torch.cat([high, mean_high])


def _exact_lower(
    layer: MotifFilters, own: _Windows, changeable: NDArray[np.bool_], count: int, strands: int
) -> NDArray[np.float64]:
    letters, width, windows = layer.weight.shape[1], layer.width, len(own.scores)
    filters = own.scores.shape[1] // strands
    blank = ~changeable
    # what a letter adds in a window: nothing where the window reaches past the sequence
    seen = ~blank[np.arange(windows)[None, :] + np.arange(width)[:, None]]  # (width, windows)
    found = np.empty(filters)
    for lane in range(filters):
        lanes = [lane + strand * filters for strand in range(strands)]
        table = own.table[:, :letters, lanes].astype(np.float64)  # (width, letters, strands)
        columns = np.ascontiguousarray(table.transpose(2, 0, 1)[..., None] * seen[None, :, None, :])
        found[lane] = lowest_maximum(
            own.symbols, columns, own.bias[:, lanes].T.astype(np.float64).copy(), changeable, blank, count
        )  # fmt: skip
    return found


def _bounds_of_average(
    layer: MotifFilters, own: _Windows, allowed: Codes, changeable: NDArray[np.bool_], count: int
) -> tuple[Tensor, Tensor]:
    """Of the average of rectified scores: each change moves the windows that it touches, at most as far as `count`
    changes in that window do; the positions whose windows move most are counted."""
    strands = len(layer.weights_of_strands())
    scores = (own.scores - own.bias + layer.bias.detach().repeat(strands).numpy()).astype(np.float64)
    windows, width = len(scores), layer.width
    places = np.arange(windows)[:, None] + np.arange(width)
    now = own.table[np.arange(width), own.symbols[places]]  # (windows, width, lanes)
    ends = []
    for extreme in (own.table[:, allowed].min(axis=1), own.table[:, allowed].max(axis=1)):
        moves = np.where(changeable[places][..., None], np.abs(extreme[None] - now), 0.0)
        reach = np.sort(moves, axis=1)[:, -count:].sum(axis=1)
        ends.append(reach)
    down = np.maximum(scores, 0) - np.maximum(scores - ends[0], 0)
    up = np.maximum(scores + ends[1], 0) - np.maximum(scores, 0)
    mean = np.maximum(scores, 0).sum(axis=0)
    found = []
    for moved, sign in ((down, -1), (up, 1)):
        total = np.concatenate([np.zeros((1, moved.shape[1])), moved.cumsum(axis=0)])
        position = np.arange(len(own.symbols))
        first, last = np.maximum(position - width + 1, 0), np.minimum(position, windows - 1)
        touched = np.where(changeable[:, None], total[last + 1] - total[first], 0.0)
        most = np.sort(touched, axis=0)[-count:].sum(axis=0)
        ends_of = (mean + sign * most).reshape(strands, -1).sum(axis=0) / (strands * windows)
        found.append(torch.from_numpy(ends_of))
    return found[0].clamp(min=0), found[1]


def _bounds_of_words(words: WordBag, codes: Codes, count: int) -> tuple[Tensor, Tensor]:
    """Each change makes every word that it touches any other, or none; the positions whose words matter most count."""
    vectors = words.vectors.weight.detach().double()
    starts = max(len(codes) - words.k + 1, 0)
    rows = torch.tensor([words.k])
    each = torch.zeros(starts, vectors.shape[1], dtype=torch.float64)
    plain = torch.zeros(starts, dtype=torch.bool)
    if starts:
        windows = torch.from_numpy(np.lib.stride_tricks.sliding_window_view(codes, words.k).copy())
        each = words(windows, rows.expand(starts)).double()  # of one word: its vector
        plain = (windows < words.letters).all(dim=1)
    number = int(plain.sum())
    touched_most = min(count * words.k, starts)
    # as many words as before, or fewer by those that are touched, or more
    fewest, most = max(number - touched_most, 1), max(min(number + touched_most, starts), 1)
    total = each.sum(dim=0)
    found = []
    for sign, extreme in ((-1, vectors.amin(dim=0).clamp(max=0)), (1, vectors.amax(dim=0).clamp(min=0))):
        moved = (sign * (extreme - each)).clamp(min=0)
        position = torch.arange(len(codes))
        sums = torch.cat([moved.new_zeros(1, moved.shape[1]), moved.cumsum(dim=0)])
        first, last = (position - words.k + 1).clamp(min=0), position.clamp(max=starts - 1)
        touched = sums[last + 1] - sums[first] if starts else moved.new_zeros(len(codes), moved.shape[1])
        top = touched.topk(min(count, len(touched)), dim=0).values.sum(dim=0)
        end = total + sign * top
        divided = torch.stack([end / fewest**0.5, end / most**0.5, end / max(number, 1) ** 0.5])
        if number == len(each) and bool(plain.all()):
            # substitutions keep every word a word; unknown letters leave fewer
            divided = torch.stack([end / number**0.5, end / fewest**0.5])
        found.append(divided.amin(dim=0) if sign < 0 else divided.amax(dim=0))
    slack = rounding(2 * len(codes) + 16, torch.float32) * (len(each) * vectors.abs().amax(dim=0))
    return found[0] - slack, found[1] + slack
