#!/usr/bin/env python
"""Three ways back to the samples: U-Net, feature pyramid and hypercolumn with equally many weights, on LUDB.

    SEQPOOL_DATA=... python scripts/bench_waves.py [--runs DIR] [--epochs 6] [--fold 0] [--seed 7]

Everything but the decoder is that of configs/ludb.yaml; `decoder_channels` is chosen so that the weights are equal to a
few per cent. Trains on four folds of LUDB, judges on the fifth. Prints a table: weights, CPU seconds of a forward and
backward pass over 16 leads of 8 s (median of alternating repeats, and its ratio to the U-Net's), F1 of onsets and
offsets (the lower of the two) and the standard deviations of their errors in ms. A run that was cut short goes on; a
finished one is not repeated.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch import nn

from seqpool.nn.decoders import SampleLabeller
from seqpool.options import networks
from seqpool.options.config import Experiment, check_config, read_config
from seqpool.options.training import WAVE_OUTPUTS
from seqpool.records import WAVES
from seqpool.train.judge import judge
from seqpool.train.run import fit
from seqpool.train.several import data_of

CONFIG = Path(__file__).resolve().parent.parent / "configs" / "ludb.yaml"
DECODERS = ("unet", "fpn", "hypercolumn")
REPEATS = 7


def labeller(decoder: str, channels: int) -> SampleLabeller:
    """The network of the config with another decoder."""
    options = check_config(read_config([str(CONFIG)])).model.network
    assert isinstance(options, networks.SampleLabeller)
    values = {**vars(options), "decoder": decoder, "decoder_channels": channels}
    return SampleLabeller(networks.SampleLabeller(**values), 1, len(WAVE_OUTPUTS))


def weights_of(network: nn.Module) -> int:
    """Trained numbers of a network."""
    return sum(parameter.numel() for parameter in network.parameters())


def equal_channels(decoder: str, wanted: int) -> int:
    """`decoder_channels` whose weights are nearest to the wanted number; the U-Net has none to choose."""
    if decoder == "unet":
        return 32
    return min(range(8, 257), key=lambda channels: abs(weights_of(labeller(decoder, channels)) - wanted))


def experiment_of(decoder: str, channels: int, arguments: argparse.Namespace) -> Experiment:
    """The config with this decoder."""
    changes = {
        "model.network.decoder": decoder,
        "model.network.decoder_channels": channels,
        "data.split.test": f"[{arguments.fold}]",
        "trainer.max_epochs": arguments.epochs,
        "seed_everything": arguments.seed,
    }
    return check_config(read_config([str(CONFIG)], [(name, str(value)) for name, value in changes.items()]))


def seconds_of(found: dict[str, SampleLabeller]) -> dict[str, float]:
    """Median CPU seconds of a step of each, in alternation."""
    x = torch.randn(16, 1, 2000)
    taken: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(REPEATS):
        for name, network in found.items():
            begin = time.process_time()
            logits = network(x)
            assert isinstance(logits, torch.Tensor)
            logits.square().mean().backward()
            taken[name].append(time.process_time() - begin)
    return {name: float(np.median(each)) for name, each in taken.items()}


def main() -> None:
    """Trains what is missing and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs/bench_waves"))
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    wanted = weights_of(labeller("unet", 32))
    channels = {decoder: equal_channels(decoder, wanted) for decoder in DECODERS}
    found = {decoder: labeller(decoder, channels[decoder]) for decoder in DECODERS}
    seconds = seconds_of(found)
    columns = [f"{wave} {name}" for wave in WAVES for name in ("F1 %", "SD on", "SD off")]
    print("\t".join(["decoder", "channels", "weights", "s per step", "ratio", *columns]))
    for decoder in DECODERS:
        experiment = experiment_of(decoder, channels[decoder], arguments)
        run = arguments.runs / f"{decoder}_{arguments.epochs}_{arguments.fold}_{arguments.seed}"
        fit(experiment, run)
        kept = run / "metrics.json"
        if not kept.is_file():
            judge(run, data_of(experiment), ("test",))
        scores = json.loads(kept.read_text())["test"]["scores"]
        cells = []
        for wave in WAVES:
            ends = [scores[f"f1[{wave} {point}]"]["value"] for point in ("onset", "offset")]
            cells.append(f"{100 * min(ends):.2f}")
            cells += [f"{scores[f'error_sd_ms[{wave} {point}]']['value']:.1f}" for point in ("onset", "offset")]
        ratio = seconds[decoder] / seconds["unet"]
        print("\t".join([decoder, str(channels[decoder]), str(weights_of(found[decoder])), f"{seconds[decoder]:.3f}",
                         f"{ratio:.2f}", *cells]), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
