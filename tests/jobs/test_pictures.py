"""Which leads and which seconds come onto which page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb

from seqpool.io.ecg.recordings import open_recording
from seqpool.jobs.pictures import draw_recording, drawn_leads, marks_of_windows
from seqpool.plots.ecg_paper import TWELVE, Marks, Pages


def write(folder: Path, leads: tuple[str, ...], seconds: float, rate_hz: int = 100) -> Path:
    rng = np.random.default_rng(0)
    signal = 0.3 * rng.standard_normal((round(seconds * rate_hz), len(leads)))
    wfdb.wrsamp("a", fs=rate_hz, units=["mV"] * len(leads), sig_name=list(leads), p_signal=signal,
                fmt=["16"] * len(leads), write_dir=str(folder))  # fmt: skip
    return folder / "a"


@pytest.mark.parametrize(
    ("leads", "used", "drawn"),
    [
        (TWELVE, ("II",), TWELVE),
        (("I", "II", *TWELVE[6:]), ("II",), TWELVE),  # the others follow
        ((*TWELVE, "MLII"), ("MLII",), ("MLII",)),
        (("MLII", "V1"), ("MLII",), ("MLII",)),
        (("MLII", "V1"), ("MLII", "V1"), ("MLII", "V1")),
    ],
)
def test_leads(tmp_path: Path, leads: tuple[str, ...], used: tuple[str, ...], drawn: tuple[str, ...]) -> None:
    opened = open_recording(write(tmp_path, leads, 12))
    assert drawn_leads(opened, used) == drawn
    with Pages(tmp_path / "p.svg") as pages:
        draw_recording(pages, opened, dict.fromkeys(used, Marks()), "title")
    names = sorted(path.name for path in tmp_path.glob("*.svg"))
    assert names == (["p-001.svg", "p-002.svg"] if len(drawn) == 12 else ["p.svg"])
    text = (tmp_path / names[0]).read_text()
    for lead in drawn:
        assert f">{lead}</text>" in text


def test_pages_follow_one_another(tmp_path: Path) -> None:
    opened = open_recording(write(tmp_path, ("II",), 95, 128))
    with Pages(tmp_path / "p.svg") as pages:
        draw_recording(pages, opened, {"II": Marks(beats=[(39.99, "V"), (40.01, "S"), (94.0, "F")])}, "title")
    texts = [path.read_text() for path in sorted(tmp_path.glob("*.svg"))]
    assert [f"title   page {number} of 3" in text for number, text in enumerate(texts, start=1)] == [True] * 3
    assert [[f">{name}</text>" in text for name in "VSF"] for text in texts] == [
        [True, False, False], [False, True, False], [False, False, True],
    ]  # fmt: skip
    assert ">0:01:20</text>" in texts[2]


def test_windows_share_their_overlap() -> None:
    marks = marks_of_windows(np.array([0.0, 15.0, 22.0]), np.array([30.0, 45.0, 52.0]), ["a", "b", "c"])
    assert [(span.start_s, span.end_s, span.label) for span in marks.labels] == [
        (0.0, 22.5, "a"), (22.5, 33.5, "b"), (33.5, 52.0, "c"),
    ]  # fmt: skip
