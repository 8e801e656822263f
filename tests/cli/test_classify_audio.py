"""`seqpool classify` on sound, as a user types it, with a model whose answer can be computed by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import wavfile

import seqpool
from seqpool.artifact import input_config, save_artifact
from seqpool.cli.main import main
from seqpool.errors import DataError
from seqpool.nn.build import build_network
from seqpool.options.audio import Audio
from seqpool.options.facts import Facts
from seqpool.options.networks import network_config, network_record
from tests.jobs.recording_models import save_model

NOISE = np.random.default_rng(0).normal(0, 0.3, 16000).astype(np.float32)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_model(tmp_path / "m.safetensors", Audio(rate_hz=8000, window_s=1.0, stride_s=0.5), job="audio")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    clips = tmp_path / "clips"
    (clips / "deep").mkdir(parents=True)
    wavfile.write(clips / "a.wav", 8000, NOISE)
    wavfile.write(clips / "deep" / "b.WAV", 16000, np.stack([NOISE, 0 * NOISE], axis=1))
    (clips / "c.flac").write_bytes(b"nothing")
    return clips


def high(samples: np.ndarray) -> float:
    """The model's probability of `high`: logits are 1 and 2 times a score, the temperature is 2."""
    return float(1 / (1 + np.exp(-50 * (np.mean(samples.astype(np.float64) ** 2) - 0.05))))


def test_a_row_per_clip(folder: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", str(folder), "--model", str(model)]) == 1
    out, err = capsys.readouterr()
    header, *rows = [line.split("\t") for line in out.splitlines()]
    assert header == ["record", "task", "lead", "duration_s", "p_low", "p_high", "confidence", "decision"]
    assert [row[0] for row in rows] == [str(folder / "a"), str(folder / "deep/b")]
    assert [row[1:3] for row in rows] == [["audio", "1"], ["audio", "1;2"]]
    assert [float(row[3]) for row in rows] == [2.0, 1.0]
    expected = np.mean([high(NOISE[start : start + 8000]) for start in (0, 4000, 8000)])
    assert float(rows[0][5]) == pytest.approx(expected, abs=1e-5)
    assert rows[0][7] == "high"
    assert "c.flac: the file is damaged or no audio that is known" in err
    assert "b.WAV: 2 channels are averaged." in err
    assert "b.WAV: resampled from 16000 to 8000 Hz." in err


def test_a_row_per_window(folder: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", str(folder / "a.wav"), "--model", str(model), "--windows", "--abstain-below", "1"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()[1:]]
    assert [(float(row[4]), float(row[5])) for row in rows] == [(0, 1), (0.5, 1.5), (1, 2)]
    for row, start in zip(rows, (0, 4000, 8000), strict=True):
        assert float(row[7]) == pytest.approx(high(NOISE[start : start + 8000]), abs=1e-5)
        assert row[9] == ""


@pytest.mark.parametrize("option", [["--lead", "II"], ["--task", "beats"], ["--unit", "mV"]])
def test_options_of_recordings_are_refused(
    folder: Path, model: Path, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["classify", str(folder), "--model", str(model), *option]) == 2
    assert f"{option[0]}" in capsys.readouterr().err


def test_from_python(folder: Path, model: Path) -> None:
    errors: list[DataError] = []
    table = seqpool.classify(folder, model, on_error=errors.append)
    assert len(errors) == 1
    assert next(iter(table["decision"])) == "high"
    with pytest.raises(DataError, match=r"c\.flac"):
        seqpool.classify(folder, model)


def test_a_short_and_a_long_clip_with_an_encoder_of_spectrograms(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"channels": [4, 4], "strides": [[2, 2], [2, 2]], "front": {"band_count": 12}}
    network_options = network_record({"class_path": "SpectrogramEncoder", "init_args": options})
    torch.manual_seed(0)
    network = build_network(network_options, Audio(rate_hz=8000), 2, None).eval()
    facts = Facts(
        job="audio", network=network_config(network_options), input=input_config(Audio(rate_hz=8000)),
        target="multiclass", classes=["no", "yes"], length=None, parameters=1, offset=[], scale=[], temperature=1.0,
        thresholds=[], geometry={}, data={}, metrics={}, seed=0, licence="none",
    )  # fmt: skip
    save_artifact(tmp_path / "m.safetensors", facts, network)
    long = np.random.default_rng(1).normal(0, 0.1, 600 * 8000).astype(np.float32)
    for name, sound in (("short", NOISE[:400]), ("long", long)):
        wavfile.write(tmp_path / f"{name}.wav", 8000, sound)
        with torch.inference_mode():
            expected = network(torch.from_numpy(sound)[None, None]).softmax(dim=1)[0, 1]
        assert main(["classify", str(tmp_path / f"{name}.wav"), "--model", str(tmp_path / "m.safetensors")]) == 0
        row = capsys.readouterr().out.splitlines()[1].split("\t")
        assert float(row[5]) == pytest.approx(float(expected), abs=1e-5)
        assert float(row[3]) == len(sound) / 8000
    picture = tmp_path / "p.svg"
    words = ["classify", str(tmp_path / "short.wav"), "--model", str(tmp_path / "m.safetensors"), "--plot"]
    assert main([*words, str(picture)]) == 0
    assert "evidence for" in picture.read_text()
    assert main([*words, str(tmp_path / "p.txt")]) == 2
