"""Long signals in overlapping windows, and each sample's answer from the window in whose middle it lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seqpool.signal.windows import window_starts


@dataclass(frozen=True)
class Piece:
    """A window [start, stop) of a signal, and the part [first, last) of the signal that it answers for."""

    start: int
    stop: int
    first: int
    last: int


def pieces_of(samples: int, window: int, stride: int) -> Iterator[Piece]:
    """Windows that cover the signal (as `window_starts`), each with its own part: neighbours share their overlap
    halfway, and the first and last reach to the ends. A signal no longer than a window is one piece.

    Raises ValueError unless 0 < stride <= window.
    """
    if stride > window:
        raise ValueError(f"a stride of {stride} samples leaves gaps between windows of {window}")
    starts = window_starts(samples, window, stride).tolist()
    length = min(window, samples)
    first = 0
    for number, start in enumerate(starts):
        last = samples if number + 1 == len(starts) else (starts[number + 1] + start + length) // 2
        yield Piece(start, start + length, first, last)
        first = last
