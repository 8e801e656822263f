"""Holter reports: small ones worked out by hand, and the records of MIT-BIH counted another way."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import wfdb

from seqpool.signal.holter_report import FLUTTER, Rhythm, holter_report
from seqpool.signal.stretches import stretches

NONE = stretches([])


def beats(letters: str, interval_s: float = 0.8, start_s: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    return start_s + interval_s * np.arange(len(letters)), np.array(list(letters))


def test_runs_couplets_and_single_beats() -> None:
    times, classes = beats("NVNVVNVVVNSNSSNSSSSNVVVVVN")
    times[20:25] = times[20] + 0.4 * np.arange(5)
    times[25] = times[24] + 1.0
    report = holter_report(times, classes, None, NONE, 30.0)
    whole = report.whole
    assert (whole.ventricular_beats, whole.ventricular_couplets, whole.ventricular_runs) == (11, 1, 2)
    assert (whole.supraventricular_beats, whole.supraventricular_couplets, whole.supraventricular_runs) == (7, 1, 1)
    longest, fastest = report.longest("ventricular_run"), report.fastest("ventricular_run")
    assert longest == fastest
    assert longest is not None
    assert (longest.beats, longest.rate_bpm, longest.duration_s) == pytest.approx((5, 150, 1.6))
    other = report.longest("supraventricular_run")
    assert other is not None
    assert (other.beats, other.rate_bpm) == pytest.approx((4, 75))
    assert report.longest("pause") is None
    assert np.isnan([whole.longest_pause_s, whole.af_s, report.af_burden]).all()


def test_rates() -> None:
    intervals = [1.0] * 20 + [0.5] * 20 + [1.5] * 8 + [1.0] * 5
    times = np.concatenate([[0.25], 0.25 + np.cumsum(intervals)])
    report = holter_report(times, np.full(len(times), "N"), None, NONE, 70.0)
    assert report.whole.minimum_bpm == pytest.approx(40)
    assert report.whole.maximum_bpm == pytest.approx(120)
    assert report.whole.mean_bpm == pytest.approx(60 / np.mean(intervals))
    assert (report.slowest_s, report.fastest_s) == pytest.approx((30.25, 20.25))
    few = holter_report(times[:8], np.full(8, "N"), None, NONE, 70.0)
    assert np.isnan([few.whole.minimum_bpm, few.whole.maximum_bpm, few.slowest_s]).all()
    assert few.whole.mean_bpm == pytest.approx(60)


def test_no_interval_spans_a_gap_and_beats_in_one_do_not_count() -> None:
    times, classes = beats("NNNNNVVVVVNNNNN", 1.0)
    times = np.append(times, times[-1] + 3.0)
    classes = np.append(classes, "N")
    whole = holter_report(times, classes, None, NONE, 20.0)
    assert whole.whole.pauses == 1
    assert (whole.longest("pause").start_s, whole.whole.longest_pause_s) == pytest.approx((14.5, 3.0))  # type: ignore[union-attr]
    gaps = stretches([(7.2, 7.9), (15.0, 16.0)])  # the third V is lost, and where the pause was
    cut = holter_report(times, classes, None, gaps, 20.0)
    assert cut.whole.analysable_s == pytest.approx(18.3)
    assert (cut.whole.beats, cut.whole.ventricular_beats) == (15, 4)
    assert (cut.whole.ventricular_couplets, cut.whole.ventricular_runs, cut.whole.pauses) == (2, 0, 0)
    assert cut.whole.mean_bpm == pytest.approx(60)
    assert [(one.start_s, one.end_s) for one in cut.of("unanalysable")] == [(7.2, 7.9), (15.0, 16.0)]


def test_fibrillation_and_flutter() -> None:
    times, classes = beats("N" * 60, 0.5)
    rhythm = Rhythm(
        judged=stretches([(0, 24)]), af=stretches([(2, 8), (20, 24)]), other={FLUTTER: stretches([(10, 13)])}
    )
    report = holter_report(times, classes, rhythm, stretches([(22, 23)]), 30.0)
    assert report.judged_s == pytest.approx(23)
    assert report.whole.af_s == pytest.approx(9)
    assert report.af_burden == pytest.approx(9 / 23)
    assert [(one.start_s, one.end_s, one.beats) for one in report.of("af")] == [(2, 8, 13), (20, 22, 4), (23, 24, 3)]
    assert report.longest("af").rate_bpm == pytest.approx(120)  # type: ignore[union-attr]
    assert len(report.of(FLUTTER)) == 1
    assert report.longest(FLUTTER).beats == 7  # type: ignore[union-attr]


def test_hours_add_up() -> None:
    rng = np.random.default_rng(5)
    times = np.cumsum(rng.uniform(0.4, 1.4, 12000))
    classes = rng.choice(list("NSVFQ"), len(times), p=[0.7, 0.12, 0.12, 0.03, 0.03])
    times[7000:] += 4.0
    duration_s = float(times[-1] + 0.1)
    gaps = stretches([(100, 200), (3590, 3620), (9000, 9010)])
    rhythm = Rhythm(stretches([(0, duration_s)]), stretches([(3000, 4000), (8000, 8100)]))
    report = holter_report(times, classes, rhythm, gaps, duration_s)
    assert [start for start, _, _ in report.hours] == [0, 3600, 7200]
    assert report.hours[-1][1] == duration_s
    for name, whole in vars(report.whole).items():
        parts = [getattr(counts, name) for _, _, counts in report.hours]
        if name in ("minimum_bpm", "maximum_bpm", "longest_pause_s"):
            assert (min if name == "minimum_bpm" else max)(part for part in parts if part == part) == whole
        elif name != "mean_bpm":
            assert sum(parts) == pytest.approx(whole), name


def test_nothing_to_report() -> None:
    report = holter_report(np.zeros(0), np.zeros(0, dtype=str), None, NONE, 10.0)
    assert (report.whole.beats, report.whole.analysable_s, report.episodes) == (0, 10.0, ())
    with pytest.raises(ValueError, match="times_s must rise"):
        holter_report(np.array([1.0, 1.0]), np.array(["N", "N"]), None, NONE, 10.0)
    with pytest.raises(ValueError, match="'x' is no AAMI class"):
        holter_report(np.array([1.0]), np.array(["x"]), None, NONE, 10.0)


CLASS = {**dict.fromkeys("NLRej", "N"), **dict.fromkeys("AaJS", "S"), **dict.fromkeys("VE", "V"), "F": "F",
         **dict.fromkeys("/fQ", "Q")}  # fmt: skip


def counted(path: Path) -> dict[str, object]:
    """Beats as one text with a bar where flutter interrupts, couplets and runs by regular expressions."""
    marks = wfdb.rdann(str(path), "atr")
    text, beat_times, pauses = "", [], []
    last, in_flutter = None, False
    for sample, symbol in zip(marks.sample.tolist(), marks.symbol, strict=True):
        if symbol in "[]":
            in_flutter = symbol == "["
            text, last = text + "|", None
        elif symbol in CLASS:
            assert not in_flutter
            text += CLASS[symbol]
            beat_times.append(sample / 360)
            if last is not None and sample - last > 720:
                pauses.append((sample - last) / 360)
            last = sample
    found: dict[str, object] = {name: text.count(name) for name in "NSVFQ"}
    for name in "SV":
        sizes = [len(group) for group in re.findall(f"{name}+", text)]
        found[f"{name} couplets"] = sizes.count(2)
        found[f"{name} runs"] = sum(size > 2 for size in sizes)
        found[f"{name} longest"] = max((size for size in sizes if size > 2), default=None)
    found["pauses"] = (len(pauses), max(pauses, default=None))
    notes = [(at, note.strip("\0")) for at, note, sign in zip(marks.sample, marks.aux_note, marks.symbol, strict=True)
             if sign == "+"]  # fmt: skip
    spans = [(start, stop, name) for (start, name), (stop, _) in pairwise([*notes, (650000, "")])]
    found["af"] = [((stop - start) / 360) for start, stop, name in spans if name == "(AFIB"]
    return found


@pytest.mark.data
def test_the_records_of_mit_bih_counted_another_way(data: Path) -> None:
    from seqpool.jobs.holter import Reading, annotated

    folder = data / "ecg/mitdb_ds1"
    totals = dict.fromkeys("NSVFQ", 0)
    af_s = 0.0
    for path in sorted(folder.glob("*.atr")):
        name = str(path.with_suffix(""))
        opened = Reading().opened(name)
        found, _ = annotated(opened, "atr", None)
        report = holter_report(found.times_s, found.classes, found.rhythm, NONE, opened.duration_s)
        wanted, whole = counted(path.with_suffix("")), report.whole
        here = {"N": whole.beats - whole.ventricular_beats - whole.supraventricular_beats - whole.fusion_beats
                - whole.unknown_beats, "S": whole.supraventricular_beats, "V": whole.ventricular_beats,
                "F": whole.fusion_beats, "Q": whole.unknown_beats}  # fmt: skip
        assert here == {key: wanted[key] for key in "NSVFQ"}, name
        for key, kind in (("V", "ventricular"), ("S", "supraventricular")):
            assert getattr(whole, f"{kind}_couplets") == wanted[f"{key} couplets"], name
            assert getattr(whole, f"{kind}_runs") == wanted[f"{key} runs"], name
            longest = report.longest(f"{kind}_run")
            assert (None if longest is None else longest.beats) == wanted[f"{key} longest"], name
        pause = report.longest("pause")
        assert (whole.pauses, None if pause is None else pytest.approx(pause.duration_s)) == wanted["pauses"], name
        episodes = [one.duration_s for one in report.of("af")]
        assert episodes == pytest.approx(wanted["af"]), name
        assert report.af_burden == pytest.approx(sum(wanted["af"]) / report.judged_s)  # type: ignore[arg-type]
        af_s += report.whole.af_s
        totals = {key: totals[key] + here[key] for key in totals}
    assert totals == {"N": 45866, "S": 944, "V": 3788, "F": 415, "Q": 8}
    assert af_s == pytest.approx(2061, abs=0.5)  # the README of the data
