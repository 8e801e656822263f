"""From features to one number per class or target."""

from __future__ import annotations

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


class FeatureNorm(nn.BatchNorm1d):
    """Batch normalisation of (N, features) that treats a batch of one row like any row in evaluation."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, features) to (N, features)."""
        if self.training and input.shape[0] < 2:
            return nn.functional.batch_norm(
                input, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
            )
        return super().forward(input)
