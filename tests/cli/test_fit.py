"""`seqpool fit`, `test`, `validate`, `predict` as a user types them."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seqpool.cli.main import main

DEMO = "configs/demo_motifs.yaml"
SMALL = ["--model.network.filters", "8", "--trainer.max_epochs", "4"]


def seqpool(repository: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "seqpool", *words]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=500, check=False)


@pytest.fixture(scope="module")
def whole_run(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fit") / "whole"
    done = seqpool(repository, "fit", "--config", DEMO, "--run", str(folder), *SMALL)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert [line for line in done.stderr.splitlines() if "warn" in line.lower()] == []
    return folder


def test_killed_in_the_middle_of_an_epoch_and_resumed(repository: Path, whole_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    words = ["fit", "--config", DEMO, "--run", str(folder), *SMALL]
    # slower steps, so that the kill lands inside an epoch
    slow = (
        "import sys, time\n"
        "from seqpool.train.sequence_model import SequenceModel\n"
        "step = SequenceModel.training_step\n"
        "def slow_step(self, batch, batch_idx):\n"
        "    time.sleep(0.2 if self.current_epoch >= 2 else 0)\n"
        "    return step(self, batch, batch_idx)\n"
        "SequenceModel.training_step = slow_step\n"
        "from seqpool.cli.main import main\n"
        f"main({words!r})\n"
    )
    process = subprocess.Popen([sys.executable, "-c", slow], cwd=repository, stderr=subprocess.DEVNULL)
    metrics = folder / "metrics.csv"
    deadline = time.monotonic() + 400
    while time.monotonic() < deadline and (not metrics.exists() or len(metrics.read_text().splitlines()) < 3):
        time.sleep(0.05)
    time.sleep(0.4)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (folder / "model.safetensors").exists()
    done = seqpool(repository, *words)
    assert done.returncode == 0, done.stderr
    assert "resuming from" in done.stderr
    assert metrics.read_text() == (whole_run / "metrics.csv").read_text()
    assert (folder / "model.safetensors").read_bytes() == (whole_run / "model.safetensors").read_bytes()


def test_run_folder_holds_what_was_asked(whole_run: Path) -> None:
    assert (whole_run / "config.yaml").read_text().startswith("seed_everything: 7\n")
    assert (whole_run / "command.txt").read_text().startswith("seqpool fit --config configs/demo_motifs.yaml")
    with (whole_run / "splits.tsv").open() as stream:
        parts = [row["part"] for row in csv.DictReader(stream, delimiter="\t")]
    assert {part: parts.count(part) for part in parts} == {"train": 800, "validation": 200, "test": 200}


def test_test_validate_and_predict(repository: Path, whole_run: Path) -> None:
    done = seqpool(repository, "test", "--run", str(whole_run), "--quiet")
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert rows[0] == ["part", "score", "value", "lower", "upper"]
    auroc = {row[0]: float(row[2]) for row in rows if row[1] == "roc_auc"}
    assert auroc.keys() == {"validation", "test"}
    with (whole_run / "predictions.tsv").open() as stream:
        judged = {row["id"]: row for row in csv.DictReader(stream, delimiter="\t") if row["split"] == "test"}
    done = seqpool(repository, "predict", "data/demo_positives.fa.gz", "--model", str(whole_run / "model.safetensors"))
    assert done.returncode == 0, done.stderr
    shared = [row for row in csv.DictReader(done.stdout.splitlines(), delimiter="\t") if row["sequence"] in judged]
    assert len(shared) == 100
    for row in shared:
        assert float(row["p_positive"]) == pytest.approx(float(judged[row["sequence"]]["p_positive"]), abs=2e-6)
        assert row["decision"] == judged[row["sequence"]]["decision"]


def test_rows_that_a_run_was_trained_on_are_no_test(whole_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = ["--data.split.validation", "[chr6]", "--data.split.test", "[chr1]"]
    assert main(["test", "--run", str(whole_run), *other]) == 2
    assert f"{whole_run} was trained on 200 of the 200 rows of this test part (first: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["fit"], 2, "no --config was given"),
        (["fit", "--config", "none.yaml"], 2, "config none.yaml cannot be read"),
        (["fit", "--config", DEMO, "--model.network.filtrs", "3"], 2, "did you mean filters"),
        (["fit", "--config", DEMO, "--model.network.filters"], 2, "needs a value"),
        (["fit", "--config", DEMO, "--rnu", "x"], 2, "did you mean --run"),
        (["fit", "--config", DEMO, "--seeds", "0"], 2, "expected a whole number of at least 1"),
        (["fit", "--config", DEMO, "--run", "/proc/nothing/here"], 2, "cannot be made"),
        (["fit", "--config", DEMO, "--ckpt_path", "none.ckpt"], 2, "--ckpt_path none.ckpt does not exist"),
        (["fit", "--config", DEMO, "--data.positives", "none.fa"], 1, "none.fa"),
        (["test", "--config", DEMO, "--run", "none"], 2, "holds no model.safetensors"),
        (["test", "--run", "none"], 2, "holds no config.yaml"),
        (["test"], 2, "no --config was given"),
        (["fti"], 2, "'fti' is not a verb"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_wrong_is_one_sentence(
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    sentence: str,
) -> None:
    monkeypatch.chdir(repository)
    if words[0] == "fit" and "--run" not in words and "--config" in words:
        words = [*words, "--run", str(tmp_path / "run")]
    assert main(words) == code
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_print_config_shows_the_merged_config(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository)
    assert main(["fit", "--config", DEMO, "--print_config", "--trainer.max_epochs", "3"]) == 0
    assert "max_epochs: 3" in capsys.readouterr().out


def test_predictions_to_a_full_disk(repository: Path, whole_run: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.fail("/dev/full is needed here")
    done = seqpool(
        repository, "predict", "data/demo_positives.fa.gz", "--model", str(whole_run / "model.safetensors"),
        "--output", "/dev/full",
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "/dev/full cannot be written: No space left on device." in done.stderr


def test_ctrl_c_ends_quietly_and_the_run_can_go_on(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "interrupted"
    command = [
        sys.executable,
        "-m",
        "seqpool",
        "fit",
        "--config",
        DEMO,
        "--run",
        str(folder),
        "--trainer.max_epochs",
        "500",
    ]
    process = subprocess.Popen(command, cwd=repository, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 400
    while time.monotonic() < deadline and not (folder / "checkpoints" / "last.ckpt").exists():
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in stderr
    assert not (folder / "model.safetensors").exists()
