"""Places of the few values of a window in sorted order, by comparing each pair: far faster than sorting windows."""

from __future__ import annotations

import torch
from torch import Tensor

MOST_RANKED = 8
"""Values of a set up to which comparing each pair is faster than sorting."""


def ranks(values: Tensor, *, descending: bool = False) -> tuple[list[Tensor], Tensor]:
    """At which place of a stable sort each cell of the sets (..., n) stands, and which sets hold NaN.

    NaN counts as larger than any number, as in torch.sort. Gives n tensors (...) uint8, and one (...) bool.
    """
    cells = values.detach().unbind(-1)
    unknown = [cell != cell for cell in cells]
    found = [torch.zeros(cell.shape, dtype=torch.uint8, device=cell.device) for cell in cells]
    for later in range(len(cells)):
        for earlier in range(later):
            kept = cells[earlier] >= cells[later] if descending else cells[earlier] <= cells[later]
            kept = kept | (unknown[earlier] if descending else unknown[later])
            found[later] = found[later] + kept
            found[earlier] = found[earlier] + ~kept
    holds = unknown[0]
    for other in unknown[1:]:
        holds = holds | other
    return found, holds


def cell_at(place: int, ranked: list[Tensor]) -> Tensor:
    """Which cell of each set stands at a place, 0 to n - 1, by their ranks: (...) uint8."""
    cell = torch.zeros_like(ranked[0])
    for index in range(1, len(ranked)):
        cell = cell + (ranked[index] == place) * torch.full((), index, dtype=torch.uint8, device=cell.device)
    return cell
