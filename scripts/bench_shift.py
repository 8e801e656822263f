#!/usr/bin/env python
"""How much does a shift by one sample change an ECG network, and does blur pooling help?

    SEQPOOL_DATA=... python scripts/bench_shift.py [--seeds 3] [--results FILE]

Prints a table for one network with six ways to pool: 4 blocks of convolution (width 7; 16, 32, 64, 64 channels),
batch norm, ReLU and pooling by 2, then a global average and a dense layer. Task: the class of a beat (AAMI N, S, V, F)
from 2.5 s around it at 100 Hz, first lead of the 22 recordings of MIT-BIH DS1; every fourth recording is validation, so
no patient is on both sides. Every sixth beat of each recording is used. Seeds set weights and batch order.

Change: mean over validation beats, classes and both directions of |logit(window shifted by 1 sample) - logit(window)|,
over the standard deviation of the logits. Flipped: share of decisions that the shift changes. Finished runs are kept in
FILE and not repeated.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch
import wfdb
from scipy.signal import resample_poly
from torch import Tensor, nn
from tqdm import tqdm

from seqpool.pooling import GlobalAvgPool1d, local_pool

RATE_HZ = 100
WIDTH = 250  # 2.5 s
MARGIN = 1  # samples kept on each side, for the shifts
EVERY = 6  # of so many beats one is used
EPOCHS = 6
CLASSES = {"N": "NLRej", "S": "AaJS", "V": "VE", "F": "F"}  # ANSI/AAMI EC57
POOLS: dict[str, object] = {
    "maximum": "max",
    "average": "average",
    "strided convolution": "strided_convolution",
    "polyphase": "polyphase",
    "max-blur, 3 taps": {"name": "max_blur", "taps": 3},
    "max-blur, 5 taps": {"name": "max_blur", "taps": 5},
}


def beats_of(record: Path) -> tuple[np.ndarray, np.ndarray]:
    """Windows (beats, WIDTH + 2 MARGIN) of the first lead in standard deviations, and class numbers."""
    signal, fields = wfdb.rdsamp(str(record), channels=[0])
    annotation = wfdb.rdann(str(record), "atr")
    lead = resample_poly(signal[:, 0], RATE_HZ, fields["fs"])
    lead = (lead - np.median(lead)) / lead.std()
    reach = WIDTH // 2 + MARGIN
    classes = {symbol: number for number, symbols in enumerate(CLASSES.values()) for symbol in symbols}
    windows, labels = [], []
    beats = [pair for pair in zip(annotation.sample, annotation.symbol, strict=True) if pair[1] in classes]
    for sample, symbol in beats[::EVERY]:
        centre = round(sample * RATE_HZ / fields["fs"])
        if reach <= centre < len(lead) - reach:
            windows.append(lead[centre - reach : centre + reach])
            labels.append(classes[symbol])
    return np.array(windows, dtype=np.float32), np.array(labels)


def load(folder: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """Training and validation beats: windows (beats, 1, WIDTH + 2 MARGIN) and classes."""
    names = (folder / "RECORDS").read_text().split()
    parts = {}
    for part, records in (
        ("train", [name for index, name in enumerate(names) if index % 4]),
        ("validation", names[::4]),
    ):
        pairs = [beats_of(folder / name) for name in records]
        windows = torch.from_numpy(np.concatenate([windows for windows, _ in pairs]))
        parts[part] = (windows.unsqueeze(1), torch.from_numpy(np.concatenate([labels for _, labels in pairs])))
    return parts


def network(pool: object) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 16), (16, 32), (32, 64), (64, 64)):
        layers += [nn.Conv1d(inputs, outputs, 7, padding=3), nn.BatchNorm1d(outputs), nn.ReLU()]
        layers.append(local_pool(pool, 2, 2, outputs))  # type: ignore[arg-type]
    return nn.Sequential(*layers, GlobalAvgPool1d(), nn.Linear(64, len(CLASSES)))


def run(pool: object, seed: int, parts: dict[str, tuple[Tensor, Tensor]]) -> dict[str, float]:
    """Train one network and measure it."""
    torch.manual_seed(seed)
    model = network(pool)
    windows, labels = parts["train"]
    centre = windows[..., MARGIN:-MARGIN]
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=1e-2)
    batches = len(labels) // 64
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=EPOCHS * batches)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(labels))[: batches * 64].split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(centre[chosen]), labels[chosen], label_smoothing=0.05).backward()
            optimiser.step()
            schedule.step()
    model.eval()
    windows, labels = parts["validation"]
    with torch.no_grad():
        before, still, after = (
            torch.cat([model(part[..., start : start + WIDTH]) for part in windows.split(256)])
            for start in range(2 * MARGIN + 1)
        )
    changes = torch.stack([(moved - still).abs().mean() for moved in (before, after)])
    flips = torch.stack([(moved.argmax(1) != still.argmax(1)).double().mean() for moved in (before, after)])
    return {
        "change": (changes.mean() / still.std()).item(),
        "flipped": flips.mean().item(),
        "accuracy": (still.argmax(1) == labels).double().mean().item(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=Path("bench_shift.jsonl"), help="finished runs, one a line")
    arguments = parser.parse_args()
    data = Path(os.environ.get("SEQPOOL_DATA") or Path.home() / ".cache" / "seqpool-data")
    parts = load(data / "ecg" / "mitdb_ds1")
    done: dict[tuple[str, int], dict[str, float]] = {}
    if arguments.results.exists():
        for line in arguments.results.read_text().splitlines():
            entry = json.loads(line)
            done[entry["pool"], entry["seed"]] = entry
    runs = [(pool, seed) for seed in range(arguments.seeds) for pool in POOLS]
    for pool, seed in tqdm([run for run in runs if run not in done], disable=None):
        done[pool, seed] = {"pool": pool, "seed": seed, **run(POOLS[pool], seed, parts)}  # type: ignore[dict-item]
        with arguments.results.open("a") as stream:
            stream.write(json.dumps(done[pool, seed]) + "\n")
    print(
        f"{len(parts['train'][1])} training and {len(parts['validation'][1])} validation beats, {arguments.seeds} seeds"
    )
    print("| pooling | change of logits by a 1-sample shift | relative to maximum | flipped | accuracy |")
    print("|---|---|---|---|---|")
    mean = {
        pool: {key: float(np.mean([done[pool, seed][key] for seed in range(arguments.seeds)])) for key in
               ("change", "flipped", "accuracy")}
        for pool in POOLS
    }  # fmt: skip
    for pool, row in mean.items():
        ratio = row["change"] / mean["maximum"]["change"]
        print(f"| {pool} | {row['change']:.4f} | {ratio:.2f} | {row['flipped']:.2%} | {row['accuracy']:.2%} |")


if __name__ == "__main__":
    main()
