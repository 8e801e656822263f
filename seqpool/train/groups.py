"""Which rows belong together, and how whole groups are dealt out to sides of the wanted size."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from seqpool.alphabet import Alphabet, Codes

Groups = NDArray[np.int64]

# Odd 64-bit multiplier of a polynomial hash (2^64 / golden ratio; Knuth, The Art of Computer Programming 3, 6.4).
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def numbered(values: Sequence[Hashable]) -> Groups:
    """(rows,) one number per distinct value, in order of appearance."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)


def same_content(codes: Sequence[Codes], alphabet: Alphabet | None = None) -> Groups:
    """(rows,) equal numbers for equal sequences; with an alphabet, also for a sequence and its reverse complement."""
    if alphabet is None or alphabet.complement is None:
        return numbered([row.tobytes() for row in codes])
    return numbered([min(row.tobytes(), alphabet.reverse_complement(row).tobytes()) for row in codes])


def joined(*groupings: Groups) -> Groups:
    """(rows,) the finest grouping in which rows that any of the groupings keeps together are together."""
    rows = len(groupings[0])
    ends = [_neighbours(grouping) for grouping in groupings]
    return _components(rows, np.concatenate([e[0] for e in ends]), np.concatenate([e[1] for e in ends]))


def shared_word_groups(codes: Sequence[Codes], length: int, alphabet: Alphabet, *, both_strands: bool) -> Groups:
    """(rows,) single linkage of sequences that share a word of `length` plain letters.

    A sequence without such a word is alone, but for its identical copies. With `both_strands` a word and its reverse
    complement are one word. Words are compared by a 64-bit hash: two different words with one hash would join two
    groups (about once in 10^5 runs with 30 million words), which never lets a word onto two sides.
    """
    rows = len(codes)
    lengths = np.array([len(row) for row in codes], dtype=np.int64)
    letters = np.concatenate([np.zeros(0, dtype=np.uint8), *codes])
    if len(letters) < length:
        return same_content(codes)
    keys = _word_hashes(letters, length)
    if both_strands:
        keys = np.minimum(keys, _word_hashes(alphabet.reverse_complement(letters), length)[::-1])
    row = np.repeat(np.arange(rows), lengths)
    other_letters = np.concatenate([[0], np.cumsum(letters >= len(alphabet.letters))])
    whole = (row[: len(keys)] == row[length - 1 :]) & (other_letters[length:] == other_letters[: len(keys)])
    words, owners = keys[whole], row[: len(keys)][whole]
    order = np.argsort(words, kind="stable")
    words, owners = words[order], owners[order]
    same = np.flatnonzero(words[1:] == words[:-1])
    copy_start, copy_end = _neighbours(same_content(codes))
    return _components(rows, np.concatenate([owners[same], copy_start]), np.concatenate([owners[same + 1], copy_end]))


def deal(groups: Groups, shares: Sequence[float], strata: Groups | None, seed: int) -> NDArray[np.int64]:
    """(rows,) which side each row is on, so that groups stay whole and sides are near their shares.

    shares: the wanted part of the rows per side, positive. strata: (rows,) small numbers; each stratum is spread by
    the same shares. Greedy: the largest group first (equal sizes in an order drawn from `seed`), each to the side
    where the sum over strata of (rows - wanted)^2 / wanted grows least.
    """
    labels = np.zeros(len(groups), dtype=np.int64) if strata is None else strata
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    held = np.zeros((len(sizes), int(labels.max(initial=0)) + 1))
    np.add.at(held, (group, labels), 1)
    totals = held.sum(axis=0)
    wanted = np.asarray(shares)[:, None] * totals
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    # the cost of a side grows by g (g + 2 (rows - wanted)) / wanted: only `slack` changes as rows are dealt
    weight = 1.0 / np.maximum(wanted, 1e-9)
    slack = -2.0 * wanted * weight
    side = np.zeros(len(sizes), dtype=np.int64)
    for number in order:
        row = held[number]
        chosen = int(((row * weight + slack) @ row).argmin())
        side[number] = chosen
        slack[chosen] += 2.0 * row * weight[chosen]
    return side[group]


def _neighbours(groups: Groups) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of rows that chain each group together."""
    order = np.argsort(groups, kind="stable")
    same = np.flatnonzero(groups[order][1:] == groups[order][:-1])
    return order[same], order[same + 1]


def _components(rows: int, start: NDArray[np.int64], end: NDArray[np.int64]) -> Groups:
    links = coo_array((np.ones(len(start), dtype=np.int8), (start, end)), shape=(rows, rows))
    _, component = connected_components(links, directed=False)
    return np.asarray(component, dtype=np.int64)


def _word_hashes(letters: Codes, length: int) -> NDArray[np.uint64]:
    """(letters - length + 1,) hash of each word; arithmetic is modulo 2^64."""
    keys = np.zeros(len(letters) - length + 1, dtype=np.uint64)
    for offset in range(length):
        keys = keys * _MULTIPLIER + letters[offset : offset + len(keys)] + np.uint64(1)
    return keys
