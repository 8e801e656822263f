"""What extremely randomised trees reach on features of sound that were thought of by hand, on the data of a config.

    python scripts/baseline_sounds.py configs/esc10.yaml --run runs/trees [--trees 1000] [--seed 0]

Clips, folds and sides are those of `seqpool fit --folds all` on the same config; each fold is test once. A file
`foldF/predictions.tsv` below the run folder holds the probabilities as `seqpool test` writes them, so that
`scripts/average_runs.py` can average them with a network's. The table on stdout: accuracy of each fold and the mean.

227 features of a clip, over frames of 40 ms every 20 ms: of 20 cepstral coefficients, and of the spectrum's centroid,
spread, flatness, level and change from frame to frame, mean, deviation and the percentiles 5, 25, 50, 75, 95 (175); of
the coefficients' slopes, mean size and deviation (40); the first 12 magnitudes of the Fourier transform of the level
curve, its mean removed, as shares of their sum (12).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import dct
from sklearn.ensemble import ExtraTreesClassifier

from seqpool.nn.spectrogram import Spectrogram
from seqpool.options.audio import AudioClips
from seqpool.options.config import Experiment, check_config, read_config
from seqpool.options.spectrogram import Spectrogram as Options
from seqpool.train.judge import PREDICTIONS
from seqpool.train.several import data_of
from seqpool.train.splits import each_fold_as_test

COEFFICIENTS = 20
LEVEL_HARMONICS = 12
PERCENTILES = (5, 25, 50, 75, 95)
FRONT = Options(window_s=0.04, hop_s=0.02, band_count=64, level="none", compression="none", normalise="none")

Numbers = NDArray[np.float64]


def features(sound: NDArray[np.float32], front: Spectrogram) -> Numbers:
    """(227,) numbers of one clip (samples,)."""
    wave = torch.from_numpy(np.asarray(sound, dtype=np.float64))[None, None]
    power = front.power(wave)[0, 0]
    decibel = 10 * np.log10(np.maximum(front.band_power(power[None, None])[0, 0].numpy(), 1e-8))
    cepstrum = dct(decibel, axis=0, norm="ortho")[:COEFFICIENTS]
    shape = spectral_shape(power.numpy(), front.rate_hz)
    curves = np.concatenate([cepstrum, shape])
    slopes = np.diff(cepstrum, axis=1) if cepstrum.shape[1] > 1 else np.zeros_like(cepstrum)
    level = shape[3] - shape[3].mean()
    harmonics = np.abs(np.fft.rfft(level, max(len(level), 2 * LEVEL_HARMONICS + 1)))[1 : LEVEL_HARMONICS + 1]
    return np.concatenate([
        curves.mean(axis=1), curves.std(axis=1), np.percentile(curves, PERCENTILES, axis=1).ravel(),
        np.abs(slopes).mean(axis=1), slopes.std(axis=1), harmonics / max(harmonics.sum(), 1e-9),
    ])  # fmt: skip


def spectral_shape(power: Numbers, rate_hz: float) -> Numbers:
    """(5, frames) of power (frequencies, frames): centroid and spread in Hz, flatness, level in dB, change."""
    frequencies = np.linspace(0, rate_hz / 2, len(power))[:, None]
    share = (power + 1e-10) / (power + 1e-10).sum(axis=0)
    centroid = (frequencies * share).sum(axis=0)
    spread = np.sqrt(((frequencies - centroid) ** 2 * share).sum(axis=0))
    flatness = np.exp(np.log(power + 1e-10).mean(axis=0)) / (power + 1e-10).mean(axis=0)
    level = 10 * np.log10(power.sum(axis=0) + 1e-8)
    change = np.sqrt((np.diff(share, axis=1, prepend=share[:, :1]) ** 2).sum(axis=0))
    return np.stack([centroid, spread, flatness, level, change])


def judge_folds(experiment: Experiment, run: Path, trees: int, seed: int) -> dict[str, float]:
    """Accuracy of each fold; predictions are written below the run folder."""
    assert isinstance(experiment.data, AudioClips)
    assert experiment.data.split is not None
    # without repetition: what counts is the clip itself
    signal = replace(experiment.data.signal, repeat_to_s=None)
    experiment = replace(experiment, data=replace(experiment.data, signal=signal))
    front = Spectrogram(FRONT, signal.rate_hz)
    names = data_of(experiment).parts.facts["folds"]
    known: dict[str, Numbers] = {}
    found = {}
    for name, split in zip(names, each_fold_as_test(experiment.data.split, names), strict=True):
        parts = data_of(replace(experiment, data=replace(experiment.data, split=split))).parts
        assert parts.test is not None
        table = []
        for part in (parts.train, parts.test):
            for row, clip in enumerate(part.ids):
                if clip not in known:
                    x, lengths = part.inputs(np.array([row]), None, 0)
                    known[clip] = features(x[0, 0, : lengths[0]], front)
            table.append(np.stack([known[clip] for clip in part.ids]))
        model = ExtraTreesClassifier(trees, random_state=seed).fit(table[0], parts.train.target)
        probabilities = model.predict_proba(table[1])
        found[name] = float((probabilities.argmax(axis=1) == parts.test.target).mean())
        write_predictions(run / f"fold{name}", list(parts.test.ids), parts.test.target, probabilities, parts.classes)
    return found


def write_predictions(
    folder: Path, ids: list[str], target: Numbers, probabilities: Numbers, classes: tuple[str, ...]
) -> None:
    """predictions.tsv as `seqpool test` writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(["id", "split", "label", *(f"p_{name}" for name in classes), "decision"])]
    for clip, true, values in zip(ids, target.astype(int), probabilities, strict=True):
        cells = [f"{value:.6f}" for value in values]
        lines.append("\t".join([clip, "test", classes[true], *cells, classes[int(values.argmax())]]))
    (folder / PREDICTIONS).write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="a config of AudioClips whose split has folds")
    parser.add_argument("--run", type=Path, required=True, help="folder of the predictions")
    parser.add_argument("--trees", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    experiment = check_config(read_config([arguments.config]))
    start = time.process_time()
    found = judge_folds(experiment, arguments.run, arguments.trees, arguments.seed)
    print("fold\taccuracy")
    for name, accuracy in {**found, "mean": float(np.mean(list(found.values())))}.items():
        print(f"{name}\t{accuracy:.4f}")
    print(f"cpu_s\t{time.process_time() - start:.0f}")


if __name__ == "__main__":
    main()
