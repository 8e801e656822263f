"""Motif filters slid over letters, their best window pooled over the whole sequence, a dense head."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from seqpool.alphabet import Alphabet
from seqpool.nn.heads import EnsembleHead, FeatureNorm, StrandHead, dense_head, last_dense
from seqpool.nn.intervals import chain, convolution_interval
from seqpool.nn.letters import BLANK, OneHot, letter_codes
from seqpool.nn.motif_maximum import Strands, motif_maximum, motif_maximum_and_average
from seqpool.nn.word_bag import WordBag
from seqpool.options import networks
from seqpool.pooling.intervals import Bounds, rounding
from seqpool.pooling.masks import mask_from_lengths


class MotifFilters(nn.Module):
    """Filters of one width: maximum (and average) over windows of the score of every filter.

    weight: (filters, letters, width), bias: (filters,).
    """

    def __init__(self, filters: int, width: int, alphabet: Alphabet, options: networks.MotifDetector) -> None:
        super().__init__()
        self.one_hot = OneHot(alphabet)
        # what the strands share are the layers after the filters: their maxima are features apart
        self.strands: Strands = "apart" if options.strands == "shared" else options.strands
        self.average = options.pool == "max_average"
        self.bins = options.position_bins
        self.engine = options.engine
        self.weight = nn.Parameter(torch.empty(filters, len(alphabet.letters), width))
        self.bias = nn.Parameter(torch.zeros(filters))
        bound = (3.0 / width) ** 0.5  # one letter per position is 1: the variance of a score is that of `width` weights
        nn.init.uniform_(self.weight, -bound, bound)
        self.position_bias = nn.Parameter(torch.zeros(filters, self.bins)) if self.bins > 1 else None

    @property
    def width(self) -> int:
        """Letters per filter."""
        return self.weight.shape[2]

    @property
    def features(self) -> int:
        """Features per sequence."""
        filters = self.weight.shape[0]
        return filters * (2 if self.strands == "apart" else 1) + (filters if self.average else 0)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Codes (N, L) or one-hot (N, letters, L), every length at least the width, to (N, features)."""
        best, average = self._pooled(x, lengths)
        bias = torch.cat([self.bias, self.bias]) if self.strands == "apart" else self.bias
        best = torch.relu(best + bias)
        return best if average is None else torch.cat([best, average], dim=1)

    def _pooled(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor | None]:
        if self.position_bias is None:
            return self._maximum(x, lengths, average=self.average)
        stretches = []
        edges = self._edges(x.shape[-1] - self.width + 1)
        bias = torch.cat([self.position_bias] * 2) if self.strands == "apart" else self.position_bias
        for i, (start, stop) in enumerate(itertools.pairwise(edges)):
            if stop == start:
                continue
            piece = x[..., start : stop + self.width - 1]
            inside = (lengths - start).clamp(max=piece.shape[-1])
            reaches = inside >= self.width
            best, _ = self._maximum(piece, inside.clamp(min=self.width), average=False)
            stretches.append(torch.where(reaches[:, None], best + bias[:, i], best.new_full((), -torch.inf)))
        best = torch.stack(stretches).amax(dim=0)
        return best, self._maximum(x, lengths, average=True)[1] if self.average else None

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor) -> Bounds:
        """Bounds of the features while the channels (N, letters, L) stay in a box; arguments as in `forward`."""
        size = self.bias.detach().abs()
        if self.position_bias is not None:
            size = size + self.position_bias.detach().abs().amax(dim=1)
        ends: tuple[list[Tensor], list[Tensor]] = ([], [])
        for weight in self.weights_of_strands():
            found = convolution_interval(F.conv1d, weight, self.bias, lower, upper, bias_size=size)
            for kept, scores in zip(ends, found, strict=True):
                kept.append(scores)
        return Bounds(self.features_of_scores(ends[0], lengths, -1), self.features_of_scores(ends[1], lengths, 1))

    def weights_of_strands(self) -> list[Tensor]:
        """(filters, letters, width) as each strand that counts is read from the forward strand."""
        return [self.weight] if self.strands == "forward" else [self.weight, self.weight.flip(1, 2)]

    def features_of_scores(self, scores: list[Tensor], lengths: Tensor, slack: float = 0.0) -> Tensor:
        """(N, features) of the scores with bias (N, filters, windows) of each strand; none of them falls where a score
        rises. slack: averages are moved by so many times what rounding can do."""
        valid = mask_from_lengths(lengths - self.width + 1, scores[0].shape[2])[:, None]
        whole = scores if self.position_bias is None else [one + self.bias_of_windows(one.shape[2]) for one in scores]
        tops = [torch.where(valid, one, -torch.inf).amax(dim=2) for one in whole]
        best = torch.cat(tops, dim=1) if self.strands == "apart" else torch.stack(tops).amax(dim=0)
        if not self.average:
            return torch.relu(best)
        above = torch.cat([torch.where(valid, torch.relu(one), 0.0) for one in scores], dim=2)
        mean = above.sum(dim=2) / (valid.sum(dim=2) * len(scores))
        mean = mean + slack * rounding(above.shape[2] + 8, mean.dtype) * mean.detach()
        return torch.cat([torch.relu(best), mean], dim=1)

    def bias_of_windows(self, count: int) -> Tensor:
        """(filters, count) the position bias of each window's stretch."""
        assert self.position_bias is not None
        stretch = torch.bucketize(torch.arange(count), torch.tensor(self._edges(count)[1:-1]), right=True)
        return self.position_bias[:, stretch]

    def _edges(self, count: int) -> list[int]:
        """First window of each stretch, and the number of windows."""
        return [count * i // self.bins for i in range(self.bins + 1)]

    def _maximum(self, x: Tensor, lengths: Tensor, *, average: bool) -> tuple[Tensor, Tensor | None]:
        if self.engine == "fused" and x.dtype == torch.uint8 and x.device.type == "cpu":
            table = self.one_hot.table
            if not average:
                return motif_maximum(x, self.weight, lengths, table=table, strands=self.strands), None
            return motif_maximum_and_average(x, self.weight, self.bias, lengths, table=table, strands=self.strands)
        x = self.one_hot(x)
        valid = mask_from_lengths(lengths - self.width + 1, x.shape[2] - self.width + 1)[:, None]
        strands = [F.conv1d(x, self.weight)]
        if self.strands != "forward":
            strands.append(F.conv1d(x, self.weight.flip(1, 2)))
        # max(dim) sends the gradient of a tie to the first position, as the fused engine does; amax would split it
        tops = [torch.where(valid, s, s.new_full((), -torch.inf)).max(dim=2).values for s in strands]
        mean = None
        if average:
            above = [torch.where(valid, torch.relu(s + self.bias[:, None]), s.new_zeros(())) for s in strands]
            mean = sum(one.sum(dim=2) for one in above) / (valid.sum(dim=2) * len(above))
        if self.strands == "apart":
            return torch.cat(tops, dim=1), mean
        if self.strands == "both":
            return torch.where(tops[1] > tops[0], tops[1], tops[0]), mean
        return tops[0], mean


class MotifDetector(nn.Module):
    """A network of motif filters (DeepBind's shape, Alipanahi et al. 2015, doi:10.1038/nbt.3300).

    forward takes one-hot letters (N, letters, L) float or codes (N, L) uint8, with or without lengths (N,), and returns
    (N, outputs) logits. A sequence shorter than the widest filter is lengthened with unknown letters. Both engines
    give the same values to float32 rounding; gradients with respect to the letters need float input.
    """

    def __init__(self, options: networks.MotifDetector, alphabet: Alphabet, outputs: int) -> None:
        super().__init__()
        self.options = options
        self.unknown = alphabet.unknown
        self.one_hot = OneHot(alphabet)
        widths = options.widths
        shares = [options.filters // len(widths) + (i < options.filters % len(widths)) for i in range(len(widths))]
        self.motifs = nn.ModuleList(
            MotifFilters(share, width, alphabet, options) for share, width in zip(shares, widths, strict=True)
        )
        self.words = nn.ModuleList(
            WordBag(alphabet, k, options.word_channels, both_strands=options.strands != "forward")
            for k in options.word_lengths
        )
        features = sum(filters.features for filters in self.filter_layers())
        features += len(options.word_lengths) * options.word_channels
        features += len(alphabet.letters) if options.composition else 0
        self.norm = FeatureNorm(features) if options.normalise and options.strands != "shared" else nn.Identity()
        self.head: nn.Module
        if options.strands == "shared":
            self.head = StrandHead(
                *self._columns_by_strand(features),
                outputs,
                hidden=options.hidden,
                dropout=options.dropout,
                normalise=options.normalise,
            )
        elif options.members == 1:
            self.head = dense_head(features, outputs, hidden=options.hidden, dropout=options.dropout)
        else:
            shares_of_members = [self._features_of(member) for member in range(options.members)]
            self.head = EnsembleHead(shares_of_members, outputs, hidden=options.hidden, dropout=options.dropout)

    def _columns_by_strand(self, features: int) -> tuple[list[int], list[int], list[int]]:
        """Columns of the features that are a forward maximum, that are its reverse maximum, and the others."""
        forward: list[int] = []
        reverse: list[int] = []
        first = 0
        for layer in self.filter_layers():
            filters = layer.weight.shape[0]
            forward += range(first, first + filters)
            reverse += range(first + filters, first + 2 * filters)
            first += layer.features
        return forward, reverse, sorted(set(range(features)) - set(forward) - set(reverse))

    def _features_of(self, member: int) -> list[int]:
        """Columns of the features of one member: every so-manieth filter and word channel; all of the composition."""
        members, first = self.options.members, 0
        columns: list[int] = []
        for layer in self.filter_layers():
            filters = layer.weight.shape[0]
            columns += [first + i for i in range(layer.features) if i % filters % members == member]
            first += layer.features
        for _ in self.words:
            columns += range(first + member, first + self.options.word_channels, members)
            first += self.options.word_channels
        letters = self.one_hot.table.shape[1] if self.options.composition else 0
        return [*columns, *range(first, first + letters)]

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits (N, outputs)."""
        return self.head(self.norm(self.features(x, lengths)))  # type: ignore[no-any-return]

    def member_logits(self, x: Tensor, lengths: Tensor | None = None) -> list[Tensor]:
        """(N, outputs) logits of each member, which learns by its own loss."""
        normalised = self.norm(self.features(x, lengths))
        return self.head.each(normalised) if isinstance(self.head, EnsembleHead) else [self.head(normalised)]

    def features(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(N, features) before normalisation: filters by width, then words, then composition."""
        lengths = self._lengths_of(x) if lengths is None else lengths
        parts = [words(x if x.dtype == torch.uint8 else letter_codes(x, self.unknown), lengths) for words in self.words]
        if self.options.composition:
            parts.append(self.composition(x, lengths))
        padded, padded_lengths = self.pad(x, lengths)
        return torch.cat([filters(padded, padded_lengths) for filters in self.motifs] + parts, dim=1)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds of the logits while the channels (N, letters, L) stay in a box.

        A box on one-hot letters holds much that is no sequence; for substitutions see `seqpool.nn.letter_changes`.
        """
        lengths = self._lengths_of(lower) if lengths is None else lengths
        low, padded_lengths = self.pad(lower, lengths)
        high, _ = self.pad(upper, lengths)
        parts = [filters.interval(low, high, padded_lengths) for filters in self.filter_layers()]
        parts += [words.interval(lower, upper, lengths) for words in self.words]  # type: ignore[operator]
        if self.options.composition:
            parts.append(self._composition_interval(lower, upper, lengths))
        lowest, highest = ([part.lower for part in parts], [part.upper for part in parts])
        return self.answer_interval(torch.cat(lowest, dim=1), torch.cat(highest, dim=1))

    def answer_interval(self, lower: Tensor, upper: Tensor) -> Bounds:
        """Bounds of the logits while the features (N, features) before normalisation stay in a box."""
        return chain([self.norm, self.head], lower, upper)

    def last_layers(self) -> list[nn.Linear]:
        """The dense layers that give the logits."""
        return self.head.last_layers() if isinstance(self.head, EnsembleHead | StrandHead) else [last_dense(self.head)]

    @staticmethod
    def _lengths_of(x: Tensor) -> Tensor:
        return torch.full((x.shape[0],), x.shape[-1], dtype=torch.int64, device=x.device)

    def _composition_interval(self, lower: Tensor, upper: Tensor, lengths: Tensor) -> Bounds:
        ends = [self.composition(end, lengths) for end in (lower, upper)]
        slack = rounding(8, lower.dtype) * torch.maximum(ends[0].abs(), ends[1].abs()).detach()
        return Bounds(ends[0] - slack, ends[1] + slack)

    def composition(self, x: Tensor, lengths: Tensor) -> Tensor:
        letters = self.one_hot(x)
        valid = mask_from_lengths(lengths, letters.shape[2])[:, None]
        # in float64, rounded once: thirds of a letter add up to the same bits from either end
        counts = torch.where(valid, letters, letters.new_zeros(())).sum(dim=2, dtype=torch.float64).to(letters.dtype)
        shares = counts / lengths.clamp(min=1)[:, None]
        # the other strand holds the complements, whose order is the reverse of the letters'
        return shares if self.options.strands == "forward" else (shares + shares.flip(1)) / 2

    def pad(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Unknown letters up to the widest filter, then blanks on both sides."""
        padding, widest = self.options.padding, max(self.options.widths)
        is_codes = x.dtype == torch.uint8
        if x.shape[-1] < widest:
            x = F.pad(x, (0, widest - x.shape[-1]), value=self.unknown if is_codes else 0.0)
        places = torch.arange(x.shape[-1], device=x.device)
        missing = (places >= lengths[:, None]) & (places < widest)
        blank = places >= lengths.clamp(min=widest)[:, None]
        if is_codes:
            x = torch.where(missing, torch.full((), self.unknown, dtype=torch.uint8, device=x.device), x)
            x = torch.where(blank, torch.full((), BLANK, dtype=torch.uint8, device=x.device), x)
            x = F.pad(x, (padding, padding), value=BLANK)
        else:
            unknown = self.one_hot.table[self.unknown][:, None]
            x = torch.where(missing[:, None], unknown.to(x.dtype), x)
            x = F.pad(torch.where(blank[:, None], x.new_zeros(()), x), (padding, padding))
        return x, lengths.clamp(min=widest) + 2 * padding

    def filter_layers(self) -> list[MotifFilters]:
        """The filters of each width."""
        return [layer for layer in self.motifs if isinstance(layer, MotifFilters)]

    def start_from(self, motifs: Sequence[NDArray[np.float64]]) -> int:
        """Set the first filters to these log-odds matrices (letters, width), in bits, centred in the filter.

        A matrix goes to the narrowest filters that hold it whole, else to the widest, cut at both ends. Returns how
        many found a filter.
        """
        layers = sorted(self.filter_layers(), key=lambda layer: layer.width)
        free = dict.fromkeys(range(len(layers)), 0)
        placed = 0
        for matrix in motifs:
            fitting = [i for i, layer in enumerate(layers) if layer.width >= matrix.shape[1]] or [len(layers) - 1]
            chosen = next((i for i in fitting if free[i] < layers[i].weight.shape[0]), None)
            if chosen is None:
                continue
            weight, width = layers[chosen].weight, layers[chosen].width
            if matrix.shape[1] > width:
                first = (matrix.shape[1] - width) // 2
                matrix = matrix[:, first : first + width]
            values = np.zeros((matrix.shape[0], width), dtype=np.float32)
            first = (width - matrix.shape[1]) // 2
            values[:, first : first + matrix.shape[1]] = matrix
            values *= float(weight.detach().std()) / max(float(values.std()), 1e-6)
            with torch.no_grad():
                weight[free[chosen]] = torch.from_numpy(values)
            free[chosen] += 1
            placed += 1
        return placed
