"""Windows with ambiguity codes in a scan: the hits and the best ones among them, and how often each p occurred."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqpool.alphabet import Codes
from seqpool.motifs.ambiguous import ExpectedScores, is_possible
from seqpool.motifs.blocks import Block
from seqpool.motifs.matrix import FORBIDDEN
from seqpool.motifs.scanner import Lane, WindowMask, Windows


class AmbiguousHits:
    """Scores windows with codes beside plain letters. Its methods may be called from many threads.

    limits: per motif, the largest p-value of a hit; None where the lanes' thresholds decide.
    counts: per motif, how many of the hits had each p-value.
    """

    def __init__(self, scores: ExpectedScores, lanes: Sequence[Lane], limits: Sequence[float] | None) -> None:
        self.scores = scores
        self.counts: list[Counter[float]] = [Counter() for _ in scores.matrices]
        self._lanes = lanes
        self._limits = limits
        self._lock = threading.Lock()

    def hits(self, block: Block, mask: WindowMask) -> Windows:
        """The hits of a block among the windows that `mask` says hold codes, lane by lane."""
        found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []
        for number, lane in enumerate(self._lanes):
            position, windows = self._windows(block, mask, lane)
            if self._limits is not None:
                kept = self.scores.candidates(lane.motif, windows, self._limits[lane.motif])
                position, windows = position[kept], windows[kept]
            score = self.scores.scores(lane.motif, windows)
            fitting = is_possible(score) if self._limits is not None else score >= lane.threshold
            position, windows, score = position[fitting], windows[fitting], score[fitting]
            p_values = self.scores.p_values(lane.motif, windows, score)
            if self._limits is not None:
                rare = p_values <= self._limits[lane.motif]
                position, score, p_values = position[rare], score[rare], p_values[rare]
            if len(position):
                found.append((position, np.full(len(position), number), score))
                with self._lock:
                    self.counts[lane.motif].update(p_values.tolist())
        if not found:
            return Windows(*(np.zeros(0, dtype=np.int64) for _ in range(3)))
        return Windows(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def better(
        self, block: Block, mask: WindowMask, lane: Lane, position: NDArray[np.int64], score: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The best window of every run when those with codes count too; of equal ones the first.

        position, score: (runs,) of the best plain windows.
        """
        positions, windows = self._windows(block, mask, lane)
        if not len(positions):
            return position, score
        scores = np.maximum(self.scores.scores(lane.motif, windows), FORBIDDEN)
        runs = block.run_of(positions)
        order = np.lexsort((positions, -scores, runs))
        first = order[np.unique(runs[order], return_index=True)[1]]
        position, score = position.copy(), score.copy()
        run = runs[first]
        higher = scores[first] > score[run]
        higher |= (scores[first] == score[run]) & (positions[first] < position[run])
        position[run[higher]], score[run[higher]] = positions[first][higher], scores[first][higher]
        return position, score

    def _windows(self, block: Block, mask: WindowMask, lane: Lane) -> tuple[NDArray[np.int64], Codes]:
        """Positions of the windows with codes, and (windows, width) their codes as the motif reads them."""
        width = len(lane.scores)
        position = mask.with_codes(width)
        windows = block.codes[position[:, None] + np.arange(width)]
        if lane.strand < 0:
            windows = self.scores.alphabet.complement_codes[windows[:, ::-1]]
        return position, windows
