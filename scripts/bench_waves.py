#!/usr/bin/env python
"""Three ways back to the samples: U-Net, feature pyramid and hypercolumn with equally many weights, on LUDB.

    SEQPOOL_DATA=... python scripts/bench_waves.py [--runs DIR] [--epochs 10] [--folds 0 1 2 3 4] [--seed 7]

Everything but the decoder is that of configs/ludb.yaml; `decoder_channels` is chosen so that the weights are equal to a
few per cent. Each fold of LUDB is judged by networks trained on the other four; a line on stderr says when all three of
a fold are done. The table on stdout takes the judged parts of all the folds together: weights, CPU seconds of a forward
and backward pass over 16 leads of 8 s (median of alternating repeats, and its ratio to the U-Net's), per wave the F1 of
onsets and offsets (the lower of the two) and the standard deviations of their errors in ms, and the share of beats in
fibrillation or flutter that got a P wave. A run that was cut short goes on; a finished one is not repeated.
"""

from __future__ import annotations

import argparse
import os
import sys
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
from seqpool.train.run_folder import MODEL
from seqpool.train.several import data_of
from seqpool.train.wave_judge import FIBRILLATION, SCORES, pooled_scores
from seqpool.train.waves import Waves

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


def experiment_of(decoder: str, channels: int, fold: int, arguments: argparse.Namespace) -> Experiment:
    """The config with this decoder, the fold kept for judging."""
    changes = {
        "model.network.decoder": decoder,
        "model.network.decoder_channels": channels,
        "data.split.test": f"[{fold}]",
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


def run_folder(decoder: str, fold: int, arguments: argparse.Namespace) -> Path:
    """Where the run of one decoder and fold lies."""
    folder: Path = arguments.runs / f"{decoder}_{arguments.epochs}_{fold}_{arguments.seed}"
    return folder


def trained(channels: dict[str, int], arguments: argparse.Namespace) -> None:
    """Trains and judges what is missing, fold by fold, so that an early end leaves all decoders of some folds."""
    for fold in arguments.folds:
        for decoder in DECODERS:
            run = run_folder(decoder, fold, arguments)
            if not (run / SCORES).is_file():
                experiment = experiment_of(decoder, channels[decoder], fold, arguments)
                if not (run / MODEL).is_file():
                    fit(experiment, run)
                judge(run, data_of(experiment), ("test",))
        print(f"fold {fold} is done", file=sys.stderr, flush=True)


def main() -> None:
    """Trains what is missing and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs/bench_waves"))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--folds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    wanted = weights_of(labeller("unet", 32))
    channels = {decoder: equal_channels(decoder, wanted) for decoder in DECODERS}
    trained(channels, arguments)
    found = {decoder: labeller(decoder, channels[decoder]) for decoder in DECODERS}
    seconds = seconds_of(found)
    columns = [f"{wave} {name}" for wave in WAVES for name in ("F1 %", "SD on", "SD off")]
    print("\t".join(["decoder", "channels", "weights", "s per step", "ratio", *columns, "P in AF %"]))
    for decoder in DECODERS:
        data = data_of(experiment_of(decoder, channels[decoder], arguments.folds[0], arguments))
        assert isinstance(data, Waves)
        folders = [run_folder(decoder, fold, arguments) for fold in arguments.folds]
        scores = pooled_scores(folders, data)["scores"]
        cells = []
        for wave in WAVES:
            ends = [scores[f"f1[{wave} {point}]"]["value"] for point in ("onset", "offset")]
            cells.append(f"{100 * min(ends):.2f}")
            cells += [f"{scores[f'error_sd_ms[{wave} {point}]']['value']:.1f}" for point in ("onset", "offset")]
        in_fibrillation = f"{100 * scores[FIBRILLATION]['value']:.1f}" if FIBRILLATION in scores else ""
        ratio = seconds[decoder] / seconds["unet"]
        print("\t".join([decoder, str(channels[decoder]), str(weights_of(found[decoder])), f"{seconds[decoder]:.3f}",
                         f"{ratio:.2f}", *cells, in_fibrillation]), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
