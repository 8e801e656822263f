"""Training on a toy data set: it learns, it repeats itself, a killed run resumes to the same figures."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

from seqpool.alphabet import PROTEIN
from seqpool.artifact import load_artifact
from seqpool.errors import DataError, UsageError
from seqpool.jobs.load import load
from seqpool.nn.substitutions import substitution_embedding
from seqpool.options import data as data_options
from seqpool.options.config import Config, Experiment, check_config
from seqpool.options.facts import read_facts
from seqpool.train.data_module import Batches
from seqpool.train.run import fit
from seqpool.train.several import fit_several, judge_all
from tests.train import toy_data


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(data_options.DATA, "ToyData", toy_data.ToyOptions)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def experiment(
    target: str = "binary", epochs: int = 3, seed: int = 3, data: dict[str, Any] | None = None, **model: Any
) -> Experiment:
    network = {"class_path": "MotifDetector", "init_args": {"filters": 16, "width": 9}}
    options = {"target": target, "network": network, "optimizer": {"learning_rate": 0.01}, **model}
    return check_config(
        Config(
            {
                "seed_everything": seed,
                "model": {"class_path": "SequenceModel", "init_args": options},
                "data": {"class_path": "ToyData", "init_args": {"kind": target, **(data or {})}},
                "trainer": {"max_epochs": epochs},
            }
        )
    )


def scores(path: Path) -> dict[str, Any]:
    return {name: entry["value"] for name, entry in read_facts(path).metrics["scores"].items()}


def test_a_network_of_ones_own_is_trained_and_read_again(tmp_path: Path) -> None:
    network = {"class_path": "tests.train.toy_data.OwnNetwork", "init_args": {"bias": False}}
    artifact = fit(experiment(epochs=1, network=network), tmp_path / "run")
    assert read_facts(artifact).network == network
    assert {name for name, _ in load_artifact(artifact).network.named_parameters()} == {"network.layer.weight"}


@pytest.mark.parametrize(
    ("target", "score", "least"),
    [
        ("binary", "roc_auc", 0.97),
        ("multiclass", "f1_macro", 0.9),
        ("multilabel", "roc_auc", 0.97),
        ("regression", "pearson_r", 0.75),
    ],
)
def test_every_target_learns(tmp_path: Path, target: str, score: str, least: float) -> None:
    artifact = fit(experiment(target, epochs=12), tmp_path / "run")
    assert scores(artifact)[score] > least
    facts = read_facts(artifact)
    assert facts.target == target
    if target == "regression":  # the second target misses every seventh value
        assert facts.offset == pytest.approx([6.5, 0.5], abs=0.2)
    for name in ("config.yaml", "command.txt", "splits.tsv", "metrics.csv", "checkpoints/last.ckpt"):
        assert (tmp_path / "run" / name).is_file()


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    first, second = (fit(experiment(), tmp_path / name).read_bytes() for name in "ab")
    assert first == second
    assert first != fit(experiment(seed=4), tmp_path / "c").read_bytes()


def test_a_run_that_was_cut_short_repeats_the_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fit(experiment(epochs=4), tmp_path / "whole")
    from seqpool.train.sequence_model import SequenceModel

    plain_step = SequenceModel.training_step

    def dies(self: Any, batch: Any, batch_idx: int) -> Any:
        if self.current_epoch == 2 and batch_idx == 3:
            raise RuntimeError("the power went")
        return plain_step(self, batch, batch_idx)

    monkeypatch.setattr(SequenceModel, "training_step", dies)
    with pytest.raises(RuntimeError, match="the power went"):
        fit(experiment(epochs=4), tmp_path / "cut")
    monkeypatch.setattr(SequenceModel, "training_step", plain_step)
    resumed = fit(experiment(epochs=4), tmp_path / "cut")
    assert (tmp_path / "cut" / "metrics.csv").read_text() == (tmp_path / "whole" / "metrics.csv").read_text()
    assert resumed.read_bytes() == whole.read_bytes()


def test_a_checkpoint_that_disagrees_with_the_config_stops(tmp_path: Path) -> None:
    fit(experiment(epochs=1), tmp_path / "run")
    other = experiment(epochs=1, optimizer={"learning_rate": 0.02})
    with pytest.raises(UsageError, match=r"disagrees with the config: optimizer is .*0.01.* in the checkpoint"):
        fit(other, tmp_path / "other", checkpoint=str(tmp_path / "run" / "checkpoints" / "last.ckpt"))


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(UsageError, match="is not empty and holds no checkpoint to resume"):
        fit(experiment(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_a_trainer_key_that_is_unknown_is_one_sentence(tmp_path: Path) -> None:
    one = experiment()
    one.trainer["max_epoch"] = 3
    with pytest.raises(UsageError, match=r"trainer.max_epoch is not an option .*did you mean max_epochs"):
        fit(one, tmp_path / "run")
    one = experiment()
    one.trainer["max_epochs"] = "three"
    with pytest.raises(UsageError, match="max_epochs") as caught:
        fit(one, tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_early_stopping_and_last_weights(tmp_path: Path) -> None:
    fit(experiment(epochs=30, early_stopping=2), tmp_path / "early")
    with (tmp_path / "early" / "metrics.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) < 30
    best = max(float(row["val_roc_auc"]) for row in rows)
    assert scores(tmp_path / "early" / "model.safetensors")["roc_auc"] == pytest.approx(best, abs=1e-6)
    fit(experiment(epochs=2, keep="last", data={"validation": False}), tmp_path / "last")
    assert read_facts(tmp_path / "last" / "model.safetensors").thresholds == [0.5]
    with pytest.raises(UsageError, match="early_stopping needs a validation part"):
        fit(experiment(early_stopping=2, data={"validation": False}), tmp_path / "none")


def test_init_takes_matching_layers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    artifact = fit(experiment(epochs=6), tmp_path / "first")
    again = fit(experiment(epochs=1, optimizer={"learning_rate": 1e-9}), tmp_path / "second", init=str(artifact))
    assert "11 of 11 tensors are taken" in capsys.readouterr().err
    assert scores(again)["roc_auc"] == pytest.approx(scores(artifact)["roc_auc"], abs=0.02)


def test_seeds_and_their_average(tmp_path: Path) -> None:
    fit_several(experiment(epochs=5), tmp_path / "runs", folds=False, seeds=2, init=None)
    with (tmp_path / "runs" / "summary.tsv").open() as stream:
        rows = [
            row for row in csv.DictReader(stream, delimiter="\t") if (row["part"], row["score"]) == ("test", "roc_auc")
        ]
    assert [row["run"] for row in rows] == ["seed3", "seed4", "mean", "sd", "seeds averaged"]
    values = [float(row["value"]) for row in rows]
    assert values[2] == pytest.approx(np.mean(values[:2]), abs=1e-5)
    found = judge_all(experiment(epochs=5), tmp_path / "runs", ("test",))
    assert list(found) == ["seed3 test", "seed4 test"]
    predictions = (tmp_path / "runs" / "seed3" / "predictions.tsv").read_text().splitlines()
    assert predictions[0].split("\t") == ["id", "split", "label", "p_negative", "p_positive", "decision"]
    assert json.loads((tmp_path / "runs" / "seed3" / "metrics.json").read_text())["test"]["rows"] == 128


def test_artifact_is_strict(tmp_path: Path) -> None:
    artifact = fit(experiment(epochs=1), tmp_path / "run")
    with safe_open(str(artifact), "pt") as opened:
        facts = json.loads(opened.metadata()["seqpool"])
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    from safetensors.torch import save_file

    def damaged(change: Any) -> Path:
        described, weights = json.loads(json.dumps(facts)), dict(tensors)
        change(described, weights)
        path = tmp_path / "damaged.safetensors"
        save_file(weights, path, metadata={"seqpool": json.dumps(described)})
        return path

    cases = {
        "format version 99": lambda facts, weights: facts.update(format_version=99),
        "lacks classes": lambda facts, weights: facts.pop("classes"),
        "is not finite": lambda facts, weights: weights.update({"head.4.bias": torch.tensor([torch.nan])}),
        "lacks the weight head.4.bias": lambda facts, weights: weights.pop("head.4.bias"),
        r"head.4.bias is \(2,\), expected \(1,\)": lambda f, weights: weights.update({"head.4.bias": torch.zeros(2)}),
        "holds the weight extra": lambda facts, weights: weights.update(extra=torch.zeros(1)),
        "cannot be built": lambda facts, weights: facts["network"].update(class_path="Missing"),
        "target 'x' is none of": lambda facts, weights: facts.update(target="x"),
    }
    for sentence, change in cases.items():
        with pytest.raises(DataError, match=sentence):
            load_artifact(damaged(change))
    (tmp_path / "cut.safetensors").write_bytes(artifact.read_bytes()[:200])
    with pytest.raises(DataError, match="is not an artifact of seqpool, or is damaged"):
        load(tmp_path / "cut.safetensors")
    with pytest.raises(DataError, match="does not exist"):
        load(tmp_path / "none.safetensors")


def test_load_gives_a_module_on_plain_tensors(tmp_path: Path) -> None:
    network = load(fit(experiment(epochs=1), tmp_path / "run"))
    assert not network.training
    x = torch.nn.functional.one_hot(torch.arange(40)[None] % 4, 4).transpose(1, 2).float()
    assert network(x).shape == (1, 1)


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_processes_share_the_batches(processes: int) -> None:
    part = toy_data.ToyData({"rows": 100, "batch_size": 16}).parts.train
    seen = [
        [batch.row.tolist() for batch in Batches(part, 16, multiclass=False, seed=1, rank=rank, processes=processes)]
        for rank in range(processes)
    ]
    assert {len(batches) for batches in seen} == {7 // processes}
    rows = [row for batches in seen for batch in batches for row in batch]
    assert len(rows) == len(set(rows))
    assert processes > 1 or sorted(rows) == list(range(100))


def test_a_substitution_matrix_needs_proteins(tmp_path: Path) -> None:
    encoder = {
        "class_path": "Encoder",
        "init_args": {"channels": [4], "embedding": 4, "substitution_matrix": "BLOSUM62"},
    }
    with pytest.raises(UsageError, match=r"substitution_matrix: BLOSUM62 speaks of amino acids, the sequences are dna"):
        fit(experiment(network=encoder), tmp_path / "run")


def test_an_encoder_of_proteins_starts_from_the_matrix(tmp_path: Path) -> None:
    """After training with a vanishing learning rate the embedding is still the matrix's."""
    proteins = tmp_path / "proteins.fa"
    proteins.write_text("".join(f">{i}\n{'MKLVAG' * 3 if i % 2 else 'MDEWST' * 3}{'ACDE'[i % 4]}\n" for i in range(20)))
    others = tmp_path / "others.fa"
    others.write_text("".join(f">n{i}\n{'GHILKM' * 3}{'FWYQ'[i % 4]}{'A' * (i % 5)}\n" for i in range(20)))
    values = {
        "seed_everything": 1,
        "model": {
            "class_path": "SequenceModel",
            "init_args": {
                "target": "binary",
                "keep": "last",
                "network": {
                    "class_path": "Encoder",
                    "init_args": {"channels": [4], "embedding": 6, "substitution_matrix": "PAM250"},
                },
                "optimizer": {"learning_rate": 1e-12},
            },
        },
        "data": {
            "class_path": "FastaClasses",
            "init_args": {"positives": str(proteins), "negatives": str(others), "alphabet": "protein"},
        },
        "trainer": {"max_epochs": 1},
    }
    artifact = fit(check_config(Config(values)), tmp_path / "run")
    encoder = load_artifact(artifact).network.network
    expected = substitution_embedding("PAM250", PROTEIN, 6)
    torch.testing.assert_close(encoder.embedding.weight[:, :, 0], expected, rtol=0, atol=1e-6)  # type: ignore[union-attr]
