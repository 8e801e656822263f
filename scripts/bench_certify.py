#!/usr/bin/env python
"""Certainty, as measured: what is proven, how tight the bounds are layer by layer, and what proofs cost.

    SEQPOOL_DATA=... python scripts/bench_certify.py [substitutions] [beats] [pools] [cost]
        [--ctcf ARTIFACT] [--certified RUN --plain RUN] [--folder runs/bench_certify] [--sequences 300]

substitutions: a model trained with configs/ctcf.yaml on the first CTCF test sequences (chr8, chr9). One substitution by
rescoring the windows that it touches against all 3L variants predicted, decision for decision, and the time of each as
a ratio; for 1, 2 and 3 the share of decisions proven and the share that withstands the attack.
beats: runs of configs/beats_certified.yaml with --folds all, as it is and with --model.certify null: accuracy and
certified accuracy over the test beats of all folds by class and balanced, beside the network that always says N.
pools: the same encoder with five ways to pool, trained for certificates on beats (one fold) and plainly on CTCF:
accuracy, certified accuracy, and per layer the mean width of the bounds over the width that attacks find, with linear
layers merged and without.
cost: time of bounds over the time of the forward pass, in the same type, medians of alternating runs.
Nothing named: everything. Models are trained into --folder where they are not there yet, so that a second run resumes.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from seqpool.alphabet import DNA
from seqpool.artifact import load_artifact
from seqpool.io.fasta import read_fasta
from seqpool.jobs.certify_letters import LetterCertifier
from seqpool.nn.certify import attacked
from seqpool.nn.convolution import ConvolutionBlock
from seqpool.nn.encoder import Encoder
from seqpool.nn.intervals import interval_of
from seqpool.nn.letter_changes import LetterChanges, changed, network_outputs
from seqpool.nn.motif_detector import MotifDetector, MotifFilters
from seqpool.nn.perturbations import Noise
from seqpool.options.check import plain
from seqpool.options.config import check_config, expand, read_config
from seqpool.options.networks import Encoder as EncoderOptions
from seqpool.options.networks import network_record
from seqpool.pooling.intervals import Bounds
from seqpool.train.beat_windows import BeatWindows
from seqpool.train.run import fit

PARTS = ("substitutions", "beats", "pools", "cost")
RADII_MV = (0.0, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1)
POOLS = ("max", "average", "log_mean_exp", "average_blur", "strided_convolution")
BEATS_RADIUS_MV, LETTERS_RADIUS = 0.02, 0.01


def ctcf_sequences(count: int) -> Iterator[tuple[str, np.ndarray]]:
    """Names and codes of the first test sequences of configs/ctcf.yaml."""
    file = expand("${SEQPOOL_DATA}/dna/ctcf_pu1/ctcf.fa.gz")
    every = read_fasta(file, DNA, on_error=print, on_warning=print)
    test = (one for one in every if one.name.partition(":")[0] in ("chr8", "chr9"))
    yield from ((one.name, one.codes) for one in islice(test, count))


def with_engine(network: nn.Module, engine: str) -> nn.Module:
    """A copy whose filters use an engine."""
    made = deepcopy(network)
    for module in made.modules():
        if isinstance(module, MotifFilters):
            module.engine = engine  # type: ignore[assignment]
    return made


def substitutions(model: str, count: int) -> None:
    """One substitution exactly and fast; two and three."""
    artifact = load_artifact(model)
    certifier = LetterCertifier(artifact)
    network = artifact.network
    engines = {name: with_engine(network, name) for name in ("torch", "fused")}
    sequences = list(ctcf_sequences(count))
    one = LetterChanges("substitutions", 1)
    seconds: dict[str, list[float]] = {"exact": [], "torch": [], "fused": []}
    differing = variants = 0
    for _, codes in tqdm(sequences, disable=not sys.stderr.isatty()):
        start = time.process_time()
        rows, outputs = certifier.single_changes(codes, one)
        found = certifier.decisions(outputs)
        seconds["exact"].append(time.process_time() - start)
        for name, other in engines.items():
            start = time.process_time()
            positions, replacement = one.variants(codes)
            wanted = certifier.decisions(network_outputs(other, changed(codes, positions, replacement)))
            seconds[name].append(time.process_time() - start)
            differing += int((wanted != found).any(axis=1).sum())
        variants += len(rows)
    print(f"one substitution: {len(sequences)} sequences, {variants:,} variants, {differing} decisions differ")
    for name in ("torch", "fused"):
        ratios = [b / a for a, b in zip(seconds["exact"], seconds[name], strict=True)]
        print(f"time of all variants with engine {name} over exact: {statistics.median(ratios):.1f}")
    print("k\tproven\twithstand the attack\tmethod windows\tseconds each")
    for k in (1, 2, 3):
        changes = replace(one, count=k)
        proven = withstand = windows = 0
        start = time.process_time()
        for _, codes in tqdm(sequences, disable=not sys.stderr.isatty()):
            decided = certifier.decision(codes)
            held = certifier.withstands(codes, decided, changes)
            attack = None if held.witness is not None else certifier.greedy(codes, decided, changes)
            survives = held.witness is None and attack is None
            assert survives or not held.proven, "an attack succeeded where the decision was proven"
            proven, withstand = proven + held.proven, withstand + survives
            windows += held.proven and held.method == "windows"
        total = len(sequences)
        each = (time.process_time() - start) / total
        print(f"{k}\t{proven / total:.3f}\t{withstand / total:.3f}\t{windows / total:.3f}\t{each:.2f}", flush=True)


def proven_beats(network: nn.Module, x: Tensor, positive: np.ndarray, radius: float) -> np.ndarray:
    """(rows,) whether the true class is proven."""
    with torch.no_grad():
        parts = [interval_of(network, one - radius, one + radius) for one in x.split(1000)]
    lower = torch.cat([one.lower for one in parts])[:, 0].numpy()
    upper = torch.cat([one.upper for one in parts])[:, 0].numpy()
    return np.where(positive, lower >= 1e-9, upper < -1e-9)


def test_beats(run: Path) -> tuple[Tensor, np.ndarray]:
    """The windows of a run's test part, and which are V."""
    experiment = check_config(read_config([str(run / "config.yaml")]))
    part = BeatWindows(plain(experiment.data), "binary").parts.test
    assert part is not None
    return torch.from_numpy(part.inputs(np.arange(len(part.ids)), None, 0)[0]), part.target > 0.5


def beats(certified: Path, plainly: Path) -> None:
    """Accuracy and certified accuracy of two runs over all folds."""
    print("network\tradius_mv\tN\tV\tbalanced")
    print("always N\tany\t1.000\t0.000\t0.500")
    for name, run in (("certified", certified), ("plain", plainly)):
        correct: dict[float, list[np.ndarray]] = {radius: [] for radius in RADII_MV}
        truth = []
        for fold in sorted(run.glob("fold*")):
            x, positive = test_beats(fold)
            network = load_artifact(fold / "model.safetensors").network
            truth.append(positive)
            for radius in RADII_MV:
                correct[radius].append(proven_beats(network, x, positive, radius))
        v = np.concatenate(truth)
        for radius, each in correct.items():
            right = np.concatenate(each)
            n_share, v_share = right[~v].mean(), right[v].mean()
            print(f"{name}\t{radius:g}\t{n_share:.3f}\t{v_share:.3f}\t{(n_share + v_share) / 2:.3f}", flush=True)


def steps(network: Encoder, merged: bool) -> list[tuple[str, Callable[[Any], Any], Callable[[Bounds], Bounds]]]:
    """Name, forward and bounds of each layer of an encoder of blocks of one convolution, from the input on."""
    found: list[tuple[str, Callable[[Any], Any], Callable[[Bounds], Bounds]]] = []
    for number, block in enumerate(network.blocks, start=1):
        assert isinstance(block, ConvolutionBlock)

        def linear(x: Tensor, block: ConvolutionBlock = block) -> Tensor:
            convolution, norm, beside = block.first_linear()
            y = norm(convolution(x))  # type: ignore[misc]
            return y if beside is None else y + beside(x)  # type: ignore[no-any-return]

        def together(box: Bounds, block: ConvolutionBlock = block) -> Bounds:
            convolution, norm, beside = block.first_linear()
            return convolution.followed_by(norm, beside, box.lower, box.upper)

        def apart(box: Bounds, block: ConvolutionBlock = block) -> Bounds:
            convolution, norm, beside = block.first_linear()
            own = interval_of(convolution, box.lower, box.upper)
            assert norm is not None
            own = interval_of(norm, own.lower, own.upper)
            if beside is None:
                return own
            other = interval_of(beside, box.lower, box.upper)
            return Bounds(own.lower + other.lower, own.upper + other.upper)

        found.append((f"convolution {number}", linear, together if merged else apart))
        found.append((f"ReLU {number}", torch.relu, lambda box: Bounds(torch.relu(box.lower), torch.relu(box.upper))))
        assert block.pool is not None
        found.append((f"pool {number}", block.pool, lambda box, pool=block.pool: pool.interval(box.lower, box.upper)))
    tail = [network.pools[0], network.head]
    assert network.head is not None
    for name, layer in zip(("global pool", "head"), tail, strict=True):
        assert layer is not None
        found.append((name, layer, lambda box, layer=layer: interval_of(layer, box.lower, box.upper)))
    return found


def widths(network: Encoder, x: Tensor, radius: float, units: int = 12) -> list[tuple[str, float, float, float]]:
    """Per layer: mean width of the bounds merged and apart, and mean width that attacks find, over the same units."""
    generator = torch.Generator().manual_seed(0)
    merged, apart = steps(network, True), steps(network, False)
    boxes = [Bounds(x - radius, x + radius), Bounds(x - radius, x + radius)]
    found = []
    forward: list[Callable[[Any], Any]] = []
    for (name, layer, together), (_, _, separately) in zip(merged, apart, strict=True):
        forward.append(layer)
        with torch.no_grad():
            boxes = [together(boxes[0]), separately(boxes[1])]
        places = torch.randint(0, boxes[0].lower[0].numel(), (units,), generator=generator)
        reached = torch.zeros(len(x), units)
        for column, place in enumerate(places.tolist()):
            for sign in (1.0, -1.0):

                def margin(moved: Tensor, place: int = place, sign: float = sign, depth: int = len(forward)) -> Tensor:
                    for one in forward[:depth]:
                        moved = one(moved)
                    return sign * moved.flatten(1)[:, place]

                reached[:, column] -= attacked(margin, x, Noise(radius), steps=10, starts=1)[0].float()
        wide = [(box.upper - box.lower).flatten(1)[:, places].mean() for box in boxes]
        found.append((name, float(wide[0]), float(wide[1]), float(reached.mean())))
    return found


def trained_encoder(data: str, pool: str, folder: Path) -> Path:
    """The artifact of the comparison's encoder, trained where it is not there yet."""
    run = folder / f"{data}_{pool}"
    if (run / "model.safetensors").is_file():
        return run
    config = read_config(["configs/beats_certified.yaml" if data == "beats" else "configs/ctcf.yaml"])
    model = config.values["model"]["init_args"]
    sizes = {"width": [31, 7], "stride": [3, 1]} if data == "beats" else {"width": [15, 7]}
    model["network"] = {
        "class_path": "Encoder",
        "init_args": {**sizes, "channels": [16, 16], "pool_size": [4, 4], "pool": pool, "residual": True,
                      "normalise": False, "global_pool": "max" if pool == "max" else "average", "dropout": 0.1},
    }  # fmt: skip
    config.values["trainer"]["max_epochs"] = 6 if data == "beats" else 1
    start = time.monotonic()
    fit(check_config(config), run)
    print(f"{run.name}: trained in {(time.monotonic() - start) / 60:.1f} minutes", flush=True)
    return run


def pools(folder: Path) -> None:
    """The comparison: five ways to pool, on beats and on CTCF."""
    sequences = [codes for _, codes in ctcf_sequences(60)]
    for data in ("beats", "ctcf"):
        for pool in POOLS:
            run = trained_encoder(data, pool, folder)
            artifact = load_artifact(run / "model.safetensors")
            network = artifact.network
            if data == "beats":
                x, positive = test_beats(run)
                clean = proven_beats(network, x, positive, 0.0)
                held = proven_beats(network, x, positive, BEATS_RADIUS_MV)
                shares = [(one[~positive].mean() + one[positive].mean()) / 2 for one in (clean, held)]
                print(f"{data}, {pool}: balanced accuracy {shares[0]:.3f}, certified at {BEATS_RADIUS_MV} mV "
                      f"{shares[1]:.3f}")  # fmt: skip
                encoder, inputs, radius = network, x[:: len(x) // 16][:16], BEATS_RADIUS_MV
            else:
                certifier, one = LetterCertifier(artifact), LetterChanges("substitutions", 1)
                decided = [certifier.decision(codes) for codes in sequences]
                right = np.array([bool(own[0] == 1) for own in decided])
                pairs = zip(sequences, decided, strict=True)
                held = np.array([certifier.withstands(codes, own, one).proven for codes, own in pairs])
                print(f"{data}, {pool}: {right.mean():.3f} of sites found, {(right & held).mean():.3f} whatever "
                      "letter is replaced (exact)")  # fmt: skip
                encoder = network.network  # type: ignore[assignment]
                inputs = network.one_hot(torch.from_numpy(np.stack(sequences[:16])))  # type: ignore[operator]
                radius = LETTERS_RADIUS
            assert isinstance(encoder, Encoder)
            print("layer\tmerged / attack\tapart / attack\tattack width")
            for name, merged, apart, reached in widths(encoder, inputs, radius):
                print(f"{name}\t{merged / reached:.2f}\t{apart / reached:.2f}\t{reached:.4g}", flush=True)


def cost(repeats: int = 15) -> None:
    """Bounds over forward pass."""
    print("network\ttype\tbounds / forward")
    makers: dict[str, tuple[nn.Module, Tensor]] = {}
    for pool in POOLS:
        options = {"channels": [16, 32, 64, 64], "pool": pool, "global_pool": "average"}
        record = network_record({"class_path": "Encoder", "init_args": options})
        assert isinstance(record, EncoderOptions)
        network = Encoder(record, 1, 2, None).eval()
        makers[f"encoder, {pool}"] = network, torch.randn(64, 1, 1000)
    for name, (network, x) in makers.items():
        for dtype in (torch.float32, torch.float64):
            own, inputs = network.to(dtype), x.to(dtype)
            ratios = []
            with torch.no_grad():
                for _ in range(repeats):
                    start = time.process_time()
                    own(inputs)
                    middle = time.process_time()
                    interval_of(own, inputs - 1e-3, inputs + 1e-3)
                    ratios.append((time.process_time() - middle) / (middle - start))
            print(f"{name}\t{str(dtype)[6:]}\t{statistics.median(ratios):.2f}", flush=True)


def main() -> None:
    """Runs the parts that were named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(PARTS))
    parser.add_argument("--ctcf", default="runs/ctcf/model.safetensors", metavar="ARTIFACT")
    parser.add_argument("--certified", type=Path, default=Path("runs/beats_certified"), metavar="RUN")
    parser.add_argument("--plain", type=Path, default=Path("runs/beats_plain"), metavar="RUN")
    parser.add_argument("--folder", type=Path, default=Path("runs/bench_certify"))
    parser.add_argument("--sequences", type=int, default=300)
    arguments = parser.parse_args()
    wrong = set(arguments.parts) - set(PARTS)
    if wrong:
        parser.error(f"{', '.join(sorted(wrong))} is no part (parts: {', '.join(PARTS)})")
    chosen = arguments.parts or PARTS
    if "substitutions" in chosen:
        assert isinstance(load_artifact(arguments.ctcf).network, MotifDetector)
        substitutions(arguments.ctcf, arguments.sequences)
    if "beats" in chosen:
        beats(arguments.certified, arguments.plain)
    if "pools" in chosen:
        pools(arguments.folder)
    if "cost" in chosen:
        cost()


if __name__ == "__main__":
    main()
