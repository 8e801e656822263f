"""Shipped models: names become files, files become rows, and what the package ships is fit to be shipped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import seqpool
from seqpool.artifact import input_config
from seqpool.cli.main import main
from seqpool.errors import DataError, UsageError
from seqpool.options.facts import read_facts
from seqpool.options.signal_input import Signal
from seqpool.zoo import shipped
from tests.jobs.recording_models import save_model
from tests.jobs.wave_models import save_wave_model

CARD = "# ecg-rhythm\n\nRhythm of one lead: low or high. Made for tests.\n\n## Limits\n\nNot a medical device.\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zoo of two small models, one with a card."""
    zoo = tmp_path / "zoo"
    zoo.mkdir()
    save_model(zoo / "ecg-rhythm.safetensors", licence="ODC-By 1.0")
    reads = Signal(leads=("II",), rate_hz=125, highpass_hz=None, lowpass_hz=None, normalise="none", window_s=4.0)
    save_wave_model(zoo / "ecg-waves.safetensors", input=input_config(reads))
    (zoo / "ecg-rhythm.md").write_text(CARD)
    (zoo / "ecg-waves.md").write_text("# ecg-waves\n\nWaves by their height.\n")
    monkeypatch.setattr(shipped, "FOLDER", zoo)
    return zoo


def test_a_name_is_a_file_first(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shipped.model_file("ecg-rhythm") == folder / "ecg-rhythm.safetensors"
    Path("ecg-rhythm").write_bytes(b"mine")
    assert shipped.model_file("ecg-rhythm") == Path("ecg-rhythm")
    absent = "runs/absent/ecg-rhythm"
    assert shipped.model_file(absent) == Path(absent)  # a path is never a shipped name
    assert shipped.default_model("waves") == folder / "ecg-waves.safetensors"


def test_names_that_are_none(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"ecg-rythm is neither a file.*shipped: ecg-rhythm, ecg-waves"):
        shipped.model_file("ecg-rythm")
    with pytest.raises(UsageError, match="ecg-beats is not in this installation"):
        shipped.default_model("beats")
    (folder / "ecg-waves.md").unlink()
    with pytest.raises(DataError, match=r"card ecg-waves\.md"):
        shipped.card("ecg-waves")


def test_models_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    out, err = capsys.readouterr()
    size = (folder / "ecg-rhythm.safetensors").stat().st_size / 1000
    lines = [line.split("\t") for line in out.splitlines()]
    assert lines[0] == ["name", "task", "job", "leads", "rate_hz", "size_kb", "licence", "summary"]
    assert lines[1][:5] == ["ecg-rhythm", "rhythm", "recording", "II;I", "100"]
    assert lines[1][6:] == ["ODC-By 1.0", "Rhythm of one lead: low or high"]
    assert float(lines[1][5]) == pytest.approx(size, rel=1e-5)
    assert lines[2][:3] == ["ecg-waves", "waves", "waves"]
    assert err == "seqpool models: note: not in this installation: ecg-beats, dna-coding.\n"


def test_cards_are_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "ecg-rhythm"]) == 0
    assert capsys.readouterr().out == CARD
    assert main(["models", "ecg-rythm"]) == 2
    (folder / "ecg-waves.safetensors").write_bytes(b"broken")
    assert main(["models"]) == 1  # the other one is still listed
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert "ecg-waves.safetensors is not an artifact" in err


def test_commands_take_names_and_defaults(folder: Path, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = str(repository / "data/ecg_demo/e01")
    assert main(["classify", record]) == 0
    assert main(["classify", record, "--model", "ecg-rhythm"]) == 0
    assert main(["classify", record, "--model", str(folder / "ecg-rhythm.safetensors")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == lines[2:4] == lines[4:]
    assert main(["delineate", record, "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("record\tlead\tbeat\twave")
    assert main(["describe", "ecg-waves"]) == 0
    assert "job        waves" in capsys.readouterr().out
    assert type(seqpool.load("ecg-waves")).__name__ == "Heights"
    assert len(seqpool.classify(record)) == 1
    (folder / "ecg-rhythm.safetensors").unlink()
    assert main(["classify", record]) == 2
    assert "ecg-rhythm is not in this installation" in capsys.readouterr().err


def test_the_list_loads_no_torch(repository: Path) -> None:
    script = "import sys; sys.modules['torch'] = None\nfrom seqpool.cli.main import main\nsys.exit(main(['models']))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=repository, timeout=120)
    assert done.returncode == 0, done.stderr


SECTIONS = ("## Data", "## Licence", "## Protocol", "## Figures", "## Limits")


def test_what_the_package_ships_is_fit_to_be_shipped() -> None:
    for name in shipped.shipped_names():
        path = shipped.FOLDER / f"{name}.safetensors"
        assert path.stat().st_size < 4_000_000, f"{name} is over 4 MB"
        facts = read_facts(path)
        assert facts.licence not in ("", "none"), name
        text = shipped.card(name)
        assert not [section for section in SECTIONS if section not in text], f"{name}: the card lacks a section"
        assert shipped.shipped_model(name).summary
        if facts.input["kind"] == "signal":
            assert "not a medical device" in text.lower(), name
