"""Motifs made ready for a scan: on the integer grid, with the distribution of their score and their threshold."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import PROTEIN, Alphabet
from seqpool.errors import DataError, UsageError
from seqpool.motifs.background import (
    Background,
    measured_background,
    nrdb_background,
    read_background,
    uniform_background,
)
from seqpool.motifs.formats import read_motifs
from seqpool.motifs.matrix import (
    STEP,
    CountMatrix,
    IntegerMatrix,
    Motif,
    Scannable,
    is_palindrome,
    reverse_complement_scores,
)
from seqpool.motifs.scanner import Lane
from seqpool.motifs.statistics import ScoreDistribution, score_distribution
from seqpool.options.scan import DEFAULT_P_VALUE, ScanOptions


@dataclass(frozen=True, eq=False)
class ScanMotif:
    """A motif, its integer matrix and the distribution of its score; once: its windows count on one strand only."""

    motif: Motif
    scores: IntegerMatrix
    distribution: ScoreDistribution
    once: bool

    @property
    def width(self) -> int:
        """Number of positions."""
        return len(self.scores)

    def lanes(self, index: int, strands: str, threshold: int) -> list[Lane]:
        """The motif as number `index`, on the strands to scan."""
        lanes = [Lane(index, 1, self.scores, threshold)]
        if strands == "both" and not self.once:
            lanes.append(Lane(index, -1, reverse_complement_scores(self.scores, self.motif.alphabet), threshold))
        return lanes

    def threshold(self, options: ScanOptions) -> int:
        """The lowest integer score of a hit; for a limit on q, the lowest that can be one (q is never below p).

        Raises UsageError when the motif's own threshold is wanted and it has none.
        """
        if options.min_score is not None:
            return self._at_least(options.min_score)
        if options.threshold == "motif":
            if self.motif.threshold is None:
                raise UsageError(f"--threshold motif: {self.motif.source} gives motif {self.motif.name} no threshold.")
            # the file's program added unrounded scores: what lies within our rounding of its threshold reaches it
            return self._at_least(self.motif.threshold - self.width * STEP / 2)
        limit = options.q_value or options.p_value or DEFAULT_P_VALUE
        return self.distribution.threshold(limit)

    def _at_least(self, score: float) -> int:
        # a hair of slack: 0.3 is no multiple of 0.001 in binary
        return max(int(np.ceil(score / STEP - 1e-6)), self.distribution.lowest)


class HasLetters(Protocol):
    """Sequences that a background can be measured from."""

    @property
    def letter_counts(self) -> NDArray[np.int64]:
        """(letters,) how often each plain letter occurs."""


def read_scannable(
    motifs: str | os.PathLike[str] | Sequence[Scannable] | None,
    model: str | os.PathLike[str] | None,
    options: ScanOptions,
) -> tuple[list[Scannable], ScanOptions]:
    """The motifs of a file (or as given) or the filters of an artifact (a path or a shipped name), and the options.

    Filters are scanned on the strands that they were trained on unless the options say otherwise. Raises DataError for
    a file that cannot be read and UsageError unless exactly one of the two is given.
    """
    if model is not None and motifs is None:
        # all of a config, which a motif file needs not
        from seqpool.motifs.formats.trained_filters import read_filters
        from seqpool.zoo.shipped import model_file

        trained = read_filters(model_file(os.fspath(model)))
        return list(trained.filters), replace(options, strands=options.strands or trained.strands)
    if motifs is None or model is not None:
        raise UsageError("expected exactly one of --motifs and --model.")
    return list(read_motifs(motifs) if isinstance(motifs, str | os.PathLike) else motifs), options


def alphabet_of_motifs(motifs: Sequence[Scannable]) -> Alphabet:
    """The alphabet to read sequences with; DNA and RNA motifs may be mixed. Raises DataError for other mixtures."""
    alphabets = {motif.alphabet.name: motif.alphabet for motif in motifs}
    if PROTEIN.name in alphabets and len(alphabets) > 1:
        raise DataError("the motif file mixes protein and nucleotide motifs; scan them one after the other.")
    return motifs[0].alphabet


def scanned_strands(options: ScanOptions, alphabet: Alphabet) -> str:
    """`both` or `forward`. Raises UsageError for both strands of a protein."""
    if options.strands == "both" and alphabet.complement is None:
        raise UsageError(f"--strands both: {alphabet.name} has one strand.")
    return options.strands or ("forward" if alphabet.complement is None else "both")


def chosen_background(options: ScanOptions, alphabet: Alphabet, inputs: HasLetters, strands: str) -> Background:
    """The background of a run; on both strands it is averaged with its reverse complement."""
    if options.background == "uniform":
        return uniform_background(alphabet)
    if options.background == "nrdb":
        background = nrdb_background(alphabet)
    elif options.background == "measured":
        background = measured_background(inputs.letter_counts, alphabet)
    else:
        background = read_background(options.background, alphabet)
    return background.on_both_strands(alphabet) if strands == "both" else background


def made_ready(matrix: Scannable, background: Background, options: ScanOptions) -> ScanMotif:
    """Counts to frequencies to log-odds to integers, and the distribution of their sum."""
    probabilities = background.probabilities
    if isinstance(matrix, CountMatrix):
        matrix = matrix.frequencies(probabilities, options.pseudocount)
    motif = matrix.log_odds(probabilities)
    try:
        scores = motif.integer_scores()
    except ValueError as error:
        raise DataError(f"{matrix.source}: {error}.") from error
    # the best of a palindrome's windows is the best of one strand's, and p counts those only
    once = (options.palindromes == "once" or options.finds_best) and motif.alphabet.complement is not None
    once = once and is_palindrome(scores, motif.alphabet)
    return ScanMotif(motif, scores, score_distribution(scores, background, largest_p_value(options)), once)


def largest_p_value(options: ScanOptions) -> float:
    """No window with a larger p-value will be asked for."""
    if options.decides_by_score:
        return 1.0
    return options.q_value or options.p_value or DEFAULT_P_VALUE  # q is never below p


def warn_of_motifs_without_hits(
    motifs: Sequence[ScanMotif], thresholds: Sequence[int], warn: Callable[[str], None]
) -> None:
    """One sentence when motifs cannot reach their threshold, however well a window fits."""
    never = [m for m, threshold in zip(motifs, thresholds, strict=True) if threshold > m.distribution.highest]
    if never:
        best = never[0].distribution
        more = f" and {len(never) - 1} more" if len(never) > 1 else ""
        warn(
            f"motif {never[0].motif.name}{more} cannot reach the threshold: its best word scores "
            f"{best.highest * STEP:g} with p = {best.tail[-1]:.3g}."
        )
