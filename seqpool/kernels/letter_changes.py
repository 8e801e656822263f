"""What changes of letters can do to the scores of windows.

A table (width, symbols, lanes) holds what a symbol at a place of a window adds to the score in each lane: a filter on
one strand. A change puts one of the symbols `allowed` in the place of another at a position that may be changed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqpool.kernels.compiled import compiled
from seqpool.kernels.parallel import run_pieces

Symbols = NDArray[np.uint8]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Flags = NDArray[np.bool_]


@compiled
def _window_scores(symbols: Symbols, table: Floats, offset: Floats, scores: Floats) -> None:
    """(windows, lanes) sums of the table plus offset (windows, lanes)."""
    width = table.shape[0]
    for window in range(scores.shape[0]):
        for lane in range(scores.shape[1]):
            scores[window, lane] = offset[window, lane]
        for place in range(width):
            row = table[place, symbols[window + place]]
            for lane in range(scores.shape[1]):
                scores[window, lane] += row[lane]


def window_scores(symbols: Symbols, table: Floats, offset: Floats) -> Floats:
    """(windows, lanes) scores of the windows of symbols (L,), with offset (windows, lanes) added."""
    scores = np.empty(offset.shape, dtype=np.float32)
    _window_scores(symbols, table, offset, scores)
    return scores


@compiled
def _maxima_of_single_changes(
    symbols: Symbols,
    scores: Floats,
    table: Floats,
    positions: NDArray[np.int64],
    replacement: Symbols,
    prefix: Floats,
    suffix: Floats,
    begin: int,
    end: int,
    maxima: Floats,
) -> None:
    windows, lanes = scores.shape
    width = table.shape[0]
    for number in range(begin, end):
        position, symbol = positions[number], replacement[number]
        first, last = max(0, position - width + 1), min(position, windows - 1)
        best = maxima[number]
        for lane in range(lanes):
            best[lane] = max(prefix[first, lane], suffix[last + 1, lane])
        for window in range(first, last + 1):
            old, new = table[position - window, symbols[position]], table[position - window, symbol]
            score = scores[window]
            for lane in range(lanes):
                changed = score[lane] + (new[lane] - old[lane])
                best[lane] = changed if changed > best[lane] else best[lane]


@compiled
def _running_maxima(scores: Floats, prefix: Floats, suffix: Floats) -> None:
    """prefix[i]: largest of the scores before window i; suffix[i]: of those from window i on."""
    windows, lanes = scores.shape
    prefix[0], suffix[windows] = -np.inf, -np.inf
    for window in range(windows):
        back = windows - 1 - window
        for lane in range(lanes):
            score, other = scores[window, lane], scores[back, lane]
            prefix[window + 1, lane] = score if score > prefix[window, lane] else prefix[window, lane]
            suffix[back, lane] = other if other > suffix[back + 1, lane] else suffix[back + 1, lane]


def maxima_of_single_changes(
    symbols: Symbols,
    scores: Floats,
    table: Floats,
    positions: NDArray[np.int64],
    replacement: Symbols,
    threads: int,
) -> Floats:
    """(changes, lanes) largest window score after each change of one position to a symbol: only the windows that the
    change touches are scored anew."""
    windows, lanes = scores.shape
    prefix = np.empty((windows + 1, lanes), dtype=np.float32)
    suffix = np.empty((windows + 1, lanes), dtype=np.float32)
    _running_maxima(scores, prefix, suffix)
    maxima = np.empty((len(positions), lanes), dtype=np.float32)
    step = 64

    def piece(number: int) -> None:
        begin, end = number * step, min((number + 1) * step, len(positions))
        _maxima_of_single_changes(
            symbols, scores, table, positions, replacement, prefix, suffix, begin, end, maxima
        )  # fmt: skip

    run_pieces(piece, -(-len(positions) // step), threads)
    return maxima


@compiled
def _most(values: Doubles, count: int, most: Doubles) -> None:
    """The `count` largest of the values that are above 0, into `most`; 0 where there are fewer."""
    for i in range(count):
        most[i] = 0.0
    for value in values:
        if value > most[count - 1]:
            at = count - 1
            while at > 0 and most[at - 1] < value:
                most[at] = most[at - 1]
                at -= 1
            most[at] = value


@compiled
def _bounds_of_maxima(
    symbols: Symbols,
    scores: Floats,
    table: Floats,
    highest: Floats,
    lowest: Floats,
    changeable: Flags,
    count: int,
    strands: int,
    begin: int,
    end: int,
    lower: Doubles,
    upper: Doubles,
) -> None:
    windows = scores.shape[0]
    width = table.shape[0]
    filters = scores.shape[1] // strands
    gains, losses = np.zeros(width), np.zeros(width)
    most = np.zeros(count)
    least = np.zeros((windows, count + 1))  # after 0, 1, ... changes in the window, the better strand
    own = np.zeros(count + 1)
    taken = np.zeros(count + 1, dtype=np.int64)
    spent = np.zeros(count + 1, dtype=np.int64)
    for lane in range(begin, end):
        best = -np.inf
        for window in range(windows):
            for strand in range(strands):
                column = lane + strand * filters
                score = np.float64(scores[window, column])
                for place in range(width):
                    gains[place] = 0.0
                    losses[place] = 0.0
                    if changeable[window + place]:
                        now = np.float64(table[place, symbols[window + place], column])
                        gains[place] = np.float64(highest[place, column]) - now
                        losses[place] = now - np.float64(lowest[place, column])
                _most(gains, count, most)
                best = max(best, score + most.sum())
                _most(losses, count, most)
                own[0] = score
                for i in range(count):
                    own[i + 1] = own[i] - most[i]
                for i in range(count + 1):
                    least[window, i] = own[i] if strand == 0 else max(least[window, i], own[i])
        upper[lane] = best
        # the changes that do most are in windows apart from each other: each lowers one of them, the highest first
        sure = -np.inf
        for window in range(windows):
            sure = max(sure, least[window, count])
        found = 0
        while found < count + 1:
            chosen = -1
            for window in range(windows):
                apart = True
                for i in range(found):
                    if abs(taken[i] - window) < width:
                        apart = False
                if apart and (chosen < 0 or least[window, 0] > least[chosen, 0]):
                    chosen = window
            if chosen < 0:
                break
            taken[found] = chosen
            spent[found] = 0
            found += 1
        for _ in range(count):
            top = 0
            for i in range(found):
                if least[taken[i], spent[i]] > least[taken[top], spent[top]]:
                    top = i
            if spent[top] < count:
                spent[top] += 1
        apart_bound = -np.inf
        for i in range(found):
            apart_bound = max(apart_bound, least[taken[i], spent[i]])
        lower[lane] = max(sure, apart_bound)


def bounds_of_maxima(
    symbols: Symbols,
    scores: Floats,
    table: Floats,
    allowed: Symbols,
    changeable: Flags,
    count: int,
    strands: int,
    threads: int,
) -> tuple[Doubles, Doubles]:
    """(filters,) lower and upper bound of the largest window score after at most `count` changes.

    strands: lanes of each filter, all of the first strand first, the better of which counts; 1: every lane by itself.
    Upper: the largest over windows of what the window can reach, attained. Lower: what is left of windows that lie
    apart from each other, when each change lowers the one that is highest then; not always attained.
    """
    highest, lowest = table[:, allowed].max(axis=1), table[:, allowed].min(axis=1)
    filters = scores.shape[1] // strands
    lower, upper = np.empty(filters), np.empty(filters)
    step = 16

    def piece(number: int) -> None:
        _bounds_of_maxima(
            symbols, scores, table, highest, lowest, changeable, count, strands,
            number * step, min((number + 1) * step, filters), lower, upper,
        )  # fmt: skip

    run_pieces(piece, -(-filters // step), threads)
    return lower, upper


@compiled
def _lowest_maximum(
    symbols: Symbols, columns: Doubles, offset: Doubles, changeable: Flags, free: Flags, count: int
) -> float:
    """columns: (strands, width, letters, windows) what a letter adds in each window."""
    strands, width, letters, _ = columns.shape
    states = letters ** (width - 1)
    now = np.full((count + 1, states), np.inf)
    following = np.full((count + 1, states), np.inf)
    now[0, :] = -np.inf
    for position in range(symbols.shape[0]):
        following[:] = np.inf
        window = position - width + 1
        for state in range(states):
            for letter in range(letters):
                cost = 0 if free[position] or letter == symbols[position] else 1
                if cost == 1 and not changeable[position]:
                    continue
                score = -np.inf
                if window >= 0:
                    for strand in range(strands):
                        word = state * letters + letter
                        total = offset[strand, window]
                        for place in range(width - 1, -1, -1):
                            total += columns[strand, place, word % letters, window]
                            word //= letters
                        score = max(score, total)
                target = (state * letters + letter) % states
                for used in range(count + 1 - cost):
                    value = max(now[used, state], score)
                    if value < following[used + cost, target]:
                        following[used + cost, target] = value
        now, following = following, now
    return float(now.min())


def lowest_maximum(
    symbols: Symbols, columns: Doubles, offset: Doubles, changeable: Flags, free: Flags, count: int
) -> float:
    """The least that the largest window score can be after at most `count` substitutions, exactly.

    Dynamic programming over the last letters and the changes used. symbols: (L,), all plain letters where not free.
    columns: (strands, width, letters, windows) what each letter adds in each window. offset: (strands, windows).
    free: positions that hold no letter, where `columns` is 0. Takes L · letters ** width · (count + 1) steps.
    """
    return float(_lowest_maximum(symbols, columns, offset, changeable, free, count))


@compiled
def _extreme_windows(
    symbols: Symbols,
    windows: NDArray[np.int64],
    table: Floats,
    offset: Floats,
    highest: Floats,
    lowest: Floats,
    changeable: Flags,
    count: int,
    begin: int,
    end: int,
    upper: NDArray[np.int64],
    lower: NDArray[np.int64],
) -> None:
    width, lanes = table.shape[0], table.shape[2]
    gains, losses, most = np.zeros(width), np.zeros(width), np.zeros(count)
    for row in range(begin, end):
        letters = symbols[row]
        for lane in range(lanes):
            best, sure = -np.inf, -np.inf
            for window in range(windows[row]):
                score = np.float64(offset[window, lane])
                for place in range(width):
                    now = np.float64(table[place, letters[window + place], lane])
                    score += now
                    gains[place], losses[place] = 0.0, 0.0
                    if changeable[row, window + place]:
                        gains[place] = np.float64(highest[place, lane]) - now
                        losses[place] = now - np.float64(lowest[place, lane])
                _most(gains, count, most)
                if score + most.sum() > best:
                    best = score + most.sum()
                    upper[row, lane] = window
                _most(losses, count, most)
                if score - most.sum() > sure:
                    sure = score - most.sum()
                    lower[row, lane] = window


def extreme_windows(
    symbols: Symbols,
    windows: NDArray[np.int64],
    table: Floats,
    offset: Floats,
    allowed: Symbols,
    changeable: Flags,
    count: int,
    threads: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(N, lanes) the window that can reach highest and the one that stays highest, after at most `count` changes.

    symbols, changeable: (N, L). windows: (N,) how many of each row count. offset: (windows, lanes).
    """
    highest, lowest = table[:, allowed].max(axis=1), table[:, allowed].min(axis=1)
    upper = np.zeros((len(symbols), table.shape[2]), dtype=np.int64)
    lower = np.zeros_like(upper)
    step = 8

    def piece(number: int) -> None:
        begin, end = number * step, min((number + 1) * step, len(symbols))
        _extreme_windows(
            symbols, windows, table, offset, highest, lowest, changeable, count, begin, end, upper, lower
        )  # fmt: skip

    run_pieces(piece, -(-len(symbols) // step), threads)
    return upper, lower
