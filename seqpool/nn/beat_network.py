"""Where the beats of a lead are, and of which class each is."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqpool.nn.convolution import ConvolutionBlock
from seqpool.nn.decoders import SampleLabeller
from seqpool.nn.heads import FeatureNorm, dense_head
from seqpool.nn.positions_first import PAIR, pooled_blocks
from seqpool.options import networks
from seqpool.options.beat_inputs import BeatInputs
from seqpool.options.pooling import Pooling
from seqpool.pooling import AdaptiveAvgPool1d, AdaptiveMaxPool1d
from seqpool.signal.beat_inputs import FEATURES

HALVES = 2
"""A beat is pooled over both halves of its window: before the QRS complex, and from there on."""

FARTHEST = 5.0
"""Features are cut to so many standard deviations: beyond, an artefact is no odder."""


class BeatClassifier(nn.Module):
    """The class of a beat from its difference from a regular one, and from numbers on its rhythm and shape.

    forward takes (N, samples) and (N, FEATURES), as `seqpool.signal.beat_inputs` makes them, and returns (N, outputs)
    logits. Features are brought to mean 0 and deviation 1 by what training saw.
    """

    def __init__(self, options: networks.BeatNetwork, outputs: int) -> None:
        super().__init__()
        halving = Pooling("max")
        blocks = [ConvolutionBlock(1, options.stem, options.stem_width, pool=halving, pool_size=2)]
        inputs = options.stem
        for own in options.channels:
            blocks.append(
                ConvolutionBlock(inputs, own, options.width, convolutions=2, residual=True, pool=halving, pool_size=2)
            )
            inputs = own
        self.blocks = nn.ModuleList(blocks)
        self.maximum, self.average = AdaptiveMaxPool1d(HALVES), AdaptiveAvgPool1d(HALVES)
        self.norm = FeatureNorm(len(FEATURES), affine=False, momentum=0.05)
        self.features = nn.Sequential(
            nn.Dropout(options.feature_dropout),
            nn.Linear(len(FEATURES), options.feature_units),
            nn.ReLU(),
            nn.Dropout(options.dropout),
        )
        together = 2 * HALVES * inputs + options.feature_units
        self.head = dense_head(together, outputs, hidden=options.hidden, dropout=options.dropout)

    def forward(self, difference: Tensor, features: Tensor) -> Tensor:
        """(N, outputs) logits."""
        pooled = self._pooled(difference)
        told = self.features(self.norm(features).clamp(-FARTHEST, FARTHEST))
        logits: Tensor = self.head(torch.cat([pooled, told], dim=1))
        return logits

    def _pooled(self, difference: Tensor) -> Tensor:
        """(N, samples) to (N, 2 HALVES C): maximum and mean of each channel over each half."""
        if torch.is_grad_enabled() or self.training or difference.shape[1] % (HALVES * PAIR ** len(self.blocks)):
            x = difference[:, None]
            for block in self.blocks:
                x, _ = block(x)
            return torch.cat([self.maximum(x), self.average(x)], dim=1).flatten(1)
        maps = pooled_blocks(list(self.blocks), difference)
        halves = maps.reshape(HALVES, -1, *maps.shape[1:])  # HALVES, positions, C, N
        return torch.cat([halves.amax(dim=1), halves.mean(dim=1)], dim=1).permute(2, 1, 0).flatten(1)


class BeatNetwork(nn.Module):
    """Two networks that are used one after the other and share nothing.

    detector: (N, 1, L) of a lead to logits (N, 1, L) of "the R peak of a beat is here". classifiers: of single beats;
    forward is the mean of their logits.
    """

    def __init__(self, options: networks.BeatNetwork, inputs: BeatInputs, outputs: int) -> None:
        """inputs: how beats are described to the classifiers."""
        super().__init__()
        self.options = options
        self.inputs = inputs
        self.detector = SampleLabeller(options.detector, 1, 1)
        self.classifiers = nn.ModuleList(BeatClassifier(options, outputs) for _ in range(options.members))

    def each(self, difference: Tensor, features: Tensor) -> list[Tensor]:
        """The (N, outputs) logits of every classifier."""
        return [classifier(difference, features) for classifier in self.classifiers]

    def forward(self, difference: Tensor, features: Tensor) -> Tensor:
        """(N, outputs) logits of beats (N, samples) and (N, FEATURES) as `seqpool.signal.beat_inputs` makes them."""
        return torch.stack(self.each(difference, features)).mean(dim=0)
