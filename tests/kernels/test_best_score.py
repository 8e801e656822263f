"""Best integer scores against a brute force over every window."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from seqpool.kernels.best_score import NO_WINDOW, BestTables

FORBIDDEN = -(1 << 24)


def brute_force(matrix: NDArray[np.int32], codes: NDArray[np.uint8], seen: int = 0) -> tuple[int, int]:
    """(score, position) of the first best window of plain letters; position NO_WINDOW where there is none.

    Windows that end within the first `seen` letters are left out."""
    width, letters = matrix.shape
    if len(codes) < width:
        return 0, NO_WINDOW
    windows = np.lib.stride_tricks.sliding_window_view(codes, width)
    plain = np.flatnonzero((windows < letters).all(axis=1))
    plain = plain[plain + width > seen]
    if not len(plain):
        return 0, NO_WINDOW
    scores = matrix[np.arange(width), windows[plain]].sum(axis=1, dtype=np.int64)
    return int(scores.max()), int(plain[scores.argmax()])


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    letters=st.sampled_from([4, 20]),
    lengths=st.lists(st.integers(0, 150), min_size=1, max_size=6),
    count=st.sampled_from([1, 5, 40]),
    widest=st.sampled_from([3, 9, 24]),
    kind=st.sampled_from(["spread", "few values", "forbidden"]),
    other=st.sampled_from([0.0, 0.02, 0.4]),
)
def test_equals_brute_force(
    seed: int, letters: int, lengths: list[int], count: int, widest: int, kind: str, other: float
) -> None:
    generator = np.random.default_rng(seed)
    records = [generator.integers(0, letters, length).astype(np.uint8) for length in lengths]
    for record in records:
        record[generator.random(len(record)) < other] = 77
    seen = [int(generator.integers(0, length + 1)) if seed % 2 else 0 for length in lengths]
    matrices = []
    for lane in range(count):  # the first is the widest: a kernel is compiled for each number of words in it
        shape = (widest if lane == 0 else int(generator.integers(1, widest + 1)), letters)
        matrix = generator.integers(-3000, 2000, shape) if kind != "few values" else generator.integers(-1, 2, shape)
        if kind == "forbidden":
            matrix[generator.random(shape) < 0.3] = FORBIDDEN
        matrices.append(matrix.astype(np.int32))
    codes = np.concatenate([part for record in records for part in (record, np.array([255], dtype=np.uint8))])
    offsets = np.concatenate([[0], np.cumsum(np.array(lengths[:-1]) + 1)]).astype(np.int64)
    score, position = BestTables(matrices).best_windows(codes, offsets, np.array(lengths), np.array(seen))
    for n, record in enumerate(records):
        for lane, matrix in enumerate(matrices):
            expected = brute_force(matrix, record, seen[n])
            assert position[n, lane] == expected[1]
            if expected[1] != NO_WINDOW:
                assert score[n, lane] == expected[0]


def test_more_lanes_than_a_row_holds() -> None:
    generator = np.random.default_rng(4)
    codes = generator.integers(0, 4, 500).astype(np.uint8)
    codes[99] = 255  # between the two sequences
    matrices = [generator.integers(-900, 900, (3 + lane % 10, 4)).astype(np.int32) for lane in range(150)]
    score, position = BestTables(matrices).best_windows(codes, np.array([0, 100]), np.array([99, 400]))
    for n, record in enumerate((codes[:99], codes[100:])):
        for lane, matrix in enumerate(matrices):
            assert (score[n, lane], position[n, lane]) == brute_force(matrix, record)


def test_long_sequence_and_wide_lanes() -> None:
    """Many segments of one sequence, lanes wider than any of the shipped motifs."""
    generator = np.random.default_rng(3)
    codes = generator.integers(0, 4, 30_000).astype(np.uint8)
    codes[generator.integers(0, 30_000, 20)] = 9
    matrices = [np.rint(generator.normal(size=(width, 4)) * 700).astype(np.int32) for width in (6, 31, 33, 64, 101)]
    score, position = BestTables(matrices).best_windows(codes, np.array([0]), np.array([len(codes)]))
    for lane, matrix in enumerate(matrices):
        assert (score[0, lane], position[0, lane]) == brute_force(matrix, codes)
