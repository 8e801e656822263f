"""The third job end to end: train on the demo recordings, then classify files with the artifact alone."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from seqpool.cli.main import main


def test_fit_then_classify(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository)
    run = tmp_path / "run"
    assert main(["fit", "--config", "configs/demo_ecg.yaml", "--run", str(run), "--trainer.max_epochs", "10"]) == 0
    with (run / "splits.tsv").open() as stream:
        held_out = [row["id"] for row in csv.DictReader(stream, delimiter="\t") if row["part"] != "train"]
    assert len(held_out) == 24
    capsys.readouterr()
    records = [f"data/ecg_demo/{name}" for name in held_out]
    assert main(["classify", *records, "--model", str(run / "model.safetensors")]) == 0
    with open("data/ecg_demo/REFERENCE.csv") as stream:
        labels = dict(csv.reader(stream))
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines(), delimiter="\t"))
    right = [row["decision"] == labels[Path(row["record"]).name] for row in rows]
    assert sum(right) >= 22
    assert main(["describe", str(run / "model.safetensors")]) == 0
    assert len([line for line in capsys.readouterr().out.splitlines() if line.startswith("abstain    ")]) == 1
