"""How far a score would move with another test set: bootstrap intervals of scores and of paired differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Statistic = Callable[[Rows], Mapping[str, float]]


@dataclass(frozen=True)
class Interval:
    """A score and its percentile interval.

    estimate: on the rows as they are. lower, upper: NaN where no resample gave a value.
    level: share of resamples between the two, in (0, 1). resamples: how many gave a value: fewer than were drawn where
    the score is undefined without some rare class.
    """

    estimate: float
    lower: float
    upper: float
    level: float
    resamples: int


def bootstrap_intervals(
    statistic: Statistic,
    rows: int,
    *,
    groups: Sequence[object] | NDArray[np.generic] | None = None,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, Interval]:
    """Percentile bootstrap of every score that `statistic` returns.

    statistic: from row numbers (drawn,) int64, with repetitions, to scores by name, e.g.
    `lambda rows: classification_metrics(target[rows], probabilities[rows], decisions[rows], classes, kind)`.
    rows: how many rows there are. groups: (rows,) the patient or cluster of each row: whole groups are drawn, as rows
    of one group do not vary apart from each other. The k-th resample is a function of (seed, k) alone.

    Without rows: NaN intervals. Source: Efron and Tibshirani, An introduction to the bootstrap (1993), chapter 13; for
    groups Davison and Hinkley, Bootstrap methods and their application (1997), section 3.8 (their strategy 1: groups
    with replacement, all rows of each).
    Raises ValueError for a level outside (0, 1), resamples below 1 or groups of another length.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}.")
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, got {resamples}.")
    pieces = _rows_by_group(rows, groups)
    estimate = dict(statistic(np.arange(rows, dtype=np.int64)))
    drawn = np.full((resamples, len(estimate)), np.nan)
    for resample in range(resamples if rows else 0):
        scores = statistic(_resampled(rows, pieces, np.random.default_rng([seed, resample])))
        drawn[resample] = [scores[name] for name in estimate]
    return {name: _interval(value, drawn[:, column], level) for column, (name, value) in enumerate(estimate.items())}


def paired_differences(
    first: Statistic,
    second: Statistic,
    rows: int,
    *,
    groups: Sequence[object] | NDArray[np.generic] | None = None,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, Interval]:
    """Intervals of `first - second` for every score that both return, each resample drawn once for both.

    Arguments as in `bootstrap_intervals`. An interval without 0 speaks for a difference at this level.
    """

    def difference(drawn: Rows) -> dict[str, float]:
        one, other = first(drawn), second(drawn)
        return {name: value - other[name] for name, value in one.items() if name in other}

    return bootstrap_intervals(difference, rows, groups=groups, resamples=resamples, level=level, seed=seed)


def _rows_by_group(rows: int, groups: Sequence[object] | NDArray[np.generic] | None) -> list[Rows] | None:
    """The rows of each group, groups in order of first appearance; None where every row stands alone."""
    if groups is None:
        return None
    members: dict[object, list[int]] = {}
    if len(groups) != rows:
        raise ValueError(f"groups must have {rows} entries, one for each row, got {len(groups)}.")
    for row, label in enumerate(groups):
        members.setdefault(label, []).append(row)
    return [np.array(member, dtype=np.int64) for member in members.values()]


def _resampled(rows: int, pieces: list[Rows] | None, random: np.random.Generator) -> Rows:
    if pieces is None:
        return random.integers(rows, size=rows)
    return np.concatenate([pieces[piece] for piece in random.integers(len(pieces), size=len(pieces))])


def _interval(estimate: float, values: NDArray[np.float64], level: float) -> Interval:
    defined = values[np.isfinite(values)]
    lower, upper = (float("nan"), float("nan"))
    if defined.size:
        lower, upper = (float(edge) for edge in np.quantile(defined, [(1 - level) / 2, (1 + level) / 2]))
    return Interval(float(estimate), lower, upper, level, int(defined.size))
