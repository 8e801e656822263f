"""Filters of a trained network scanned as motifs: against the network's own features and against enumeration."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import seqpool
from seqpool.alphabet import ALPHABETS
from seqpool.cli.main import main
from seqpool.errors import DataError, UsageError
from seqpool.motifs.formats.trained_filters import read_filters
from seqpool.nn.motif_detector import MotifDetector
from tests.jobs.trained_models import saved_network
from tests.test_house import HEAVY, modules_after

DETECTOR: dict[str, Any] = {"filters": 7, "width": 9, "padding": 0, "normalise": False}
OTHER_STRAND = str.maketrans("ACGT", "TGCA")


def fasta(folder: Path, *texts: str) -> str:
    path = folder / "in.fa"
    path.write_text("".join(f">s{i}\n{text}\n" for i, text in enumerate(texts)))
    return str(path)


def random_texts(alphabet: str, count: int, length: int) -> list[str]:
    generator = np.random.default_rng(1)
    return ["".join(generator.choice(list(ALPHABETS[alphabet].letters), length)) for _ in range(count)]


@pytest.mark.parametrize(
    ("alphabet", "arguments"),
    [
        ("dna", {}),
        ("dna", {"strands": "forward"}),
        ("dna", {"strands": "apart"}),
        ("dna", {"width": [1, 4, 64], "filters": 8}),
        ("rna", {"width": 5}),
        ("protein", {"strands": "forward", "width": 6}),
    ],
)
def test_best_scores_are_the_networks_features(tmp_path: Path, alphabet: str, arguments: dict[str, Any]) -> None:
    network = saved_network(tmp_path / "model.safetensors", "MotifDetector", DETECTOR | arguments, alphabet=alphabet)
    assert isinstance(network, MotifDetector)
    texts = random_texts(alphabet, 20, 80)
    table = seqpool.scan(fasta(tmp_path, *texts), model=tmp_path / "model.safetensors", matrix="best")
    codes = torch.from_numpy(np.stack([ALPHABETS[alphabet].encode(text) for text in texts]))
    number = 0
    for layer in network.filter_layers():
        best, _ = layer._maximum(codes, torch.full((20,), 80), average=False)
        if layer.strands == "apart":
            best = torch.maximum(*best.chunk(2, dim=1))
        for of_filter in best.detach().numpy().T:
            number += 1
            # every position of the filter is rounded once to 0.001
            assert table[f"filter_{number}"] == pytest.approx(of_filter, abs=layer.width * 0.0005 + 1e-5)
    assert list(table.columns) == ["sequence_name", *(f"filter_{i + 1}" for i in range(number))]


@pytest.mark.parametrize(("strands", "expected"), [("forward", {"+"}), ("both", {"+", "-"}), ("apart", {"+", "-"})])
def test_strands_as_trained_unless_asked(tmp_path: Path, strands: str, expected: set[str]) -> None:
    saved_network(tmp_path / "model.safetensors", "MotifDetector", DETECTOR | {"strands": strands})
    path = fasta(tmp_path, *random_texts("dna", 3, 400))
    model = tmp_path / "model.safetensors"
    assert set(seqpool.scan(path, model=model, p_value=0.02)["strand"].tolist()) == expected
    for asked, seen in (("forward", {"+"}), ("both", {"+", "-"})):
        assert set(seqpool.scan(path, model=model, p_value=0.02, strands=asked)["strand"].tolist()) == seen


def test_hits_and_p_equal_enumeration(tmp_path: Path) -> None:
    """Every word of a 5-wide filter, its score by its own sum and its p by counting words of a skewed background."""
    saved_network(tmp_path / "model.safetensors", "MotifDetector", DETECTOR | {"width": 5})
    trained = read_filters(tmp_path / "model.safetensors")
    (tmp_path / "background").write_text("A 0.3\nC 0.2\nG 0.2\nT 0.3\n")
    shares = np.array([0.3, 0.2, 0.2, 0.3])
    (text,) = random_texts("dna", 1, 2000)
    options: dict[str, Any] = {"p_value": 0.01, "background": str(tmp_path / "background")}
    table = seqpool.scan(fasta(tmp_path, text), model=tmp_path / "model.safetensors", **options)
    words = np.array(list(itertools.product(range(4), repeat=5)))
    expected = []
    for one in trained.filters:
        cells = np.rint(one.weights * 1000).astype(int)
        scores = cells[np.arange(5), words].sum(axis=1)
        p_of = {
            "".join("ACGT"[i] for i in word): float(np.prod(shares[words], axis=1)[scores >= score].sum())
            for word, score in zip(words, scores, strict=True)
        }
        score_of = {"".join("ACGT"[i] for i in w): int(s) for w, s in zip(words, scores, strict=True)}
        for start in range(len(text) - 4):
            window = text[start : start + 5]
            for strand, word in (("+", window), ("-", window.translate(OTHER_STRAND)[::-1])):
                if p_of[word] <= 0.01 + 1e-12:
                    expected.append((one.name, start + 1, strand, score_of[word], word, p_of[word]))
    found = list(
        zip(
            *(table[c].tolist() for c in ("motif_id", "start", "strand")),
            np.rint(table["score"] * 1000).astype(int).tolist(),
            table["matched_sequence"].tolist(),
            strict=True,
        )
    )
    assert sorted(found) == sorted(row[:5] for row in expected)
    p_values = {row[:3]: row[5] for row in expected}
    assert table["p-value"].tolist() == pytest.approx([p_values[row[:3]] for row in found], rel=1e-9)


def constant_filters(network: nn.Module) -> None:
    (layer,) = network.filter_layers()  # type: ignore[operator]
    layer.weight[0] = 0.0
    layer.weight[1] = 0.25


def test_filters_that_are_zero_or_constant(tmp_path: Path) -> None:
    """They tell no window from another: no hit at any p below 1, and p = 1 where every window is wanted."""
    saved_network(tmp_path / "model.safetensors", "MotifDetector", DETECTOR, change=constant_filters)
    path, model = fasta(tmp_path, *random_texts("dna", 2, 50)), tmp_path / "model.safetensors"
    warnings: list[str] = []
    table = seqpool.scan(path, model=model, p_value=0.01, warn=warnings.append)
    assert not {"filter_1", "filter_2"} & set(table["motif_id"].tolist())
    assert "filter_3" in table["motif_id"].tolist()
    (sentence,) = warnings
    assert "filter_1 and 1 more cannot reach the threshold: its best word scores 0 with p = 1" in sentence
    best = seqpool.scan(path, model=model, best=True)
    flat = np.isin(best["motif_id"], ["filter_1", "filter_2"])
    assert best["start"][flat].tolist() == [1] * 4
    assert best["p-value"][flat].tolist() == [1.0] * 4
    assert sorted(best["score"][flat].tolist()) == [0.0, 0.0, 2.25, 2.25]
    everything = seqpool.scan(path, model=model, min_score=0.0)
    of_first = everything["motif_id"] == "filter_1"
    assert of_first.sum() == 2 * 42 * 2  # equal on both strands, so a palindrome: both unless asked
    assert set(everything["p-value"][of_first].tolist()) == {1.0}


def test_a_network_without_filters_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved_network(tmp_path / "model.safetensors", "Encoder", {"channels": [4]})
    path = fasta(tmp_path, "ACGT")
    assert main(["scan", path, "--model", str(tmp_path / "model.safetensors")]) == 1
    said = capsys.readouterr().err
    assert "holds a network of class Encoder, which has no motif filters" in said
    assert said.count("\n") == 1


def test_damaged_weights_are_one_sentence(tmp_path: Path) -> None:
    model = tmp_path / "model.safetensors"

    def not_finite(network: nn.Module) -> None:
        network.filter_layers()[0].weight[2, 1, 3] = float("nan")  # type: ignore[operator]

    saved_network(model, "MotifDetector", DETECTOR, change=not_finite)
    with pytest.raises(DataError, match=r"weight motifs\.0\.weight is not finite"):
        read_filters(model)
    saved_network(model, "MotifDetector", DETECTOR)
    raw = model.read_bytes()
    for text, other, problem in (
        (b'\\"filters\\": 7', b'\\"filters\\": 8', "holds 7 filters, expected 8"),
        (b'\\"width\\": 9', b'\\"width\\": 8', r"weight motifs\.0\.weight is \(7, 4, 9\), expected \(filters, 4, 8\)"),
        (b'"motifs.0.weight"', b'"motifs.0.weighs"', r"lacks the weight motifs\.0\.weight"),
    ):
        assert text in raw
        model.write_bytes(raw.replace(text, other))
        with pytest.raises(DataError, match=problem):
            read_filters(model)
    model.write_bytes(raw[:100])
    with pytest.raises(DataError, match="is damaged"):
        read_filters(model)


def test_motifs_or_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "x.fa", "--model", "a", "--motifs", "b"]) == 2
    assert main(["scan", "x.fa"]) == 2
    with pytest.raises(UsageError, match="exactly one of --motifs and --model"):
        seqpool.scan("x.fa")
    saved_network(tmp_path / "model.safetensors", "MotifDetector", DETECTOR)
    with pytest.raises(UsageError, match="filter_1 no threshold"):
        seqpool.scan(fasta(tmp_path, "ACGT"), model=tmp_path / "model.safetensors", threshold="motif")


def test_no_torch_is_loaded(tmp_path: Path) -> None:
    saved_network(tmp_path / "model.safetensors", "MotifDetector", DETECTOR)
    words = ["scan", fasta(tmp_path, "ACGT" * 9), "--model", str(tmp_path / "model.safetensors"), "--quiet"]
    code = f"from seqpool.cli.main import main; assert main({[*words, '--output', str(tmp_path / 'out.tsv')]}) == 0"
    assert not modules_after(code) & HEAVY
