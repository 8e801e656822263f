"""The scores that the hits of a scan have: far fewer than hits, and far fewer than scores that a hit may have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqpool.io.spool import Rows
from seqpool.io.tables import Repeated
from seqpool.jobs.hit_table import bits
from seqpool.jobs.scan_pass import ScanPass
from seqpool.motifs.statistics import q_values_of_attained


class AttainedScores:
    """Every (motif, score) of a pass's hits, with its p and q: each is worked out, and written as text, once."""

    def __init__(self, work: ScanPass) -> None:
        scores: list[NDArray[np.int64]] = []
        p_values, q_values = [], []
        for motif, (ready, histogram) in enumerate(zip(work.motifs, work.histograms, strict=True)):
            occurred = np.flatnonzero(histogram)
            score = work.cuts[motif] + occurred
            p_value = ready.distribution.p_value(score)
            scores.append(score)
            p_values.append(p_value)
            q_values.append(q_values_of_attained(p_value, histogram[occurred], work.tests(motif)))
        self._score = bits(np.concatenate(scores))
        self._p_value, self._q_value = np.concatenate(p_values), np.concatenate(q_values)
        cuts = np.array([work.cuts[motif] for motif in range(len(work.motifs))])
        self._first_cell = np.cumsum([0, *map(len, work.histograms)])[:-1] - cuts
        counts = [len(score) for score in scores]
        # memory that is never touched where no score occurred
        self._place = np.empty(sum(map(len, work.histograms)), dtype=np.int32)
        cells = np.concatenate(scores) + np.repeat(self._first_cell, counts)
        self._place[cells] = np.arange(len(cells), dtype=np.int32)

    def columns(self, rows: Rows) -> tuple[Repeated, Repeated, Repeated]:
        """Score in bits, p and q of hits of the pass."""
        places = self._place[self._first_cell[rows["motif"]] + rows["score"]]
        return Repeated(self._score, places), Repeated(self._p_value, places), Repeated(self._q_value, places)
