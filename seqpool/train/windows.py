"""Genomic windows written as `chr:start-end`, and which of them overlap."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW_NAME = re.compile(r"(?P<chromosome>[^:]+):(?P<start>\d+)-(?P<end>\d+)(?:\([+-.]\))?")


def chromosome_of(name: str) -> str:
    """Text before the first `:`, which is the whole name where there is none."""
    return name.partition(":")[0]


@dataclass(frozen=True)
class Windows:
    """Stretches of a genome as columns of equal length.

    chromosome: (windows,) names; empty where a row is no window, which then overlaps nothing.
    start, end: (windows,) int64, 0-based half open.
    """

    chromosome: NDArray[np.str_]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Windows:
        return Windows(self.chromosome[rows], self.start[rows], self.end[rows])


def windows_of(names: Sequence[str]) -> Windows:
    """Windows that names of the form `chr:start-end`, with or without `(+)`, stand for."""
    found = [WINDOW_NAME.fullmatch(name) for name in names]
    return Windows(
        np.array([match["chromosome"] if match else "" for match in found], dtype=np.str_),
        np.array([int(match["start"]) if match else 0 for match in found], dtype=np.int64),
        np.array([int(match["end"]) if match else 0 for match in found], dtype=np.int64),
    )


def overlap_any(windows: Windows, others: Windows) -> NDArray[np.bool_]:
    """(windows,) whether each shares at least one position with any of `others`."""
    overlap = np.zeros(len(windows), dtype=bool)
    for name in np.intersect1d(windows.chromosome, others.chromosome):
        if not name:
            continue
        there = others[others.chromosome == name]
        order = np.argsort(there.start, kind="stable")
        start = there.start[order]
        furthest_end = np.maximum.accumulate(there.end[order])
        here = np.flatnonzero(windows.chromosome == name)
        # of the others that start before this window ends, does the one that reaches furthest reach into it?
        starting_before = np.searchsorted(start, windows.end[here], side="left")
        reach = furthest_end[np.maximum(starting_before - 1, 0)]
        overlap[here] = (starting_before > 0) & (reach > windows.start[here])
    return overlap
