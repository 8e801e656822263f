#!/usr/bin/env python
"""Coding or not, frame and strand, of fragments: the codon encoder beside what needs no training, and a plain network.

    SEQPOOL_DATA=... python scripts/bench_coding.py [--runs DIR] [--genome ecoli --genome yeast] [--scan]

Trains configs/coding_ecoli.yaml and configs/coding_yeast.yaml, and two networks with the same filters that see each
fragment as it is, unless the runs are there: the same layers on the codons of its first frame only, and filters over 12
letters (no frames, no strands). On the test part, 60, 120 and 300 nt, it prints
AUROC of coding against not, the share of coding fragments whose frame and strand are right, and how far the codon
encoder is above each other method, with 95 % intervals from a bootstrap over genes and gaps:
log-odds of codons and of hexamers in the best of six frames, counted on the training part, and Prodigal in its
metagenomic mode (pyrodigal, where it is installed; it says yes or no, so it has a sensitivity and a share of false
alarms). Shuffles of the coding fragments that keep neighbouring letters are rows of their own. Then: how many
decisions of every method change when 1 or 2 letters are trimmed off, and on the other strand (networks decide at their
own threshold, log-odds at the one with the largest Matthews correlation on these fragments), and how many have to: the
accuracy, at the best threshold, that 30 letters cost is 30 times a letter's changes at least.
--scan: annotated CDS that `seqpool coding` finds in the E. coli genome (half or more of it, strand and frame right) at
so many false base pairs, beside the same path through hexamer log-odds, over a range of costs.
What was computed is kept in DIR; a run that was cut short goes on.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from scipy.special import expit, logit
from torch import Tensor, nn

from seqpool.alphabet import DNA, PLAIN_CODONS, Codes, codon_codes
from seqpool.artifact import load_artifact
from seqpool.evaluation.coding import coding_answers, coding_scores
from seqpool.evaluation.decisions import fit_thresholds
from seqpool.evaluation.intervals import Interval, bootstrap_intervals, paired_differences
from seqpool.jobs.coding import CodingScanner, RegionPath, chunks, coding_network
from seqpool.kernels.shuffles import dinucleotide_shuffles
from seqpool.nn.coding_evidence import margin
from seqpool.nn.codon_encoder import CodonEncoder, frame_counts
from seqpool.nn.heads import dense_head
from seqpool.options.config import Experiment, check_config, read_config
from seqpool.options.networks import CodonEncoder as Options
from seqpool.train.coding_fragments import CodingFragments, FragmentPart, counted_pairs
from seqpool.train.run import fit
from seqpool.train.several import data_of
from seqpool.train.splits import TRAIN

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
RESAMPLES = 200
OURS = "codon encoder"
SIZES: dict[str, Any] = {"hidden": 32, "dropout": 0.2}
WITHOUT_FRAMES: dict[str, Any] = {
    "first frame only": "bench_coding.FirstFrame",
    "plain encoder": {
        "class_path": "Encoder",
        "init_args": {"channels": [64], "width": 12, "pool_size": 1, "normalise": False, **SIZES},
    },
}
FOLDERS = {OURS: "coding", "first frame only": "first", "plain encoder": "plain"}
COSTS = (2.0, 4.0, 6.0, 8.0, 10.0, 14.0, 20.0, 30.0)

Values = Any


class FirstFrame(nn.Module):
    """The codon encoder's network on the codons of a fragment as it is, from the first letter of the given strand."""

    def __init__(self, channels: int, outputs: int, length: int | None) -> None:
        super().__init__()
        chosen = Options(filters=64, width=4, embedding=24, codon_pairs=0, **SIZES)
        self.encoder = CodonEncoder(chosen)
        self.encoder.head = dense_head(3 * chosen.filters, outputs, hidden=chosen.hidden, dropout=chosen.dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(N, 4, L) one-hot letters to a logit of each answer."""
        codes = torch.where(x.amax(1) == 1, x.argmax(1), DNA.unknown).to(torch.uint8)
        counts = frame_counts(lengths, 3 * self.encoder.options.width)
        parts = self.encoder.summaries(self.encoder.windows(self.encoder.codons(codes, lengths)), counts)
        features: Tensor = self.encoder.head(torch.cat(parts, dim=1)[..., 0])
        return features


def experiment_of(genome: str, name: str = OURS) -> Experiment:
    """The genome's config, or the same with a network that knows no frames."""
    config = read_config([str(CONFIGS / f"coding_{genome}.yaml")])
    if name in WITHOUT_FRAMES:
        config.values["model"]["init_args"]["network"] = WITHOUT_FRAMES[name]
    return check_config(config)


def log_odds(data: CodingFragments, *, codons: int) -> Values:
    """(64,) of codons or (64, 64) of hexamers, frames of coding stretches of train against gene-free letters; one
    count in advance for each word."""
    tables = []
    for coding in (True, False):
        pairs = np.zeros((PLAIN_CODONS, PLAIN_CODONS))
        for genome, stretches in zip(data.genomes, data.stretches[TRAIN], strict=True):
            pairs += counted_pairs(genome, [one for one in stretches if bool(one.strand) == coding])
        counts = (pairs.sum(axis=1) if codons == 1 else pairs) + 1.0
        tables.append(np.log(counts / counts.sum()))
    return tables[0] - tables[1]


def six_frames(rows: list[Codes], score: Callable[[Values], float]) -> Values:
    """(rows, 1 + 6) scores of the codons of each frame, 0 for no coding first."""
    found = np.zeros((len(rows), 7))
    for row, codes in enumerate(rows):
        for strand, read in enumerate((codes, DNA.reverse_complement(codes))):
            codons = codon_codes(read).astype(np.int64)
            for frame in range(3):
                found[row, 1 + 3 * strand + frame] = score(codons[frame::3])
    return found


def best_frame(outputs: Values) -> tuple[Values, Values]:
    """Evidence and reading of the best of six frames."""
    return outputs[:, 1:].max(axis=1), outputs[:, 1:].argmax(axis=1) + 1


def network_outputs(path: Path, rows: list[Codes]) -> Values:
    """(rows, 7) logits of an artifact's network."""
    network = load_artifact(path).network
    found = []
    with torch.inference_mode():
        for first in range(0, len(rows), 256):
            some = rows[first : first + 256]
            lengths = [len(codes) for codes in some]
            x = np.full((len(some), max(lengths)), DNA.unknown, dtype=np.uint8)
            for row, codes in enumerate(some):
                x[row, : len(codes)] = codes
            found.append(network(torch.from_numpy(x), torch.tensor(lengths)).numpy().astype(np.float64))
    return np.concatenate(found)


def prodigal_readings(rows: list[Codes]) -> Values | None:
    """(rows,) 0 where Prodigal calls less than half of a fragment coding, else 1 + strand and frame of its gene."""
    try:
        import pyrodigal
    except ImportError:
        return None
    finder = pyrodigal.GeneFinder(meta=True, min_gene=60, min_edge_gene=30, max_overlap=30)
    found = np.zeros(len(rows), dtype=np.int64)
    for row, codes in enumerate(rows):
        genes = [gene for gene in finder.find_genes(DNA.decode(codes)) if gene.end - gene.begin + 1 >= len(codes) / 2]
        if genes:
            gene = max(genes, key=lambda one: one.end - one.begin)
            frame = (gene.begin - 1) % 3 if gene.strand > 0 else (len(codes) - gene.end) % 3
            found[row] = 1 + frame + (0 if gene.strand > 0 else 3)
    return found


def letters_of(part: FragmentPart) -> list[Codes]:
    """The fragments of a part."""
    x, lengths = part.inputs(np.arange(len(part.ids)), None, 0)
    return [row[:length] for row, length in zip(x, lengths.tolist(), strict=True)]


def kept(path: Path, make: Callable[[], dict[str, Values]]) -> dict[str, Values]:
    """Arrays that were computed before, or are now."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path.with_suffix(".part.npz"), **make())
        path.with_suffix(".part.npz").rename(path)
    with np.load(path) as found:
        return dict(found)


def shown(interval: Interval, *, sign: str = "") -> str:
    """A figure with its interval."""
    return f"{interval.estimate:{sign}.4f} ({interval.lower:{sign}.4f} to {interval.upper:{sign}.4f})"


def fragments_table(genome: str, runs: Path) -> None:
    """Figures of every method on the test fragments of a genome, each method's as soon as it is known."""
    data = data_of(experiment_of(genome))
    assert isinstance(data, CodingFragments)
    part = data.parts.test
    assert isinstance(part, FragmentPart)
    rows = letters_of(part)
    codons, hexamers = log_odds(data, codons=1), log_odds(data, codons=2)

    def network(name: str) -> Callable[[list[Codes]], Values]:
        def outputs(some: list[Codes]) -> Values:
            return network_outputs(fit(experiment_of(genome, name), runs / f"{FOLDERS[name]}_{genome}"), some)

        return outputs

    methods: dict[str, Callable[[list[Codes]], Values]] = {
        OURS: network(OURS),
        "hexamer log-odds": lambda some: six_frames(some, lambda c: hexamers[c[:-1], c[1:]].sum()),
        "codon log-odds": lambda some: six_frames(some, lambda c: codons[c].sum()),
        **{name: network(name) for name in WITHOUT_FRAMES},
    }
    print(f"\n{genome}: test part")
    print("method\tnt\tAUROC\tframe and strand\tencoder's AUROC less this\tencoder's frames less this")
    ours: tuple[Values, Values] | None = None
    for name, outputs_of in methods.items():
        file = runs / f"{genome}_{name.replace(' ', '_')}.npz"
        found = kept(file, lambda do=outputs_of: {"real": do(rows)})["real"]
        said = said_of(name, found)
        ours = ours or said
        print_method(name, said, ours, part, data.options.judged_lengths)
    coding = np.flatnonzero(part.target > 0)
    x, lengths = part.inputs(coding, None, 0)
    shuffled = dinucleotide_shuffles(x, lengths, seed=0, epoch=0, rows=np.arange(len(coding)))
    shuffles = [row[:length] for row, length in zip(shuffled, lengths.tolist(), strict=True)]
    print("method\tnt\tAUROC of coding fragments against their own shuffles")
    for name in (OURS, "hexamer log-odds"):
        file = runs / f"{genome}_{name.replace(' ', '_')}_shuffles.npz"
        of_shuffles = kept(file, lambda do=methods[name]: {"shuffles": do(shuffles)})["shuffles"]
        real = np.load(runs / f"{genome}_{name.replace(' ', '_')}.npz")["real"]
        evidence = [said_of(name, some)[0] for some in (real[coding], of_shuffles)]
        for length in data.options.judged_lengths:
            here = lengths == length
            truth = np.repeat([1.0, 0.0], int(here.sum()))
            both = np.concatenate([values[here] for values in evidence])
            print(f"{name}\t{length}\t{coding_scores(truth, both, truth.astype(np.int64))['roc_auc']:.4f}", flush=True)
    prodigal_table(genome, runs, part, rows, shuffles)
    invariance_table(genome, runs, methods, part, rows)


def said_of(name: str, outputs: Values) -> tuple[Values, Values]:
    """Evidence and reading of the outputs of a method."""
    if "log-odds" in name:
        return best_frame(outputs)
    answers = coding_answers(outputs)
    return answers.evidence, answers.reading


def print_method(
    name: str,
    said: tuple[Values, Values],
    ours: tuple[Values, Values],
    part: FragmentPart,
    lengths: tuple[int, ...],
) -> None:
    """A row for each length: figures, and how far the codon encoder is above them."""
    for length in lengths:
        here = np.flatnonzero(part.lengths == length)

        def scores(which: tuple[Values, Values], here: Values = here) -> Callable[[Values], dict[str, float]]:
            return lambda drawn: coding_scores(part.target, *which, here[drawn])

        options: dict[str, Any] = {"groups": part.groups[here], "resamples": RESAMPLES}
        own = bootstrap_intervals(scores(said), len(here), **options)
        cells = [shown(own["roc_auc"]), shown(own["frame_accuracy"])]
        if said is not ours:
            less = paired_differences(scores(ours), scores(said), len(here), **options)
            cells += [shown(less["roc_auc"], sign="+"), shown(less["frame_accuracy"], sign="+")]
        else:
            coding = int((part.target[here] > 0).sum())
            cells.append(f"{coding} coding, {len(here) - coding} not")
        print(f"{name}\t{length}\t" + "\t".join(cells), flush=True)


def prodigal_table(genome: str, runs: Path, part: FragmentPart, rows: list[Codes], shuffles: list[Codes]) -> None:
    """What Prodigal calls: yes or no."""

    def make() -> dict[str, Values]:
        real = prodigal_readings(rows)
        return {} if real is None else {"real": real, "shuffles": prodigal_readings(shuffles)}

    found = kept(runs / f"{genome}_prodigal.npz", make)
    if not found:
        print("pyrodigal is not installed: no rows of Prodigal")
        return
    print("nt\tProdigal, metagenomic\tsensitivity\tfalse alarms, real\tfalse alarms, shuffles\tframe and strand of all")
    coding = part.target > 0
    for length in sorted(set(part.lengths.tolist())):
        here = part.lengths == length
        figures = (
            (found["real"][here & coding] > 0).mean(),
            (found["real"][here & ~coding] > 0).mean(),
            (found["shuffles"][part.lengths[coding] == length] > 0).mean(),
            (found["real"][here & coding] == part.target[here & coding]).mean(),
        )
        print(f"{length}\t\t" + "\t".join(f"{figure:.3f}" for figure in figures), flush=True)


def invariance_table(
    genome: str, runs: Path, methods: dict[str, Callable[[list[Codes]], Values]], part: FragmentPart, rows: list[Codes]
) -> None:
    """Decisions that change when letters are trimmed off, and on the other strand; some 6,000 fragments."""
    chosen = np.arange(0, len(rows), max(len(rows) // 6000, 1))
    some = [rows[row] for row in chosen.tolist()]
    truth, lengths = part.target[chosen] > 0, part.lengths[chosen]
    changed = {
        "as it is": some,
        "1": [codes[1:] for codes in some],
        "2": [codes[2:] for codes in some],
        "other strand": [DNA.reverse_complement(codes) for codes in some],
        "30": [codes[30:] for codes in some],
    }
    print("decisions that change, %\tnt\t1 letter trimmed\t2 letters\tother strand\taccuracy\ta letter costs, %")
    for name, outputs_of in methods.items():
        file = runs / f"{genome}_{name.replace(' ', '_')}_changed.npz"
        found = kept(file, lambda do=outputs_of: {change: do(fragments) for change, fragments in changed.items()})
        evidence, limit = evidence_of(name, genome, runs, found, truth)
        decided = {change: values >= limit for change, values in evidence.items()}
        for length in (*sorted(set(lengths.tolist())), 0):
            here = lengths == length if length else lengths > 0
            shares = [100 * (decided[one] != decided["as it is"])[here].mean() for one in ("1", "2", "other strand")]
            accuracy = (decided["as it is"] == truth)[here].mean()
            best = [best_accuracy(truth[here], evidence[one][here]) for one in ("as it is", "30")]
            cells = [f"{share:.2f}" for share in shares] + [f"{accuracy:.4f}", f"{100 * (best[0] - best[1]) / 30:.2f}"]
            print(f"{name}\t{length or 'all'}\t" + "\t".join(cells), flush=True)


def evidence_of(
    name: str, genome: str, runs: Path, found: dict[str, Values], truth: Values
) -> tuple[dict[str, Values], float]:
    """Evidence of coding by what was done to the fragments, and from where on a method calls it coding."""
    if "log-odds" in name:
        evidence = {change: best_frame(outputs)[0] for change, outputs in found.items()}
        scale = float(np.abs(evidence["as it is"]).max())
        limit = fit_thresholds(truth.astype(np.float64), expit(evidence["as it is"] / scale), "binary")[0]
        return evidence, scale * float(logit(limit))
    facts = load_artifact(runs / f"{FOLDERS[name]}_{genome}" / "model.safetensors").facts
    answers = {change: coding_answers(outputs, temperature=facts.temperature) for change, outputs in found.items()}
    return {change: said.evidence for change, said in answers.items()}, float(logit(facts.thresholds[0]))


def best_accuracy(truth: Values, evidence: Values) -> float:
    """Share of right decisions at the threshold that has the largest one."""
    signs = np.where(truth[np.argsort(-evidence)], 1, -1)
    return float(((~truth).sum() + max(signs.cumsum().max(), 0)) / len(truth))


def scan_table(runs: Path, model: Path | None) -> None:
    """Annotated genes of E. coli found, and false base pairs, at a range of costs."""
    data = data_of(experiment_of("ecoli"))
    assert isinstance(data, CodingFragments)
    assert data.parts is not None
    genome = data.genomes[0]
    ((name, letters),) = genome.letters.items()
    path = model or fit(experiment_of("ecoli"), runs / "coding_ecoli")
    label = "ecoli" if model is None else path.stem
    scanner = CodingScanner(coding_network(load_artifact(path)), 11)

    def ours() -> dict[str, Values]:
        context = margin(coding_network(load_artifact(path)))
        parts = [scanner.evidence(*chunk) for chunk in chunks(iter([letters]), len(letters), context)]
        evidence, stops = (np.concatenate(some) for some in zip(*parts, strict=True))
        return {"evidence": evidence, "stops": stops}

    found = kept(runs / f"scan_{label}.npz", ours)
    hexamers = hexamer_evidence(letters, log_odds(data, codons=2), found["stops"])
    truth = [feature for feature in genome.features if feature.coding and feature.chromosome == name]
    print(f"\nE. coli genome, {len(truth)} stretches of CDS\nmethod\tcost\tCDS found\tfalse base pairs")
    curves: dict[str, list[tuple[int, int]]] = {}
    for method, evidence in ((f"codon encoder ({label})", found["evidence"]), ("hexamer log-odds", hexamers)):
        for cost in COSTS if "hexamer" not in method else (*COSTS, 45.0, 60.0, 90.0):
            regions = list(RegionPath(enter_cost=cost, open_cost=cost / 2).take(evidence, found["stops"], last=True))
            hits, false = judged(regions, truth, len(letters))
            curves.setdefault(method, []).append((false, hits))
            print(f"{method}\t{cost:g}\t{hits}\t{false}", flush=True)
    (_, mine), (_, other) = curves.items()
    other.sort()
    for false, hits in mine:
        at = float(np.interp(false, [f for f, _ in other], [h for _, h in other]))
        print(f"at {false} false base pairs: codon encoder {hits}, hexamers {at:.0f}")


def hexamer_evidence(letters: Codes, table: Values, stops: Values) -> Values:
    """(codons, 6) as the scanner's: the log-odds of each codon together with the one before it."""
    found = np.zeros((2, 3 * len(stops)), dtype=np.float32)
    for strand, read in enumerate((letters, DNA.reverse_complement(letters))):
        codons = codon_codes(read).astype(np.int64)
        plain = np.minimum(codons, PLAIN_CODONS - 1)
        scores = np.zeros(len(codons), dtype=np.float32)
        scores[3:] = np.where((codons < 64)[:-3] & (codons < 64)[3:], table[plain[:-3], plain[3:]], 0)
        found[strand, : len(scores)] = scores if strand == 0 else scores[::-1]
    evidence = found.reshape(2, -1, 3).transpose(1, 0, 2).reshape(-1, 6).copy()
    evidence[stops] = -1e6
    return evidence


def judged(regions: list[tuple[int, int, int, float]], truth: list[Any], length: int) -> tuple[int, int]:
    """CDS stretches of which half or more lies in regions of their strand and frame, and letters of regions that no CDS
    of their strand and frame covers."""
    called = np.zeros((6, length), dtype=bool)
    real = np.zeros((6, length), dtype=bool)
    for state, first, end, _ in regions:
        offset = (state - 1) % 3
        called[state - 1, 3 * first + offset : 3 * end + offset] = True
    hits = 0
    for feature in truth:
        if feature.strand > 0:
            place = (feature.start + feature.phase) % 3
        else:
            place = 3 + (feature.end - feature.phase) % 3
        real[place, feature.start : feature.end] = True
        hits += bool(called[place, feature.start : feature.end].mean() >= 0.5)
    return hits, int((called & ~real).sum())


def main() -> None:
    """Trains what is missing and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs/bench_coding"))
    parser.add_argument("--genome", action="append", choices=("ecoli", "yeast"), help="default: both")
    parser.add_argument("--scan", action="store_true", help="the genome of E. coli, instead of fragments")
    parser.add_argument("--model", type=Path, help="an artifact to scan with, instead of the one of coding_ecoli.yaml")
    arguments = parser.parse_args()
    arguments.runs.mkdir(parents=True, exist_ok=True)
    if arguments.scan:
        scan_table(arguments.runs, arguments.model)
        return
    for genome in arguments.genome or ("ecoli", "yeast"):
        fragments_table(genome, arguments.runs)


if __name__ == "__main__":
    main()
