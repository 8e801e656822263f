#!/usr/bin/env python
"""Compile every pooling operator with torch.compile's default backend and compare with eager.

    python scripts/check_compile.py [--only max "top_k, global"]

Each operator, local and global, without lengths and with, in one full graph, in training mode: values, and gradients of
a weighted sum of them by input and parameters. Prints the largest difference relative to the largest value; exits 1
when one is beyond 1e-4 in single precision, or an operator does not compile. Takes some seconds for each.
"""

from __future__ import annotations

import argparse
import copy
import inspect
import sys
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from tqdm import tqdm

from seqpool.pooling import AdaptiveAvgPool1d, AdaptiveMaxPool1d
from seqpool.pooling.choice import OPERATORS

LIMIT = 1e-4
ROWS, CHANNELS, LENGTH = 4, 6, 50
LENGTHS = [50, 31, 1, 0]


def built(module: type[nn.Module]) -> nn.Module:
    """One typical module of a class, in training mode."""
    typical = {
        "kernel_size": 3, "stride": 2, "padding": 1, "norm_type": 3.0, "temperature": 0.7, "channels": CHANNELS,
        "hidden": 4, "output_size": 5,
    }  # fmt: skip
    accepted = inspect.signature(module.__init__).parameters
    return module(**{key: value for key, value in typical.items() if key in accepted}).train()


def operators() -> dict[str, type[nn.Module]]:
    """Every module by the name of its row."""
    found: dict[str, type[nn.Module]] = {}
    for name, operator in OPERATORS.items():
        if operator.local:
            found[f"{name}, local"] = operator.local
        if operator.whole:
            found[f"{name}, global"] = operator.whole
    return found | {"adaptive average": AdaptiveAvgPool1d, "adaptive max": AdaptiveMaxPool1d}


def results(module: nn.Module, input: Tensor, lengths: Tensor | None) -> list[Tensor]:
    """Output, and the gradients of a weighted sum of it."""
    leaf = input.clone().requires_grad_()
    output = module(leaf, lengths)
    output = output[0] if isinstance(output, tuple) else output
    weights = torch.linspace(0.5, 1.5, output.numel()).reshape(output.shape)
    return [output.detach(), *torch.autograd.grad((output * weights).sum(), [leaf, *module.parameters()])]


def difference(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> float:
    """Largest difference relative to the largest value of each tensor; infinite where a shape or NaN differs."""
    worst = 0.0
    for one, other in zip(ours, theirs, strict=True):
        if one.shape != other.shape or not one.isfinite().all():
            return float("inf")
        size = max(float(other.abs().max()), 1e-6) if other.numel() else 1.0
        worst = max(worst, float((one - other).abs().max()) / size if other.numel() else 0.0)
    return worst


def check(module: type[nn.Module], input: Tensor, lengths: Tensor | None) -> tuple[float, float]:
    """Differences of values and of gradients between compiled and eager."""
    eager = built(module)
    compiled = torch.compile(copy.deepcopy(eager), fullgraph=True)
    torch.compiler.reset()
    ours, theirs = results(compiled, input, lengths), results(eager, input, lengths)
    return difference(ours[:1], theirs[:1]), difference(ours[1:], theirs[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="names of rows; without: all")
    arguments = parser.parse_args()
    table = operators()
    for name in arguments.only:
        if name not in table:
            parser.error(f"{name!r} is no row, expected one of: {'; '.join(table)}")
    torch.manual_seed(0)
    input, lengths = torch.randn(ROWS, CHANNELS, LENGTH), torch.tensor(LENGTHS)
    wrong = 0
    print("| operator | lengths | values | gradients | |")
    print("|---|---|---|---|---|")
    for name in tqdm(arguments.only or list(table), disable=None):
        for form, given in (("without", None), ("with", lengths)):
            try:
                values, gradients = check(table[name], input, given)
            except Exception as error:
                wrong += 1
                print(f"| {name} | {form} | | | {str(error).splitlines()[0]} |", flush=True)
                continue
            right = max(values, gradients) <= LIMIT
            wrong += not right
            print(
                f"| {name} | {form} | {values:.1e} | {gradients:.1e} | {'same' if right else 'DIFFERS'} |", flush=True
            )
    print(f"torch {torch.__version__}: {wrong} differ" if wrong else f"torch {torch.__version__}: all the same")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
