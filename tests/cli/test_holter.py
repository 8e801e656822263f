"""`seqpool holter` as a user types it."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
import wfdb

from seqpool.cli.main import main
from seqpool.options.signal_input import Signal
from tests.jobs.beat_models import save_beat_model
from tests.jobs.recording_models import save_model

RATE_HZ = 200


def write_day(folder: Path, name: str, *, notes: bool = False) -> str:
    """Two minutes of beats every 0.8 s, bumps of 0.6 mV: a pause of 2.8 s, five fast V, an electrode off for 10 s.

    The second minute is twice as high and irregular. Annotations `hand` lie beside it, with a minute of fibrillation
    if `notes`; the regular beats from 30 s to 40 s are as high.
    """
    times = [0.5 + 0.8 * number for number in range(20)]
    times += [times[-1] + 2.8]
    times += [times[-1] + 0.4 * number for number in range(1, 6)]
    rng = np.random.default_rng(1)
    while times[-1] < 118:
        times.append(times[-1] + (0.8 if times[-1] < 60 else rng.uniform(0.5, 1.1)))
    seconds = np.arange(120 * RATE_HZ) / RATE_HZ
    signal = sum(np.exp(-(((seconds - at) / 0.03) ** 2)) for at in times)
    signal = signal * np.where(
        (seconds < 60) & ~((seconds > 30) & (seconds < 40)), 0.6, 1.2
    ) + 0.01 * np.random.default_rng(0).standard_normal(len(seconds))
    signal[40 * RATE_HZ : 50 * RATE_HZ] = 0.25
    folder.mkdir(exist_ok=True)
    wfdb.wrsamp(name, fs=RATE_HZ, units=["mV"] * 2, sig_name=["V1", "MLII"], p_signal=np.stack([signal] * 2, axis=1),
                fmt=["16"] * 2, write_dir=str(folder))  # fmt: skip
    marks = [(round(at * RATE_HZ), "V" if 21 <= place < 26 else "N", "") for place, at in enumerate(times)]
    if notes:
        marks += [(0, "+", "(N"), (60 * RATE_HZ + 1, "+", "(AFIB")]
    marks.sort()
    samples, symbols, texts = zip(*marks, strict=True)
    wfdb.wrann(name, "hand", np.array(samples), list(symbols), aux_note=list(texts), fs=RATE_HZ, write_dir=str(folder))
    return str(folder / name)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of rhythms that calls high signals fibrillation; its leads are not those of a Holter."""
    reads = Signal(leads=("I", "II"), window_s=10.0, stride_s=10.0, normalise="none", highpass_hz=None)
    path = tmp_path_factory.mktemp("model") / "rhythm.safetensors"
    return str(save_model(path, reads, classes=["normal", "other", "af"]))


def run(*words: object) -> int:
    return main(["holter", *map(str, words)])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def test_tables_and_strips(tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = write_day(tmp_path / "r", "day", notes=True)
    out = tmp_path / "out"
    assert run(name, "--beats", "hand", "--output", out, "--model", model, "--lead", "MLII") == 0
    (summary,) = rows(out / "summary.tsv")
    assert (summary["record"], summary["lead"], summary["start"]) == (name, "MLII", "")
    assert float(summary["analysable_s"]) == pytest.approx(110, abs=0.01)
    assert (summary["ventricular_beats"], summary["ventricular_runs"], summary["ventricular_couplets"]) == (
        "5",
        "1",
        "0",
    )
    assert (summary["longest_ventricular_run_beats"], summary["fastest_ventricular_run_bpm"]) == ("5", "150")
    assert (summary["pauses"], summary["longest_pause_s"]) == ("1", "2.8")
    assert float(summary["af_burden_percent"]) == pytest.approx(100 * 60 / 110, abs=0.1)
    assert summary["longest_supraventricular_run_beats"] == ""
    (hour,) = rows(out / "hourly.tsv")
    assert {key: hour[key] for key in ("hour", "clock", "beats", "pauses")} == {
        "hour": "1", "clock": "", "beats": summary["beats"], "pauses": "1",
    }  # fmt: skip
    episodes = [(one["episode"], one["start_s"], one["end_s"]) for one in rows(out / "episodes.tsv")]
    assert [kind for kind, _, _ in episodes] == ["pause", "ventricular_run", "unanalysable", "af"]
    assert episodes[2][1:] == ("40.005", "50.000")  # the first constant sample still differs from the one before
    assert episodes[3][1] == "60.005"
    strips = sorted(path.name for path in out.glob("*.svg"))
    assert strips == [f"day-{what}.svg" for what in (
        "longest_af", "longest_pause", "longest_ventricular_run", "maximum_rate", "minimum_rate",
    )]  # fmt: skip
    drawn = (out / "day-longest_ventricular_run.svg").read_text()
    assert "longest ventricular run: 5 beats at 150 bpm" in drawn
    assert drawn.count(">V</text>") == 5
    assert capsys.readouterr() == ("", "")


def test_rhythm_by_a_model_where_there_are_no_notes(
    tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lead of the beats serves a model that has no lead of its own here."""
    name = write_day(tmp_path, "day")
    assert run(name, "--beats", "hand", "--model", model, "--lead", "MLII") == 0
    out, _ = capsys.readouterr()
    (summary,) = csv.DictReader(out.splitlines(), delimiter="\t")
    assert float(summary["af_s"]) == pytest.approx(60, abs=0.5)
    assert run(name, "--beats", "hand", "--model", model) == 0  # beats of annotations stand for the first lead
    assert "V1" in capsys.readouterr().out


def test_beats_by_a_model(tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A model that sees a beat wherever the signal is high: all that were written but for those while it was off."""
    beats = save_beat_model(tmp_path / "beats.safetensors")
    name = write_day(tmp_path, "day")
    assert run(name, "--model", beats, "--model", model, "--output", tmp_path / "out", "--quiet") == 0
    (summary,) = rows(tmp_path / "out" / "summary.tsv")
    marks = wfdb.rdann(name, "hand").sample / RATE_HZ
    assert int(summary["beats"]) == ((marks < 40) | (marks >= 50)).sum()
    assert (summary["lead"], summary["pauses"], summary["longest_pause_s"][:3]) == ("MLII", "1", "2.8")
    assert float(summary["af_s"]) == pytest.approx(60, abs=0.5)
    assert run(name, "--model", beats, "--model", beats) == 2
    assert "a second model of beats" in capsys.readouterr().err


def test_bad_recordings_do_not_stop_the_others(tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = write_day(tmp_path / "a", "day"), write_day(tmp_path / "b", "day")
    bare = write_day(tmp_path / "c", "bare")
    (tmp_path / "c" / "bare.hand").unlink()
    out = tmp_path / "out"
    assert run("none", bare, one, two, "--beats", "hand", "--model", model, "--output", out) == 1
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 3
    assert "none: no such recording" in err[0]
    assert "bare.hand: no such annotation file" in err[1]
    assert "strips of this name" in err[2]
    assert [row["record"] for row in rows(out / "summary.tsv")] == [one, two]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["x", "--output", "file"], "cannot be a folder"),
        (["x", "--model", "waves"], "for neither beats nor rhythms"),
        (["x", "--model", "low"], "tells no atrial fibrillation"),
        (["x", "--model", "low", "--model", "low"], "a second model of rhythms"),
    ],
)
def test_usage(
    tmp_path: Path, words: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.jobs.wave_models import save_wave_model

    monkeypatch.chdir(tmp_path)
    write_day(tmp_path, "x")
    Path("file").write_text("")
    save_wave_model(Path("waves"))
    save_model(Path("low"))
    assert run(*words, "--beats", "hand") == 2
    assert sentence in capsys.readouterr().err


def test_without_matplotlib_there_are_tables(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = write_day(tmp_path / "r", "day")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run(name, "--beats", "hand", "--model", model, "--output", tmp_path / "out") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["episodes.tsv", "hourly.tsv", "summary.tsv"]
    assert "no strips are drawn" in capsys.readouterr().err
