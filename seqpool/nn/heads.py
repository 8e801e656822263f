"""From features to one number per class or target."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from seqpool.nn.frame_layers import EquivariantLayer
from seqpool.nn.group_pool import GroupPool
from seqpool.nn.intervals import interval_of, normalisation_interval
from seqpool.pooling import GlobalAvgPool1d
from seqpool.pooling.intervals import Bounds


def dense_head(features: int, outputs: int, *, hidden: int, dropout: float) -> nn.Sequential:
    """Dropout, optionally a hidden layer of `hidden` units with ReLU and dropout, then a linear layer.

    (N, features) to (N, outputs) logits.
    """
    layers: list[nn.Module] = [nn.Dropout(dropout)]
    if hidden:
        layers += [nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(dropout)]
        features = hidden
    return nn.Sequential(*layers, nn.Linear(features, outputs))


def last_dense(head: nn.Module) -> nn.Linear:
    """The layer of a `dense_head` that gives the logits."""
    assert isinstance(head, nn.Sequential)
    layer = head[-1]
    assert isinstance(layer, nn.Linear)
    return layer


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

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds of the mean of the heads' logits while the features (N, features) stay in a box."""
        each = []
        for member, head in enumerate(self.heads):
            columns = getattr(self, f"columns{member}")
            each.append(interval_of(head, lower[:, columns], upper[:, columns]))
        ends = torch.stack([one.lower for one in each], dim=-1), torch.stack([one.upper for one in each], dim=-1)
        return GlobalAvgPool1d().interval(*ends)

    def last_layers(self) -> list[nn.Linear]:
        """The dense layers that give the heads' logits."""
        return [last_dense(head) for head in self.heads]


class StrandHead(nn.Module):
    """A dense head whose weights both strands share; what comes out is the same for either strand of a sequence.

    Normalisation over the rows of both strands, dropout, a hidden layer that commutes with exchanging the strands
    (own strand: one matrix, other strand: another), ReLU, the maximum over the strands, dropout, a linear layer.
    (N, features) to (N, outputs) logits.

    Args:
        forward_columns, reverse_columns: features of each strand, in the same order.
        common_columns: features of the sequence, seen by both.
    """

    columns: Tensor

    def __init__(
        self,
        forward_columns: Sequence[int],
        reverse_columns: Sequence[int],
        common_columns: Sequence[int],
        outputs: int,
        *,
        hidden: int,
        dropout: float,
        normalise: bool,
    ) -> None:
        super().__init__()
        strands = [[*forward_columns, *common_columns], [*reverse_columns, *common_columns]]
        self.register_buffer("columns", torch.tensor(strands), persistent=False)
        features = len(strands[0])
        self.norm = FeatureNorm(features) if normalise else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.hidden = EquivariantLayer(features, hidden, "C2")
        self.pool = GroupPool("max")
        self.output = nn.Linear(hidden, outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Logits (N, outputs)."""
        strands = features[:, self.columns]  # (N, 2, features of one strand)
        strands = self.dropout(self.norm(strands.flatten(0, 1)).view_as(strands))
        hidden = self.pool(torch.relu(self.hidden(strands)).transpose(1, 2))
        return self.output(self.dropout(hidden))  # type: ignore[no-any-return]

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds of the logits while the features (N, features) stay in a box."""
        rows, (_, width) = len(lower), self.columns.shape
        strands = interval_of(
            self.norm, lower[:, self.columns].flatten(0, 1), upper[:, self.columns].flatten(0, 1)
        )  # the rows of both strands
        low, high = (end.view(rows, 2, width) for end in strands[:2])
        hidden = self.hidden.interval(low, high)
        pooled = self.pool.interval(*(torch.relu(end).transpose(1, 2) for end in hidden[:2]))
        return interval_of(self.output, pooled.lower, pooled.upper)

    def last_layers(self) -> list[nn.Linear]:
        """The dense layer that gives the logits."""
        return [self.output]


class FeatureNorm(nn.BatchNorm1d):
    """Batch normalisation of (N, features) that treats a batch of one row like any row in evaluation."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, features) to (N, features)."""
        if self.training and input.shape[0] < 2:
            return nn.functional.batch_norm(
                input, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
            )
        return super().forward(input)

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """The image of a box (N, features) under this layer in evaluation, attained but for rounding."""
        return Bounds(*normalisation_interval(self, lower, upper), lengths)
