"""Training for certificates: windows of beats as data, the term of the loss, and that it makes more provable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from seqpool.artifact import Artifact, load_artifact
from seqpool.errors import DataError, UsageError
from seqpool.nn.intervals import interval_of
from seqpool.options.certify import CertifiedTraining, hertz, millivolts
from seqpool.options.config import check_config, read_config
from seqpool.pooling.intervals import Bounds
from seqpool.train.beat_windows import BeatWindows
from seqpool.train.recording_part import RecordingPart
from seqpool.train.run import fit
from seqpool.train.sequence_model import worst_logits
from tests.signal.simulated_beats import RATE_HZ
from tests.train.test_beats import write_record

SIGNAL = {"leads": ["MLII"], "rate_hz": RATE_HZ, "highpass_hz": None, "lowpass_hz": None, "normalise": "none",
          "limit": None}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("windows")
    for number, name in enumerate("abcd"):
        write_record(place, name, "NNVNNNNSNN" * 8, seed=number)
    return place


def module(folder: Path, **changes: Any) -> BeatWindows:
    options = {"folder": str(folder), "signal": SIGNAL, "split": {"by": "order", "folds": 2, "test": [0]}}
    return BeatWindows({**options, **changes}, "binary")


def test_windows_of_beats(folder: Path) -> None:
    parts = module(folder, most_each=10).parts
    assert isinstance(parts.train, RecordingPart)
    assert parts.test is not None
    assert parts.length == round(0.3 * RATE_HZ) + round(0.5 * RATE_HZ)
    assert {name.partition(":")[0] for name in parts.train.ids} == {"b", "d"}
    assert {name.partition(":")[0] for name in parts.test.ids} == {"a", "c"}
    assert np.bincount(parts.train.target.astype(int)).tolist() == [10, 10]
    assert parts.facts["classes"]["test"]["V"] == int(parts.test.target.sum())
    window = parts.train.inputs(np.arange(1), None, 0)[0]
    assert window.shape == (1, 1, parts.length)
    # the R peak stands where before_s says, and a V is another shape
    assert abs(int(window[0, 0].argmax()) - round(0.3 * RATE_HZ)) <= 3


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"classes": ["N"]}, "classes"),
        ({"most_each": 0}, "most_each"),
        ({"augment": {"stretch": 0.1}}, "stretch"),
        ({"split": {"by": "chromosome", "test": ["a"]}}, "not for beats"),
    ],
)
def test_options_that_do_not_fit(folder: Path, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        module(folder, **changes)


def test_recordings_without_such_beats(folder: Path) -> None:
    with pytest.raises(DataError, match="no beat of F, Q"):
        _ = module(folder, classes=["F", "Q"]).parts


@pytest.mark.parametrize(("text", "value"), [("0.05mV", 0.05), ("50 uV", 0.05), ("1e-4V", 0.1)])
def test_voltages(text: str, value: float) -> None:
    assert millivolts(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["0.05", "mV", "0mV", "-1mV", "nanmV", "infV", "0.1Hz"])
def test_what_is_no_voltage(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        millivolts(text)


def test_frequencies() -> None:
    assert hertz("0.5 Hz") == 0.5
    with pytest.raises(ValueError, match="more than 0"):
        hertz("0Hz")


@pytest.mark.parametrize(
    "arguments",
    [{}, {"noise": "1mV", "substitutions": 1}, {"noise": "1mV", "warmup": -1}, {"noise": "1mV", "weight": 0}],
)
def test_options_of_the_term(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected|not both"):
        CertifiedTraining(**arguments)


@pytest.mark.parametrize(
    ("kind", "target", "worst"),
    [
        ("binary", torch.tensor([1.0, 0.0]), [[-1.0], [2.0]]),
        ("multiclass", torch.tensor([1, 0]), [[1.0, -2.0, 3.0], [-1.0, 2.0, 3.0]]),
        ("multilabel", torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]), [[-1.0, 2.0, -3.0], [1.0, 2.0, 3.0]]),
    ],
)
def test_the_worst_logits(kind: str, target: torch.Tensor, worst: list[list[float]]) -> None:
    ends = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    bounds = Bounds(-ends, ends)
    if kind == "binary":
        bounds = Bounds(torch.tensor([[-1.0], [-2.0]]), torch.tensor([[1.0], [2.0]]))
    assert worst_logits(bounds, target, kind).tolist() == worst


def trained(folder: Path, run: Path, *changes: str) -> Artifact:
    config = read_config(["configs/beats_certified.yaml"])
    config.values["seed_everything"] = 7
    config.values["data"]["init_args"] |= {"folder": str(folder), "signal": SIGNAL, "batch_size": 16}
    model = config.values["model"]["init_args"]
    model["network"]["init_args"] = {"channels": [8], "width": 9, "pool_size": 4, "normalise": False}
    model["optimizer"] = {"learning_rate": 0.02, "gradient_clip": 1.0}
    model["certify"] = {"noise": "0.15mV", "warmup": 2} if "certify" in changes else None
    config.values["trainer"]["max_epochs"] = 6
    return load_artifact(fit(check_config(config), run))


def test_more_is_proven_of_what_was_trained_for_it(folder: Path, tmp_path: Path) -> None:
    test = module(folder).parts.test
    assert test is not None
    x = torch.from_numpy(test.inputs(np.arange(len(test.ids)), None, 0)[0])
    true = torch.from_numpy(test.target) > 0.5
    shares = {}
    for name in ("plain", "certify"):
        network = trained(folder, tmp_path / name, name).network
        bounds = interval_of(network, x - 0.15, x + 0.15)
        proven = torch.where(true, bounds.lower[:, 0] > 0, bounds.upper[:, 0] < 0)
        assert isinstance(network, nn.Module)
        shares[name] = float(proven.float().mean())
    assert shares["certify"] > max(0.7, shares["plain"] + 0.05), shares


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"normalise": "second_range"}, "signal.normalise is second_range"),
        ({}, "has no interval map"),
    ],
)
def test_what_cannot_be_proven_is_said_before_training(
    folder: Path, tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    config = read_config(["configs/beats_certified.yaml"])
    config.values["data"]["init_args"] |= {"folder": str(folder), "signal": SIGNAL | change}
    if not change:
        network = {"class_path": "tests.train.test_certified_training.Odd", "init_args": {}}
        config.values["model"]["init_args"]["network"] = network
    with pytest.raises(UsageError, match=sentence):
        fit(check_config(config), tmp_path / "run")


class Odd(nn.Module):
    """A network with a layer of which nothing is proven."""

    def __init__(self, channels: int, outputs: int, length: int | None) -> None:
        super().__init__()
        self.layer = nn.GroupNorm(1, channels)
        self.outputs = outputs

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """(N, outputs)."""
        return self.layer(x).mean(dim=(1, 2))[:, None].expand(-1, self.outputs)
