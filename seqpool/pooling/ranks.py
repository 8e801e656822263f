"""Places of the few values of a window in sorted order, by comparing each pair: far faster than sorting windows."""

from __future__ import annotations

import torch
from torch import Tensor

MOST_RANKED = 8
"""Values of a set up to which comparing each pair is faster than sorting."""


def places(values: Tensor, *, descending: bool = False) -> tuple[list[Tensor], Tensor]:
    """Which cell of each set (..., n) stands at place 0, 1, ... of a stable sort, and whether the set holds NaN.

    NaN counts as larger than any number, as in torch.sort. Gives n tensors (...) uint8, and one (...) bool.
    """
    cells = values.detach().unbind(-1)
    unknown = [cell != cell for cell in cells]
    ranks = [torch.zeros(cell.shape, dtype=torch.uint8, device=cell.device) for cell in cells]
    for later in range(len(cells)):
        for earlier in range(later):
            kept = cells[earlier] >= cells[later] if descending else cells[earlier] <= cells[later]
            kept = kept | (unknown[earlier] if descending else unknown[later])
            ranks[later] = ranks[later] + kept
            ranks[earlier] = ranks[earlier] + ~kept
    order = []
    for place in range(len(cells)):
        cell = torch.zeros_like(ranks[0])
        for index in range(1, len(cells)):
            cell = cell + (ranks[index] == place) * torch.full((), index, dtype=torch.uint8, device=cell.device)
        order.append(cell)
    holds = unknown[0]
    for other in unknown[1:]:
        holds = holds | other
    return order, holds
