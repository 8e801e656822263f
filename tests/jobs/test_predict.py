"""Predictions from an artifact: table, strands, windows, other inputs, and no Lightning on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import seqpool
from seqpool.alphabet import DNA, PROTEIN
from seqpool.artifact import input_config, load_artifact, save_artifact
from seqpool.cli.main import main
from seqpool.errors import DataError
from seqpool.nn.build import build_network
from seqpool.nn.evidence import strongest_windows
from seqpool.options.facts import Facts
from seqpool.options.inputs import Letters
from seqpool.options.networks import network_config, network_record


def saved(
    path: Path, network: dict[str, object], letters: Letters, target: str = "binary", length: int | None = None
) -> Path:
    """An artifact with random weights; filter 0 of a detector is the word TGACTCAT, which alone drives the answer."""
    torch.manual_seed(0)
    record = network_record(network)
    classes = {"binary": ["no", "yes"], "regression": ["level"], "multilabel": ["a", "b"]}[target]
    outputs = 1 if target == "binary" else len(classes)
    module = build_network(record, letters, outputs, length)
    if hasattr(module, "filter_layers"):
        layer = module.filter_layers()[0]
        with torch.no_grad():
            layer.weight[0] = torch.from_numpy(DNA.distributions[DNA.encode("TGACTCAT")].T * 2 - 1)
            module.head[-1].weight.zero_()
            module.head[-1].weight[:, 0] = 1.0
    facts = Facts(
        job="sequence", network=network_config(record), input=input_config(letters), target=target, classes=classes,
        length=length, parameters=1, offset=[3.0] if target == "regression" else [],
        scale=[2.0] if target == "regression" else [], temperature=1.0,
        thresholds=[0.5] * (0 if target == "regression" else outputs), geometry={}, data={}, metrics={}, seed=0,
        licence="none",
    )  # fmt: skip
    save_artifact(path, facts, module)
    return path


DETECTOR: dict[str, object] = {
    "class_path": "MotifDetector",
    "init_args": {"filters": 4, "width": 8, "hidden": 0, "normalise": False},
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return saved(tmp_path / "model.safetensors", DETECTOR, Letters("dna"))


def test_table(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fasta = tmp_path / "in.fa"
    fasta.write_text(">one two\nACGTTGACTCATTT\n>short\nAC\n>lower\nacgtugacucatuu\n")
    assert main(["predict", str(fasta), "--model", str(model)]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["sequence", "length", "p_no", "p_yes", "decision"]
    assert [row[:2] for row in rows[1:]] == [["one", "14"], ["short", "2"], ["lower", "14"]]
    assert rows[1][2:] == rows[3][2:]
    assert rows[1][4] == "yes"
    table = seqpool.predict(fasta, model)
    assert table["p_yes"].tolist() == pytest.approx([float(row[3]) for row in rows[1:]])


@pytest.mark.parametrize("name", ["AATGACTCATCCGG", "CCGGATGAGTCATT"])
def test_where_finds_the_planted_word_on_its_strand(name: str, model: Path) -> None:
    artifact = load_artifact(model)
    codes = torch.from_numpy(DNA.encode(name))[None]
    found = strongest_windows(artifact.network, codes, torch.tensor([len(name)]), 2)
    word = name[found.start[0, 1] : found.stop[0, 1]]
    assert word == "TGACTCAT" if found.strand[0, 1] > 0 else "ATGAGTCA"


def test_where_of_an_encoder_finds_what_its_gradient_says(tmp_path: Path) -> None:
    encoder = {
        "class_path": "Encoder",
        "init_args": {"channels": [4], "width": 3, "pool_size": 1, "global_pool": "max"},
    }
    artifact = load_artifact(saved(tmp_path / "m.safetensors", encoder, Letters("dna")))
    codes = torch.from_numpy(np.random.default_rng(0).integers(0, 4, (5, 30), dtype=np.uint8))
    found = strongest_windows(artifact.network, codes, torch.tensor([30, 30, 12, 30, 3]), 2)
    assert ((found.stop - found.start) == 3).all()
    assert found.stop[2].max() <= 12
    x = artifact.network.one_hot(codes).requires_grad_(True)  # type: ignore[operator, union-attr]
    artifact.network(x, torch.tensor([30, 30, 12, 30, 3])).sum().backward()
    assert x.grad is not None
    evidence = (x.grad * x).sum(dim=1).detach().numpy()
    windows = np.lib.stride_tricks.sliding_window_view(evidence[0], 3).sum(axis=1)
    assert found.start[0, 1] == windows.argmax()
    assert found.start[0, 0] == (-windows).argmax()


def test_leading_methionine_is_left_out_and_coordinates_keep_it(tmp_path: Path) -> None:
    network = {
        "class_path": "MotifDetector",
        "init_args": {"filters": 3, "width": 3, "strands": "forward", "hidden": 0},
    }
    torch.manual_seed(1)
    skip = load_artifact(_protein(tmp_path / "skip.safetensors", network, skip=True))
    from seqpool.jobs.predict import pad
    from seqpool.records import Sequence

    batch = [Sequence("a", PROTEIN.encode("MKLV")), Sequence("b", PROTEIN.encode("KLV"))]
    codes, lengths, skipped = pad(batch, skip.input)  # type: ignore[arg-type]
    assert lengths.tolist() == [3, 3]
    assert skipped.tolist() == [1, 0]
    assert codes[0].tolist() == codes[1].tolist()


def _protein(path: Path, network: dict[str, object], *, skip: bool) -> Path:
    record = network_record(network)
    letters = Letters("protein", skip_leading_methionine=skip)
    module = build_network(record, letters, 1, None)
    facts = Facts(
        job="sequence", network=network_config(record), input=input_config(letters), target="binary",
        classes=["no", "yes"], length=None, parameters=1, offset=[], scale=[], temperature=1.0, thresholds=[0.5],
        geometry={}, data={}, metrics={}, seed=0, licence="none",
    )  # fmt: skip
    save_artifact(path, facts, module)
    return path


def test_bad_records_do_not_stop_the_others(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fasta = tmp_path / "in.fa"
    fasta.write_text(">a\nACGT\n>b\nAC-GT\n>c\nACGT\n")
    assert main(["predict", str(fasta), str(tmp_path / "none.fa"), "--model", str(model)]) == 1
    captured = capsys.readouterr()
    assert [line.split("\t")[0] for line in captured.out.splitlines()] == ["sequence", "a", "c"]
    assert "record 'b' has '-' at position 3" in captured.err
    assert "none.fa" in captured.err
    assert "Traceback" not in captured.err
    with pytest.raises(DataError, match="record 'b'"):
        seqpool.predict(fasta, model)


def test_a_network_of_one_length_names_records_of_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    encoder = {"class_path": "Encoder", "init_args": {"channels": [4], "skip": True}}
    model = saved(tmp_path / "m.safetensors", encoder, Letters("dna"), length=12)
    (tmp_path / "in.fa").write_text(">a\nACGTACGTACGT\n>b\nACGT\n")
    assert main(["predict", str(tmp_path / "in.fa"), "--model", str(model)]) == 1
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 2
    assert "record 'b' has 4 letters, the model takes 12" in captured.err


def test_regression_and_multilabel_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.fa").write_text(">a\nACGTTGACTCATTT\n")
    model = saved(tmp_path / "r.safetensors", DETECTOR, Letters("dna"), "regression")
    assert main(["predict", str(tmp_path / "in.fa"), "--model", str(model)]) == 0
    header, row = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert header == ["sequence", "length", "y_level", "decision"]
    assert float(row[2]) > 3.0
    model = saved(tmp_path / "m.safetensors", DETECTOR, Letters("dna"), "multilabel")
    assert main(["predict", str(tmp_path / "in.fa"), "--model", str(model), "--format", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out)["decision"] == "a;b"


def test_batches_do_not_change_the_answer(model: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    names = [f">s{i}\n" + "".join(random.choice(list("ACGTN"), random.integers(1, 300))) + "\n" for i in range(600)]
    (tmp_path / "in.fa").write_text("".join(names))
    together = seqpool.predict(tmp_path / "in.fa", model)
    assert together["sequence"].tolist() == [f"s{i}" for i in range(600)]
    for i in (0, 255, 256, 599):
        (tmp_path / "one.fa").write_text(names[i])
        assert seqpool.predict(tmp_path / "one.fa", model)["p_yes"][0] == pytest.approx(together["p_yes"][i], abs=2e-6)


def test_predicts_where_importing_lightning_is_blocked(model: Path, tmp_path: Path) -> None:
    (tmp_path / "in.fa").write_text(">a\nACGTTGACTCATTT\n")
    script = (
        "import sys\n"
        "for name in ('pytorch_lightning', 'lightning_fabric', 'lightning', 'torchmetrics', 'jsonargparse'):\n"
        "    sys.modules[name] = None\n"
        "from seqpool.cli.main import main\n"
        f"sys.exit(main(['predict', {str(tmp_path / 'in.fa')!r}, '--model', {str(model)!r}, '--where']))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith("a\t14\t")


def test_describe_prints_layers_and_json(model: Path, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", str(model)]) == 0
    text = capsys.readouterr().out
    assert "MotifDetector" in text
    assert "4 filters of width 8, both strands" in text
    assert main(["describe", str(model), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["classes"] == ["no", "yes"]
    assert main(["describe", str(model.parent / "none.safetensors")]) == 1
    assert "does not exist" in capsys.readouterr().err


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--help"]) == 0
    assert "data/demo_positives.fa.gz" in capsys.readouterr().out
    assert main(["predict"]) == 2
    assert main(["predict", "x.fa", "--modle", "m"]) == 2
    assert "did you mean --model" in capsys.readouterr().err


def test_describe_shows_every_layer_of_an_encoder(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository)
    config = repository / "configs" / "demo_ecg.yaml"
    assert main(["describe", str(config)]) == 0
    text = capsys.readouterr().out
    assert "seconds" in text
    assert "1. conv" in text


def test_describe_warns_of_a_field_shorter_than_a_beat_and_shows_what_folds(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (repository / "configs" / "demo_ecg.yaml").read_text()
    small = tmp_path / "small.yaml"
    small.write_text(text)
    (tmp_path / "network.yaml").write_text(
        "model: {init_args: {network: {class_path: Encoder, init_args: "
        "{channels: [4, 4], width: 3, stride: 1, pool: average_blur, pool_size: 2}}}}\n"
    )
    from seqpool.jobs.layer_table import layer_table
    from seqpool.options.config import check_config, read_config

    experiment = check_config(read_config([str(small), str(tmp_path / "network.yaml")]))
    network = build_network(experiment.model.network, experiment.data.signal, 2, None)
    lines = "\n".join(layer_table(network, experiment.data.signal, 1250))
    assert "is shorter than one beat at 75 beats per minute" in lines
    assert "-6.0" in lines  # three binomial taps at a quarter of the rate
