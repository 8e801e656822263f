#!/usr/bin/env python
"""How much does a shift by one sample change an ECG network, and does blur pooling help?

    SEQPOOL_DATA=... python scripts/bench_shift.py [--seeds 3] [--results FILE]

Prints a table for one network with seven ways to pool: 4 blocks of convolution (width 7; 16, 32, 64, 64 channels),
batch norm, ReLU and pooling by 2, then a global average and a dense layer. Task: the class of a beat (AAMI N, S, V, F)
from 2.5 s around it at 100 Hz, first lead of the 22 recordings of MIT-BIH DS1, every sixth beat of each.

Cross-validation by patient: the recordings are dealt into 4 folds, each fold is validated by a network that saw none of
its patients, and figures are over the beats of all 22 recordings. Seeds set weights and batch order. What is validated
is the average of the weights over the second half of training: the last step alone differs from seed to seed by more
than one way to pool from another.

Change: mean over validation beats, classes and both directions of |logit(window shifted by 1 sample) - logit(window)|,
over the standard deviation of the fold's logits. Flipped: share of decisions that the shift changes. Beside each figure
the standard deviation between seeds. Finished runs are kept in FILE and not repeated.
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
FOLDS = 4
EPOCHS = 6
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 5e-2
LABEL_SMOOTHING = 0.1
BATCH = 64
CLASSES = {"N": "NLRej", "S": "AaJS", "V": "VE", "F": "F"}  # ANSI/AAMI EC57
SETTINGS = [RATE_HZ, WIDTH, EVERY, FOLDS, EPOCHS, LEARNING_RATE, WEIGHT_DECAY, LABEL_SMOOTHING, BATCH]
POOLS: dict[str, object] = {
    "maximum": "max",
    "max-blur, 3 taps": {"name": "max_blur", "taps": 3},
    "average": "average",
    "polyphase": "polyphase",
    "strided convolution": "strided_convolution",
    "max-blur, 4 taps": {"name": "max_blur", "taps": 4},
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


Beats = list[tuple[Tensor, Tensor]]


def load(folder: Path) -> Beats:
    """Of each recording the windows (beats, 1, WIDTH + 2 MARGIN) and classes (beats,)."""
    pairs = [beats_of(folder / name) for name in (folder / "RECORDS").read_text().split()]
    return [(torch.from_numpy(windows).unsqueeze(1), torch.from_numpy(labels)) for windows, labels in pairs]


def joined(beats: Beats) -> tuple[Tensor, Tensor]:
    return torch.cat([windows for windows, _ in beats]), torch.cat([labels for _, labels in beats])


def network(pool: object) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 16), (16, 32), (32, 64), (64, 64)):
        layers += [nn.Conv1d(inputs, outputs, 7, padding=3), nn.BatchNorm1d(outputs), nn.ReLU()]
        layers.append(local_pool(pool, 2, 2, outputs))  # type: ignore[arg-type]
    return nn.Sequential(*layers, GlobalAvgPool1d(), nn.Linear(64, len(CLASSES)))


def train(model: nn.Module, windows: Tensor, labels: Tensor) -> nn.Module:
    """The model whose weights are the mean over the second half of training `model`."""
    optimiser = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    batches = len(labels) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=EPOCHS * batches)
    averaged = torch.optim.swa_utils.AveragedModel(model, use_buffers=True)
    for epoch in range(EPOCHS):
        for chosen in torch.randperm(len(labels))[: batches * BATCH].split(BATCH):
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(model(windows[chosen]), labels[chosen], label_smoothing=LABEL_SMOOTHING)
            loss.backward()
            optimiser.step()
            schedule.step()
            if epoch >= EPOCHS // 2:
                averaged.update_parameters(model)
    return averaged.eval()


def run(pool: object, seed: int, fold: int, beats: Beats) -> dict[str, float]:
    """Train on the other folds and measure on this one."""
    torch.manual_seed(seed * FOLDS + fold)
    windows, labels = joined([pair for index, pair in enumerate(beats) if index % FOLDS != fold])
    model = train(network(pool), windows[..., MARGIN:-MARGIN], labels)
    windows, labels = joined(beats[fold::FOLDS])
    with torch.no_grad():
        before, still, after = (
            torch.cat([model(part[..., start : start + WIDTH]) for part in windows.split(256)])
            for start in range(2 * MARGIN + 1)
        )
    changes = torch.stack([(moved - still).abs().mean() for moved in (before, after)])
    flips = torch.stack([(moved.argmax(1) != still.argmax(1)).double().mean() for moved in (before, after)])
    return {
        "beats": len(labels),
        "change": (changes.mean() / still.std()).item(),
        "flipped": flips.mean().item(),
        "accuracy": (still.argmax(1) == labels).double().mean().item(),
    }


def finished(results: Path) -> dict[tuple[str, int, int], dict[str, float]]:
    """Runs of these settings in the file, by pool, seed and fold."""
    lines = results.read_text().splitlines() if results.exists() else []
    entries = [json.loads(line) for line in lines]
    return {(entry["pool"], entry["seed"], entry["fold"]): entry for entry in entries if entry["settings"] == SETTINGS}


def over_folds(done: dict[tuple[str, int, int], dict[str, float]], pool: str, seed: int, figure: str) -> float:
    """A figure over the beats of all folds."""
    entries = [done[pool, seed, fold] for fold in range(FOLDS)]
    return float(np.average([entry[figure] for entry in entries], weights=[entry["beats"] for entry in entries]))


def spread(figures: np.ndarray, shown: str) -> str:
    """Mean over seeds, and beside it the standard deviation where there are several."""
    mean = format(figures.mean(), shown)
    return f"{mean} ± {format(figures.std(ddof=1), shown)}" if len(figures) > 1 else mean


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=Path("bench_shift.jsonl"), help="finished runs, one a line")
    parser.add_argument("--only", nargs="*", default=list(POOLS), choices=list(POOLS), metavar="POOL")
    arguments = parser.parse_args()
    data = Path(os.environ.get("SEQPOOL_DATA") or Path.home() / ".cache" / "seqpool-data")
    beats = load(data / "ecg" / "mitdb_ds1")
    runs = [(pool, seed, fold) for pool in arguments.only for seed in range(arguments.seeds) for fold in range(FOLDS)]
    done = finished(arguments.results)
    for pool, seed, fold in tqdm([key for key in runs if key not in done], disable=None):
        figures = run(POOLS[pool], seed, fold, beats)
        entry = {"pool": pool, "seed": seed, "fold": fold, "settings": SETTINGS, **figures}
        with arguments.results.open("a") as stream:
            stream.write(json.dumps(entry) + "\n")
    done = finished(arguments.results)
    count = sum(len(labels) for _, labels in beats)
    print(f"{count} beats of {len(beats)} recordings in {FOLDS} folds, {arguments.seeds} seeds")
    print("| pooling | change of logits by a 1-sample shift | relative to the first | flipped | accuracy |")
    print("|---|---|---|---|---|")
    first = None
    for pool in arguments.only:
        change, flipped, accuracy = (
            np.array([over_folds(done, pool, seed, figure) for seed in range(arguments.seeds)])
            for figure in ("change", "flipped", "accuracy")
        )
        first = change.mean() if first is None else first
        print(
            f"| {pool} | {spread(change, '.4f')} | {change.mean() / first:.2f} | {spread(flipped, '.2%')} "
            f"| {spread(accuracy, '.2%')} |"
        )


if __name__ == "__main__":
    main()
