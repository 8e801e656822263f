"""Bounds of a batch of sequences under substitutions that gradients pass through: what training for certificates uses.

Looser than `seqpool.nn.letter_changes`, and cheap: of each filter only the window that can reach highest and the one
that stays highest are scored with gradients.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from seqpool.kernels.letter_changes import extreme_windows
from seqpool.nn.letters import BLANK
from seqpool.nn.motif_detector import MotifDetector, MotifFilters
from seqpool.nn.word_bag import WordBag
from seqpool.pooling.intervals import Bounds


def substitution_bounds(network: MotifDetector, codes: Tensor, lengths: Tensor, count: int) -> Bounds:
    """Bounds of the logits (N, outputs) of codes (N, L) after any `count` substitutions in each row."""
    padded, padded_lengths = network.pad(codes, lengths)
    offset = network.options.padding
    places = torch.arange(padded.shape[1]) - offset
    changeable = (places >= 0) & (places < lengths[:, None])
    lowest, highest = [], []
    for layer in network.filter_layers():
        low, high = _of_layer(layer, padded, padded_lengths, changeable, count)
        lowest.append(low)
        highest.append(high)
    for words in network.words:
        assert isinstance(words, WordBag)
        low, high = _of_words(words, codes, lengths, count)
        lowest.append(low)
        highest.append(high)
    if network.options.composition:
        shares, one = network.composition(codes, lengths), count / lengths.clamp(min=1)[:, None]
        lowest.append((shares - one).clamp(min=0))
        highest.append((shares + one).clamp(max=1))
    return network.answer_interval(torch.cat(lowest, dim=1), torch.cat(highest, dim=1))


def _of_layer(
    layer: MotifFilters, padded: Tensor, lengths: Tensor, changeable: Tensor, count: int
) -> tuple[Tensor, Tensor]:
    letters, width = layer.weight.shape[1:]
    weight = torch.cat(layer.weights_of_strands())  # (lanes, letters, width)
    table = torch.cat([layer.one_hot.table, layer.one_hot.table.new_zeros(1, letters)])
    blank = len(table) - 1
    symbols = torch.where(padded == BLANK, blank, padded.long())
    scores = torch.einsum("lak,sa->lks", weight, table)  # what a symbol adds at a place
    windows = padded.shape[1] - width + 1
    bias = weight.new_zeros(windows, len(weight))
    if layer.position_bias is not None:
        bias = layer.bias_of_windows(windows).repeat(len(layer.weights_of_strands()), 1).T
    upper, lower = extreme_windows(
        symbols.to(torch.uint8).numpy(),
        (lengths - width + 1).numpy().astype(np.int64),
        scores.detach().float().permute(1, 2, 0).contiguous().numpy(),
        bias.detach().float().contiguous().numpy(),
        np.arange(letters, dtype=np.uint8),
        changeable.numpy(),
        count,
        torch.get_num_threads(),
    )
    lane, place = torch.arange(len(weight)), torch.arange(width)
    ends = []
    for chosen, extreme, sign in ((lower, weight.amin(dim=1), -1), (upper, weight.amax(dim=1), 1)):
        window = torch.from_numpy(chosen)
        at = window[:, :, None] + place  # (N, lanes, width)
        rows = torch.arange(len(padded))[:, None, None]
        now = scores[lane[:, None], place, symbols[rows, at]]
        moved = torch.where(changeable[rows, at], (sign * (extreme - now)).clamp(min=0), 0.0)
        top = moved.topk(min(count, width), dim=2).values.sum(dim=2)
        best = now.sum(dim=2) + bias[window, lane] + sign * top
        if layer.strands == "both":
            best = torch.stack(best.chunk(2, dim=1)).amax(dim=0)
        own = torch.cat([layer.bias, layer.bias]) if layer.strands == "apart" else layer.bias
        ends.append(torch.relu(best + own))
    if not layer.average:
        return ends[0], ends[1]
    mean = layer(padded, lengths)[:, ends[0].shape[1] :]
    # each substitution moves the windows that it touches, by at most what so many places can differ
    span = (layer.weight.amax(dim=1) - layer.weight.amin(dim=1)).topk(min(count, width), dim=1).values.sum(dim=1)
    share = (count * width / (lengths - width + 1).clamp(min=1)).clamp(max=1)[:, None]
    return (
        torch.cat([ends[0], (mean - share * span).clamp(min=0)], dim=1),
        torch.cat([ends[1], mean + share * span], dim=1),
    )


def _of_words(words: WordBag, codes: Tensor, lengths: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Every word that is touched becomes any other; rows of plain letters."""
    found = words(codes, lengths)
    vectors = words.vectors.weight
    span = (vectors.amax(dim=0) - vectors.amin(dim=0))[None]
    number = (lengths - words.k + 1).clamp(min=1)[:, None]
    reach = span * torch.minimum(number, torch.full_like(number, count * words.k)) / number.sqrt()
    return found - reach, found + reach
