#!/usr/bin/env python
"""Three plans of strides with equally many weights: balanced, 2 x 2 in every block, and in time only.

    SEQPOOL_DATA=... python scripts/bench_balance.py [--runs DIR] [--seeds 3] [--data few digits esc10] [--epochs N]

`digits`: FSDD, takes 10 to 49 train, takes 5 to 9 test. `few`: takes 10 to 12 train (180 clips), for as many epochs as
EPOCHS says. `esc10`: the four folds, each as test once, for fewer epochs than in the config (EPOCHS) and therefore
without mix-up and changes of speed. All else is that of configs/digits.yaml and configs/esc10.yaml. The table on
stdout: map of a typical clip (frames x bands), weights, mean accuracy over seeds (and folds), the deviation between
seeds, and CPU seconds of training (of runs made now) with the ratio to the balanced plan.
A run that was cut short goes on; a finished one is not repeated.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from seqpool.artifact import load_artifact
from seqpool.io.audio import find_audio
from seqpool.nn.spectrogram_encoder import SpectrogramEncoder
from seqpool.options.config import Experiment, check_config, data_folder, read_config
from seqpool.train.judge import judge
from seqpool.train.run import fit
from seqpool.train.run_folder import MODEL
from seqpool.train.several import data_of

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
PLANS = ("balanced", "square", "time only")
DATA = ("few", "digits", "esc10")
CLIP_S = {"few": 0.42, "digits": 0.42, "esc10": 5.0}
EPOCHS = {"few": 12, "esc10": 10}
BALANCE = {
    "few": "{clip_s: 0.42, ratio: 2, first: large}",
    "digits": "{clip_s: 0.42, ratio: 2, first: large}",
    "esc10": "{clip_s: 5, ratio: 4, cells: [16, 64], first: large}",
}
STRIDES = {"square": (2, 2), "time only": (2, 1)}
FOLDS = {"few": (None,), "digits": (None,), "esc10": ("1", "2", "3", "4")}


def experiment_of(data: str, plan: str, fold: str | None, seed: int, table: Path, epochs: int | None) -> Experiment:
    """One run: data, plan, the fold that is test (of ESC-10), seed. table: of FSDD's takes, where it is needed."""
    name = "esc10" if data == "esc10" else "digits"
    overrides = [("seed_everything", str(seed))]
    blocks = len(check_config(read_config([str(CONFIGS / f"{name}.yaml")])).model.network.channels)  # type: ignore[union-attr]
    if plan == "balanced":
        overrides += [("model.network.strides", "null"), ("model.network.balance", BALANCE[data])]
    else:
        strides = str([list(STRIDES[plan])] * blocks)
        overrides += [("model.network.balance", "null"), ("model.network.strides", strides)]
    if fold is not None:
        overrides += [("model.mix_up", "0"), ("data.augment.speed", "0")]
        overrides.append(("data.split", f"{{by: folds, column: fold, test: [{fold}]}}"))
    else:
        overrides += [
            ("data.table", str(table)),
            ("data.labels", "digit"),
            ("data.split", "{by: column, column: part}"),
        ]
    if epochs is not None or data in EPOCHS:
        overrides.append(("trainer.max_epochs", str(epochs or EPOCHS[data])))
    return check_config(read_config([str(CONFIGS / f"{name}.yaml")], overrides))


def write_takes(path: Path, data: str) -> Path:
    """A table of FSDD's clips: file, digit, part. Takes 5 to 9 are test, of `few` only takes 10 to 12 are train."""
    last = 12 if data == "few" else 49
    lines = ["file,digit,part"]
    for file in find_audio([Path(data_folder()) / "audio" / "fsdd" / "fsdd"]):
        digit, _, take = Path(file).stem.split("_")
        if int(take) <= last:
            lines.append(f"{Path(file).name},{digit},{'test' if int(take) < 10 else 'train'}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def measured(data: str, plan: str, arguments: argparse.Namespace) -> tuple[np.ndarray, float, SpectrogramEncoder]:
    """(seeds, folds) accuracies, CPU seconds of what was trained now, and the last network."""
    found = np.zeros((arguments.seeds, len(FOLDS[data])))
    seconds = 0.0
    table = arguments.runs / f"{data}.csv"
    if data != "esc10":
        write_takes(table, data)
    for seed in range(arguments.seeds):
        for number, fold in enumerate(FOLDS[data]):
            experiment = experiment_of(data, plan, fold, seed, table, arguments.epochs)
            folder = arguments.runs / data / plan.replace(" ", "_") / f"fold{fold or 0}_seed{seed}"
            start = time.process_time()
            fit(experiment, folder)
            seconds += time.process_time() - start
            scores = judge(folder, data_of(experiment), ("test",))["test"]["scores"]
            found[seed, number] = scores["accuracy"]["value"]
            print(f"{data} {plan} fold {fold} seed {seed}: {found[seed, number]:.3f}", file=sys.stderr, flush=True)
    network = load_artifact(folder / MODEL).network
    assert isinstance(network, SpectrogramEncoder)
    return found, seconds, network


def main() -> None:
    """Trains what is not trained yet and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs/bench_balance"), help="folder of the runs")
    parser.add_argument("--seeds", type=int, default=3, help="runs per plan and fold (default 3)")
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--epochs", type=int, help="instead of those of the configs")
    arguments = parser.parse_args()
    print("data\tplan\tmap\tweights\taccuracy\tsd_of_seeds\tcpu_s\tratio")
    for data in arguments.data:
        first = 0.0
        for plan in PLANS:
            accuracy, seconds, network = measured(data, plan, arguments)
            first = first or seconds
            front = network.front
            typical = network.layers.plan(round(CLIP_S[data] * front.rate_hz) // front.hop + 1, front.bands)
            weights = sum(parameter.numel() for parameter in network.parameters())
            by_seed = accuracy.mean(axis=1)
            deviation = by_seed.std(ddof=1) if len(by_seed) > 1 else float("nan")
            shape = f"{typical.frames} x {typical.bands}"
            figures = f"{by_seed.mean():.4f}\t{deviation:.4f}\t{seconds:.0f}\t{seconds / first:.2f}"
            print(f"{data}\t{plan}\t{shape}\t{weights}\t{figures}", flush=True)


if __name__ == "__main__":
    main()
