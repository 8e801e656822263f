"""An ECG as clinicians read it: 25 mm/s and 10 mm/mV on millimetre paper, beats, waves and labels marked.

Conventions: a millimetre is 40 ms and 0.1 mV, a heavy line every fifth; a calibration pulse of 1 mV and 200 ms stands
left of each row; twelve leads are laid out 3 x 4 with a rhythm strip below (AHA/ACC/HRS 2007, doi:10.1161/
CIRCULATIONAHA.106.180200). Pages are drawn at their true size. matplotlib is imported when a page is drawn.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import MissingExtraError, UsageError

MM_PER_SECOND = 25.0
MM_PER_MILLIVOLT = 10.0
ROW_S = 10.0
"""Seconds in a row."""

COLUMN_S = ROW_S / 4
"""Seconds of each lead where twelve share a page."""

ROW_MM = 40.0
ROWS = 4
"""Rows on a page: A4 across."""

TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
GRID = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
"""Where each lead stands on a page of twelve."""

FORMATS = (".svg", ".pdf", ".png")

_LEFT_MM, _RIGHT_MM, _TOP_MM, _BOTTOM_MM = 15.0, 8.0, 14.0, 10.0
_PULSE_MM = 9.0
"""Where the calibration pulse ends, left of the first sample."""

_BAND_MM = 5.0
"""At the top of a row for beats and labels, at its bottom for waves; a trace stays between where it can."""

_FINE, _HEAVY, _TRACE, _INK = "#f6dcdc", "#e2a6a6", "#151515", "#333333"
_WAVE_COLOURS = {"P": "#3b7dd8", "QRS": "#d1495b", "T": "#2a9d6f"}
_BEAT_COLOURS = {"N": "#333333", "S": "#7b3fa0", "V": "#c1121f", "F": "#b35900", "Q": "#777777"}
_LABEL_COLOURS = {"normal": "#2a7d4f", "af": "#c1121f", "other": "#b35900", "noise": "#777777"}
_OTHER_COLOURS = ("#1d5fa8", "#7b3fa0", "#b35900", "#2a7d4f", "#c1121f")


@dataclass(frozen=True)
class Span:
    """A stretch of time with a name: a wave, or the label of a window."""

    start_s: float
    end_s: float
    label: str


@dataclass(frozen=True)
class Marks:
    """What is drawn beside a signal; times in seconds of the recording.

    beats: (time, class), a letter above the trace. waves: P, QRS, T as coloured stretches, of the lead that they were
    found in. labels: stretches with a text at the top of the row, coloured by its first word.
    """

    beats: Sequence[tuple[float, str]] = ()
    waves: Sequence[Span] = ()
    labels: Sequence[Span] = ()

    def within(self, start_s: float, end_s: float) -> Marks:
        """Those that touch a stretch of time."""
        return Marks(
            [beat for beat in self.beats if start_s <= beat[0] < end_s],
            [span for span in self.waves if span.end_s > start_s and span.start_s < end_s],
            [span for span in self.labels if span.end_s > start_s and span.start_s < end_s],
        )


@dataclass(frozen=True)
class Trace:
    """A lead: (samples,) millivolts from `start_s` of the recording on, NaN where there is no signal."""

    lead: str
    signal: NDArray[np.floating]
    rate_hz: float
    start_s: float = 0.0
    marks: Marks = field(default_factory=Marks)

    @property
    def end_s(self) -> float:
        return self.start_s + len(self.signal) / self.rate_hz

    def part(self, start_s: float, end_s: float) -> Trace:
        """The samples from `start_s` up to `end_s`."""
        first, last = (
            min(max(round((at - self.start_s) * self.rate_hz), 0), len(self.signal)) for at in (start_s, end_s)
        )
        return Trace(self.lead, self.signal[first:last], self.rate_hz, self.start_s + first / self.rate_hz, self.marks)


@dataclass(frozen=True)
class Row:
    """ROW_S seconds of paper: traces side by side, each at its distance in seconds from the left."""

    traces: Sequence[tuple[float, Trace]]


def pages_of(leads: Sequence[Trace], rhythm_lead: str) -> Iterator[list[Row]]:
    """Pages for leads of one recording, or of a part of it.

    Of twelve leads: 3 x 4 for every ROW_S seconds, and below them a strip of `rhythm_lead`, which alone has beats and
    labels. Else rows of ROW_S seconds one below the other, all leads of the same seconds together.
    """
    by_name = {trace.lead: trace for trace in leads}
    start_s, end_s = leads[0].start_s, leads[0].end_s
    if all(name in by_name for name in TWELVE):
        strip = by_name.get(rhythm_lead, by_name["II"])
        short = {name: replace(trace, marks=Marks(waves=trace.marks.waves)) for name, trace in by_name.items()}
        for at in _steps(start_s, end_s, ROW_S):
            rows = [
                Row([
                    (column * COLUMN_S, short[name].part(at + column * COLUMN_S, at + (column + 1) * COLUMN_S))
                    for column, name in enumerate(names)
                ])
                for names in GRID
            ]  # fmt: skip
            yield [*rows, Row([(0.0, strip.part(at, at + ROW_S))])]
        return
    rows = [Row([(0.0, trace.part(at, at + ROW_S))]) for at in _steps(start_s, end_s, ROW_S) for trace in leads]
    per_page = max(ROWS // len(leads), 1) * len(leads)
    for first in range(0, len(rows), per_page):
        yield rows[first : first + per_page]


def number_of_pages(duration_s: float, leads: Sequence[str]) -> int:
    """Pages that `pages_of` makes."""
    rows = len(_steps(0.0, duration_s, ROW_S))
    if all(name in leads for name in TWELVE):
        return rows
    return -(-rows // max(ROWS // len(leads), 1))


def seconds_per_page(leads: Sequence[str]) -> float:
    """Seconds of a recording on a full page."""
    return ROW_S if all(name in leads for name in TWELVE) else ROW_S * max(ROWS // len(leads), 1)


def _steps(start_s: float, end_s: float, step_s: float) -> list[float]:
    count = max(int(np.ceil((end_s - start_s) / step_s - 1e-3)), 1)
    return [start_s + number * step_s for number in range(count)]


def draw_page(rows: Sequence[Row], title: str, note: str = "") -> Any:
    """A `matplotlib.figure.Figure` at true size. title: above the rows. note: beside the scales, below them.

    Raises MissingExtraError without matplotlib.
    """
    width = _LEFT_MM + ROW_S * MM_PER_SECOND + _RIGHT_MM
    height = _TOP_MM + len(rows) * ROW_MM + _BOTTOM_MM
    figure = figure_type()(figsize=(width / 25.4, height / 25.4), dpi=150, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    _draw_paper(axes, height - _TOP_MM, _BOTTOM_MM, width - _RIGHT_MM)
    for number, row in enumerate(rows):
        _draw_row(axes, row, height - _TOP_MM - (number + 0.5) * ROW_MM)
    axes.text(_LEFT_MM, height - 6, title, fontsize=9, color=_INK, va="center", parse_math=False)
    scales = f"{MM_PER_SECOND:g} mm/s   {MM_PER_MILLIVOLT:g} mm/mV" + (f"   {note}" if note else "")
    axes.text(_LEFT_MM, _BOTTOM_MM / 2, scales, fontsize=7, color=_INK, va="center", parse_math=False)
    axes.text(
        width - _RIGHT_MM,
        _BOTTOM_MM / 2,
        "seqpool; not a medical device",
        fontsize=7,
        color=_INK,
        va="center",
        ha="right",
    )
    return figure


def _draw_paper(axes: Any, top: float, bottom: float, right: float) -> None:
    """Lines every millimetre, heavy ones every fifth, counted from the first sample and the top."""
    from matplotlib.collections import LineCollection

    left = _LEFT_MM - 10.0
    for step, colour, wide in ((1.0, _FINE, 0.3), (5.0, _HEAVY, 0.5)):
        xs = np.arange(left, right + 1e-6, step)
        ys = np.arange(top, bottom - 1e-6, -step)
        lines = [[(x, bottom), (x, top)] for x in xs] + [[(left, y), (right, y)] for y in ys]
        axes.add_collection(LineCollection(lines, colors=colour, linewidths=wide, zorder=1))


def _draw_row(axes: Any, row: Row, middle: float) -> None:
    x = _LEFT_MM + np.array(
        [-_PULSE_MM - 0.5, -_PULSE_MM, -_PULSE_MM, -_PULSE_MM + 5, -_PULSE_MM + 5, -_PULSE_MM + 5.5]
    )
    y = middle + MM_PER_MILLIVOLT * (np.array([0.0, 0.0, 1.0, 1.0, 0.0, 0.0]) - 0.5)
    axes.plot(x, y, color=_TRACE, linewidth=0.7, zorder=3)
    for offset_s, trace in row.traces:
        left = _LEFT_MM + offset_s * MM_PER_SECOND
        if len(trace.signal):
            _draw_trace(axes, trace, left, middle)
        _write(axes, left + 1, middle + ROW_MM / 2 - 5.5, trace.lead, size=8, weight="bold")
    if len(row.traces) == 1:
        at = row.traces[0][1].start_s
        axes.text(_LEFT_MM - 9.5, middle - ROW_MM / 2 + 2.5, clock(at), fontsize=6, color=_INK, va="center", zorder=5)


def _write(
    axes: Any,
    x: float,
    y: float,
    text: str,
    *,
    size: float,
    colour: str = _INK,
    weight: str = "normal",
    ha: str = "left",
) -> None:
    """Text that stays readable where a trace passes."""
    behind = {"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.6}
    axes.text(
        x,
        y,
        text,
        fontsize=size,
        color=colour,
        weight=weight,
        ha=ha,
        va="center",
        zorder=6,
        bbox=behind,
        parse_math=False,
    )


def _draw_trace(axes: Any, trace: Trace, left: float, middle: float) -> None:
    x = left + np.arange(len(trace.signal)) / trace.rate_hz * MM_PER_SECOND
    axes.plot(x, middle + heights(trace.signal), color=_TRACE, linewidth=0.7, solid_joinstyle="round", zorder=4)
    top, bottom = middle + ROW_MM / 2, middle - ROW_MM / 2

    def place(at_s: float) -> float:
        return left + (min(max(at_s, trace.start_s), trace.end_s) - trace.start_s) * MM_PER_SECOND

    for wave in _within(trace.marks.waves, trace):
        colour = _WAVE_COLOURS[wave.label]
        begin, end = place(wave.start_s), place(wave.end_s)
        axes.fill_between([begin, end], bottom + 3.4, bottom + 4.4, color=colour, linewidth=0, zorder=3)
        axes.fill_between([begin, end], bottom + 4.4, top - _BAND_MM, color=colour, alpha=0.12, linewidth=0, zorder=2)
        if wave.start_s >= trace.start_s:
            _write(axes, (begin + end) / 2, bottom + 1.9, wave.label, size=5, colour=colour, ha="center")
    for at_s, name in trace.marks.beats:
        if trace.start_s <= at_s < trace.end_s:
            colour = _BEAT_COLOURS.get(name, _INK)
            axes.plot([place(at_s)] * 2, [top - 4.4, top - 3.4], color=colour, linewidth=0.8, zorder=5)
            _write(axes, place(at_s), top - 2.2, name, size=6, colour=colour, ha="center",
                   weight="normal" if name == "N" else "bold")  # fmt: skip
    for label in _within(trace.marks.labels, trace):
        colour = _colour_of(label.label.partition(" ")[0])
        begin, end = place(label.start_s), place(label.end_s)
        axes.plot([begin, end], [top - 0.4] * 2, color=colour, linewidth=1.6, solid_capstyle="butt", zorder=5)
        after_lead = 4 + 2 * len(trace.lead) if begin == left else 1
        _write(axes, begin + after_lead, top - 5.5, label.label, size=6.5, colour=colour)


def _colour_of(name: str) -> str:
    """One colour for each name, on every page."""
    return _LABEL_COLOURS.get(name) or _OTHER_COLOURS[sum(name.encode()) % len(_OTHER_COLOURS)]


def heights(signal: NDArray[np.floating]) -> NDArray[np.float64]:
    """(samples,) millimetres above the middle of the row. The median lies in the middle unless a peak would then leave
    the row; what is higher than the row is cut at its edge."""
    values = np.asarray(signal, dtype=np.float64)
    known = values[np.isfinite(values)]
    if not len(known):
        return np.full(len(values), np.nan)
    room = ROW_MM / 2 - _BAND_MM
    millimetres = MM_PER_MILLIVOLT * (values - np.median(known))
    highest, lowest = float(np.nanmax(millimetres)), float(np.nanmin(millimetres))
    if highest - lowest > 2 * room:
        shift = -(highest + lowest) / 2
    else:
        shift = min(room - highest, 0.0) + max(-room - lowest, 0.0)
    return np.clip(millimetres + shift, -ROW_MM / 2 + 0.5, ROW_MM / 2 - 0.5)


def _within(spans: Sequence[Span], trace: Trace) -> list[Span]:
    return [span for span in spans if span.end_s > trace.start_s and span.start_s < trace.end_s]


def clock(at_s: float) -> str:
    """`h:mm:ss` since the start of the recording, tenths where they are not 0."""
    tenths = round(at_s * 10)
    whole, tenth = divmod(tenths, 10)
    text = f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{text}.{tenth}" if tenth else text


class Pages:
    """Pictures under one name: a PDF holds all pages; else there is one page and it is FILE, or where `several` is set
    the pages are FILE-001, FILE-002, ... before the ending. Use as a context manager.

    Raises UsageError for an ending that is none of FORMATS, MissingExtraError without matplotlib.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        if self._path.suffix.lower() not in FORMATS:
            raise UsageError(f"--plot {path} ends in none of {', '.join(FORMATS)}.")
        figure_type()
        self.several = False
        self._pages = 0
        self._pdf: Any = None

    def __enter__(self) -> Pages:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pdf is None:
            return
        self._pdf.close()
        if kind is None:
            _aside(self._path).replace(self._path)
        else:
            _aside(self._path).unlink(missing_ok=True)

    def add(self, figure: Any) -> None:
        """Writes the next page. Raises OSError where it cannot be written."""
        self._pages += 1
        ending = self._path.suffix.lower()
        if ending == ".pdf":
            from matplotlib.backends.backend_pdf import PdfPages

            if self._pdf is None:
                self._pdf = PdfPages(_aside(self._path), metadata={"CreationDate": None})
            self._pdf.savefig(figure)
            return
        path = self._path
        if self.several:
            path = path.with_name(f"{path.stem}-{self._pages:03d}{path.suffix}")
        save_figure(figure, path)


def save_figure(figure: Any, path: Path) -> None:
    """Writes a picture, whole or not at all; the same picture gives the same bytes."""
    import matplotlib as mpl

    aside = _aside(path)
    kind = path.suffix.lower().lstrip(".")
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
    try:
        with mpl.rc_context({"svg.hashsalt": "seqpool", "svg.fonttype": "none"}):
            figure.savefig(aside, format=kind, metadata=metadata)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def figure_type() -> Any:
    """`matplotlib.figure.Figure`. Raises MissingExtraError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "plot", "drawing") from error
    return Figure
