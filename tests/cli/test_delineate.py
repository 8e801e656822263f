"""`seqpool delineate` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import wfdb

from seqpool.cli.main import main
from tests.jobs.test_delineate import write_blocks
from tests.jobs.wave_models import save_wave_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_wave_model(tmp_path_factory.mktemp("model") / "waves.safetensors"))


def run(*words: object) -> int:
    return main(["delineate", *map(str, words)])


def test_a_row_per_wave(tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = write_blocks(tmp_path, "a", 3)
    assert run(name + ".hea", "--model", model) == 0
    out, err = capsys.readouterr()
    lines = [line.split("\t") for line in out.splitlines()]
    assert lines[0] == ["record", "lead", "beat", "wave", "onset_sample", "peak_sample", "offset_sample"]
    assert [line[:4] for line in lines[1:4]] == [[name, "II", "1", wave] for wave in ("P", "QRS", "T")]
    assert len(lines) == 10
    assert err == ("seqpool delineate: note: the model is for lead II, on which it was judged; trained on V1 too.\n")


def test_intervals_as_json(tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = write_blocks(tmp_path, "a", 30)
    assert run(name, "--model", model, "--intervals", "--format", "jsonl", "--quiet") == 0
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["lead"] for row in rows] == ["II", "median"]
    assert rows[0]["rate_bpm"] == pytest.approx(75, abs=0.5)
    assert err == ""


def test_annotation_files_that_wfdb_reads(tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = [write_blocks(tmp_path, name, 3, 500) for name in ("a", "b")]
    folder = tmp_path / "out"
    assert run(*names, tmp_path / "none", "--model", model, "--format", "wfdb", "--output", folder, "--quiet") == 1
    assert capsys.readouterr().err == f"seqpool delineate: {tmp_path / 'none'}: no such recording.\n"
    assert sorted(path.name for path in folder.iterdir()) == ["a.seqpool", "b.seqpool"]
    found = wfdb.rdann(str(folder / "a"), "seqpool")
    assert "".join(found.symbol) == "(p)(N)(t)" * 3
    assert found.fs == 500
    assert run(*names, "--model", model, "--output", tmp_path / "t.tsv", "--quiet") == 0
    rows = [line.split("\t") for line in (tmp_path / "t.tsv").read_text().splitlines()[1:]]
    wanted = [int(value) for row in rows if row[0] == names[0] for value in row[4:]]
    assert found.sample.tolist() == wanted


def test_pictures_show_the_waves(tmp_path: Path, model: str) -> None:
    """Each wave of the table is named once on the paper."""
    name = write_blocks(tmp_path, "a", 12)
    assert run(name, "--model", model, "--plot", tmp_path / "p.svg", "--output", tmp_path / "o.tsv", "--quiet") == 0
    drawn = (tmp_path / "p.svg").read_text()
    waves = [line.split("\t")[3] for line in (tmp_path / "o.tsv").read_text().splitlines()[1:]]
    for wave in ("P", "QRS", "T"):
        assert drawn.count(f">{wave}</text>") == waves.count(wave) == 12
    assert ">a   waves of lead II</text>" in drawn


def test_two_recordings_of_one_name(tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        names.append(write_blocks(tmp_path / folder, "a", 3))
    assert run(*names, "--model", model, "--format", "wfdb", "--output", tmp_path / "out", "--quiet") == 1
    assert "is written for" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--format", "wfdb"], "name their folder with --output"),
        (["--format", "wfdb", "--output", "x", "--intervals"], "leave one of them out"),
        (["--format", "wfdb", "--output", "x", "--lead", "all"], "marks one lead"),
        (["--unit", "furlong"], "expected V, mV, uV"),
        (["--task", "beats"], "--task is not accepted"),
    ],
)
def test_usage(tmp_path: Path, model: str, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "a", "--model", model, *words) == 2
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
