"""Time the scanner against lightmotif, MOODS and memelite: same motifs, same hits, one thread each, alternating.

Random DNA, both strands, p < 1e-4, motifs of JASPAR 2024 (pyjaspar). Every row includes what a tool does per call
(encoding the text, laying out tables); thresholds are found before the clock starts except where the row says so, and
always inside for memelite, which takes only p. lightmotif and MOODS get our log-odds and, for each motif, a threshold
midway between our lowest score that is a hit and the next one below. Ratios are of medians of processor time; the
lowest wall times stand beside them.

    python scripts/bench_scan.py [--letters 1000000] [--repeats 5] [--genome GENOME.fa.gz]

--genome adds the whole command on a FASTA file, start-up and writing included.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from seqpool.alphabet import DNA
from seqpool.kernels.best_score import BestTables
from seqpool.motifs.formats import read_motifs
from seqpool.motifs.matrix import CountMatrix, IntegerMatrix, Motif, reverse_complement_scores
from seqpool.motifs.scanner import Lane, Scanner
from seqpool.motifs.statistics import iid_distribution

P_VALUE = 1e-4
UNIFORM = np.full(4, 0.25)
Call = Callable[[], int]


@dataclass(frozen=True)
class Scored:
    """A motif with its threshold on the integer grid and between two scores of the grid (bits)."""

    motif: Motif
    scores: IntegerMatrix
    threshold: int
    midway: float

    @cached_property
    def strands(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Log-odds of both strands."""
        return self.motif.log_odds, self.motif.log_odds[::-1, ::-1]


def score(motif: Motif) -> Scored:
    """The motif's integers and threshold."""
    scores = motif.integer_scores()
    distribution = iid_distribution(scores, UNIFORM)
    threshold = distribution.threshold(P_VALUE)
    attained = np.flatnonzero(np.diff(np.append(distribution.tail, 0)) < 0) + distribution.lowest
    above, below = attained[attained >= threshold], attained[attained < threshold]
    midway = (int(above.min()) + int(below.max())) / 2000 if len(above) else distribution.highest / 1000 + 1
    return Scored(motif, scores, threshold, midway)


def load(address: str) -> list[Motif]:
    """Log-odds of every matrix at an address, in the order of their names."""
    matrices = sorted(read_motifs(address), key=lambda matrix: matrix.name)
    return [m.frequencies(UNIFORM).log_odds(UNIFORM) for m in matrices if isinstance(m, CountMatrix)]


def lanes(motifs: Sequence[Scored]) -> list[Lane]:
    """Both strands of every motif."""
    both = [(i, m, strand) for i, m in enumerate(motifs) for strand in (1, -1)]
    return [
        Lane(i, strand, m.scores if strand > 0 else reverse_complement_scores(m.scores, DNA), m.threshold)
        for i, m, strand in both
    ]


def ours(text: str, motifs: Sequence[Scored]) -> int:
    codes = DNA.encode(text)
    return len(Scanner(lanes(motifs)).windows_over(codes, len(codes)).position)


def ours_with_thresholds(text: str, motifs: Sequence[Motif]) -> int:
    found = []
    for motif in motifs:
        scores = motif.integer_scores()
        found.append(Scored(motif, scores, iid_distribution(scores, UNIFORM, P_VALUE).threshold(P_VALUE), 0.0))
    return ours(text, found)


def our_best(text: str, motifs: Sequence[Scored]) -> int:
    codes = DNA.encode(text)
    matrices = [lane.scores for lane in lanes(motifs)]
    best, _ = BestTables(matrices).best_windows(codes, np.zeros(1, dtype=np.int64), np.array([len(codes)]))
    return best.shape[1]


def lightmotif_matrices(motifs: Sequence[Scored]) -> list[tuple[Any, float]]:
    """lightmotif's matrices of both strands, made before the clock starts, with the thresholds between our scores."""
    import lightmotif

    return [
        (
            lightmotif.ScoringMatrix(
                {**dict(zip("ACGT", strand.T.tolist(), strict=True)), "N": [-100.0] * len(strand)}
            ),
            m.midway,
        )
        for m in motifs
        for strand in m.strands
    ]


def lightmotif_hits(text: str, matrices: Sequence[tuple[Any, float]]) -> int:
    import lightmotif

    striped = lightmotif.stripe(text)
    return sum(1 for matrix, threshold in matrices for _ in lightmotif.scan(matrix, striped, threshold=threshold))


def lightmotif_with_thresholds(text: str, motifs: Sequence[Scored]) -> int:
    import lightmotif

    striped = lightmotif.stripe(text)
    found = 0
    for matrix, _ in lightmotif_matrices(motifs):
        found += sum(1 for _ in lightmotif.scan(matrix, striped, threshold=matrix.score(P_VALUE)))
    return found


def lightmotif_best(text: str, matrices: Sequence[tuple[Any, float]]) -> int:
    import lightmotif

    striped = lightmotif.stripe(text)
    return len([matrix.calculate(striped).max() for matrix, _ in matrices])


def moods_hits(text: str, matrices: Sequence[Any], thresholds: Sequence[float]) -> int:
    import MOODS.scan

    scanner = MOODS.scan.Scanner(7)
    scanner.set_motifs(matrices, UNIFORM.tolist(), thresholds)
    return sum(len(found) for found in scanner.scan(text))


def moods_with_thresholds(text: str, motifs: Sequence[Scored]) -> int:
    import MOODS.tools

    matrices = [strand.T.tolist() for m in motifs for strand in m.strands]
    return moods_hits(text, matrices, [MOODS.tools.threshold_from_p(m, UNIFORM.tolist(), P_VALUE) for m in matrices])


def memelite_hits(one_hot: np.ndarray[Any, Any], frequencies: Mapping[str, Any]) -> int:
    import memelite
    import numba

    numba.set_num_threads(1)

    return int(memelite.fimo(frequencies, one_hot, threshold=P_VALUE, eps=1e-9, return_counts=True).sum())


def print_differing_windows(
    text: str, motifs: Sequence[Scored], matrices: Sequence[tuple[Any, float]], shown: int = 10
) -> None:
    """Windows that only one of us and lightmotif finds: each must lie within rounding of its motif's threshold."""
    import lightmotif

    codes = DNA.encode(text)
    every = lanes(motifs)
    windows = Scanner(every).windows_over(codes, len(codes))
    found = set(zip(windows.lane.tolist(), windows.position.tolist(), strict=True))
    striped = lightmotif.stripe(text)
    theirs = {
        (number, hit.position)
        for number, (matrix, threshold) in enumerate(matrices)
        for hit in lightmotif.scan(matrix, striped, threshold=threshold)
    }
    differing = sorted(found ^ theirs)
    print(f"    windows that differ between seqpool and lightmotif: {len(differing)}")
    for number, position in differing[:shown]:
        lane, motif = every[number], motifs[every[number].motif]
        width = len(lane.scores)
        at = (np.arange(width), codes[position : position + width])
        exact, grid = motif.strands[number % 2][at].sum(), int(lane.scores[at].sum())
        where = f"{motif.motif.name} {'+-'[number % 2]} {position} {text[position : position + width]}"
        print(
            f"    {where}: {exact:.6f} bits, on the grid {grid / 1000:.3f}, a hit from {lane.threshold / 1000:.3f}; "
            f"rounding may move it by {width / 2000:.4f}"
        )


def alternate(calls: Mapping[str, Call], repeats: int) -> dict[str, tuple[float, float, int]]:
    """(median processor ms, lowest wall ms, hits) of each call, run in turn; the first round does not count."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    hits = {name: call() for name, call in calls.items()}
    for _ in range(repeats):
        for name, call in calls.items():
            processor, wall = time.process_time(), time.perf_counter()
            call()
            times[name].append((time.process_time() - processor, time.perf_counter() - wall))
    return {
        name: (
            1000 * statistics.median(pair[0] for pair in pairs),
            1000 * min(pair[1] for pair in pairs),
            hits[name],
        )
        for name, pairs in times.items()
    }


def row(title: str, calls: Mapping[str, Call], repeats: int) -> str:
    """Measure and print a row; its line of ratios. The first call is ours."""
    results = alternate(calls, repeats)
    print(title)
    first = next(iter(results))
    for name, (processor, wall, hits) in results.items():
        ratio = "" if name == first else f"{processor / results[first][0]:7.1f}x"
        print(f"    {name:<12} {processor:10.1f} ms (lowest wall {wall:10.1f})   {hits:9,} found {ratio}", flush=True)
    ratios = ", ".join(f"{r[0] / results[first][0]:.1f}x {name}" for name, r in results.items() if name != first)
    return f"{title}: {ratios}"


def two_threads(text: str, motifs: Sequence[Scored], repeats: int) -> str:
    """Lowest wall time of four pieces on one thread, on two, and in two processes, which share no memory and no
    lock: what two cores of this machine can give. The text eight times, so that starting a thread hardly counts."""
    codes = np.tile(DNA.encode(text), 8)
    scanner = Scanner(lanes(motifs))
    pieces = np.array_split(codes, 4)

    def scan(share: Sequence[Any]) -> int:
        return sum(len(scanner.windows_over(piece, len(piece)).position) for piece in share)

    def in_two_threads() -> int:
        other = threading.Thread(target=scan, args=(pieces[:2],))
        other.start()
        found = scan(pieces[2:])
        other.join()
        return found

    processes = multiprocessing.get_context("fork")
    ours, theirs = processes.Pipe()

    def scan_when_asked() -> None:
        while theirs.recv():
            scan(pieces[:2])
            theirs.send(True)

    def in_two_processes() -> int:
        ours.send(True)
        found = scan(pieces[2:])
        ours.recv()
        return found

    calls = {"one": lambda: scan(pieces), "threads": in_two_threads, "processes": in_two_processes}
    child = processes.Process(target=scan_when_asked, daemon=True)
    child.start()
    results = alternate(calls, 20 * repeats)
    ours.send(False)
    child.join()
    one, threads, both = (results[name][1] for name in calls)
    line = f"two threads: {one / threads:.2f}x one, two processes {one / both:.2f}x"
    print(f"{line} (lowest of {20 * repeats} wall times: {threads:.1f}, {both:.1f} and {one:.1f} ms)")
    return line


LIGHTMOTIF_LOOP = """
import gzip, sys
import lightmotif
from pyjaspar import jaspardb
opener = gzip.open if sys.argv[1].endswith(".gz") else open
text = "".join(line.strip() for line in opener(sys.argv[1], "rt") if not line.startswith(">")).upper()
striped = lightmotif.stripe(text)
with open(sys.argv[2], "w") as out:
    for motif in jaspardb(release="JASPAR2024").fetch_motifs(collection="CORE", tax_group=["vertebrates"]):
        counts = lightmotif.CountMatrix({letter: [int(x) for x in motif.counts[letter]] for letter in "ACGT"})
        forward = counts.normalize(0.1).log_odds()
        for strand, matrix in (("+", forward), ("-", forward.reverse_complement())):
            for hit in lightmotif.scan(matrix, striped, threshold=matrix.score(1e-4)):
                out.write(f"{motif.matrix_id}\\t{hit.position}\\t{strand}\\t{hit.score}\\n")
"""


def whole_command(genome: str, single: str, repeats: int) -> str:
    """The command as a process on one thread, and lightmotif's Python loop as one, in turn."""
    address = "jaspar:2024/CORE/vertebrates"
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "hits.tsv")
        command = [sys.executable, "-m", "seqpool", "scan", genome, "--motifs", address, "--threads", "1"]
        jobs = {
            "seqpool": [*command, "--output", out],
            "lightmotif": [sys.executable, "-c", LIGHTMOTIF_LOOP, genome, out],
        }
        seconds: dict[str, list[float]] = {name: [] for name in jobs}
        for _ in range(repeats):
            for name, job in jobs.items():
                seconds[name].append(processor_seconds(job))
        one_motif = [*command[:-4], "--motifs", single, "--threads", "1", "--output", out]
        single_s = statistics.median(processor_seconds(one_motif) for _ in range(repeats))
    median = {name: statistics.median(values) for name, values in seconds.items()}
    line = f"whole command, 879 motifs: {median['lightmotif'] / median['seqpool']:.1f}x lightmotif's loop"
    print(f"{line} (processor: {median['seqpool']:.2f} and {median['lightmotif']:.2f} s, median of {repeats})")
    print(f"    with one motif {single_s:.2f} s")
    return f"{line}, one motif {single_s:.2f} s"


def processor_seconds(job: Sequence[str]) -> float:
    """User and system time of a process from start to end; bytecode is kept, as installed packages have it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(job, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure the rows and print their ratios, a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--letters", type=int, default=1_000_000, help="length of the random sequence")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--genome", help="also time the whole command on this FASTA file")
    parser.add_argument("--single", default="data/demo_motifs.jaspar", help="motif file of the command's last row")
    arguments = parser.parse_args()
    repeats = arguments.repeats
    everything = [score(motif) for motif in load("jaspar:2024/CORE/vertebrates")]
    motifs = [everything[i] for i in np.linspace(0, len(everything) - 1, 50).astype(int)]
    text = DNA.decode(np.random.default_rng(0).integers(0, 4, arguments.letters).astype(np.uint8))
    short = text[:10_000]
    one_hot = np.eye(4, dtype=np.int8)[DNA.encode(text)].T[None].astype(np.float32)
    frequencies = {str(i): (np.exp2(m.motif.log_odds) / 4).T for i, m in enumerate(motifs)}
    theirs, all_theirs = lightmotif_matrices(motifs), lightmotif_matrices(everything)
    moods = [strand.T.tolist() for m in motifs for strand in m.strands]
    midways = [m.midway for m in motifs for _ in range(2)]
    size = f"{arguments.letters / 1e6:g} Mbp"
    lines = [
        row(
            f"hits, 50 motifs, {size}",
            {
                "seqpool": lambda: ours(text, motifs),
                "lightmotif": lambda: lightmotif_hits(text, theirs),
                "MOODS": lambda: moods_hits(text, moods, midways),
                "memelite": lambda: memelite_hits(one_hot, frequencies),
            },
            repeats,
        ),
        row(
            f"hits, 50 motifs, {size}, thresholds inside",
            {
                "seqpool": lambda: ours_with_thresholds(text, [m.motif for m in motifs]),
                "lightmotif": lambda: lightmotif_with_thresholds(text, motifs),
                "MOODS": lambda: moods_with_thresholds(text, motifs),
            },
            min(3, repeats),
        ),
        row(
            f"hits, {len(everything)} motifs, {size}",
            {"seqpool": lambda: ours(text, everything), "lightmotif": lambda: lightmotif_hits(text, all_theirs)},
            min(3, repeats),
        ),
        row(
            f"best score, 50 motifs, {size}",
            {"seqpool": lambda: our_best(text, motifs), "lightmotif": lambda: lightmotif_best(text, theirs)},
            repeats,
        ),
        row(
            "hits, 50 motifs, 10 kbp, tables inside",
            {
                "seqpool": lambda: ours(short, motifs),
                "lightmotif": lambda: lightmotif_hits(short, lightmotif_matrices(motifs)),
            },
            4 * repeats,
        ),
        two_threads(text, motifs, repeats),
    ]
    print_differing_windows(text, motifs, theirs)
    if arguments.genome:
        lines.append(whole_command(arguments.genome, arguments.single, min(3, repeats)))
    print()
    print("; ".join(lines))


if __name__ == "__main__":
    main()
