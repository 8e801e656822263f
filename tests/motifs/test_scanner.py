"""The scanner over blocks against a brute force over whole records, however they are cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqpool.alphabet import DNA, MASKED, PROTEIN, Alphabet
from seqpool.motifs.blocks import Run, blocks
from seqpool.motifs.matrix import FORBIDDEN, is_palindrome, reverse_complement_scores
from seqpool.motifs.scanner import Lane, Scanner, WindowMask
from tests.motifs.numpy_scanner import windows_over


def brute_force(records: list[np.ndarray], lanes: list[Lane]) -> tuple[list[tuple[int, int, int, int]], dict[int, int]]:
    """Hits (sequence, start, lane, score) in order, and tested windows per width: one window at a time."""
    hits, tested = [], {}
    for sequence, codes in enumerate(records):
        for number, lane in enumerate(lanes):
            width, letters = lane.scores.shape
            count = 0
            for start in range(len(codes) - width + 1):
                window = codes[start : start + width]
                if (window < letters).all():
                    count += 1
                    score = sum(int(lane.scores[i, code]) for i, code in enumerate(window))
                    if score >= lane.threshold:
                        hits.append((sequence, start, number, score))
            tested[number] = tested.get(number, 0) + count
    return sorted(hits), tested


@settings(max_examples=120, deadline=None)
@given(
    st.integers(0, 10**6),
    st.lists(st.integers(0, 60), min_size=1, max_size=5),
    st.lists(st.integers(1, 19), min_size=1, max_size=4),
    st.integers(1, 40),
    st.integers(1, 30),
    st.sampled_from([DNA, PROTEIN]),
)
def test_equals_brute_force_however_records_are_cut(
    seed: int, lengths: list[int], widths: list[int], block: int, piece: int, alphabet: Alphabet
) -> None:
    generator = np.random.default_rng(seed)
    letters = len(alphabet.letters)
    symbols = np.array([*range(letters), alphabet.unknown, letters + 1, MASKED], dtype=np.uint8)
    shares = np.array([1.0] * letters + [0.05 * letters / 3] * 3)
    records = [generator.choice(symbols, length, p=shares / shares.sum()) for length in lengths]
    lanes = []
    for number, width in enumerate(widths):
        scores = generator.integers(-2000, 2000, (width, letters)).astype(np.int32)
        if generator.random() < 0.2:
            scores[generator.integers(width), generator.integers(letters)] = FORBIDDEN
        lanes.append(Lane(number, 1, scores, int(generator.integers(-3000, 3000))))
    runs = [
        Run(i, start, codes[start : start + piece], start + piece >= len(codes))
        for i, codes in enumerate(records)
        for start in range(0, max(1, len(codes)), piece)
    ]
    found, tested, windows = [], dict.fromkeys(range(len(lanes)), 0), dict.fromkeys(range(len(lanes)), 0)
    scanner = Scanner(lanes)
    for part in blocks(runs, max(widths) - 1, block):
        mask = WindowMask(part.codes, letters, len(part.codes), part.seen_before)
        result = scanner.windows_over(part.codes, len(part.codes))
        sequence, start = part.locate(result.position)
        ends = result.position + np.array(widths)[result.lane]
        run = part.run_of(result.position)
        new = ends > part.offsets[run] + part.seen[run]
        rows = zip(sequence.tolist(), start.tolist(), result.lane.tolist(), result.score.tolist(), strict=True)
        found += [row for row, counts in zip(rows, new.tolist(), strict=True) if counts]
        for number, lane in enumerate(lanes):
            tested[number] += mask.tested(len(lane.scores))
            windows[number] += part.windows(len(lane.scores))
    hits, expected_tested = brute_force(records, lanes)
    assert sorted(found) == hits
    assert tested == expected_tested
    assert windows == {n: sum(max(0, length - w + 1) for length in lengths) for n, w in enumerate(widths)}


def quantile_threshold(scores: np.ndarray, share: float, generator: np.random.Generator) -> int:
    """A threshold that about this share of random windows reaches."""
    windows = scores[np.arange(len(scores)), generator.integers(0, scores.shape[1], (4000, len(scores)))].sum(axis=1)
    return int(np.quantile(windows, 1 - share))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([DNA, PROTEIN]),
    st.sampled_from([1, 3, 70, 150]),
    st.sampled_from([4, 12, 28, 70]),
    st.sampled_from([0.0, 1e-3, 0.02, 1.0]),
    st.sampled_from([0.0, 0.01]),
)
def test_equals_the_referee_on_long_sequences(
    seed: int, alphabet: Alphabet, count: int, widest: int, share: float, other: float
) -> None:
    """Several groups of lanes, some too wide to be tested whole, thresholds that no window and every one reaches."""
    generator = np.random.default_rng(seed)
    letters = len(alphabet.letters)
    length = 20_000 if share < 1 else 700
    codes = generator.integers(0, letters, length).astype(np.uint8)
    codes[generator.random(length) < other] = alphabet.unknown
    lanes = []
    for number in range(count):
        width = int(generator.integers(max(1, widest // 3), widest + 1))
        scores = np.round(1000 * generator.normal(size=(width, letters)) * generator.random((width, 1)))
        scores = scores.astype(np.int32)
        threshold = quantile_threshold(scores, share, generator)
        if generator.random() < 0.1:
            scores[generator.integers(width), generator.integers(letters)] = FORBIDDEN
        if generator.random() < 0.1:
            threshold = int(scores.max(axis=1).sum()) + int(generator.integers(0, 2))
        lanes.append(Lane(number, 1, scores, threshold))
    stop = length - int(generator.integers(0, 50))
    expected = windows_over(codes, WindowMask(codes, letters, stop), lanes)
    found = Scanner(lanes).windows_over(codes, stop)
    assert np.array_equal(found.position, expected.position)
    assert np.array_equal(found.lane, expected.lane)
    assert np.array_equal(found.score, expected.score)


def test_more_hits_than_are_held_at_once() -> None:
    """Thresholds that every window reaches, over more windows than one buffer of the kernel holds."""
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 4, 40_000).astype(np.uint8)
    lanes = [Lane(i, 1, np.full((5 + i % 2, 4), i, dtype=np.int32), 0) for i in range(66)]
    found = Scanner(lanes).windows_over(codes, len(codes))
    expected = windows_over(codes, WindowMask(codes, 4, len(codes)), lanes)
    assert len(found.position) == 33 * (39_996 + 39_995)
    assert np.array_equal(found.position, expected.position)
    assert np.array_equal(found.lane, expected.lane)
    assert np.array_equal(found.score, expected.score)


@given(st.integers(0, 10**6), st.integers(1, 12))
def test_reverse_complement_scores(seed: int, width: int) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.integers(-2000, 2000, (width, 4)).astype(np.int32)
    window = generator.integers(0, 4, width).astype(np.uint8)
    other = reverse_complement_scores(scores, DNA)
    forward = scores[np.arange(width), DNA.reverse_complement(window)].sum()
    assert other[np.arange(width), window].sum() == forward


@pytest.mark.parametrize(
    ("word", "expected"), [("GAATTC", True), ("CACGTG", True), ("GATTC", False), ("GAATTA", False)]
)
def test_palindromes(word: str, expected: bool) -> None:
    scores = np.where(np.eye(4)[DNA.encode(word)] > 0, 1000, -2000).astype(np.int32)
    assert is_palindrome(scores, DNA) == expected
