"""ECG paper measured with a ruler: sizes are read from the SVG, not from what drew it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqpool.errors import MissingExtraError, UsageError
from seqpool.plots.ecg_paper import (
    TWELVE,
    Marks,
    Pages,
    Row,
    Span,
    Trace,
    clock,
    draw_page,
    heights,
    number_of_pages,
    pages_of,
    save_figure,
    seconds_per_page,
)

MM = 72 / 25.4
"""Points of an SVG per millimetre."""


def paths(svg: str) -> list[np.ndarray]:
    """Every path (points, 2) of straight lines, in points from the top left."""
    drawn = re.findall(r'<path d="([^"]+)"', svg)
    return [
        np.array([[float(x), float(y)] for x, y in re.findall(r"[ML] ([-\d.]+) ([-\d.]+)", text)]) for text in drawn
    ]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Ten seconds of one lead that steps by 1 mV after 1 s and back after 2 s."""
    path = tmp_path_factory.mktemp("page") / "p.svg"
    signal = np.zeros(1000, dtype=np.float32)
    signal[100:200] = 1.0
    marks = Marks(beats=[(1.5, "V")], waves=[Span(1.0, 2.0, "QRS")], labels=[Span(0.0, 10.0, "af 0.93")])
    (rows,) = pages_of([Trace("II", signal, 100.0, 0.0, marks)], "II")
    save_figure(draw_page(rows, "a $title$ of 100 %", "note"), path)
    return path.read_text()


def test_a_second_is_25_mm_and_a_millivolt_10_mm(page: str) -> None:
    trace = max(paths(page), key=len)
    up, down = np.argmin(trace[:, 1]), len(trace) - 1 - np.argmin(trace[::-1, 1])
    assert (trace[down, 0] - trace[up, 0]) / MM == pytest.approx(25 * 0.99, abs=0.3)
    assert np.ptp(trace[:, 1]) / MM == pytest.approx(10, abs=0.01)
    assert np.ptp(trace[:, 0]) / MM == pytest.approx(250, abs=0.3)
    size = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', page)
    assert size is not None
    assert [float(one) / MM for one in size.groups()] == pytest.approx([273, 64], abs=0.1)


def test_the_calibration_pulse_and_the_grid(page: str) -> None:
    found = paths(page)
    pulse = next(path for path in found if len(path) == 6)
    assert (np.ptp(pulse[:, 1]) / MM, (pulse[3, 0] - pulse[2, 0]) / MM) == pytest.approx((10, 5), abs=0.01)
    uprights = np.sort([path[0, 0] for path in found if len(path) == 2 and path[0, 0] == path[1, 0]])
    steps = np.diff(np.unique(uprights.round(3))) / MM
    assert np.median(steps) == pytest.approx(1, abs=0.01)
    trace = max(found, key=len)
    heavy = [line for line in np.unique(uprights.round(3)) if (uprights.round(3) == line).sum() > 1]
    assert np.abs(np.array(heavy) - trace[0, 0]).min() < 0.02 * MM  # the first sample stands on a heavy line
    assert np.diff(heavy) / MM == pytest.approx(5, abs=0.01)


def test_marks_are_where_they_should_be(page: str) -> None:
    ElementTree.fromstring(page)  # well formed
    words = re.findall(r"<text[^>]*>([^<]*)</text>", page)
    for word in ("V", "QRS", "af 0.93", "II", "a $title$ of 100 %", "0:00:00"):
        assert word in words
    assert any("25 mm/s" in word and "10 mm/mV" in word and "note" in word for word in words)


@given(st.floats(0.5, 500), st.integers(1, 3))
def test_pages_hold_every_second_once(duration_s: float, count: int) -> None:
    samples = max(round(duration_s * 20), 1)
    leads = [Trace(f"L{number}", np.arange(samples, dtype=float), 20.0, 3.0) for number in range(count)]
    pages = list(pages_of(leads, "L0"))
    assert len(pages) == number_of_pages(samples / 20, [trace.lead for trace in leads])
    drawn = [trace for rows in pages for row in rows for _, trace in row.traces if trace.lead == "L0"]
    assert np.concatenate([trace.signal for trace in drawn]).tolist() == list(range(samples))
    assert [round((trace.start_s - 3.0) * 20) for trace in drawn] == [int(trace.signal[0]) for trace in drawn]
    assert all(len(rows) <= 4 for rows in pages)
    assert seconds_per_page([trace.lead for trace in leads]) == {1: 40.0, 2: 20.0, 3: 10.0}[count]


def test_twelve_leads_are_laid_out_three_by_four() -> None:
    marks = Marks(beats=[(1.0, "N")], waves=[Span(0.9, 1.1, "QRS")], labels=[Span(0, 20, "normal")])
    leads = [Trace(name, np.full(2000, number, dtype=float), 100.0, 0.0, marks) for number, name in enumerate(TWELVE)]
    pages = list(pages_of(leads, "V1"))
    assert len(pages) == number_of_pages(20.0, TWELVE) == 2
    names = [[trace.lead for _, trace in row.traces] for row in pages[0]]
    assert names == [["I", "aVR", "V1", "V4"], ["II", "aVL", "V2", "V5"], ["III", "aVF", "V3", "V6"], ["V1"]]
    assert [(offset, trace.start_s) for offset, trace in pages[1][0].traces] == [
        (0.0, 10.0), (2.5, 12.5), (5.0, 15.0), (7.5, 17.5),
    ]  # fmt: skip
    assert [len(trace.signal) for _, trace in pages[0][1].traces] == [250] * 4
    assert pages[0][3].traces[0][1].marks == marks
    assert pages[0][0].traces[2][1].marks == Marks(waves=marks.waves)  # beats and labels are above the strip only


def test_heights() -> None:
    small = np.array([0.0, 0.0, 0.0, 1.0, -0.5, np.nan])
    np.testing.assert_allclose(heights(small), [0, 0, 0, 10, -5, np.nan])
    np.testing.assert_allclose(heights(np.array([0.0, 0.0, 0.0, 2.0])), [-5, -5, -5, 15])  # moved down to fit
    huge = heights(np.array([0.0, 0.0, 50.0, -50.0]))
    assert (huge.max(), huge.min()) == (19.5, -19.5)
    assert np.isnan(heights(np.full(3, np.nan))).all()


def test_clock() -> None:
    assert [clock(at) for at in (0, 9.96, 61.5, 3600 * 25 + 1)] == ["0:00:00", "0:00:10", "0:01:01.5", "25:00:01"]


def test_pages_are_numbered_whole_and_the_same_bytes(tmp_path: Path) -> None:
    row = Row([(0.0, Trace("II", np.sin(np.arange(500) / 9), 100.0))])
    for several, names in ((False, ["o.svg"]), (True, ["o-001.svg", "o-002.svg"])):
        with Pages(tmp_path / "o.svg") as pages:
            pages.several = several
            for _ in names:
                pages.add(draw_page([row], "x"))
        assert sorted(path.name for path in tmp_path.iterdir()) == names
        assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1
        for name in names:
            (tmp_path / name).unlink()
    with Pages(tmp_path / "o.pdf") as pages:
        for _ in range(3):
            pages.add(draw_page([row], "x"))
    assert len(re.findall(rb"/Type /Page\b", (tmp_path / "o.pdf").read_bytes())) == 3
    with pytest.raises(KeyboardInterrupt), Pages(tmp_path / "p.pdf") as pages:  # noqa: PT012
        pages.add(draw_page([row], "x"))
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["o.pdf"]


def test_what_cannot_be_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"--plot o\.gif ends in none of \.svg, \.pdf, \.png"):
        Pages("o.gif")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"drawing needs matplotlib.*seqpool\[plot\]"):
        Pages("o.svg")
