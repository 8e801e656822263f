"""One strand, both strands with the better one, and shared parameters, on CTCF peaks (configs/ctcf.yaml).

    python scripts/bench_strands.py [--seeds 5] [--runs runs/strands] [--only forward] [--report]

Trains the config's motif detector with `strands: forward` (one strand), `both` (post-hoc maximum of every filter over
the strands) and `shared` (reverse-complement parameter sharing), each with every seed. Prints test AUROC and average
precision (mean, deviation and every seed) and how much the probability, before calibration, changes when a test
sequence is reverse complemented (largest over all test sequences and seeds); of the one-strand networks also what the
maximum and the mean of their two logits reach. Finished runs are kept in --runs and not repeated; --report trains
nothing and counts what there is.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor, nn

from seqpool.alphabet import DNA
from seqpool.artifact import load_artifact
from seqpool.evaluation.ranking import average_precision, roc_auc
from seqpool.options.config import check_config, read_config
from seqpool.train.data_module import Part
from seqpool.train.finish import outputs_of
from seqpool.train.several import data_of

CONFIG = Path(__file__).parent.parent / "configs" / "ctcf.yaml"
MODELS = {"forward": "one strand", "both": "both, maximum", "shared": "shared parameters"}
BATCH = 512


class OtherStrand(nn.Module):
    """A network that is shown the reverse complement of each row of codes."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.complement = torch.from_numpy(DNA.complement_codes)

    def forward(self, codes: Tensor, lengths: Tensor) -> Tensor:
        place = (lengths[:, None] - 1 - torch.arange(codes.shape[1])).clamp(min=0)
        turned = self.complement[codes.gather(1, place).long()]
        return self.network(turned, lengths)


def train(strands: str, seeds: int, folder: Path) -> None:
    """Every seed that has not been trained yet."""
    words = ["fit", "--config", str(CONFIG), "--model.network.strands", strands, "--seeds", str(seeds)]
    subprocess.run([sys.executable, "-m", "seqpool", *words, "--run", str(folder)], check=True)


def logits(folder: Path, part: Part) -> list[NDArray[np.float64]]:
    """Of every finished seed (2, rows): of each sequence, and of its reverse complement."""
    found = []
    for path in sorted(folder.glob("seed*/model.safetensors")):
        network = load_artifact(path).network
        found.append(np.stack([outputs_of(one, part, BATCH)[:, 0] for one in (network, OtherStrand(network))]))
    return found


def row(name: str, target: NDArray[np.float64], scores: list[NDArray[np.float64]]) -> str:
    """A line of the table."""
    cells = []
    for figure in (roc_auc, average_precision):
        values = np.array([figure(target, one) for one in scores])
        spread = values.std(ddof=1) if len(values) > 1 else float("nan")
        cells.append(f"{values.mean():.4f} ± {spread:.4f} ({' '.join(f'{value:.4f}' for value in values)})")
    return f"| {name} | {len(scores)} | {' | '.join(cells)} |"


def main() -> None:
    """Trains and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="seeds of each network (default: 5)")
    parser.add_argument("--runs", type=Path, default=Path("runs/strands"), metavar="DIR", help="where runs are kept")
    parser.add_argument("--only", nargs="*", default=list(MODELS), choices=list(MODELS), metavar="STRANDS")
    parser.add_argument("--report", action="store_true", help="train nothing")
    arguments = parser.parse_args()
    if not arguments.report:
        for strands in arguments.only:
            train(strands, arguments.seeds, arguments.runs / strands)
    part = data_of(check_config(read_config([str(CONFIG)], []))).parts.test
    assert part is not None
    print("| strands | seeds | test AUROC | average precision | largest change of p on the other strand |")
    print("|---|---|---|---|---|")
    for strands in arguments.only:
        found = logits(arguments.runs / strands, part)
        if not found:
            continue
        change = max(float(np.abs(expit(one[0]) - expit(one[1])).max()) for one in found)
        print(f"{row(MODELS[strands], part.target, [one[0] for one in found])} {change:.1e} |")
        if strands == "forward":
            for name, reduce in (("maximum", np.max), ("mean", np.mean)):
                label = f"one strand, {name} of its two logits"
                print(f"{row(label, part.target, [reduce(one, axis=0) for one in found])} 0 |")


if __name__ == "__main__":
    main()
