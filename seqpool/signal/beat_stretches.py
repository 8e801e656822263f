"""A long recording in stretches of equal length, each with the beats around it that its statistics see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seqpool.signal.beat_windows import Numbers


@dataclass(frozen=True)
class BeatStretch:
    """Samples [start, stop) to be read, beats [first, last) seen and [own_first, own_last) judged."""

    start: int
    stop: int
    first: int
    last: int
    own_first: int
    own_last: int


def beat_stretches(
    samples: int, rate_hz: float, peaks_s: Numbers, *, stretch_s: float, margin_s: float, around_s: float
) -> Iterator[BeatStretch]:
    """Stretches of about `stretch_s` (a recording is cut into equal ones), without those that hold no beat.

    samples: of the recording. peaks_s: (beats,) of all of it, rising. Beats up to margin_s beyond a stretch are seen,
    and the signal up to around_s beyond those. Memory is that of a stretch, whatever the recording's length.
    """
    duration_s = samples / rate_hz
    count = max(round(duration_s / stretch_s), 1)
    edges_s = np.arange(count + 1) * (duration_s / count)
    inner = np.searchsorted(peaks_s, edges_s[1:-1])
    own = np.concatenate([[0], inner, [len(peaks_s)]]).tolist()
    for number in range(count):
        if own[number] == own[number + 1]:
            continue
        seen_s = edges_s[number] - margin_s, edges_s[number + 1] + margin_s
        first, last = np.searchsorted(peaks_s, seen_s).tolist()
        first, last = min(first, own[number]), max(last, own[number + 1])
        start = int(np.floor((peaks_s[first] - around_s) * rate_hz))
        stop = int(np.ceil((peaks_s[last - 1] + around_s) * rate_hz))
        yield BeatStretch(max(start, 0), min(stop, samples), first, last, own[number], own[number + 1])
