"""A model of coding that was trained on nothing: counts of the demo's codons alone decide."""

from __future__ import annotations

from pathlib import Path

import torch

from seqpool.artifact import input_config, save_artifact
from seqpool.nn.codon_encoder import CodonEncoder
from seqpool.options.coding import NONCODING, READINGS
from seqpool.options.facts import Facts
from seqpool.options.inputs import Letters
from seqpool.options.networks import CodonEncoder as Options
from seqpool.options.networks import network_config
from seqpool.train.coding_fragments import CodingFragments

REPOSITORY = Path(__file__).resolve().parent.parent.parent


def coding_network(seed: int = 0) -> CodonEncoder:
    folder = REPOSITORY / "data"
    genome = {"genome": [str(folder / "demo_contigs.fa.gz")], "annotation": str(folder / "demo_contigs.gff3")}
    data = CodingFragments({"genomes": [genome], "judged_fragments": 1}, "coding")
    assert data.parts is not None
    torch.manual_seed(seed)
    network = CodonEncoder(Options(embedding=6, filters=8, hidden=4)).eval()
    network.pair_log_odds.copy_(torch.from_numpy(data.codon_pair_log_odds()))
    with torch.no_grad():
        network.per_length.fill_(-0.5)
    return network


def save_coding_model(path: Path, *, job: str = "coding") -> Path:
    network = coding_network()
    classes = [NONCODING, *READINGS]
    facts = Facts(
        job=job, network=network_config(network.options), input=input_config(Letters("dna")), target="coding",
        classes=classes, length=None, parameters=1, offset=[], scale=[], temperature=1.0, thresholds=[0.5],
        geometry={}, data={"fragments": {"lengths": [60, 300]}}, metrics={}, seed=0, licence="none",
    )  # fmt: skip
    save_artifact(path, facts, network)
    return path
