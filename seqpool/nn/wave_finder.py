"""A trained network of waves on a whole lead: probabilities stitched from windows, then waves in order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from seqpool.records import WAVES, Delineation
from seqpool.signal.stitching import Piece, pieces_of
from seqpool.signal.wave_order import WaveRuns, waves_in_order, with_peaks

BATCH_WINDOWS = 16


def delineated(
    network: nn.Module,
    values: NDArray[np.float32],
    rate_hz: float,
    *,
    window_s: float,
    stride_s: float,
    presence: float,
) -> Delineation:
    """The waves of one lead, in its samples.

    network: (N, 1, L) to logits (N, 2 + waves, L): none, WAVES, and whether the row has P waves. values: (1, samples)
    as it eats them, at `rate_hz`. Each sample's probabilities come from the window of `window_s` (every `stride_s`) in
    whose middle it lies: a signal no longer than a window is seen at once. A P wave stands only where its window's
    probability of P waves is above `presence`.
    """
    samples = values.shape[1]
    window, stride = (max(round(seconds * rate_hz), 1) for seconds in (window_s, stride_s))
    found = WaveRuns()
    last, probable = [], []
    pieces = pieces_of(samples, window, min(stride, window))
    while batch := list(islice(pieces, BATCH_WINDOWS)):
        for piece, probabilities, p_waves in _answers(network, values, batch):
            found.feed(probabilities[:, piece.first - piece.start : piece.last - piece.start])
            last.append(piece.last)
            probable.append(p_waves)
    runs = found.runs()
    place = np.searchsorted(np.array(last), (runs.onset + runs.offset) / 2, side="right")
    absent = np.array(probable)[np.minimum(place, len(last) - 1)] <= presence
    runs = runs.rows(~((runs.wave == WAVES.index("P")) & absent))
    return with_peaks(waves_in_order(runs, rate_hz), values[0])


def _answers(
    network: nn.Module, values: NDArray[np.float32], pieces: list[Piece]
) -> Iterator[tuple[Piece, NDArray[np.float32], float]]:
    """Of each window the probabilities (1 + waves, L) of the labels, and that of P waves."""
    x = torch.from_numpy(np.stack([values[:, piece.start : piece.stop] for piece in pieces]))
    with torch.inference_mode():
        logits = network(x)
        labels = logits[:, :-1].softmax(dim=1).numpy()
        p_waves = logits[:, -1, 0].sigmoid().tolist()
    yield from zip(pieces, labels, p_waves, strict=True)
