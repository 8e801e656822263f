"""From features to one number per class or target."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def dense_head(features: int, outputs: int, *, hidden: int, dropout: float) -> nn.Sequential:
    """Dropout, optionally a hidden layer of `hidden` units with ReLU and dropout, then a linear layer.

    (N, features) to (N, outputs) logits.
    """
    layers: list[nn.Module] = [nn.Dropout(dropout)]
    if hidden:
        layers += [nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(dropout)]
        features = hidden
    return nn.Sequential(*layers, nn.Linear(features, outputs))


class EnsembleHead(nn.Module):
    """Heads that each see their own features and learn by their own loss; what they say together is the mean.

    Features that no two heads share make this an ensemble of networks in one (Lakshminarayanan et al. 2017,
    arXiv:1612.01474).
    """

    def __init__(self, features: Sequence[Sequence[int]], outputs: int, *, hidden: int, dropout: float) -> None:
        """features: the columns that each head sees."""
        super().__init__()
        for member, columns in enumerate(features):
            self.register_buffer(f"columns{member}", torch.tensor(columns), persistent=False)
        self.heads = nn.ModuleList(
            dense_head(len(columns), outputs, hidden=hidden, dropout=dropout) for columns in features
        )

    def each(self, features: Tensor) -> list[Tensor]:
        """(N, features) to the (N, outputs) logits of every head."""
        return [head(features[:, getattr(self, f"columns{member}")]) for member, head in enumerate(self.heads)]

    def forward(self, features: Tensor) -> Tensor:
        """(N, features) to (N, outputs): the mean of the heads' logits."""
        return torch.stack(self.each(features)).mean(dim=0)


class FeatureNorm(nn.BatchNorm1d):
    """Batch normalisation of (N, features) that treats a batch of one row like any row in evaluation."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, features) to (N, features)."""
        if self.training and input.shape[0] < 2:
            return nn.functional.batch_norm(
                input, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
            )
        return super().forward(input)
