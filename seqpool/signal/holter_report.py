"""What a Holter report holds, from beats and rhythm: rates, ectopic beats, runs, pauses, atrial fibrillation.

Pure functions on times and classes; nothing here knows a file or a model. Terms and limits as in the AHA/ACC/ISHNE
statements on ambulatory ECG (Crawford et al. 1999, doi:10.1161/01.CIR.100.8.886; Steinberg et al. 2017,
doi:10.1016/j.hrthm.2017.03.038).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seqpool.signal.stretches import Stretches, inside, seconds_before, seconds_within, stretches, without

Times = NDArray[np.float64]
Places = NDArray[np.int64]

PAUSE_S = 2.0
"""A longer interval between two beats is a pause."""

RATE_INTERVALS = 8
"""The slowest and fastest rates are those of so many intervals in a row."""

SHORTEST_RUN = 3
"""Beats in a run; two are a couplet."""

ECTOPIC = {"V": "ventricular", "S": "supraventricular"}
"""AAMI class and what its beats are called."""

FLUTTER = "ventricular_flutter"
"""Name of the rhythm in which no single beat can be told."""

HOUR_S = 3600.0


@dataclass(frozen=True)
class Rhythm:
    """judged: where somebody or something said what the rhythm is. af: where it is atrial fibrillation. other: further
    rhythms by name, among them FLUTTER, to be listed as episodes."""

    judged: Stretches
    af: Stretches
    other: Mapping[str, Stretches] = field(default_factory=dict)


@dataclass(frozen=True)
class Episode:
    """kind: af, ventricular_run, supraventricular_run, pause, unanalysable, or another rhythm's name.

    beats: inside, ends included; of a pause the two around it. rate_bpm: of the intervals between them, NaN without.
    """

    kind: str
    start_s: float
    end_s: float
    beats: int
    rate_bpm: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Counts:
    """Figures of a stretch of time; an interval, a run or a pause belongs to where it starts. NaN: not to be told.

    minimum_bpm, maximum_bpm: slowest and fastest RATE_INTERVALS intervals in a row. mean_bpm: of all intervals.
    beats and all further counts: outside of what is unanalysable.
    """

    analysable_s: float
    beats: int
    minimum_bpm: float
    mean_bpm: float
    maximum_bpm: float
    ventricular_beats: int
    ventricular_couplets: int
    ventricular_runs: int
    supraventricular_beats: int
    supraventricular_couplets: int
    supraventricular_runs: int
    fusion_beats: int
    unknown_beats: int
    pauses: int
    longest_pause_s: float
    af_s: float


@dataclass(frozen=True)
class HolterReport:
    """whole: of the recording. hours: (start, end, figures) of each hour from its start. episodes: in order of time.

    times_s, classes: the beats that count. slowest_s, fastest_s: where minimum_bpm and maximum_bpm start, NaN without.
    af_burden: share of the judged time in atrial fibrillation, NaN where nothing was judged.
    """

    duration_s: float
    whole: Counts
    hours: tuple[tuple[float, float, Counts], ...]
    episodes: tuple[Episode, ...]
    times_s: Times
    classes: NDArray[np.str_]
    slowest_s: float
    fastest_s: float
    judged_s: float
    af_burden: float

    def of(self, kind: str) -> list[Episode]:
        """The episodes of a kind."""
        return [episode for episode in self.episodes if episode.kind == kind]

    def longest(self, kind: str) -> Episode | None:
        """The first of those that last longest, a run the one of most beats; None without any."""
        key = (lambda one: one.beats) if kind.endswith("_run") else (lambda one: one.duration_s)
        return max(self.of(kind), key=key, default=None)

    def fastest(self, kind: str) -> Episode | None:
        """The first of those of the highest rate; None without any."""
        return max((one for one in self.of(kind) if one.rate_bpm > 0), key=lambda one: one.rate_bpm, default=None)


@dataclass(frozen=True)
class _Events:
    """What the counts are made of, each with its start in seconds."""

    times_s: Times
    classes: NDArray[np.str_]
    interval_s: Times
    interval_start_s: Times
    rate_bpm: Times
    rate_start_s: Times
    groups: Mapping[str, tuple[Places, Places]]  # first and last beat of each group of ectopic beats, by class


def holter_report(
    times_s: Times, classes: NDArray[np.str_], rhythm: Rhythm | None, gaps: Stretches, duration_s: float
) -> HolterReport:
    """The report of one recording.

    times_s: (beats,) rising. classes: (beats,) AAMI classes N S V F Q. gaps: stretches that cannot be analysed; beats
    in them do not count, and no interval spans one. rhythm: None where it is not known.
    Raises ValueError where times do not rise or a class is none of these.
    """
    if len(times_s) != len(classes) or (np.diff(times_s) <= 0).any():
        raise ValueError("times_s must rise and have a class each")
    unknown = sorted(set(classes.tolist()) - set("NSVFQ"))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no AAMI class, expected one of N S V F Q")
    other = {} if rhythm is None else dict(rhythm.other)
    none = stretches([])
    kept = ~inside(gaps, times_s)
    events = _events(times_s[kept], classes[kept], stretches([*gaps.tolist(), *other.get(FLUTTER, none).tolist()]))
    analysable = without(stretches([(0.0, duration_s)]), gaps)
    judged = none if rhythm is None else without(rhythm.judged, gaps)
    af = none if rhythm is None else without(rhythm.af, gaps)
    hours = [(start, min(start + HOUR_S, duration_s)) for start in np.arange(0.0, duration_s, HOUR_S).tolist()]
    judged_s, af_s = (float((one[:, 1] - one[:, 0]).sum()) for one in (judged, af))
    slowest, fastest = _extreme_places(events)
    known_af = None if rhythm is None else af
    return HolterReport(
        duration_s=duration_s,
        whole=_counts(events, analysable, known_af, -np.inf, np.inf, 0.0, duration_s),
        hours=tuple(
            (start, end, _counts(events, analysable, known_af, start, end if end < duration_s else np.inf, start, end))
            for start, end in hours
        ),
        episodes=tuple(_episodes(events, af, {name: without(one, gaps) for name, one in other.items()}, gaps)),
        times_s=events.times_s,
        classes=events.classes,
        slowest_s=slowest,
        fastest_s=fastest,
        judged_s=judged_s,
        af_burden=af_s / judged_s if judged_s > 0 else float("nan"),
    )


def _events(times_s: Times, classes: NDArray[np.str_], broken: Stretches) -> _Events:
    """broken: no interval spans these."""
    before = seconds_before(broken, times_s)
    whole = np.diff(before) == 0
    interval_s = np.diff(times_s)
    sums = np.concatenate([[0.0], np.cumsum(interval_s)])
    unbroken = np.concatenate([[0], np.cumsum(~whole)])
    first = np.arange(max(len(interval_s) - RATE_INTERVALS + 1, 0))
    first = first[unbroken[first + RATE_INTERVALS] == unbroken[first]]
    rate_bpm = 60 * RATE_INTERVALS / (sums[first + RATE_INTERVALS] - sums[first])
    return _Events(
        times_s=times_s,
        classes=classes,
        interval_s=interval_s[whole],
        interval_start_s=times_s[:-1][whole],
        rate_bpm=rate_bpm,
        rate_start_s=times_s[first],
        groups={letter: _groups(classes == letter, whole) for letter in ECTOPIC},
    )


def _groups(chosen: NDArray[np.bool_], whole: NDArray[np.bool_]) -> tuple[Places, Places]:
    """First and last places of the longest stretches of chosen beats with whole intervals between them."""
    together = chosen[1:] & chosen[:-1] & whole
    first = np.flatnonzero(chosen & ~np.concatenate([[False], together])[: len(chosen)])
    last = np.flatnonzero(chosen & ~np.concatenate([together, [False]])[: len(chosen)])
    return first, last


def _extreme_places(events: _Events) -> tuple[float, float]:
    if not len(events.rate_bpm):
        return float("nan"), float("nan")
    return (
        float(events.rate_start_s[events.rate_bpm.argmin()]),
        float(events.rate_start_s[events.rate_bpm.argmax()]),
    )


def _counts(
    events: _Events, analysable: Stretches, af: Stretches | None, first_s: float, last_s: float, start_s: float,
    end_s: float,
) -> Counts:  # fmt: skip
    """Figures of what starts from first_s up to last_s, and of the time from start_s to end_s."""

    def here(starts_s: Times) -> NDArray[np.bool_]:
        return np.asarray((starts_s >= first_s) & (starts_s < last_s))

    beats = events.classes[here(events.times_s)]
    intervals = events.interval_s[here(events.interval_start_s)]
    rates = events.rate_bpm[here(events.rate_start_s)]
    pauses = intervals[intervals > PAUSE_S]
    sizes = {}
    for letter, (first, last) in events.groups.items():
        sizes[letter] = (last - first + 1)[here(events.times_s[first])]
    nan = float("nan")
    return Counts(
        analysable_s=seconds_within(analysable, start_s, end_s),
        beats=len(beats),
        minimum_bpm=float(rates.min()) if len(rates) else nan,
        mean_bpm=float(60 * len(intervals) / intervals.sum()) if len(intervals) else nan,
        maximum_bpm=float(rates.max()) if len(rates) else nan,
        ventricular_beats=int((beats == "V").sum()),
        ventricular_couplets=int((sizes["V"] == 2).sum()),
        ventricular_runs=int((sizes["V"] >= SHORTEST_RUN).sum()),
        supraventricular_beats=int((beats == "S").sum()),
        supraventricular_couplets=int((sizes["S"] == 2).sum()),
        supraventricular_runs=int((sizes["S"] >= SHORTEST_RUN).sum()),
        fusion_beats=int((beats == "F").sum()),
        unknown_beats=int((beats == "Q").sum()),
        pauses=len(pauses),
        longest_pause_s=float(pauses.max()) if len(pauses) else nan,
        af_s=nan if af is None else seconds_within(af, start_s, end_s),
    )


def _episodes(events: _Events, af: Stretches, other: Mapping[str, Stretches], gaps: Stretches) -> Iterator[Episode]:
    found = []
    for letter, (first, last) in events.groups.items():
        for begin, end in zip(first.tolist(), last.tolist(), strict=True):
            if end - begin + 1 >= SHORTEST_RUN:
                found.append(_episode(f"{ECTOPIC[letter]}_run", events.times_s[begin], events.times_s[end], events))
    for length, start in zip(events.interval_s.tolist(), events.interval_start_s.tolist(), strict=True):
        if length > PAUSE_S:
            found.append(Episode("pause", start, start + length, 2, 60 / length))
    for name, chosen in (("af", af), *other.items()):
        found += [_episode(name, start, end, events) for start, end in chosen.tolist()]
    found += [Episode("unanalysable", start, end, 0, float("nan")) for start, end in gaps.tolist()]
    yield from sorted(found, key=lambda one: (one.start_s, one.kind))


def _episode(kind: str, start_s: float, end_s: float, events: _Events) -> Episode:
    first = int(np.searchsorted(events.times_s, start_s, side="left"))
    last = int(np.searchsorted(events.times_s, end_s, side="right"))
    begin = int(np.searchsorted(events.interval_start_s, start_s, side="left"))
    stop = int(np.searchsorted(events.interval_start_s + events.interval_s, end_s + 1e-9, side="right"))
    intervals = events.interval_s[begin:stop]
    rate = float(60 * len(intervals) / intervals.sum()) if len(intervals) else float("nan")
    return Episode(kind, float(start_s), float(end_s), last - first, rate)
