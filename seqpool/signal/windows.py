"""Long signals in windows, and one answer from the answers of the windows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def window_starts(samples: int, window: int, stride: int) -> NDArray[np.int64]:
    """First samples of the windows that cover a signal.

    Windows start every `stride` samples; the last one is moved back so that it ends with the signal. A signal that is
    no longer than a window is one window.
    """
    if window < 1 or stride < 1:
        raise ValueError(f"window and stride are {window} and {stride} samples, expected at least 1")
    if samples <= window:
        return np.zeros(1, dtype=np.int64)
    starts = np.arange(0, samples - window + 1, stride, dtype=np.int64)
    if starts[-1] + window < samples:
        starts = np.append(starts, samples - window)
    return starts


def average_of_windows(probabilities: NDArray[np.float64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """(classes,) the mean of the windows' probabilities (windows, classes), each window by its share of the samples."""
    weights = np.asarray(lengths, dtype=np.float64)
    return np.asarray(weights @ probabilities / weights.sum(), dtype=np.float64)


def window_parts(start_s: NDArray[np.float64], end_s: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """Starts and ends of what each window answers for alone: neighbours that overlap share it halfway."""
    middles = np.minimum((start_s[1:] + end_s[:-1]) / 2, end_s[:-1])
    return [*start_s[:1].tolist(), *np.maximum(middles, start_s[1:]).tolist()], [
        *middles.tolist(),
        *end_s[-1:].tolist(),
    ]
