"""How well waves are found: one-to-one matches within a tolerance, inside the span that somebody annotated.

Protocol of the Lobachevsky database (Kalyakulina et al., IEEE Access 8, 2020) with the 150 ms of ANSI/AAMI EC57.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from seqpool.records import POINTS, WAVES, Delineation

TOLERANCE_S = 0.15

Samples = NDArray[np.float64]


@dataclass(frozen=True)
class PointTally:
    """One point of one wave: errors_ms (matches,) found minus marked; how many were missed, and found beside them."""

    errors_ms: Samples
    missed: int
    extra: int


@dataclass(frozen=True)
class RecordTally:
    """One lead of one recording.

    points: by (wave, point). beats: QRS complexes marked; beats_with_p: those that got a P wave, before them and after
    the complex before.
    """

    points: dict[tuple[str, str], PointTally]
    beats: int
    beats_with_p: int


def matched(marked: Samples, found: Samples, tolerance: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places in `marked` and in `found` of pairs at most `tolerance` apart, no point in two pairs.

    As many pairs as possible, and of those the ones with the least sum of distances.
    """
    points = np.concatenate([marked, found])
    order = np.argsort(points, kind="stable")
    # points further apart than the tolerance cannot be a pair, nor can any across such a gap
    cluster = np.zeros(len(points), dtype=np.int64)
    cluster[order] = np.concatenate([[0], np.cumsum(np.diff(points[order]) > tolerance)])[: len(points)]
    pairs: list[tuple[int, int]] = []
    for number in np.intersect1d(cluster[: len(marked)], cluster[len(marked) :]):
        rows = np.flatnonzero(cluster[: len(marked)] == number)
        columns = np.flatnonzero(cluster[len(marked) :] == number)
        distance = np.abs(marked[rows][:, None] - found[columns])
        far = (len(rows) + len(columns)) * (tolerance + 1)
        first, second = linear_sum_assignment(np.where(distance <= tolerance, distance, far))
        kept = distance[first, second] <= tolerance
        pairs += zip(rows[first[kept]].tolist(), columns[second[kept]].tolist(), strict=True)
    pairs.sort()
    one, other = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return np.array(one, dtype=np.int64), np.array(other, dtype=np.int64)


def tally(
    marked: Delineation, found: Delineation, span: tuple[float, float], rate_hz: float, tolerance_s: float = TOLERANCE_S
) -> RecordTally:
    """Compares waves of one lead, in samples of `rate_hz`.

    span: first and last annotated sample. A found point outside it counts where it is the match of a marked one, and
    is otherwise left alone; so is the point of a found wave whose marked partner lacks just this point.
    """
    tolerance = tolerance_s * rate_hz
    points = {}
    for wave in WAVES:
        ours, theirs = found.of(wave), marked.of(wave)
        for point in POINTS:
            points[wave, point] = _point_tally(theirs, ours, point, span, tolerance, rate_hz)
    beats, with_p = _beats_with_p(marked, found, span)
    return RecordTally(points, beats, with_p)


def _point_tally(
    marked: Delineation, found: Delineation, point: str, span: tuple[float, float], tolerance: float, rate_hz: float
) -> PointTally:
    wanted: Samples = getattr(marked, point)
    given: Samples = getattr(found, point)
    known = np.isfinite(wanted)
    first, second = matched(wanted[known], given, tolerance)
    extra = (given >= span[0]) & (given <= span[1])
    extra[second] = False
    lacking = marked.rows(~known)
    left = np.flatnonzero(extra)
    extra[left[matched(lacking.peak, found.peak[left], tolerance)[1]]] = False
    errors = (given[second] - wanted[known][first]) / rate_hz * 1000
    return PointTally(errors, int(known.sum()) - len(first), int(extra.sum()))


def _beats_with_p(marked: Delineation, found: Delineation, span: tuple[float, float]) -> tuple[int, int]:
    complexes = marked.of("QRS").peak
    waves = found.of("P").peak
    places = np.searchsorted(complexes, waves[waves >= span[0]])
    return len(complexes), len(np.unique(places[places < len(complexes)]))


def delineation_scores(tallies: Iterable[RecordTally]) -> dict[str, float]:
    """Figures over recordings: per point `f1[P onset]`, `sensitivity[...]`, `precision[...]` (shares), and
    `error_mean_ms[...]`, `error_sd_ms[...]` of the matches; NaN where there is nothing to divide by."""
    chosen = list(tallies)
    scores: dict[str, float] = {}
    for wave in WAVES:
        for point in POINTS:
            each = [one.points[wave, point] for one in chosen]
            errors = np.concatenate([np.zeros(0), *(one.errors_ms for one in each)])
            hits, missed, extra = len(errors), sum(one.missed for one in each), sum(one.extra for one in each)
            name = f"[{wave} {point}]"
            scores[f"f1{name}"] = _share(2 * hits, 2 * hits + missed + extra)
            scores[f"sensitivity{name}"] = _share(hits, hits + missed)
            scores[f"precision{name}"] = _share(hits, hits + extra)
            scores[f"error_mean_ms{name}"] = float(errors.mean()) if hits else np.nan
            scores[f"error_sd_ms{name}"] = float(errors.std()) if hits else np.nan
    return scores


def share_of_beats_with_p(tallies: Iterable[RecordTally]) -> float:
    """Beats that got a P wave, of all beats of these recordings; NaN without beats."""
    chosen = list(tallies)
    return _share(sum(one.beats_with_p for one in chosen), sum(one.beats for one in chosen))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
