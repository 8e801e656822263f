"""PR, QRS and QT intervals of a lead from its waves, and QT corrected for the heart rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.records import Delineation

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Intervals:
    """Medians over beats, NaN where no beat has the waves for it.

    rate_bpm: 60 s over the median RR interval. pr_ms: from the onset of the last P before a complex to its onset.
    qrs_ms: onset to offset. qt_ms: from the onset of the complex to the offset of the T after it.
    qtc_bazett_ms: QT / sqrt(RR / 1 s) (Bazett 1920); qtc_fridericia_ms: QT / cbrt(RR / 1 s) (Fridericia 1920), where RR
    is the interval before the beat.
    """

    rate_bpm: float
    pr_ms: float
    qrs_ms: float
    qt_ms: float
    qtc_bazett_ms: float
    qtc_fridericia_ms: float


def beat_numbers(waves: Delineation) -> NDArray[np.int64]:
    """(waves,) which beat each wave belongs to: a complex and the T after it bear the complex's number, from 1, a P
    that of the complex after it; 0 is a T before the first complex, one too many a P after the last."""
    complexes = waves.of("QRS").onset
    before = np.searchsorted(complexes, waves.onset, side="right")
    return np.asarray(before + (waves.wave == 0), dtype=np.int64)


def intervals_of(waves: Delineation, rate_hz: float) -> Intervals:
    """The intervals of one lead; waves in samples of `rate_hz`, in order of time."""
    number = beat_numbers(waves)
    complexes = waves.of("QRS")
    beats = len(complexes)
    p_onset, t_offset = np.full(beats, np.nan), np.full(beats, np.nan)
    for wave, beat, onset, offset in zip(waves.wave, number, waves.onset, waves.offset, strict=True):
        if 1 <= beat <= beats:
            if wave == 0:  # of several, the last stays
                p_onset[beat - 1] = onset
            elif wave == 2:
                t_offset[beat - 1] = offset
    qt_s = (t_offset - complexes.onset) / rate_hz
    rr_s = np.concatenate([[np.nan], np.diff(complexes.onset)])[:beats] / rate_hz
    return Intervals(
        rate_bpm=60 / _median(rr_s),
        pr_ms=1000 * _median((complexes.onset - p_onset) / rate_hz),
        qrs_ms=1000 * _median((complexes.offset - complexes.onset) / rate_hz),
        qt_ms=1000 * _median(qt_s),
        qtc_bazett_ms=1000 * _median(qt_s / np.sqrt(rr_s)),
        qtc_fridericia_ms=1000 * _median(qt_s / np.cbrt(rr_s)),
    )


def median_of(leads: list[Intervals]) -> Intervals:
    """The median over leads of each interval."""
    names = Intervals.__dataclass_fields__
    return Intervals(*(_median(np.array([getattr(lead, name) for lead in leads])) for name in names))


def _median(values: Values) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")
