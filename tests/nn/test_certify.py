"""Proven decisions: sound for every kind of perturbation and rule, tighter than a box, and never above an attack."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from seqpool.errors import UsageError
from seqpool.evaluation.answers import interpret
from seqpool.nn.certify import Certifier, Rule, attacked, decided_by_mean, mean_probabilities, smallest_success
from seqpool.nn.encoder import Encoder
from seqpool.nn.frames import FrameSymmetrized
from seqpool.nn.perturbations import Gain, Noise, Offset, Perturbation, Wander, logit_bounds
from seqpool.options.networks import Encoder as Options
from seqpool.options.networks import network_record
from seqpool.pooling.intervals import Bounds
from tests.nn.test_intervals import trained, valid_stack

PERTURBATIONS: dict[str, Perturbation] = {
    "noise": Noise(0.02),
    "offset": Offset(0.1),
    "gain": Gain(0.1),
    "wander": Wander(0.1, 0.5, 100.0),
}


def encoder(outputs: int, leads: int = 2, **arguments: object) -> Encoder:
    options = {"channels": [6, 5], "width": [9, 5], "dropout": 0.0, **arguments}
    record = network_record({"class_path": "Encoder", "init_args": options})
    assert isinstance(record, Options)
    network = trained(Encoder(record, leads, outputs, None))
    assert isinstance(network, Encoder)
    return network


def signals(rows: int, leads: int = 2) -> torch.Tensor:
    return torch.randn(rows, leads, 60, generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize("name", PERTURBATIONS)
@pytest.mark.parametrize(
    "arguments", [{}, {"residual": True, "stride": [2, 1]}, {"embedding": 3}, {"normalise": False}]
)
def test_no_perturbation_leaves_the_bounds(name: str, arguments: dict[str, object]) -> None:
    perturbation, network, x = PERTURBATIONS[name], encoder(3, **arguments), signals(4)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        bounds = logit_bounds(network, x, perturbation)
        for kind in range(40):
            place = 2 * torch.rand(perturbation.shape(x), generator=generator) - 1
            outputs = network(perturbation.applied(x, place.sign() if kind % 2 else place))
            assert (bounds.lower <= outputs).all()
            assert (outputs <= bounds.upper).all()


@pytest.mark.parametrize("name", ["offset", "gain", "wander"])
def test_what_is_known_of_a_perturbation_tightens_the_bounds(name: str) -> None:
    perturbation, network, x = PERTURBATIONS[name], encoder(2), signals(3)
    with torch.no_grad():
        tight = logit_bounds(network, x, perturbation)
        loose = network.interval(*perturbation.box(x))
    assert (tight.upper - tight.lower < 0.8 * (loose.upper - loose.lower)).all()


def test_an_offset_moves_a_filter_by_the_sum_of_its_weights() -> None:
    network = encoder(1, leads=1, channels=[3], width=5)
    linear = network.first_linear()
    assert linear is not None
    weight = linear[0].folded(linear[1], linear[2]).weight
    reach = Offset(0.5).reach(signals(1, 1), linear[0], weight)
    assert torch.allclose(reach[0, :, 30], 0.5 * weight.sum(dim=(1, 2)).abs(), atol=1e-6)


RULES = {
    "binary": (Rule("binary", [0.7], 1.5), 1),
    "multiclass": (Rule("multiclass", [], 2.0), 3),
    "multilabel": (Rule("multilabel", [0.3, 0.6, 0.5], 1.5), 3),
}


@pytest.mark.parametrize("target", RULES)
def test_decisions_are_those_of_the_answers(target: str) -> None:
    rule, outputs = RULES[target]
    network, x = encoder(outputs), signals(30)
    certifier = Certifier(network, rule)
    logits = network(x).detach().double().numpy()
    classes = ["a", "b", "c"][: max(outputs, 2)]
    said = interpret(logits, target, classes, temperature=rule.temperature, thresholds=rule.thresholds).decisions
    assert said is not None
    assert certifier.decisions(x).numpy().reshape(said.shape).tolist() == said.tolist()
    assert (rule.margin(network(x), certifier.decisions(x)) > 0).all()


@pytest.mark.parametrize("target", RULES)
def test_what_is_proven_withstands_attacks(target: str) -> None:
    rule, outputs = RULES[target]
    network, x = encoder(outputs), signals(2)
    certifier = Certifier(network, rule)
    decided = certifier.decisions(x)
    radius = certifier.largest(x, decided, Noise(0.0), 1.0)
    assert (radius > 0).all()
    for row, proven in enumerate(radius.tolist()):
        one, own = x[row : row + 1], decided[row : row + 1]
        assert certifier.proven(one, own, Noise(proven))[0]

        def margin(moved: torch.Tensor, own: torch.Tensor = own) -> torch.Tensor:
            return rule.margin(network(moved), own)

        least, worst = attacked(margin, one, Noise(proven))
        assert float(least[0]) > 0
        assert float((worst - one).abs().max()) <= proven * 1.00001
        assert float(least[0]) >= float(certifier.least_margin(one, own, Noise(proven))[0])

        def succeeds(size: float, margin: object = margin, one: torch.Tensor = one) -> bool:
            return float(attacked(margin, one, Noise(size), steps=8, starts=1)[0][0]) <= 0  # type: ignore[arg-type]

        found = smallest_success(succeeds, proven, 50.0)
        assert found is not None
        assert found > proven


def test_differences_of_classes_are_bounded_as_one_layer() -> None:
    rule, outputs = RULES["multiclass"]
    network, x = encoder(outputs), signals(5)
    certifier = Certifier(network, rule)
    decided, noise = certifier.decisions(x), Noise(0.01)
    together = certifier.least_margin(x, decided, noise)
    apart = rule.least_margin(certifier.bounds(x, noise), decided)
    assert (together > apart).all()


def test_a_double_network_is_bounded_more_tightly() -> None:
    network, x = encoder(1), signals(2)
    single = logit_bounds(network, x, Noise(1e-7))
    double = logit_bounds(network.double(), x.double(), Noise(1e-7))
    assert (double.upper - double.lower < single.upper - single.lower).all()


@pytest.mark.parametrize("target", ["binary", "multiclass"])
def test_averages_over_windows(target: str) -> None:
    """Bounds of mean probabilities hold those of logits anywhere between the bounds."""
    rule, outputs = RULES[target]
    centre = torch.randn(7, outputs, generator=torch.Generator().manual_seed(1))
    bounds = Bounds(centre - 0.05, centre + 0.05)
    low, high = mean_probabilities(bounds, rule)
    for seed in range(50):
        inside = centre + 0.1 * (torch.rand(centre.shape, generator=torch.Generator().manual_seed(seed)) - 0.5)
        logits = inside.double().numpy()
        values = interpret(logits, target, ["a", "b", "c"][: max(outputs, 2)], temperature=rule.temperature).values
        mean = values.mean(axis=0)[1:] if target == "binary" else values.mean(axis=0)
        assert (low <= mean).all()
        assert (mean <= high).all()
    decided = np.array([int(low[0] >= 0.7)]) if target == "binary" else np.array([int(low.argmax())])
    assert decided_by_mean(low, high, rule, decided) in (True, False)
    assert not decided_by_mean(np.full(outputs, 0.0), np.full(outputs, 1.0), rule, decided)


def test_a_module_without_a_map_is_named_before_any_work() -> None:
    class Odd(nn.Module):
        interval = None

        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Bilinear(2, 2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise AssertionError("nothing is computed")

    with pytest.raises(UsageError, match=r"layer \(Bilinear\) has no interval map"):
        Certifier(Odd(), Rule("binary"))


def test_perturbations_can_be_resized() -> None:
    assert replace(PERTURBATIONS["wander"], radius=0.3) == Wander(0.3, 0.5, 100.0)


@pytest.mark.parametrize(("frames", "every_letter"), [(3, False), (6, False), (6, True)])
def test_trimming_is_known_from_one_pass(frames: int, every_letter: bool) -> None:
    network = FrameSymmetrized(trained(valid_stack()), frames, "max", every_letter=every_letter).eval()
    x = torch.randn(2, 4, 17, generator=torch.Generator().manual_seed(8))
    lengths = torch.tensor([17, 12])
    with torch.no_grad():
        found = network.trimmed_maxima(x, 6, lengths)
        for row, length in enumerate(lengths.tolist()):
            for front in range(7):
                for end in range(7):
                    left = x[row : row + 1, :, front : length - end]
                    if left.shape[2]:
                        wanted = network(left)[0]
                        assert torch.allclose(found[row, :, front, end], wanted, atol=1e-5)
    with pytest.raises(UsageError, match="maximum"):
        FrameSymmetrized(valid_stack(), frames, "average").trimmed_maxima(x, 1)
