"""The two strands of a sequence: the reverse complement of a batch, and any network pooled over both strands.

Letters are channels in an order whose complement is its reverse (ACGT, ACGU); so are the features of a network whose
channel c on one strand is channel C - 1 - c on the other (`seqpool.nn.strand_layers`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqpool.errors import UsageError
from seqpool.nn.group_pool import GroupPool, Reduce
from seqpool.nn.intervals import interval_of
from seqpool.pooling.geometry import Geometry, commutes_with_reversal
from seqpool.pooling.intervals import Bounds
from seqpool.pooling.masks import check_lengths, mask_from_lengths


def backwards(x: Tensor, lengths: Tensor | None = None) -> Tensor:
    """(N, C, L) read from each row's own end; positions past a length hold 0."""
    if lengths is None:
        return x.flip(2)
    check_lengths(lengths, x.shape[0], x.shape[2])
    place = lengths[:, None] - 1 - torch.arange(x.shape[2], device=x.device)
    turned = x.gather(2, place.clamp(min=0)[:, None].expand_as(x))
    return torch.where(mask_from_lengths(lengths, x.shape[2])[:, None], turned, turned.new_zeros(()))


def reverse_complement(x: Tensor, lengths: Tensor | None = None) -> Tensor:
    """The other strand, read 5' to 3': (N, C, L) with channels and each row's positions turned round.

    Raises UsageError where lengths do not fit the batch.
    """
    return x.flip(1, 2) if lengths is None else backwards(x.flip(1), lengths)


def check_reversal(geometry: Geometry, length: int, lengths: Tensor | None, layer: str) -> None:
    """Raise UsageError unless a layer's windows lie the same way seen from either end of every row.

    They do exactly if (L - 2 start - receptive_field) mod jump = 0: the last window ends as far from the right end as
    the first one begins from the left. Lengths are read where reading costs nothing: on the CPU, outside of
    compilation.
    """
    if geometry.jump == 1:
        return
    found = [length]
    if lengths is not None:
        if torch.compiler.is_compiling() or lengths.device.type != "cpu":
            return
        found = sorted(set(lengths.tolist()))
    for one in found:
        if one > 0 and not commutes_with_reversal(geometry, one):
            fits = (geometry.receptive_field + 2 * geometry.start) % geometry.jump
            raise UsageError(
                f"{layer} treats the two ends of {one} positions differently, so it does not commute with reverse "
                f"complementing: expected a length of {fits} more than a multiple of {geometry.jump} (trim or pad both "
                "ends alike)."
            )


class StrandSymmetrized(nn.Module):
    """Any network on both strands, pooled over the two answers: the same for a sequence and its reverse complement.

    The two answers are what they are in any order, so the maximum and the mean are the same in every bit wherever the
    network gives a row the same bits at any place in a batch. Zhou, Shrikumar & Kundaje 2022 call it post-hoc
    (doi:10.1101/2020.11.04.368803).

    Args:
        net: (N, C, L) and lengths (N,) or None to (N, outputs).
        reduce: a global pooling operator of `seqpool.pooling`, by name or as a module: `max`, `average`, ...
        channels: outputs, for operators that learn something for each.
    """

    def __init__(self, net: nn.Module, reduce: Reduce = "max", channels: int = 1) -> None:
        super().__init__()
        self.net = net
        self.pool = GroupPool(reduce, channels)

    def strands(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(N, outputs, 2): the network's answer to each strand, one pass for both."""
        both = torch.cat([x, reverse_complement(x, lengths)])
        answers = self.net(both) if lengths is None else self.net(both, torch.cat([lengths, lengths]))
        return torch.stack(answers.chunk(2), dim=-1)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(N, letters, L) to (N, outputs)."""
        return self.pool(self.strands(x, lengths))  # type: ignore[no-any-return]

    def interval(self, lower: Tensor, upper: Tensor, lengths: Tensor | None = None) -> Bounds:
        """Bounds of the result while the channels (N, letters, L) stay in a box."""
        low, high = (torch.cat([end, reverse_complement(end, lengths)]) for end in (lower, upper))
        answers = interval_of(self.net, low, high, None if lengths is None else torch.cat([lengths, lengths]))
        return self.pool.interval(*(torch.stack(end.chunk(2), dim=-1) for end in answers[:2]))
