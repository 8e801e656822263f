"""Time a training step of the motif layer: letters convolved, ReLU, maximum over positions, forward and backward.

The fused engine against torch's fastest form of the same layer (one-hot letters made beforehand, convolution, ReLU and
the fastest of three maxima), alternating in one process, so that whatever else the machine does hits both. Per row:
medians of the wall time and of the processor time, and torch's divided by ours.

    python scripts/bench_train.py [--rows fast|all] [--repeats 5] [--config configs/ctcf.yaml]

--config adds batches of a motif detector's config, from reading letters to the optimizer's step, with `engine: fused`
and with `engine: torch`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import islice

import torch
from torch import Tensor
from torch.nn.functional import adaptive_max_pool1d, conv1d

from seqpool.nn.build import build_network
from seqpool.nn.motif_maximum import motif_maximum, motif_maximum_and_average
from seqpool.options.check import plain
from seqpool.options.config import check_config, read_config
from seqpool.options.networks import MotifDetector
from seqpool.train.data_module import Batches

Step = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One layer: N sequences of L letters, C filters of width K."""

    sequences: int
    length: int
    filters: int
    width: int
    strands: str = "forward"
    average: bool = False
    threads: int = 1

    def __str__(self) -> str:
        strands = "both strands" if self.strands == "both" else "one strand"
        pooled = "max + average" if self.average else "max"
        return (
            f"N={self.sequences} L={self.length} C={self.filters} K={self.width}, {strands}, {pooled}, "
            f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        )


FAST = [
    Row(256, 1000, 256, 24),
    Row(256, 1000, 256, 24, strands="both"),
    Row(256, 200, 256, 24),
    Row(256, 200, 64, 24),
]
ALL = [
    *FAST,
    Row(256, 100, 128, 19, strands="both"),
    Row(256, 200, 256, 24, average=True),
    Row(256, 100, 128, 19, strands="both", average=True),
    Row(256, 1000, 256, 24, threads=2),
    Row(256, 200, 256, 24, threads=2),
]


def maxima() -> dict[str, Callable[[Tensor], Tensor]]:
    """torch's ways to a maximum over positions; their gradients differ in speed by a factor of 1.5."""
    return {
        "adaptive_max_pool1d": lambda scores: adaptive_max_pool1d(scores, 1).squeeze(2),
        "max": lambda scores: scores.max(dim=2).values,
        "amax": lambda scores: scores.amax(dim=2),
    }


def steps(row: Row) -> tuple[Step, dict[str, Step]]:
    """Our step, and torch's by the name of the maximum."""
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(4, (row.sequences, row.length), generator=generator, dtype=torch.uint8)
    one_hot = torch.eye(4)[codes.long()].transpose(1, 2).contiguous()
    weight = (torch.randn(row.filters, 4, row.width, generator=generator) * 0.1).requires_grad_()
    bias = torch.zeros(row.filters, requires_grad=True)
    incoming = torch.randn(row.sequences, row.filters, generator=generator)
    table = torch.eye(4)

    def ours() -> None:
        weight.grad = bias.grad = None
        if row.average:
            maximum, average = motif_maximum_and_average(codes, weight, bias, table=table, strands=row.strands)
            torch.autograd.backward([torch.relu(maximum + bias), average], [incoming, incoming])
        else:
            maximum = motif_maximum(codes, weight, table=table, strands=row.strands)
            torch.relu(maximum + bias).backward(incoming)

    def theirs(maximum: Callable[[Tensor], Tensor]) -> Step:
        def step() -> None:
            weight.grad = bias.grad = None
            scores = [torch.relu(conv1d(one_hot, weight, bias))]
            if row.strands == "both":
                scores.append(torch.relu(conv1d(one_hot, weight.flip(1, 2), bias)))
            pooled = torch.stack([maximum(strand) for strand in scores]).amax(0)
            if row.average:
                average = torch.stack([strand.mean(dim=2) for strand in scores]).mean(0)
                torch.autograd.backward([pooled, average], [incoming, incoming])
            else:
                pooled.backward(incoming)

        return step

    return ours, {name: theirs(function) for name, function in maxima().items()}


def clocked(step: Step) -> tuple[float, float]:
    """Wall and processor milliseconds of one step."""
    wall, processor = time.perf_counter(), time.process_time()
    step()
    return 1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - processor)


def measure(row: Row, repeats: int) -> float:
    """Print the row; its ratio by the medians of processor time on one thread, of wall time on more."""
    torch.set_num_threads(row.threads)
    ours, theirs = steps(row)
    ours()
    fastest = min(theirs, key=lambda name: clocked(theirs[name])[1])
    times: dict[str, list[tuple[float, float]]] = {"ours": [], "torch": []}
    for _ in range(repeats):
        times["torch"].append(clocked(theirs[fastest]))
        # as often as fits into a part of torch's step, so that both see the same machine
        times["ours"] += [clocked(ours) for _ in range(5)]
    wall, processor = (
        {name: statistics.median(pair[clock] for pair in pairs) for name, pairs in times.items()} for clock in (0, 1)
    )
    lowest = {name: min(pair[0] for pair in pairs) for name, pairs in times.items()}
    print(f"{row} (torch: {fastest})")
    for name, clock in (("wall, median", wall), ("processor, median", processor), ("wall, lowest", lowest)):
        ratio = clock["torch"] / clock["ours"]
        print(
            f"    {name:<18} ours {clock['ours']:8.2f} ms   torch {clock['torch']:9.1f} ms   {ratio:6.1f}x", flush=True
        )
    chosen = processor if row.threads == 1 else wall
    return chosen["torch"] / chosen["ours"]


def of_config(path: str, batches: int, repeats: int) -> float:
    """Processor time of `batches` batches of a config's first epoch with `engine: torch` over that with `fused`."""
    torch.set_num_threads(1)
    experiment = check_config(read_config([path]))
    options = experiment.model.network
    assert isinstance(options, MotifDetector)
    data = getattr(import_module(experiment.data.module), experiment.data_class)(
        plain(experiment.data), experiment.model.target
    )
    parts = data.parts
    loader = Batches(parts.train, experiment.data.batch_size, multiclass=False, seed=0)
    loss = torch.nn.BCEWithLogitsLoss()

    def run(engine: str, count: int) -> float:
        torch.manual_seed(0)
        network = build_network(replace(options, engine=engine), parts.input, 1, parts.length)
        optimizer = torch.optim.AdamW(network.parameters())
        start = time.process_time()
        for batch in islice(loader, count):
            optimizer.zero_grad()
            loss(network(batch.x, batch.lengths)[:, 0], batch.target).backward()
            optimizer.step()
        return time.process_time() - start

    run("fused", 2)
    run("torch", 2)
    seconds = {"fused": [], "torch": []}
    for _ in range(repeats):
        for engine, found in seconds.items():
            found.append(run(engine, batches))
    fused, plain_path = (statistics.median(seconds[engine]) for engine in ("fused", "torch"))
    whole = len(loader) / batches
    print(f"{path}, {batches} of {len(loader)} batches of an epoch, 1 thread")
    print(f"    processor, median: fused {fused:.2f} s, torch {plain_path:.2f} s; an epoch {fused * whole:.0f} s and "
          f"{plain_path * whole:.0f} s")  # fmt: skip
    return plain_path / fused


def main() -> None:
    """Measure the rows and print one line of ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", choices=["fast", "all"], default="all", help="fast: four rows, under two minutes")
    parser.add_argument("--repeats", type=int, default=5, help="torch steps per row; ours are run five times as often")
    parser.add_argument("--config", help="also time batches of this config with both engines")
    parser.add_argument("--batches", type=int, default=20, help="batches of the config")
    arguments = parser.parse_args()
    ratios = [(row, measure(row, arguments.repeats)) for row in (FAST if arguments.rows == "fast" else ALL)]
    print("training step: " + "; ".join(f"{ratio:.0f}x torch at {row}" for row, ratio in ratios))
    if arguments.config:
        print(f"epoch of {arguments.config}: "
              f"{of_config(arguments.config, arguments.batches, arguments.repeats):.1f}x engine: torch")  # fmt: skip


if __name__ == "__main__":
    main()
