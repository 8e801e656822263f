"""`seqpool classify --task beats` as a user types it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import wfdb

from seqpool.cli.main import main
from seqpool.io.finished_rows import FinishedRows
from seqpool.io.tables import Columns
from tests.jobs.beat_models import save_beat_model
from tests.jobs.recording_models import save_model
from tests.jobs.test_beats import bumps, write_record

TIMES = np.arange(1.0, 28.0, 0.75)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_beat_model(tmp_path_factory.mktemp("model") / "beats.safetensors"))


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_record(tmp_path_factory.mktemp("records"), "r1", {"II": bumps(TIMES, 30, 360)}, 360)


def run(*words: str) -> int:
    return main(["classify", "--task", "beats", *words])


def test_a_row_per_beat(record: str, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(record, "--model", model) == 0
    out, err = capsys.readouterr()
    lines = [line.split("\t") for line in out.splitlines()]
    assert lines[0] == ["record", "lead", "beat", "sample", "time_s", "class", *(f"p_{letter}" for letter in "NSVFQ")]
    assert [line[:3] for line in lines[1:]] == [[record, "II", str(beat)] for beat in range(1, len(TIMES) + 1)]
    assert [float(line[4]) for line in lines[1:]] == pytest.approx(TIMES, abs=3e-3)
    assert {line[5] for line in lines[1:]} <= set("NSVF")
    assert {line[10] for line in lines[1:]} == {"0"}
    assert err == ""


def test_other_formats_hold_the_same(
    record: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pyarrow.parquet

    assert run(record, "--model", model, "--output", str(tmp_path / "o.jsonl")) == 0
    assert run(record, "--model", model, "--output", str(tmp_path / "o.parquet")) == 0
    rows = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert pyarrow.parquet.read_table(tmp_path / "o.parquet").to_pylist() == rows
    assert len(rows) == len(TIMES)
    assert capsys.readouterr() == ("", "")


def test_annotation_files(record: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file for each recording in the folder --output; one that cannot be judged is a line, and two of a name too."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for ending in (".hea", ".dat"):
        shutil.copy(record + ending, copy / f"r1{ending}")
    (tmp_path / "flat.csv").write_text("II [mV]\n" + "0\n" * 5000)
    out = tmp_path / "made" / "here"
    words = (record, str(tmp_path / "flat.csv"), str(copy / "r1"), "--rate-hz", "250", "--model", model)
    assert run(*words, "--format", "wfdb", "--output", str(out)) == 1
    found = wfdb.rdann(str(out / "r1"), "seqpool")
    assert found.sample == pytest.approx(TIMES * 360, abs=1.5)
    assert set(found.symbol) <= set("NSVF")
    assert [path.name for path in out.iterdir()] == ["r1.seqpool"]
    complaints = capsys.readouterr().err.splitlines()
    assert len(complaints) == 2
    assert "flat" in complaints[0]
    assert "r1.seqpool is written for" in complaints[1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--windows"], "--windows is for --task rhythm"),
        (["--format", "wfdb"], "name their folder with --output"),
        (["--format", "wfdb", "--output", "folder", "--resume"], "--resume goes on with a table"),
    ],
)
def test_options_that_do_not_go_together(
    record: str, model: str, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(record, "--model", model, *words) == 2
    assert sentence in capsys.readouterr().err


def test_models_and_tasks_that_do_not_go_together(
    record: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rhythm = str(save_model(tmp_path / "m.safetensors"))
    assert run(record, "--model", rhythm) == 2
    assert "does not find beats" in capsys.readouterr().err
    assert main(["classify", record, "--model", model]) == 2
    assert "use --task beats" in capsys.readouterr().err
    assert main(["classify", record, "--model", rhythm, "--format", "wfdb", "--output", str(tmp_path)]) == 2
    assert "it goes with --task beats" in capsys.readouterr().err


def test_a_run_that_was_interrupted_is_resumed_to_the_same_bytes(
    record: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    late = write_record(tmp_path, "late", {"II": bumps(TIMES + 1100, 1130, 125)}, 125)  # 7 digits before they end
    words = [record, late, "--model", model, "--output"]
    assert run(*words, str(tmp_path / "whole.tsv")) == 0
    add = FinishedRows.add

    def add_and_stop(self: FinishedRows, name: str, rows: Columns) -> None:
        add(self, name, rows)
        if name == late:
            raise KeyboardInterrupt

    monkeypatch.setattr(FinishedRows, "add", add_and_stop)
    assert run(*words, str(tmp_path / "o.tsv")) == 130
    monkeypatch.setattr(FinishedRows, "add", add)
    capsys.readouterr()
    assert run(*words, str(tmp_path / "o.tsv"), "--resume") == 0
    assert "2 recordings were done" in capsys.readouterr().err
    assert (tmp_path / "o.tsv").read_bytes() == (tmp_path / "whole.tsv").read_bytes()
    assert "\t1101.000\t" in (tmp_path / "o.tsv").read_text() or "\t1101.001\t" in (tmp_path / "o.tsv").read_text()


def test_beats_are_drawn(record: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "annotations")
    assert run(record, "--model", model, "--plot", str(tmp_path / "p.svg"), "--format", "wfdb", "--output", out) == 0
    pages = sorted(tmp_path.glob("p*.svg"))
    letters = wfdb.rdann(f"{out}/r1", "seqpool").symbol
    drawn = sum(page.read_text().count(f">{letter}<") for page in pages for letter in set(letters))
    assert drawn == len(letters)
    assert "r1   lead II" in pages[0].read_text()
    assert capsys.readouterr() == ("", "")
