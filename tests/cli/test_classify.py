"""`seqpool classify` as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from seqpool.cli.main import main
from tests.io.ecg.test_bad_files import BAD
from tests.jobs.recording_models import save_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_model(tmp_path_factory.mktemp("model") / "m.safetensors"))


def run(*words: str) -> int:
    return main(["classify", *words])


def test_a_folder_becomes_a_table(
    repository: Path, model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository)
    assert run("data/ecg_demo", "--model", model) == 0
    out, err = capsys.readouterr()
    lines = [line.split("\t") for line in out.splitlines()]
    assert lines[0] == ["record", "task", "lead", "duration_s", "p_low", "p_high", "confidence", "decision"]
    assert [line[0] for line in lines[1:]] == [f"data/ecg_demo/e{number:02d}" for number in range(1, 61)]
    assert lines[1][1:4] == ["rhythm", "II", "10"]
    assert err == ""


@pytest.mark.parametrize("ending", ["", ".hea", ".dat"])
def test_the_name_is_as_given_without_ending(
    repository: Path, model: str, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = str(repository / "data/ecg_demo/e07")
    assert run(name + ending, name + ".hea", "--model", model) == 0
    assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()] == ["record", name]


def test_list_output_and_formats(
    repository: Path, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [str(repository / f"data/ecg_demo/e0{number}") for number in (3, 1)]
    (tmp_path / "l.txt").write_text("\n".join(names) + "\n")
    assert run("--list", str(tmp_path / "l.txt"), "--model", model, "--output", str(tmp_path / "o.jsonl")) == 0
    rows = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert [row["record"] for row in rows] == names
    assert rows[0]["p_low"] + rows[0]["p_high"] == pytest.approx(1)
    import pyarrow.parquet

    assert run(*names, "--model", model, "--windows", "--output", str(tmp_path / "o.parquet")) == 0
    table = pyarrow.parquet.read_table(tmp_path / "o.parquet").to_pylist()
    assert [row["record"] for row in table] == names
    assert (table[0]["start_s"], table[0]["end_s"]) == (0.0, 10.0)
    assert capsys.readouterr().out == ""


def test_bad_recordings_are_lines_on_stderr(
    repository: Path, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.hea").write_text("nonsense\n")
    good = str(repository / "data/ecg_demo/e01")
    assert run(str(tmp_path / "empty"), str(tmp_path / "x.hea"), good, "nothing", "--model", model) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert len(err.splitlines()) == 3
    assert all(line.startswith("seqpool classify: ") for line in err.splitlines())
    assert "no such recording" in err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ([], 2, "no input was given"),
        (["x", "--abstain-below", "2"], 2, "0 to 1"),
        (["x", "--unit", "kV"], 2, "--unit"),
        (["x", "--list", "absent.txt"], 2, "absent.txt"),
    ],
)
def test_usage(words: list[str], code: int, sentence: str, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words, "--model", model) == code
    assert sentence in capsys.readouterr().err


def test_models_that_cannot_be(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = str(repository / "data/ecg_demo/e01")
    assert run(record, "--model", str(tmp_path / "absent.safetensors")) == 1
    (tmp_path / "damaged.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0notjson!")
    assert run(record, "--model", str(tmp_path / "damaged.safetensors"), "--output", str(tmp_path / "o.tsv")) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 2
    assert not (tmp_path / "o.tsv").exists()


def test_unwritable_output(repository: Path, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    record = str(repository / "data/ecg_demo/e01")
    assert run(record, "--model", model, "--output", str(tmp_path / "absent/o.tsv")) == 1
    assert run(record, "--model", model, "--output", "/dev/full") == 1
    assert all("cannot be written" in line for line in capsys.readouterr().err.splitlines())


def test_no_lightning_is_loaded(repository: Path, model: str) -> None:
    script = (
        "import sys\n"
        "sys.modules['pytorch_lightning'] = sys.modules['lightning_fabric'] = None\n"
        "from seqpool.cli.main import main\n"
        f"sys.exit(main(['classify', {str(repository / 'data/ecg_demo/e01')!r}, '--model', {model!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=repository, timeout=300)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_interrupted_pipe_ends_quietly(repository: Path, model: str) -> None:
    command = f"{sys.executable} -m seqpool classify {repository}/data/ecg_demo --model {model} | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=repository, timeout=300)
    assert done.stderr == ""
    assert done.stdout.startswith("record\t")


def test_a_killed_run_is_resumed_to_the_same_bytes(
    repository: Path, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """SIGKILL after three recordings; what they gave is not computed again."""
    words = [f"{repository}/data/ecg_demo", "--model", model, "--windows"]
    assert run(*words, "--output", str(tmp_path / "whole.tsv")) == 0
    output = tmp_path / "o.tsv"
    script = (
        "import os, signal, sys\n"
        "from seqpool.io.finished_rows import FinishedRows\n"
        "add = FinishedRows.add\n"
        "def add_or_die(self, name, rows):\n"
        "    add(self, name, rows)\n"
        "    if len(self) == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "FinishedRows.add = add_or_die\n"
        "from seqpool.cli.main import main\n"
        "sys.exit(main(['classify', *sys.argv[1:]]))"
    )
    command = [sys.executable, "-c", script, *words, "--output", str(output)]
    killed = subprocess.run(command, cwd=repository, capture_output=True, timeout=300)
    assert killed.returncode == -9
    assert not output.exists()
    side = tmp_path / "o.tsv.unfinished"
    lines = side.read_bytes().splitlines()
    assert len(lines) == 4
    # rows that are taken from the file and not made again can be told: the first is given another answer
    side.write_bytes(side.read_bytes().replace(b'"II"', b'"I-"', 1))
    assert run(*words, "--output", str(output), "--resume", "--lead", "V1") == 2
    assert run(*words, "--output", str(output), "--resume") == 0
    assert output.read_text().replace("I-", "II", 1) == (tmp_path / "whole.tsv").read_text()
    assert "I-" in output.read_text()
    assert not side.exists()
    err = capsys.readouterr().err.splitlines()
    assert "another lead (None, now V1)" in err[0]
    assert "3 recordings were done" in err[1]


def test_pictures(repository: Path, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = (f"{repository}/data/ecg_demo/e0{number}" for number in (1, 2))
    assert run(one, "--model", model, "--plot", str(tmp_path / "one.svg")) == 0
    assert run(one, two, "--model", model, "--plot", str(tmp_path / "both.svg")) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["both-001.svg", "both-002.svg", "one.svg"]
    answer = capsys.readouterr().out.splitlines()[1].split("\t")
    drawn = (tmp_path / "one.svg").read_text()
    assert drawn == (tmp_path / "both-001.svg").read_text()
    assert f">e01   lead II   {answer[-1]}<" in drawn
    assert f">{answer[-1]} {float(answer[-2]):.2f}<" in drawn
    assert run(one, "--model", model, "--plot", str(tmp_path / "o.gif")) == 2
    assert run(one, "--model", model, "--plot", str(tmp_path / "absent/o.svg")) == 1
    assert run(one, "--model", model, "--plot", "o.svg", "--resume", "--output", str(tmp_path / "o.tsv")) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_resume_wants_a_file(repository: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{repository}/data/ecg_demo/e01", "--model", model, "--resume") == 2
    assert "name it with --output" in capsys.readouterr().err


@pytest.mark.data
def test_every_bad_file_in_one_call(data: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The README's table: what reads gives a row, what does not gives one sentence, and none stops the others."""
    bad = data / "ecg/formats/bad"
    names = [row[0] for row in BAD]
    assert run(*[str(bad / name) for name in names], "--model", model, "--lead", "MLII", "--quiet") == 1
    out, err = capsys.readouterr()
    rows = {Path(line.split("\t")[0]).name for line in out.splitlines()[1:]}
    silent = {"nan_all", "constant", "csv_latin1.csv"}  # they read, and hold nothing to judge
    unnamed = {"unknown_lead", "no_lead_names"}  # --lead names none of theirs
    readable = {name for name, wrong, _ in BAD if wrong is None}
    assert rows == {Path(name).stem for name in readable - silent - unnamed}
    assert len(err.splitlines()) == len(names) - len(rows)
    assert "Traceback" not in err
    assert run(str(bad / "unknown_lead"), "--model", model, "--lead", "foo bar") == 0
    assert run(str(bad / "no_lead_names"), "--model", model) == 1
    assert "choose a lead with --lead: the leads are 1, 2" in capsys.readouterr().err
    assert run(str(bad / "wrong_checksum"), "--model", model, "--lead", "MLII", "--ignore-checksum") == 0
    assert run(str(bad / "amplitude_x40"), "--model", model, "--lead", "MLII", "--unit", "mV") == 0
