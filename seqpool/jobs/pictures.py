"""Recordings on ECG paper, with what a model found in them: page by page, each read when it is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seqpool.io.ecg.recording_file import RecordingFile
from seqpool.plots.ecg_paper import (
    TWELVE,
    Marks,
    Pages,
    Span,
    Trace,
    draw_page,
    number_of_pages,
    pages_of,
    seconds_per_page,
)
from seqpool.records import WAVES, Delineation, Recording
from seqpool.signal.leads import derivable, lead_signal
from seqpool.signal.windows import window_parts

Times = NDArray[np.float64]

UNFILTERED = "as recorded, not filtered"


def marks_of_waves(waves: Delineation, rate_hz: float) -> Marks:
    """P, QRS and T of one lead; waves in samples of `rate_hz`."""
    return Marks(
        waves=[
            Span(onset / rate_hz, offset / rate_hz, WAVES[wave])
            for wave, onset, offset in zip(
                waves.wave.tolist(), waves.onset.tolist(), waves.offset.tolist(), strict=True
            )
        ]
    )


def marks_of_windows(start_s: Times, end_s: Times, labels: Sequence[str]) -> Marks:
    """A label for each window (start and end in seconds); neighbours that overlap share it halfway."""
    begins, ends = window_parts(start_s, end_s)
    return Marks(labels=[Span(begin, end, name) for begin, end, name in zip(begins, ends, labels, strict=True)])


def drawn_leads(opened: RecordingFile, used: Sequence[str]) -> tuple[str, ...]:
    """Leads of a picture: all twelve where the recording has them, else those that the model used."""
    twelve = all(derivable(opened.leads, name) for name in TWELVE) and set(used) <= set(TWELVE)
    return TWELVE if twelve else tuple(used)


def draw_recording(pages: Pages, opened: RecordingFile, marks: Mapping[str, Marks], title: str) -> None:
    """Adds the recording's pages. marks: by the leads that the model used, at least one.

    More than one page is told to `pages`, which then numbers them.

    Raises DataError where the recording cannot be read, OSError where a picture cannot be written.
    """
    used = tuple(marks)
    leads = drawn_leads(opened, used)
    total = number_of_pages(opened.duration_s, leads)
    pages.several = pages.several or total > 1
    for number, (start_s, block) in enumerate(_blocks(opened, seconds_per_page(leads)), start=1):
        end_s = start_s + block.duration_s
        traces = []
        for lead in leads:
            signal = lead_signal(block, lead)
            assert signal is not None
            own = marks[lead].within(start_s, end_s) if lead in marks else Marks()
            traces.append(Trace(lead, signal, block.rate_hz, start_s, own))
        heading = f"{title}   page {number} of {total}" if total > 1 else title
        for rows in pages_of(traces, used[0] if len(used) == 1 else "II"):
            pages.add(draw_page(rows, heading, UNFILTERED))


def _blocks(opened: RecordingFile, seconds: float) -> Iterator[tuple[float, Recording]]:
    """(start in seconds, signal) of pages of so many seconds, each from a whole sample."""
    number = 0
    while (first := round(number * seconds * opened.rate_hz)) < opened.samples:
        number += 1
        last = min(round(number * seconds * opened.rate_hz), opened.samples)
        signal = opened.signal(first, last)
        yield first / opened.rate_hz, Recording(signal, opened.rate_hz, opened.leads, opened.source)
