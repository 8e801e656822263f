"""Best windows of blocks against the NumPy referee, however records are cut and regions overlap."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seqpool.alphabet import DNA
from seqpool.motifs.best_windows import BestWindows
from seqpool.motifs.blocks import Run, blocks
from seqpool.motifs.scanner import Lane, WindowMask
from tests.motifs.numpy_best_windows import best_windows


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.lists(st.integers(0, 90), min_size=1, max_size=5),
    st.lists(st.integers(1, 19), min_size=1, max_size=4),
    st.integers(1, 40),
    st.integers(1, 30),
)
def test_equals_the_referee_however_records_are_cut(
    seed: int, lengths: list[int], widths: list[int], block: int, piece: int
) -> None:
    generator = np.random.default_rng(seed)
    symbols = np.array([0, 1, 2, 3, DNA.unknown], dtype=np.uint8)
    records = [generator.choice(symbols, length, p=[0.24, 0.24, 0.24, 0.24, 0.04]) for length in lengths]
    lanes = [Lane(i, 1, generator.integers(-3, 4, (width, 4)).astype(np.int32), 0) for i, width in enumerate(widths)]
    runs = [
        Run(i, start, codes[start : start + piece], start + piece >= len(codes))
        for i, codes in enumerate(records)
        for start in range(0, max(1, len(codes)), piece)
    ]
    kernel = BestWindows(lanes)
    for part in blocks(runs, max(widths) - 1, block):
        mask = WindowMask(part.codes, 4, len(part.codes), part.seen_before)
        for found, expected in zip(kernel.of_runs(part), best_windows(part, mask, lanes), strict=True):
            assert np.array_equal(found[1], expected[1])
            there = found[1] > -(10**6)
            assert np.array_equal(found[0][there], expected[0][there])
