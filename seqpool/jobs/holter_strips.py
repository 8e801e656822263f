"""Strips of a Holter's worst moments on ECG paper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seqpool.jobs.holter import RecordingHolter
from seqpool.plots.ecg_paper import ROW_S, Marks, Row, Span, Trace, clock, draw_page, save_figure
from seqpool.records import Recording
from seqpool.signal.holter_report import ECTOPIC, FLUTTER, RATE_INTERVALS, Episode
from seqpool.signal.leads import lead_signal

BEFORE_S = 2.0
"""A strip begins so long before what it shows."""

MOST_LEADS = 3
"""Leads on a strip, that of the beats first."""


@dataclass(frozen=True)
class Moment:
    """name: of the strip's file. what: its title. start_s, end_s: what it shows."""

    name: str
    what: str
    start_s: float
    end_s: float


def worst_moments(found: RecordingHolter) -> Iterator[Moment]:
    """The longest and the fastest run of each kind, pause, fibrillation, flutter, and both ends of the rate."""
    report = found.report
    for kind in ECTOPIC.values():
        run = f"{kind}_run"
        longest, fastest = report.longest(run), report.fastest(run)
        if longest is not None:
            yield _moment(f"longest_{run}", f"longest {kind} run", longest)
        if fastest is not None and fastest != longest:
            yield _moment(f"fastest_{run}", f"fastest {kind} run", fastest)
    for kind, words in (
        ("pause", "longest pause"),
        ("af", "longest atrial fibrillation"),
        (FLUTTER, "longest flutter"),
    ):
        longest = report.longest(kind)
        if longest is not None:
            yield _moment(f"longest_{kind}", words, longest)
    for name, bpm, at_s in (
        ("minimum_rate", report.whole.minimum_bpm, report.slowest_s),
        ("maximum_rate", report.whole.maximum_bpm, report.fastest_s),
    ):
        if bpm == bpm:
            words = f"{name.replace('_', ' ')}: {bpm:.0f} bpm over {RATE_INTERVALS} intervals"
            yield Moment(name, words, at_s, at_s + 60 * RATE_INTERVALS / bpm)


def _moment(name: str, words: str, episode: Episode) -> Moment:
    if episode.kind == "pause":
        what = f"{words}: {episode.duration_s:.2f} s"
    elif episode.kind.endswith("_run"):
        what = f"{words}: {episode.beats} beats at {episode.rate_bpm:.0f} bpm"
    else:
        what = f"{words}: {episode.duration_s:.0f} s"
    return Moment(name, what, episode.start_s, episode.end_s)


def draw_strips(found: RecordingHolter, folder: Path) -> int:
    """Writes `folder/NAME-MOMENT.svg` of each worst moment, ten seconds each; how many. NAME is the recording's last
    name. Raises DataError where the recording cannot be read, OSError where a file cannot be written."""
    name = Path(found.opened.source).name
    count = 0
    for moment in worst_moments(found):
        save_figure(_strip(found, moment), folder / f"{name}-{moment.name}.svg")
        count += 1
    return count


def _strip(found: RecordingHolter, moment: Moment) -> object:
    opened, report = found.opened, found.report
    start_s = max(min(moment.start_s - BEFORE_S, opened.duration_s - ROW_S), 0.0)
    first = round(start_s * opened.rate_hz)
    last = min(round((start_s + ROW_S) * opened.rate_hz), opened.samples)
    block = Recording(opened.signal(first, last), opened.rate_hz, opened.leads, opened.source)
    inside = (report.times_s >= start_s) & (report.times_s < start_s + ROW_S)
    beats = list(zip(report.times_s[inside].tolist(), report.classes[inside].tolist(), strict=True))
    label = Span(moment.start_s, moment.end_s, moment.name.replace("_", " "))
    others = [lead for lead in opened.leads if lead != found.lead]
    rows = []
    for lead in [found.lead, *others][:MOST_LEADS]:
        signal = lead_signal(block, lead)
        assert signal is not None
        marks = Marks(beats=beats, labels=[label]) if lead == found.lead else Marks()
        rows.append(Row([(0.0, Trace(lead, signal, opened.rate_hz, first / opened.rate_hz, marks))]))
    title = f"{Path(opened.source).name}   {moment.what}   at {clock(round(moment.start_s))}"
    return draw_page(rows, title, "as recorded, not filtered")
