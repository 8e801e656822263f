"""The hits of a scan, aligned and counted: each motif or filter as the letters that it found.

This is how the filters of a network become matrices that other tools read (Alipanahi et al. 2015,
doi:10.1038/nbt.3300; Kelley et al. 2016, doi:10.1101/gr.200535.115), with a p-value in the place of a share of the
largest activation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from seqpool.errors import DataError, UsageError
from seqpool.io.tables import Columns, Repeated
from seqpool.motifs.background import uniform_background
from seqpool.motifs.formats.write import motif_text
from seqpool.motifs.matrix import STEP, CountMatrix, Scannable
from seqpool.motifs.statistics import score_distribution
from seqpool.options.scan import DEFAULT_P_VALUE


class TextStream(Protocol):
    """What the motifs are written to."""

    def write(self, text: str, /) -> object: ...


class AlignedHits:
    """Takes the rows of a hit table and writes, at the end, a motif file of the letters that each motif matched.

    kind: `meme`, `jaspar`, `transfac` or `homer`; a HOMER motif's threshold is that of p = 1e-4 for uniform letters.
    warn: takes a sentence where motifs without a hit are left out. An ambiguity code counts for its letters in equal
    parts. Raises UsageError for a protein in a format that holds nucleotides, and on closing DataError without any hit.
    """

    def __init__(self, stream: TextStream, kind: str, motifs: Sequence[Scannable], warn: Callable[[str], None]) -> None:
        self._stream = stream
        self._kind = kind
        self._motifs = motifs
        self._warn = warn
        self._alphabet = motifs[0].alphabet
        if kind != "meme" and self._alphabet.complement is None:
            raise UsageError(f"--format {kind}: the motifs are {self._alphabet.name}, {kind} files hold nucleotides.")
        self._counts = [np.zeros((motif.width, len(self._alphabet.letters))) for motif in motifs]

    def write(self, columns: Columns) -> None:
        """Count the matched letters of some rows."""
        names = columns["motif_id"]
        assert isinstance(names, Repeated)
        matched = np.asarray(columns["matched_sequence"])
        if not len(matched):
            return
        letters = np.ascontiguousarray(matched.astype("S")).view(np.uint8).reshape(len(matched), -1)
        for motif in np.unique(names.places).tolist():
            counts = self._counts[motif]
            codes = self._alphabet.byte_codes[letters[names.places == motif, : len(counts)]]
            for position, column in enumerate(codes.T):
                counts[position] += np.bincount(column, minlength=256) @ self._alphabet.distributions

    def close(self) -> None:
        """Write the motifs that have hits."""
        found = [
            CountMatrix(motif.name, motif.alternate_name, self._alphabet, counts)
            for motif, counts in zip(self._motifs, self._counts, strict=True)
            if counts.any()
        ]
        if not found:
            raise DataError("no motif has a hit, so there is none to write.")
        if len(found) < len(self._motifs):
            self._warn(f"{len(self._motifs) - len(found):,} of {len(self._motifs):,} motifs have no hit: left out.")
        if self._kind == "homer":
            found = [_with_threshold(motif) for motif in found]
        self._stream.write(motif_text(found, self._kind))


def _with_threshold(matrix: CountMatrix) -> CountMatrix:
    background = uniform_background(matrix.alphabet)
    scores = matrix.frequencies(background.probabilities).log_odds(background.probabilities).integer_scores()
    distribution = score_distribution(scores, background, DEFAULT_P_VALUE)
    threshold = min(distribution.threshold(DEFAULT_P_VALUE), distribution.highest) * STEP
    return CountMatrix(
        matrix.name, matrix.alternate_name, matrix.alphabet, matrix.counts, matrix.source, threshold=threshold
    )
