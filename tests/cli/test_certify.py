"""`seqpool certify` as a user types it: rows that hold, by trying all changes and by perturbed recordings; errors."""

from __future__ import annotations

import csv
import io
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import nn

import seqpool
from seqpool.artifact import input_config, load_artifact, save_artifact
from seqpool.cli.main import main
from seqpool.errors import UsageError
from seqpool.jobs.certify_letters import LetterCertifier
from seqpool.nn.build import build_network
from seqpool.nn.encoder import Encoder
from seqpool.nn.letter_changes import LetterChanges, network_outputs
from seqpool.options.facts import Facts
from seqpool.options.networks import network_config, network_record
from seqpool.options.signal_input import Signal
from tests.jobs.trained_models import saved_network
from tests.nn.test_intervals import trained
from tests.nn.test_letter_changes import every_change

RATE_HZ = 100.0
PLAIN = Signal(leads=("II",), rate_hz=RATE_HZ, highpass_hz=None, lowpass_hz=None, normalise="none", limit=None)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter="\t"))


def fasta(path: Path, *sequences: str) -> str:
    path.write_text("".join(f">s{i}\n{sequence}\n" for i, sequence in enumerate(sequences)))
    return str(path)


def some_letters(length: int, seed: int) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), length))


def letter_model(path: Path) -> str:
    """A network whose decisions are near enough to others that few changes matter."""
    arguments = {"filters": 6, "width": 4, "strands": "both", "padding": 2, "hidden": 4, "word_lengths": [2]}

    def balanced(network: nn.Module) -> None:
        network.eval()
        codes = torch.from_numpy(np.random.default_rng(1).integers(0, 4, (200, 12)).astype(np.uint8))
        network.head[-1].bias -= network(codes).quantile(0.2)  # type: ignore[index, union-attr, operator]

    saved_network(path, "MotifDetector", arguments, change=balanced)
    return str(path)


def test_substitutions_are_those_of_trying_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = letter_model(tmp_path / "model.safetensors")
    sequences = [some_letters(12, seed) for seed in range(12)]
    inputs = fasta(tmp_path / "in.fa", *sequences)
    network = load_artifact(model).network
    truth: dict[int, list[bool]] = {1: [], 2: []}
    for sequence, count in itertools.product(sequences, (1, 2)):
        codes = np.array(["ACGT".index(letter) for letter in sequence], dtype=np.uint8)
        outputs = network_outputs(network, every_change(codes, count))
        truth[count].append(bool(((outputs >= 0) == (outputs[0] >= 0)).all()))
    assert set(truth[1]) == {True, False}
    for count in (1, 2):
        assert main(["certify", inputs, "--model", model, "--substitutions", str(count)]) == 0
        found = rows(capsys.readouterr().out)
        assert [float(row["radius"]) == count for row in found] == truth[count]
        for row, holds in zip(found, truth[count], strict=True):
            assert (row["attack_radius"] == "") == holds
    assert main(["certify", inputs, "--model", model]) == 0
    found = rows(capsys.readouterr().out)
    for row, one, two in zip(found, truth[1], truth[2], strict=True):
        assert (float(row["radius"]) >= 1) == one
        assert (float(row["radius"]) >= 2) == (one and two)
        if row["attack_radius"]:
            assert float(row["radius"]) < float(row["attack_radius"])
    assert {row["unit"] for row in found} == {"letters"}


def test_unknown_letters_and_trimming(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = letter_model(tmp_path / "model.safetensors")
    sequences = [some_letters(12, seed) for seed in range(12)]
    inputs = fasta(tmp_path / "in.fa", *sequences)
    certifier = LetterCertifier(load_artifact(model))
    assert main(["certify", inputs, "--model", model, "--unknown", "1"]) == 0
    unknown = rows(capsys.readouterr().out)
    assert main(["certify", inputs, "--model", model, "--trim", "3"]) == 0
    trimmed = rows(capsys.readouterr().out)
    for sequence, row, other in zip(sequences, unknown, trimmed, strict=True):
        codes = np.array(["ACGT".index(letter) for letter in sequence], dtype=np.uint8)
        decided = certifier.decision(codes)
        changed = [np.where(np.arange(12) == place, 4, codes).astype(np.uint8) for place in range(12)]
        holds = all((certifier.decision(one) == decided).all() for one in changed)
        assert float(row["radius"]) == holds
        fewest = next(
            (
                lost
                for lost in range(1, 4)
                if any(
                    (certifier.decision(codes[front : 12 - lost + front]) != decided).any() for front in range(lost + 1)
                )
            ),
            None,
        )
        assert other["attack_radius"] == ("" if fewest is None else f"{fewest}")
        assert float(other["radius"]) == (3 if fewest is None else fewest - 1)


def test_bounds_prove_more_changes_than_are_tried(tmp_path: Path) -> None:
    """A decision far from any other: 3 substitutions are proven from the windows, and random ones change nothing."""
    arguments = {"filters": 4, "width": 3, "padding": 0, "hidden": 0, "strands": "forward"}

    def sure(network: nn.Module) -> None:
        network.head[-1].bias.fill_(60.0)  # type: ignore[index, union-attr, operator]

    saved_network(tmp_path / "m.safetensors", "MotifDetector", arguments, change=sure)
    certifier = LetterCertifier(load_artifact(tmp_path / "m.safetensors"))
    codes = np.random.default_rng(2).integers(0, 4, 30).astype(np.uint8)
    found = certifier.withstands(codes, certifier.decision(codes), LetterChanges("substitutions", 3))
    assert found.proven
    assert found.method == "windows"


def signal_model(path: Path, signal: Signal = PLAIN, target: str = "binary", **arguments: Any) -> str:
    init_args = {"channels": [4], "width": 9, "pool_size": 4, "normalise": False, **arguments}
    record = network_record({"class_path": "Encoder", "init_args": init_args})
    classes = ["no", "yes"] if target == "binary" else ["a", "b", "c"]
    torch.manual_seed(3)
    network = trained(build_network(record, signal, 1 if target == "binary" else 3, None), 5)
    facts = Facts(
        job="recording", network=network_config(record), input=input_config(signal), target=target, classes=classes,
        length=None, parameters=1, offset=[], scale=[], temperature=1.0,
        thresholds=[0.5] if target == "binary" else [], geometry={}, data={}, metrics={}, seed=0, licence="none",
    )  # fmt: skip
    save_artifact(path, facts, network)
    return str(path)


def recording(path: Path, signal: np.ndarray[Any, Any]) -> str:
    np.savetxt(path, signal, header="II", comments="", fmt="%.5f")
    return str(path)


def beats(seed: int = 0, seconds: float = 4) -> np.ndarray[Any, Any]:
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    noise = np.random.default_rng(seed).normal(0, 0.02, len(times))
    pulse: np.ndarray[Any, Any] = np.exp(-(((times % 0.8) - 0.3) ** 2) / 0.001) + noise
    return pulse


FILTERED = Signal(leads=("II",), rate_hz=RATE_HZ, upright=True)
WINDOWS = Signal(
    leads=("II",), rate_hz=RATE_HZ, highpass_hz=None, lowpass_hz=None, normalise="none", limit=None, window_s=2.0
)


@pytest.mark.parametrize(
    ("signal", "target"), [(PLAIN, "binary"), (PLAIN, "multiclass"), (WINDOWS, "multiclass"), (FILTERED, "binary")]
)
def test_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str], signal: Signal, target: str) -> None:
    """The proven radius lies below the attack's, and perturbed files within it get the same decision."""
    model = signal_model(tmp_path / "model.safetensors", signal, target)
    clean = beats()
    file = recording(tmp_path / "clean.csv", clean)
    reading = ["--rate-hz", "100", "--unit", "mV", "--model", model]
    found = {}
    for option in ([], ["--noise", "1e-4mV"], ["--offset", "1mV"], ["--gain", "0.2"], ["--wander", "0.01mV:0.5Hz"]):
        assert main(["certify", file, *reading, *option]) == 0
        (found[option[0] if option else ""],) = rows(capsys.readouterr().out)
    radius, attack = float(found[""]["radius"]), found[""]["attack_radius"]
    assert radius > 0
    assert attack == "" or float(attack) > radius
    for option, row in found.items():
        assert row["method"] == "interval"
        assert option == "" or float(row["radius"]) == 0 or row["attack_radius"] == ""
    assert found["--gain"]["unit"] == "share"
    artifact = load_artifact(model)
    assert isinstance(artifact.network, Encoder)
    for seed in range(3):
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], len(clean))
        np.save(tmp_path / "moved.npy", (np.round(clean, 5) + 0.999 * radius * signs).astype(np.float32)[None])
        assert main(["classify", str(tmp_path / "moved.npy"), *reading]) == 0
        assert rows(capsys.readouterr().out)[0]["decision"] == found[""]["decision"]


def test_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = letter_model(tmp_path / "model.safetensors")
    inputs = fasta(tmp_path / "in.fa", some_letters(12, 1), some_letters(12, 2))
    picture = tmp_path / "curve.svg"
    assert main(["certify", inputs, "--model", model, "--plot", str(picture)]) == 0
    assert "share of decisions" in picture.read_text() or "<path" in picture.read_text()
    capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--noise", "0mV"], "more than 0"),
        (["--noise", "nanmV"], "more than 0"),
        (["--noise=-1mV"], "more than 0"),
        (["--noise", "5"], "expected a number with a unit"),
        (["--gain", "1.5"], "below 1"),
        (["--wander", "0.2mV"], "an amplitude and a frequency"),
        (["--substitutions", "0"], "at least 1"),
        (["--noise", "1mV", "--gain", "0.1"], "at most one"),
        (["--substitutions", "1"], "not for a model of recordings"),
    ],
)
def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str) -> None:
    model = signal_model(tmp_path / "model.safetensors")
    file = recording(tmp_path / "clean.csv", beats())
    assert main(["certify", file, "--model", model, "--rate-hz", "100", "--unit", "mV", *words]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


def test_bad_inputs_do_not_stop_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = signal_model(tmp_path / "model.safetensors")
    np.save(tmp_path / "gap.npy", np.where(np.arange(400) == 7, np.nan, beats()).astype(np.float32)[None])
    np.save(tmp_path / "empty.npy", np.zeros((1, 0), dtype=np.float32))
    np.save(tmp_path / "good.npy", beats().astype(np.float32)[None])
    files = [str(tmp_path / f"{name}.npy") for name in ("gap", "empty", "good")]
    words = ["--rate-hz", "100", "--unit", "mV", "--noise", "1e-6mV"]
    assert main(["certify", *files, "--model", model, *words]) == 1
    captured = capsys.readouterr()
    assert len(rows(captured.out)) == 1
    assert "missing (NaN)" in captured.err
    assert captured.err.count("seqpool certify: ") == 2


def test_letters_that_cannot_be_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = letter_model(tmp_path / "model.safetensors")
    inputs = fasta(tmp_path / "in.fa", "ACGTJJACGT", "A" * 5001, some_letters(12, 1))
    assert main(["certify", inputs, "--model", model, "--substitutions", "1"]) == 1
    captured = capsys.readouterr()
    assert len(rows(captured.out)) == 1
    assert "5,001 letters" in captured.err


def test_a_spectrogram_is_named_before_any_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = yaml.safe_load(Path("configs/cinc2017_spectrogram.yaml").read_text())["model"]["init_args"]["network"]
    record = network_record(options)
    network = build_network(record, PLAIN, 1, None)
    facts = Facts(
        job="recording", network=network_config(record), input=input_config(PLAIN), target="binary",
        classes=["no", "yes"], length=None, parameters=1, offset=[], scale=[], temperature=1.0, thresholds=[0.5],
        geometry={}, data={}, metrics={}, seed=0, licence="none",
    )  # fmt: skip
    save_artifact(tmp_path / "m.safetensors", facts, network)
    file = recording(tmp_path / "clean.csv", beats())
    words = ["certify", file, "--model", str(tmp_path / "m.safetensors"), "--rate-hz", "100", "--noise", "1mV"]
    assert main(words) == 2
    assert "(SpectrogramEncoder) has no interval map" in capsys.readouterr().err


def test_a_model_of_coding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every variant is tried; a sequence shorter than a codon is judged too."""
    inputs = fasta(tmp_path / "in.fa", "ATGGCTGCTAAAGCTGCTGCTTAA", "ACGTNNACGTTTGACCATGCA", "AC")
    assert main(["certify", inputs, "--model", "dna-coding", "--substitutions", "1"]) == 0
    found = rows(capsys.readouterr().out)
    assert {row["decision"] for row in found} <= {"coding", "noncoding"}
    assert {row["method"] for row in found} == {"exact"}
    assert all((float(row["radius"]) == 1) == (row["attack_radius"] == "") for row in found)


def test_the_function_gives_what_the_command_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = letter_model(tmp_path / "model.safetensors")
    inputs = fasta(tmp_path / "in.fa", *(some_letters(12, seed) for seed in range(3)))
    assert main(["certify", inputs, "--model", model]) == 0
    printed = rows(capsys.readouterr().out)
    table = seqpool.certify(inputs, model)
    assert [f"{radius:g}" for radius in table["radius"]] == [row["radius"] for row in printed]
    assert table["decision"].tolist() == [row["decision"] for row in printed]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"noise": "0mV"}, "noise: 0mV is no radius"),
        ({"nois": "1mV"}, "nois was asked for, expected at most one of noise, offset"),
        ({"substitutions": 1, "trim": 2}, "substitutions, trim was asked for"),
        ({"substitutions": 0}, "substitutions is 0, expected at least 1"),
        ({"noise": "1mV"}, "--noise is not for a model of sequences"),
    ],
)
def test_what_the_function_cannot_be_asked(tmp_path: Path, asked: dict[str, Any], sentence: str) -> None:
    model = letter_model(tmp_path / "model.safetensors")
    with pytest.raises(UsageError, match=sentence):
        seqpool.certify(fasta(tmp_path / "in.fa", "ACGT"), model, **asked)
