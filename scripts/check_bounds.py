#!/usr/bin/env python
"""Check that no perturbation leaves its bounds: every pooling operator, and networks as trained.

    python scripts/check_bounds.py [ARTIFACT...] [--samples 100000] [--results FILE]

Each operator, over windows and over rows, gets random boxes of random widths with lengths, in float32 and float64;
sampled points are corners and points between. Each network gets --samples perturbed inputs: noise around signals that
look like heart beats, or up to three substitutions in random letters; and projected gradient descent on its outputs.
Prints samples and violations; the test suite does a part of it. What was done stands in --results and is not redone.
Exits 1 when anything left its bounds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from seqpool.artifact import load_artifact
from seqpool.nn.certify import attacked
from seqpool.nn.intervals import interval_of
from seqpool.nn.letter_changes import LetterChanges, feature_bounds
from seqpool.nn.motif_detector import MotifDetector
from seqpool.nn.perturbations import Noise
from seqpool.options.pooling import GLOBAL_NAMES, LOCAL_NAMES
from seqpool.pooling import AdaptiveAvgPool1d, AdaptiveMaxPool1d, global_pool, local_pool

ROWS, CHANNELS, LENGTH, POINTS = 50, 3, 24, 20
RADII = (1e-4, 1e-2, 0.1)


def points(lower: Tensor, upper: Tensor, generator: torch.Generator) -> Tensor:
    """A point of a box in its own type: each value an end or anything between."""
    share = torch.rand(lower.shape, generator=generator, dtype=lower.dtype)
    between = (lower + share * (upper - lower)).clamp(lower, upper)
    corner = torch.where(share < 0.5, lower, upper)
    return torch.where(torch.rand((), generator=generator) < 0.5, corner, between)


def outside(bounds: tuple[Tensor, Tensor], output: Tensor) -> int:
    """Rows of an output with a value outside the bounds."""
    wrong = (output < bounds[0]) | (output > bounds[1])
    return int(wrong.flatten(1).any(dim=1).sum())


def check_operator(make: Callable[[], nn.Module], samples: int) -> tuple[int, int]:
    """Samples and violations of a pooling operator."""
    generator = torch.Generator().manual_seed(0)
    done = wrong = 0
    while done < samples:
        torch.manual_seed(done)
        module = make().eval()
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
        dtype = torch.float32 if done % 2 else torch.float64
        module = module.to(dtype)
        lower = torch.randn(ROWS, CHANNELS, LENGTH, generator=generator, dtype=dtype)
        width = 10.0 ** float(torch.empty(()).uniform_(-6, 0.5, generator=generator))
        upper = lower + width * torch.rand(lower.shape, generator=generator, dtype=dtype)
        lengths = torch.randint(0, LENGTH + 1, (ROWS,), generator=generator)
        with torch.no_grad():
            bounds = module.interval(lower, upper, lengths)  # type: ignore[operator]
            for _ in range(POINTS):
                found = module(points(lower, upper, generator), lengths)
                output = found[0] if isinstance(found, tuple) else found
                wrong += outside((bounds.lower, bounds.upper), output)
        done += ROWS * POINTS + 1  # an odd step, so that both types come in turn
    return done, wrong


def beats(rows: int, leads: int, length: int, seed: int) -> Tensor:
    """Signals that look like heart beats on a wandering baseline, in millivolts."""
    random = np.random.default_rng(seed)
    times = np.arange(length) / 100.0
    centre, width = random.uniform(0.2, 0.8, (2, rows, leads, 1))
    height = random.normal(1.0, 0.5, (rows, leads, 1))
    pulse = height * np.exp(-(((times - centre * times[-1]) / (0.1 * width + 0.02)) ** 2))
    drift = random.normal(0, 0.1, (rows, leads, length)).cumsum(axis=2) / 10
    return torch.from_numpy(pulse + drift + random.normal(0, 0.02, pulse.shape)).float()


def check_signals(network: nn.Module, leads: int, length: int, samples: int) -> tuple[int, int]:
    """Samples and violations of a network on noise, attacks on each of its outputs included."""
    generator = torch.Generator().manual_seed(1)
    done = wrong = 0
    rows, each = 100, 100
    while done < samples:
        x, noise = beats(rows, leads, length, done), Noise(RADII[done // (rows * each) % len(RADII)])
        lower, upper = noise.box(x)
        with torch.no_grad():
            bounds = interval_of(network, lower, upper)
            for _ in range(each):
                wrong += outside((bounds.lower, bounds.upper), network(points(lower, upper, generator)))
        for output in range(bounds.lower.shape[1]):
            for sign in (1.0, -1.0):

                def margin(moved: Tensor, output: int = output, sign: float = sign) -> Tensor:
                    return sign * network(moved)[:, output]

                worst = attacked(margin, x, noise, steps=6, starts=1)[1].clamp(lower, upper)
                with torch.no_grad():
                    wrong += outside((bounds.lower, bounds.upper), network(worst))
        done += rows * each
    return done, wrong


def check_letters(network: MotifDetector, samples: int) -> tuple[int, int]:
    """Samples and violations of a motif detector on up to three substitutions."""
    random = np.random.default_rng(2)
    done = wrong = 0
    while done < samples:
        codes = random.integers(0, 4, 100).astype(np.uint8)
        count = int(random.integers(1, 4))
        rows = np.repeat(codes[None], 1000, axis=0)
        for row in rows:
            row[random.choice(100, count, replace=False)] = random.integers(0, 4, count)
        with torch.no_grad():
            features = feature_bounds(network, codes, LetterChanges("substitutions", count))
            bounds = network.answer_interval(features.lower, features.upper)
            lengths = torch.full((len(rows),), 100)
            wrong += outside((bounds.lower, bounds.upper), network(torch.from_numpy(rows), lengths))
        done += len(rows)
    return done, wrong


def check_network(path: str, samples: int) -> tuple[int, int]:
    """Samples and violations of the network of an artifact."""
    artifact = load_artifact(path)
    if isinstance(artifact.network, MotifDetector):
        return check_letters(artifact.network, samples)
    leads = artifact.input.channels
    return check_signals(artifact.network, leads, artifact.facts.length or 288, samples)


def main() -> int:
    """Runs what is not done yet and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifacts", nargs="*", metavar="ARTIFACT")
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--results", type=Path, default=Path("check_bounds.json"))
    arguments = parser.parse_args()
    done = json.loads(arguments.results.read_text()) if arguments.results.is_file() else {}
    checks: dict[str, Callable[[], tuple[int, int]]] = {}
    for name in LOCAL_NAMES:
        checks[f"{name}, windows"] = lambda name=name: check_operator(  # type: ignore[misc]
            lambda: local_pool(name, 3, 2, CHANNELS), arguments.samples
        )
    for name in GLOBAL_NAMES:
        checks[f"{name}, rows"] = lambda name=name: check_operator(  # type: ignore[misc]
            lambda: global_pool(name, CHANNELS), arguments.samples
        )
    for kind in (AdaptiveMaxPool1d, AdaptiveAvgPool1d):
        checks[f"{kind.__name__}, 4 cells"] = lambda kind=kind: check_operator(  # type: ignore[misc]
            lambda: kind(4), arguments.samples
        )
    for path in arguments.artifacts:
        checks[path] = lambda path=path: check_network(path, arguments.samples)  # type: ignore[misc]
    print("what\tsamples\tviolations")
    for name, check in tqdm(checks.items(), disable=not sys.stderr.isatty()):
        key = f"{name} {arguments.samples}"
        if key not in done:
            done[key] = check()
            arguments.results.write_text(json.dumps(done, indent=1))
        print(f"{name}\t{done[key][0]:,}\t{done[key][1]}", flush=True)
    return 1 if any(wrong for _, wrong in done.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
