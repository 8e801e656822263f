"""The tables of Holter reports: a row per recording, per hour, per episode."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.io.tables import Columns, Seconds
from seqpool.jobs.holter import RecordingHolter
from seqpool.signal.holter_report import ECTOPIC, Counts, HolterReport

COUNT_COLUMNS: dict[str, Any] = {
    field.name: np.int64 if field.type == "int" else np.float64 for field in fields(Counts)
}

_RUN_COLUMNS: dict[str, Any] = {
    f"{which}_{kind}_run_{unit}": np.float64
    for kind in ECTOPIC.values()
    for which, unit in (("longest", "beats"), ("longest", "s"), ("fastest", "bpm"))
}

SUMMARY_COLUMNS: dict[str, Any] = {
    "record": str, "lead": str, "start": str, "duration_s": np.float64, **COUNT_COLUMNS,
    "minimum_at_s": np.float64, "maximum_at_s": np.float64, **_RUN_COLUMNS,
    "rhythm_judged_s": np.float64, "af_burden_percent": np.float64, "af_episodes": np.int64, "longest_af_s": np.float64,
}  # fmt: skip

HOURLY_COLUMNS: dict[str, Any] = {
    "record": str, "hour": np.int64, "clock": str, "start_s": np.float64, "end_s": np.float64, **COUNT_COLUMNS,
}  # fmt: skip

EPISODE_COLUMNS: dict[str, Any] = {
    "record": str, "episode": str, "start_s": np.float64, "end_s": np.float64, "duration_s": np.float64,
    "beats": np.int64, "rate_bpm": np.float64,
}  # fmt: skip


def summary_rows(found: RecordingHolter) -> Columns:
    """One row."""
    report = found.report
    values: dict[str, Any] = {
        "record": found.opened.source,
        "lead": found.lead,
        "start": _time_of_day(found, 0.0),
        "duration_s": report.duration_s,
        **vars(report.whole),
        "minimum_at_s": report.slowest_s,
        "maximum_at_s": report.fastest_s,
        "rhythm_judged_s": report.judged_s,
        "af_burden_percent": 100 * report.af_burden,
        "af_episodes": len(report.of("af")),
        "longest_af_s": _of(report.longest("af"), "duration_s"),
        **_runs(report),
    }
    return {name: _column([values[name]], dtype) for name, dtype in SUMMARY_COLUMNS.items()}


def _runs(report: HolterReport) -> dict[str, float]:
    values = {}
    for kind in ECTOPIC.values():
        longest, fastest = report.longest(f"{kind}_run"), report.fastest(f"{kind}_run")
        values[f"longest_{kind}_run_beats"] = _of(longest, "beats")
        values[f"longest_{kind}_run_s"] = _of(longest, "duration_s")
        values[f"fastest_{kind}_run_bpm"] = _of(fastest, "rate_bpm")
    return values


def _of(episode: object | None, name: str) -> float:
    return float("nan") if episode is None else float(getattr(episode, name))


def hourly_rows(found: RecordingHolter) -> Columns:
    """A row per hour from the start of the recording."""
    hours = found.report.hours
    values: dict[str, list[Any]] = {
        "record": [found.opened.source] * len(hours),
        "hour": list(range(1, len(hours) + 1)),
        "clock": [_time_of_day(found, start) for start, _, _ in hours],
        "start_s": [start for start, _, _ in hours],
        "end_s": [end for _, end, _ in hours],
        **{name: [getattr(counts, name) for _, _, counts in hours] for name in COUNT_COLUMNS},
    }
    return {name: _column(values[name], dtype) for name, dtype in HOURLY_COLUMNS.items()}


def episode_rows(found: RecordingHolter) -> Columns:
    """A row per episode, in order of time."""
    episodes = found.report.episodes
    values: dict[str, Any] = {
        "record": [found.opened.source] * len(episodes),
        "episode": [one.kind for one in episodes],
        **{
            name: [getattr(one, name) for one in episodes]
            for name in EPISODE_COLUMNS
            if name not in ("record", "episode")
        },
    }
    rows = {name: _column(values[name], dtype) for name, dtype in EPISODE_COLUMNS.items()}
    return {name: Seconds(column) if name.endswith("_s") else column for name, column in rows.items()}


def _column(values: list[Any], dtype: Any) -> NDArray[Any]:
    return np.array(values, dtype=object if dtype is str else dtype)


def _time_of_day(found: RecordingHolter, at_s: float) -> str:
    """`HH:MM:SS`, empty where the recording does not say when it began. The day is left out: it may tell who."""
    start = found.opened.start
    return "" if start is None else (start + timedelta(seconds=at_s)).strftime("%H:%M:%S")
