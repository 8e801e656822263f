"""Changed letters: one change exactly, as the network itself says of all variants; bounds for more, by brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from seqpool.alphabet import DNA, PROTEIN
from seqpool.nn.letter_changes import (
    LetterChanges,
    changed,
    feature_bounds,
    network_outputs,
    outputs_of_single_changes,
)
from seqpool.nn.motif_detector import MotifDetector
from seqpool.nn.substitution_bounds import substitution_bounds
from tests.nn.test_networks import DETECTORS, ENCODERS, made

KINDS = ("substitutions", "unknown")


def letters(length: int, seed: int, ambiguous: bool = True) -> NDArray[np.uint8]:
    random = np.random.default_rng(seed)
    share = [0.24] * 4 + [0.04 / 11] * 11 if ambiguous else [0.25] * 4
    return random.choice(15 if ambiguous else 4, length, p=share).astype(np.uint8)


def detector(name: str, length: int | None = None) -> MotifDetector:
    network = made("MotifDetector", DETECTORS[name], length=length)
    assert isinstance(network, MotifDetector)
    return network


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", DETECTORS)
def test_one_change_is_exact(name: str, kind: str) -> None:
    network = detector(name, 24 if "bins" in name else None)
    changes = LetterChanges(kind, 1)  # type: ignore[arg-type]
    for length in (24,) if "bins" in name else (1, 6, 24, 40):
        codes = letters(length, length)
        variants = changes.variants(codes)
        found = outputs_of_single_changes(network, codes, *variants)
        wanted = network_outputs(network, changed(codes, *variants))
        assert found.shape == wanted.shape
        assert np.allclose(found, wanted, rtol=0, atol=2e-5)


def test_every_variant_is_there_once() -> None:
    codes = letters(20, 3, ambiguous=False)
    positions, replacement = LetterChanges("substitutions", 1).variants(codes)
    rows = changed(codes, positions, replacement)
    assert len({row.tobytes() for row in rows}) == 3 * len(codes) == len(rows)
    assert ((rows != codes).sum(axis=1) == 1).all()


@pytest.mark.parametrize("name", ["plain", "residual"])
def test_other_networks_see_every_variant(name: str) -> None:
    network = made("Encoder", ENCODERS[name])
    codes = letters(12, 1)
    variants = LetterChanges("substitutions", 1).variants(codes)
    found = outputs_of_single_changes(network, codes, *variants)
    assert np.array_equal(found, network_outputs(network, changed(codes, *variants)))


def some_changes(
    codes: NDArray[np.uint8], count: int, allowed: NDArray[np.uint8], rows: int, seed: int
) -> NDArray[np.uint8]:
    random = np.random.default_rng(seed)
    found = np.repeat(codes[None], rows, axis=0)
    for row in found:
        places = random.choice(len(codes), min(count, len(codes)), replace=False)
        row[places] = random.choice(allowed, len(places))
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", DETECTORS)
def test_features_stay_within_their_bounds(name: str, kind: str) -> None:
    network = detector(name, 30 if "bins" in name else None)
    for count, length in itertools.product((1, 3), (30,) if "bins" in name else (3, 30)):
        changes = LetterChanges(kind, count)  # type: ignore[arg-type]
        codes = letters(length, count)
        bounds = feature_bounds(network, codes, changes)
        rows = some_changes(codes, count, changes.allowed, 400, 5)
        features = network.features(torch.from_numpy(rows), torch.full((len(rows),), length))
        assert (bounds.lower <= features).all()
        assert (features <= bounds.upper).all()


def every_change(codes: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    rows = [codes]
    for places in itertools.combinations(range(len(codes)), count):
        for new in itertools.product(range(4), repeat=count):
            row = codes.copy()
            row[list(places)] = new
            rows.append(row)
    return np.stack(rows)


@pytest.mark.parametrize("strands", ["forward", "both", "apart"])
@pytest.mark.parametrize("padding", [0, 2])
@pytest.mark.parametrize("count", [1, 2])
def test_bounds_of_maxima_are_attained(strands: str, padding: int, count: int) -> None:
    """Narrow filters: upper ends, and lower ends by dynamic programming, against all changes."""
    arguments = {"filters": 5, "width": 3, "strands": strands, "padding": padding}
    network = made("MotifDetector", arguments)
    assert isinstance(network, MotifDetector)
    with torch.no_grad():
        network.motifs[0].bias.fill_(3.0)  # nothing is cut off at 0
    codes = letters(11, 4, ambiguous=False)
    features = network.features(torch.from_numpy(every_change(codes, count)))
    bounds = feature_bounds(network, codes, LetterChanges("substitutions", count))
    assert torch.allclose(bounds.upper[0], features.amax(0), rtol=0, atol=5e-5)
    assert torch.allclose(bounds.lower[0], features.amin(0), rtol=0, atol=5e-5)
    loose = feature_bounds(network, codes, LetterChanges("substitutions", count), exact=False)
    assert (loose.lower <= bounds.lower).all()


def test_letters_that_may_come() -> None:
    assert LetterChanges("unknown", 1).allowed.tolist() == [DNA.unknown]
    assert len(LetterChanges("substitutions", 1, PROTEIN).allowed) == 20


@pytest.mark.parametrize("name", DETECTORS)
def test_bounds_for_training_hold_too(name: str) -> None:
    """Of rows of several lengths, with gradients; one row alone is bounded alike."""
    network = detector(name, 30 if "bins" in name else None)
    rows = np.stack([letters(30, seed, ambiguous=False) for seed in range(3)])
    lengths = torch.tensor([30, 30, 30] if "bins" in name else [30, 17, 4])
    for count in (1, 3):
        bounds = substitution_bounds(network, torch.from_numpy(rows), lengths, count)
        for row, length in enumerate(lengths.tolist()):
            changed_rows = some_changes(rows[row, :length], count, np.arange(4, dtype=np.uint8), 200, 2)
            outputs = torch.from_numpy(network_outputs(network, changed_rows))
            assert (bounds.lower[row] <= outputs + 1e-5).all()
            assert (outputs - 1e-5 <= bounds.upper[row]).all()
    bounds.upper.sum().backward()
    gradient = network.motifs[0].weight.grad
    assert isinstance(gradient, torch.Tensor)
    assert bool(gradient.abs().sum() > 0)
