"""The best window of every (sequence, lane), found by 8-bit losses and settled in float32.

A window loses, in each column, the distance of its letter from the column's best. Losses are rounded down to bytes, so
the sum over a window never exceeds the true loss and falls short by less than one level per word: no window whose sum
is further above the lowest sum can be the best. 64 lanes are added by a few instructions per word; the one or two
windows per lane that are left are scored exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels.columns import Floats, blocks_of
from seqpool.kernels.compiled import compiled
from seqpool.kernels.parallel import run_pieces
from seqpool.kernels.vectors import (
    add,
    bytes64,
    lanes_at_most,
    load64,
    lowest_bit,
    minimum,
    narrow,
    saturating_add,
    shorts64,
    store,
)
from seqpool.kernels.words import LANES, Words, table_rows

SEQUENCES_PER_PIECE = 64
SEGMENT = 2048  # windows looked at before their losses are sifted: 128 KB of losses
CHUNK = 8  # windows that share a row of lowest losses
LEVELS = 254
FINE = 64  # steps of a level in which single columns are kept
MOST = 255 * FINE


def loss_columns(scores: Floats, shares: NDArray[np.float64], windows: float) -> NDArray[np.uint16]:
    """(K, D, lanes) loss of every symbol in every column, in 64ths of a level, rounded down.

    A lane's levels are as fine as can be while its best window is expected to stay below the 255th, which stands for
    "more": they end some standard deviations under the mean of a window of random letters. `windows` is how many
    windows a sequence has; the fewer, the less far from the mean the best of them is. A lane of which every window
    scores the same, or that is not finite, loses nothing anywhere.
    """
    frequency = shares.astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        losses = scores.max(axis=1, keepdims=True, initial=-np.inf) - scores
        mean = np.einsum("kdl,d->kl", losses, frequency)
        variance = np.einsum("kdl,kdl,d->l", losses, losses, frequency) - (mean**2).sum(axis=0)
        whole = mean.sum(axis=0)
        deviations = np.clip(0.5 * np.log2(max(windows, 1.0)) - 1.5, -1.0, 1.25)
        reach = np.maximum(whole - deviations * np.sqrt(np.maximum(variance, 0)), whole / 4)
        scale = np.where(reach > 0, np.float32(LEVELS * FINE) / reach, 0)
        levels = np.minimum(losses * scale, MOST)
        return np.where(levels > 0, levels, 0).astype(np.uint16)


@compiled
def fill_tables(columns: NDArray[np.uint16], letters: NDArray[np.uint8], group: int, tables: NDArray[np.uint8]) -> None:
    """tables[block * rows + row]: bytes of every word's loss for 64 lanes."""
    width, symbols, lanes = columns.shape
    rows, size = letters.shape
    levels = shorts64(np.uint16(6))  # 64ths of a level to whole ones
    flat = columns.reshape(-1)
    blocks = (width + size - 1) // size
    for block in range(blocks):
        columns_here = min(size, width - block * size)
        for row in range(rows):
            at = ((block * size) * symbols + np.int64(letters[row, 0])) * lanes + group * LANES
            total = load64(flat, np.uint64(at))
            for place in range(1, columns_here):
                at = ((block * size + place) * symbols + np.int64(letters[row, place])) * lanes + group * LANES
                total = add(total, load64(flat, np.uint64(at)))
            store(tables, np.uint64((block * rows + row) * LANES), narrow(total, levels))


@compiled
def window_losses(
    tables: NDArray[np.uint8], stride: int, words: NDArray[np.uint32], start: Any, size: int, blocks: tuple[int, ...]
) -> Any:
    """Summed losses of 64 lanes in the window at `start`, 255 for more; `len(blocks)` is known when it is compiled."""
    total = load64(tables, np.uint64(words[start]))
    for block in range(1, len(blocks)):
        at = np.uint64(block) * np.uint64(stride) + np.uint64(words[start + np.uint64(block) * np.uint64(size)])
        total = saturating_add(total, load64(tables, at))
    return total


@compiled
def lowest_losses(
    tables: NDArray[np.uint8],
    stride: int,
    words: NDArray[np.uint32],
    begin: int,
    end: int,
    size: int,
    blocks: tuple[int, ...],
    losses: NDArray[np.uint8],
    lowest: NDArray[np.uint8],
    overall: NDArray[np.uint8],
) -> None:
    """Losses of windows `begin` to `end`, the lowest of each CHUNK of them, and the lowest of all so far."""
    lanes, chunk = np.uint64(LANES), np.uint64(CHUNK)
    first, last = np.uint64(begin), np.uint64(end)
    low = load64(overall, np.uint64(0))
    start = first
    while start < last:
        here = bytes64(np.uint8(255))
        for i in range(start, min(start + chunk, last)):
            total = window_losses(tables, stride, words, i, size, blocks)
            store(losses, (i - first) * lanes, total)
            here = minimum(here, total)
        store(lowest, (start - first) // chunk * lanes, here)
        low = minimum(low, here)
        start += chunk
    store(overall, np.uint64(0), low)


@compiled
def sift(
    windows: int,
    margin: int,
    open_lanes: np.uint64,
    losses: NDArray[np.uint8],
    lowest: NDArray[np.uint8],
    overall: NDArray[np.uint8],
    chunks: NDArray[np.uint32],
    candidates: NDArray[np.uint32],
) -> int:
    """List the windows that may be the best: (window - begin) * LANES + lane, windows of a lane ascending."""
    limit = saturating_add(load64(overall, np.uint64(0)), bytes64(np.uint8(margin)))
    limits = np.empty(LANES, dtype=np.uint8)
    store(limits, np.uint64(0), limit)
    found = np.uint64(0)
    lanes = np.uint64(LANES)
    for chunk in range(np.uint64((windows + CHUNK - 1) // CHUNK)):
        bits = lanes_at_most(load64(lowest, chunk * lanes), limit) & open_lanes
        while bits:
            chunks[found] = np.uint32(chunk * np.uint64(CHUNK) * lanes + lowest_bit(bits))
            bits &= bits - np.uint64(1)
            found += np.uint64(1)
    count = np.uint64(0)
    last = np.uint64(windows) * lanes
    for i in range(found):
        at = np.uint64(chunks[i])
        limit_here = limits[at % lanes]
        for _ in range(CHUNK):
            if at >= last:
                break
            candidates[count] = at
            count += np.uint64(losses[at] <= limit_here)
            at += lanes
    return int(count)


@compiled
def _settle(
    cells: Floats,
    symbols: int,
    width: int,
    letters: NDArray[np.uint8],
    begin: int,
    candidates: NDArray[np.uint32],
    count: int,
    best: Floats,
    position: NDArray[np.int32],
) -> None:
    """Score the listed windows; cells: (lanes, K, D) of this group, flat.

    Columns are added in pairs from both ends inwards, so that a filter that is turned round gives the other strand the
    same bits.
    """
    lanes, step, columns = np.uint64(LANES), np.uint64(symbols), np.uint64(width)
    one = np.uint64(1)
    for i in range(np.uint64(count)):
        at = np.uint64(candidates[i])
        lane = at % lanes
        left = np.uint64(begin) + at // lanes
        start, right = left, left + columns - one
        cell = lane * columns * step
        opposite = cell + (columns - one) * step
        total = np.float32(0.0)
        for _ in range(columns // np.uint64(2)):
            total += cells[cell + np.uint64(letters[left])] + cells[opposite + np.uint64(letters[right])]
            left += one
            right -= one
            cell += step
            opposite -= step
        if left == right:
            total += cells[cell + np.uint64(letters[left])]
        if total > best[lane]:
            best[lane] = total
            position[lane] = np.int32(start)


@compiled
def _best_windows(
    tables: NDArray[np.uint8],
    stride: int,
    cells: Floats,
    symbols: int,
    width: int,
    words: NDArray[np.uint32],
    digits: NDArray[np.uint8],
    windows: NDArray[np.int64],
    size: int,
    blocks: tuple[int, ...],
    begin: int,
    end: int,
    open_lanes: np.uint64,
    flat_lanes: np.uint64,
    best: Floats,
    position: NDArray[np.int32],
) -> None:
    losses = np.empty(SEGMENT * LANES, dtype=np.uint8)
    lowest = np.empty(SEGMENT // CHUNK * LANES, dtype=np.uint8)
    overall = np.empty(LANES, dtype=np.uint8)
    chunks = np.empty(SEGMENT // CHUNK * LANES, dtype=np.uint32)
    candidates = np.empty(SEGMENT * LANES + 1, dtype=np.uint32)
    margin = len(blocks) + 1  # a word's sum is less than one level short, its columns less than 4/64 more
    for n in range(begin, end):
        bits, count = flat_lanes, 0
        while bits:
            candidates[count] = lowest_bit(bits)
            bits &= bits - np.uint64(1)
            count += 1
        _settle(cells, symbols, width, digits[n], 0, candidates, count, best[n], position[n])
        overall[:] = 255
        for first in range(0, windows[n], SEGMENT):
            last = min(first + SEGMENT, windows[n])
            lowest_losses(tables, stride, words[n], first, last, size, blocks, losses, lowest, overall)
            count = sift(last - first, margin, open_lanes, losses, lowest, overall, chunks, candidates)
            _settle(cells, symbols, width, digits[n], first, candidates, count, best[n], position[n])


def _as_bits(lanes: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """(groups,) one bit per lane, from (groups * LANES,)."""
    return np.packbits(lanes, bitorder="little").view(np.uint64)


def best_windows(
    scores: Floats, words: Words, windows: NDArray[np.int64], lanes: int, threads: int
) -> tuple[Floats, NDArray[np.int32]]:
    """(N, lanes) highest window score of each sequence and where that window begins, the first of equals.

    scores: (K, D, padded lanes) from `symbol_scores`; windows: (N,) how many windows each sequence has, at least 1.
    A lane with a weight that is not finite scores NaN.
    """
    width, symbols, padded = scores.shape
    sequences, groups = words.rows.shape[0], padded // LANES
    columns = loss_columns(scores, words.shares, float(np.median(windows)) if sequences else 1.0)
    cells = np.ascontiguousarray(scores.transpose(2, 0, 1)).reshape(groups, -1)
    uneven: NDArray[np.bool_] = columns.max(axis=(0, 1), initial=0) > 0
    real: NDArray[np.bool_] = np.arange(padded) < lanes
    open_lanes, flat_lanes = _as_bits(real & uneven), _as_bits(real & ~uneven)
    blocks = blocks_of(width, words.size)
    stride = words.letters.shape[0] * LANES
    tables = table_rows(groups, len(blocks) * stride)
    best = np.full((groups, sequences, LANES), -np.inf, dtype=np.float32)
    position = np.zeros((groups, sequences, LANES), dtype=np.int32)

    def fill(group: int) -> None:
        fill_tables(columns, words.letters, group, tables[group])

    parts = -(-sequences // SEQUENCES_PER_PIECE)

    def search(piece: int) -> None:
        group, part = divmod(piece, parts)
        begin = part * SEQUENCES_PER_PIECE
        _best_windows(
            tables[group], stride, cells[group], symbols, width, words.rows, words.symbols, windows, words.size, blocks,
            begin, min(begin + SEQUENCES_PER_PIECE, sequences), open_lanes[group], flat_lanes[group],
            best[group], position[group],
        )  # fmt: skip

    run_pieces(fill, groups, threads)
    run_pieces(search, groups * parts, threads)
    found = best.transpose(1, 0, 2).reshape(sequences, padded)[:, :lanes]
    finite = np.isfinite(scores[:, :, :lanes]).reshape(-1, lanes).min(axis=0, initial=True)
    found[:, np.flatnonzero(~finite)] = np.nan
    return found, position.transpose(1, 0, 2).reshape(sequences, padded)[:, :lanes]
