"""What a target is compared with: given sequences, windows of a genome or shuffles; with the target's GC if wanted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import MASKED
from seqpool.errors import DataError
from seqpool.jobs.enrich_sequences import (
    Counts,
    Places,
    SequenceSet,
    gc_letters,
    gc_shares,
    letters_of_places,
    whole_records,
)
from seqpool.jobs.fasta_inputs import FastaInputs
from seqpool.kernels.shuffles import dinucleotide_shuffles

ENOUGH_SEQUENCES = 10_000
ENOUGH_LETTERS = 10_000_000
"""Shuffles and windows are drawn up to either of these, and at least one for each target sequence."""

GC_BIN = 0.02
GC_TOLERANCE = 0.005
"""GC contents, in bins of GC_BIN, are alike when they differ by this on average: the earth mover's distance."""

_CANDIDATES = 4
_CANDIDATES_FOR_GC = 50
"""Windows of a genome that are looked at for each one that is wanted."""

_BATCH_LETTERS = 1 << 22


def copies_of(target: SequenceSet) -> int:
    """How many shuffles or windows are drawn for each target sequence."""
    letters = int(target.lengths.sum())
    return max(1, min(-(-ENOUGH_SEQUENCES // len(target)), ENOUGH_LETTERS // max(letters, 1)))


def shuffled_sequences(target: SequenceSet, *, seed: int, threads: int) -> SequenceSet:
    """Shuffles of every target sequence that keep its pairs of neighbouring letters; all of the first round first.

    A shuffle depends on its sequence, the sequence's number, the round and the seed only.
    """
    copies = copies_of(target)
    codes: list[NDArray[np.uint8]] = []
    # sequences of like length together, so that padding is little; results go back to their places
    order = np.argsort(target.lengths, kind="stable")
    padded_letters = np.cumsum(target.lengths[order])
    batches = np.split(order, np.flatnonzero(np.diff(padded_letters // _BATCH_LETTERS)) + 1)
    for epoch in range(copies):
        of_round: list[NDArray[np.uint8]] = [np.zeros(0, dtype=np.uint8)] * len(target)
        for batch in batches:
            lengths = target.lengths[batch]
            rows = np.zeros((len(batch), int(lengths.max())), dtype=np.uint8)
            for row, number in enumerate(batch.tolist()):
                rows[row, : lengths[row]] = target.codes[number]
            shuffled = dinucleotide_shuffles(rows, lengths, seed=seed, epoch=epoch, rows=batch, threads=threads)
            for row, number in enumerate(batch.tolist()):
                of_round[number] = shuffled[row, : lengths[row]]
        codes += of_round
    rounds = "dinucleotide shuffle" if copies == 1 else f"{copies:,} dinucleotide shuffles"
    return SequenceSet(target.alphabet, f"{rounds} of each target sequence", codes)


def gc_matched(
    target_gc: NDArray[np.float64],
    background_gc: NDArray[np.float64],
    generator: np.random.Generator,
    *,
    most: float = np.inf,
) -> NDArray[np.int64]:
    """Indices, ascending, of background sequences whose GC contents are distributed as the target's.

    As many as can be had while the two distributions differ by at most GC_TOLERANCE, beside what cannot be helped as
    the background has no sequence in a bin of the target; at most `most` for each target sequence. Within a bin they
    are drawn without replacement.
    """
    bins = round(1 / GC_BIN) + 1
    bin_of = np.floor(background_gc / GC_BIN + 1e-9).astype(np.int64)
    wanted = np.bincount(np.floor(target_gc / GC_BIN + 1e-9).astype(np.int64), minlength=bins)
    there = np.bincount(bin_of, minlength=bins)
    if not (wanted * there).any():
        return np.zeros(0, dtype=np.int64)
    shares = wanted / wanted.sum()

    def difference(rate: float) -> float:
        drawn = np.minimum(there, rate * wanted)
        return GC_BIN * float(np.abs(np.cumsum(drawn / drawn.sum() - shares)).sum())

    tolerance = difference(1 / wanted.max()) + GC_TOLERANCE  # so few that no bin that has any runs out
    low, high = 0.0, float(min(most, there.sum()))
    if difference(high) <= tolerance:
        low = high
    else:
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if difference(middle) <= tolerance else (low, middle)
    # rounded along the sum, so that few sequences in many bins do not all round to none
    draws = np.minimum(there, np.diff(np.floor(np.cumsum(low * wanted) + 0.5), prepend=0.0).astype(np.int64))
    chosen = [
        generator.choice(np.flatnonzero(bin_of == number), size=int(draws[number]), replace=False)
        for number in np.flatnonzero(draws)
    ]
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, dtype=np.int64)


def with_gc_of(target: SequenceSet, background: SequenceSet, seed: int) -> SequenceSet:
    """The background sequences that are drawn so that their GC distribution is the target's.

    Raises DataError when no background sequence has the GC content of a target sequence.
    """
    chosen = gc_matched(target.gc, background.gc, np.random.default_rng(seed))
    if not len(chosen):
        raise DataError(
            f"--match-gc: no sequence of the background has the GC content of the target "
            f"(means {background.mean_gc:.3f} and {target.mean_gc:.3f})."
        )
    source = f"drawn for the target's GC from {len(background):,} of {background.source}"
    return replace(background, source=source, codes=[background.codes[number] for number in chosen.tolist()])


def genome_windows(
    genome: FastaInputs, target: SequenceSet, taken: Places | None, source: str, *, match_gc: bool, seed: int
) -> tuple[SequenceSet, int]:
    """Windows of the genome of the target's lengths, at random places, and how many were wanted.

    They hold no N or other ambiguous letter, and no letter of the places that are taken; they may overlap one another.
    match_gc: drawn so that their GC distribution is the target's. The genome is read twice.
    """
    generator = np.random.default_rng(seed)
    room = sum(genome.lengths[record] for record in genome.good) // 2
    wanted = min(copies_of(target) * len(target), max(1, int(room / target.lengths.mean())))
    looked_at = _CANDIDATES_FOR_GC if match_gc else _CANDIDATES
    candidates = _random_places(genome, target.lengths, looked_at * wanted, generator)
    candidates = _without(candidates, taken)
    gc, usable = _gc_of_places(genome, candidates, target)
    usable_places = np.flatnonzero(usable)
    if match_gc:
        chosen = usable_places[gc_matched(target.gc, gc[usable], generator, most=wanted / len(target))]
    else:
        chosen = np.sort(generator.permutation(usable_places)[:wanted])
    places = Places(candidates.record[chosen], candidates.start[chosen], candidates.end[chosen])
    how = "random windows with the target's GC" if match_gc else "random windows"
    return SequenceSet(target.alphabet, f"{how} of {source}", letters_of_places(genome, places)), wanted


def _random_places(genome: FastaInputs, lengths: Counts, count: int, generator: np.random.Generator) -> Places:
    """Places of the given lengths in turn, every position of the genome alike, sorted; those past an end left out."""
    records = np.array(genome.good, dtype=np.int64)
    sizes = np.array(genome.lengths, dtype=np.int64)[records]
    ends = np.cumsum(sizes)
    if not len(ends) or not ends[-1]:
        return Places(*[np.zeros(0, dtype=np.int64)] * 3)
    position = generator.integers(0, ends[-1], count)
    chromosome = np.searchsorted(ends, position, side="right")
    start = position - (ends - sizes)[chromosome]
    length = np.resize(lengths, count)
    inside = start + length <= sizes[chromosome]
    record, start, length = records[chromosome][inside], start[inside], length[inside]
    order = np.lexsort((length, start, record))
    record, start, end = record[order], start[order], (start + length)[order]
    new = np.ones(len(start), dtype=np.bool_)
    new[1:] = (np.diff(record) != 0) | (np.diff(start) != 0)  # one window from each place
    return Places(record[new], start[new], end[new])


def _without(places: Places, taken: Places | None) -> Places:
    """The places that share no letter with those taken."""
    if taken is None or not len(taken):
        return places
    free = np.ones(len(places), dtype=np.bool_)
    for record, of_taken in taken.of_record.items():
        if record not in places.of_record:
            continue
        here = places.of_record[record]
        reach = np.maximum.accumulate(taken.end[of_taken])
        before = np.searchsorted(taken.start[of_taken], places.end[here], side="left")  # taken ones that start earlier
        free[here] = (before == 0) | (reach[np.maximum(before, 1) - 1] <= places.start[here])
    return Places(places.record[free], places.start[free], places.end[free])


def _gc_of_places(
    genome: FastaInputs, places: Places, target: SequenceSet
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(places,) share of G and C of each, and whether it holds plain letters (or masked ones besides) only."""
    plain, gc, other = (np.zeros(len(places), dtype=np.int64) for _ in range(3))
    letters = len(target.alphabet.letters)
    of_gc = gc_letters(target.alphabet)
    for record, codes in whole_records(genome.runs()):
        if record not in places.of_record:
            continue
        here = places.of_record[record]
        limits = np.stack([places.start[here], places.end[here]], axis=1).reshape(-1)

        def count(mask: NDArray[np.bool_], limits: NDArray[np.int64] = limits) -> Counts:
            # one entry more, as a place may end where the chromosome does
            sums = np.add.reduceat(np.append(mask, False), limits, dtype=np.int64)
            return np.asarray(sums[::2])

        is_plain = codes < letters
        plain[here], gc[here] = count(is_plain), count(np.isin(codes, of_gc))
        other[here] = count(~is_plain & (codes != MASKED))
    return gc_shares(gc, plain), (other == 0) & (plain > 0)
