"""Beat by beat comparison with a reference, in the manner of ANSI/AAMI EC57 and of PhysioNet's bxb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqpool.evaluation.arrays import Values, mean_of_defined

Times = NDArray[np.float64]
Places = NDArray[np.int64]

CLASSES = ("N", "S", "V", "F", "Q")
"""AAMI classes: normal and bundle branch block, supraventricular ectopic, ventricular ectopic, fusion, unknown."""

MATCH_WINDOW_S = 0.15
"""Largest distance of a detection from the beat that it stands for (EC57, 4.3.2)."""


def match_beats(reference_s: Times, found_s: Times, window_s: float = MATCH_WINDOW_S) -> tuple[Places, Places]:
    """Pairs of beats that stand for each other: places in `reference_s` and in `found_s`, both rising.

    Times in seconds, rising. A beat is in one pair at most. Going through time, two beats at most `window_s` apart
    are a pair unless the earlier one's successor is nearer to the later one.
    """
    window_s += 1e-9  # so that the rounding of times in seconds leaves a distance of just the window inside
    reference, found = [], []
    i = j = 0
    while i < len(reference_s) and j < len(found_s):
        gap = found_s[j] - reference_s[i]
        next_reference = reference_s[i + 1] if i + 1 < len(reference_s) else np.inf
        next_found = found_s[j + 1] if j + 1 < len(found_s) else np.inf
        if gap > window_s or (gap > 0 and abs(found_s[j] - next_reference) < gap):
            i += 1
        elif -gap > window_s or (gap < 0 and abs(next_found - reference_s[i]) < -gap):
            j += 1
        else:
            reference.append(i)
            found.append(j)
            i += 1
            j += 1
    return np.array(reference, dtype=np.int64), np.array(found, dtype=np.int64)


def outside(times_s: Times, episodes_s: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    """(beats,) whether a time lies in none of the episodes (start, end), ends included."""
    inside = np.zeros(len(times_s), dtype=bool)
    for start, end in episodes_s:
        inside |= (times_s >= start) & (times_s <= end)
    return ~inside


def beat_matrix(
    reference_s: Times,
    reference_class: Sequence[str],
    found_s: Times,
    found_class: Sequence[str],
    *,
    excluded_s: Sequence[tuple[float, float]] = (),
    window_s: float = MATCH_WINDOW_S,
) -> Places:
    """(6, 6) beats by reference class (rows) and found class (columns); the last row counts beats found where the
    reference has none, the last column beats that were missed.

    excluded_s: episodes in which nothing counts, such as ventricular flutter: pairs of which either beat lies there are
    left out after matching, so that a beat at an episode's edge is not torn from its partner.
    Raises ValueError for a class that is not one of CLASSES.
    """
    own, other = _indices(reference_class), _indices(found_class)
    extra = len(CLASSES)
    reference, found = match_beats(reference_s, found_s, window_s)
    counted, found_counted = outside(reference_s, excluded_s), outside(found_s, excluded_s)
    both = counted[reference] & found_counted[found]
    matrix = np.zeros((extra + 1, extra + 1), dtype=np.int64)
    np.add.at(matrix, (own[reference[both]], other[found[both]]), 1)
    missed = np.setdiff1d(np.flatnonzero(counted), reference)
    invented = np.setdiff1d(np.flatnonzero(found_counted), found)
    matrix[:, extra] += np.bincount(own[missed], minlength=extra + 1)
    matrix[extra] += np.bincount(other[invented], minlength=extra + 1)
    return matrix


def _indices(classes: Sequence[str]) -> Places:
    unknown = sorted(set(classes) - set(CLASSES))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no AAMI class, expected one of {' '.join(CLASSES)}.")
    return np.array([CLASSES.index(name) for name in classes], dtype=np.int64)


@dataclass(frozen=True)
class BeatScores:
    """Shares in [0, 1], NaN where there is nothing to be a share of.

    qrs: a beat found at all, whatever its class. ventricular: V; fusion and unknown beats called V count neither way
    in its positive predictivity. supraventricular: S; unknown beats called S count neither way (EC57; de Chazal et al.
    2004, doi:10.1109/TBME.2004.827359).
    """

    qrs_sensitivity: float
    qrs_positive_predictivity: float
    ventricular_sensitivity: float
    ventricular_positive_predictivity: float
    supraventricular_sensitivity: float
    supraventricular_positive_predictivity: float


def beat_scores(matrix: Places) -> BeatScores:
    """The scores of a matrix as `beat_matrix` makes it, of one record or summed over records (gross)."""
    beats = matrix[:-1].sum()
    n, s, v, f, _ = range(len(CLASSES))
    extra = len(CLASSES)
    found = matrix[:-1, :-1].sum()
    as_v = matrix[[n, s, v, extra], v].sum()
    as_s = matrix[[n, s, v, f, extra], s].sum()
    return BeatScores(
        qrs_sensitivity=_share(found, beats),
        qrs_positive_predictivity=_share(found, matrix[:, :-1].sum()),
        ventricular_sensitivity=_share(matrix[v, v], matrix[v].sum()),
        ventricular_positive_predictivity=_share(matrix[v, v], as_v),
        supraventricular_sensitivity=_share(matrix[s, s], matrix[s].sum()),
        supraventricular_positive_predictivity=_share(matrix[s, s], as_s),
    )


def average_scores(matrices: Sequence[Places]) -> BeatScores:
    """The mean of each score over the records that have it; the gross scores are `beat_scores` of the sum."""
    each = [beat_scores(matrix) for matrix in matrices]
    names = BeatScores.__dataclass_fields__
    return BeatScores(**{name: mean_of_defined(np.array([getattr(one, name) for one in each])) for name in names})


def j_kappa(matrix: Places) -> tuple[float, float, float]:
    """(kappa, j, j-kappa) of the beats that were found, N S V F only.

    kappa: Cohen's. j: sensitivity and positive predictivity of S and of V, added, each over these four classes.
    j-kappa: kappa / 2 + j / 8 (Mondejar-Guerra et al. 2019, doi:10.1016/j.bspc.2018.08.007); 1 is perfect.
    """
    counts: Values = matrix[:4, :4].astype(np.float64)
    total = counts.sum()
    if total == 0:
        return float("nan"), float("nan"), float("nan")
    expected = float((counts.sum(axis=0) * counts.sum(axis=1)).sum() / total**2)
    agreed = float(np.trace(counts) / total)
    kappa = (agreed - expected) / (1 - expected) if expected < 1 else 0.0
    j = 0.0
    for place in (CLASSES.index("S"), CLASSES.index("V")):
        right = counts[place, place]
        j += sum(right / side if side else 0.0 for side in (counts[place].sum(), counts[:, place].sum()))
    return kappa, float(j), float(kappa / 2 + j / 8)


def interval_error_s(reference_s: Times, found_s: Times, window_s: float = MATCH_WINDOW_S) -> float:
    """Root mean square difference in seconds of the RR intervals whose two beats both found their partner.

    NaN without such an interval.
    """
    reference, found = match_beats(reference_s, found_s, window_s)
    adjacent = (np.diff(reference) == 1) & (np.diff(found) == 1)
    if not adjacent.any():
        return float("nan")
    difference = (np.diff(reference_s[reference]) - np.diff(found_s[found]))[adjacent]
    return float(np.sqrt(np.mean(difference**2)))


def _share(part: np.int64, whole: np.int64) -> float:
    return float(part / whole) if whole else float("nan")
