"""Check in full that the scanner is exact; the test suite does parts of it. Needs the public data and the test extra.

    python scripts/check_scan_exact.py [genomes] [pairs] [mutations] [proteins] [--matrices 200] [--results FILE]

genomes: yeast I-V and E. coli with the first matrices of JASPAR 2024, both strands, p < 1e-4: hits equal a brute force
over the same integers bit for bit; against float64 and lightmotif with a threshold midway between our lowest score
that is a hit and the highest that is not, only windows within width x step / 2 of it may differ, at most 0.2 % of hits.
pairs: 2,000 random motif/FASTA pairs with N and IUPAC codes. mutations: 500 damaged motif files. proteins: two MEME
files over the translations of E. coli, and the time beside lightmotif's. Nothing named: everything. What was done
stands in --results and is not done again; the exit code is 1 when something was not exact.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

import lightmotif  # noqa: E402
import numpy as np  # noqa: E402

from seqpool.alphabet import PROTEIN  # noqa: E402
from seqpool.motifs.formats import read_motifs  # noqa: E402
from seqpool.motifs.matrix import CountMatrix  # noqa: E402
from seqpool.motifs.scanner import Lane, Scanner  # noqa: E402
from tests.conftest import data_folder  # noqa: E402
from tests.jobs.test_scan_exact import (  # noqa: E402
    PROTEIN_MOTIFS,
    compare_genome,
    compare_proteins,
    translations,
)
from tests.jobs.window_referee import referee  # noqa: E402

GENOMES = [*(f"genomes/yeast/chr0{i}.fsa" for i in range(1, 6)), "genomes/ecoli/NC_000913.fna.gz"]
PARTS = ("genomes", "pairs", "mutations", "proteins")
LARGEST_SHARE = 0.002


class Results:
    """Finished steps and what they found, one JSON line each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self._done: dict[str, dict[str, Any]] = {row.pop("step"): row for row in map(json.loads, lines)}

    def of(self, step: str, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What a step found, now or in an earlier run."""
        if step not in self._done:
            start = time.perf_counter()
            found = call()
            found["seconds"] = round(time.perf_counter() - start, 1)
            with self._path.open("a") as stream:
                stream.write(json.dumps({"step": step, **found}) + "\n")
            self._done[step] = found
        print(f"{step}: " + ", ".join(f"{name} {value}" for name, value in self._done[step].items()), flush=True)
        return self._done[step]


def count_matrices(path: Path) -> list[CountMatrix]:
    """The matrices of a file."""
    return [matrix for matrix in read_motifs(str(path)) if isinstance(matrix, CountMatrix)]


def check_genomes(results: Results, matrices: int) -> bool:
    """Every genome, and the share of windows that float64 and lightmotif decide otherwise."""
    chosen = count_matrices(data_folder() / "motifs/JASPAR2024.jaspar")[:matrices]
    found = [
        results.of(f"genomes {file} {matrices}", lambda file=file: compare_genome(data_folder() / file, chosen))
        for file in GENOMES
    ]
    hits = sum(row["hits"] for row in found)
    shares = {name: sum(row[name] for row in found) / hits for name in ("float64", "lightmotif")}
    print(f"genomes: {hits:,} hits equal bit for bit; " + ", ".join(f"{n} {s:.4%} differ" for n, s in shares.items()))
    return max(shares.values()) <= LARGEST_SHARE


def run_tests(file: str, *words: str) -> dict[str, Any]:
    """Run tests of the suite, with their own output; raises where they fail."""
    command = [sys.executable, "-m", "pytest", file, *words, "--timeout", "0"]
    subprocess.run(command, cwd=REPOSITORY, check=True, stdout=sys.stderr)
    return {"passed": True}


def protein_times(proteins: list[str], repeats: int = 15) -> dict[str, Any]:
    """Processor time, alternating: a 12-wide motif over the standard letters, both texts encoded before the clock
    starts; our tables are built inside, as lightmotif's matrix needs none."""
    text = "".join(letter for letter in "".join(proteins) if letter in PROTEIN.letters)
    matrix = count_matrices(data_folder() / "motifs/format_cases/meme" / PROTEIN_MOTIFS[0])[0]
    background = np.full(20, 0.05)
    motif = matrix.frequencies(background).log_odds(background)
    judge = referee(motif, background, 1e-4)
    columns = {letter: motif.log_odds[:, i].tolist() for i, letter in enumerate(PROTEIN.letters)}
    scoring = lightmotif.ScoringMatrix({**columns, "X": [-100.0] * motif.width}, protein=True)
    codes, striped = PROTEIN.encode(text), lightmotif.stripe(text, protein=True)
    lane = Lane(0, 1, motif.integer_scores(), judge.threshold)

    def ours() -> int:
        return len(Scanner([lane]).windows_over(codes, len(codes)).position)

    def theirs() -> int:
        return len(scoring.calculate(striped).threshold(judge.midway))

    calls = {"ours_ms": ours, "lightmotif_ms": theirs}
    times: dict[str, list[float]] = {name: [] for name in calls}
    hits = {name: call() for name, call in calls.items()}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.process_time()
            call()
            times[name].append(1000 * (time.process_time() - start))
    medians = {name: round(float(np.median(of_call)), 1) for name, of_call in times.items()}
    ratio = round(medians["lightmotif_ms"] / medians["ours_ms"], 2)
    return {"residues": len(text), "hits": list(hits.values()), **medians, "ratio": ratio}


def check_proteins(results: Results) -> bool:
    """Hits and p-values of protein motifs, and the time."""
    proteins = translations(data_folder())
    matrices = [m for file in PROTEIN_MOTIFS for m in count_matrices(data_folder() / "motifs/format_cases/meme" / file)]

    def compared() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            return {"hits": compare_proteins(proteins, matrices, Path(folder))}

    results.of("proteins", compared)
    return float(results.of("proteins beside lightmotif", lambda: protein_times(proteins))["ratio"]) >= 1


def main() -> int:
    """Run the parts; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--matrices", type=int, default=200, help="of JASPAR 2024, default 200")
    parser.add_argument("--results", type=Path, default=Path("runs/check_scan_exact.jsonl"))
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"{', '.join(sorted(unknown))} is none of {', '.join(PARTS)}")
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    results = Results(arguments.results)
    checks: dict[str, Callable[[], bool]] = {
        "genomes": lambda: check_genomes(results, arguments.matrices),
        "pairs": lambda: bool(
            results.of("pairs 2000", lambda: run_tests("tests/jobs/test_scan_pairs.py", "--hypothesis-profile", "many"))
        ),
        "mutations": lambda: bool(
            results.of("mutations 500", lambda: run_tests("tests/motifs/formats/test_read.py", "-k", "mutated"))
        ),
        "proteins": lambda: check_proteins(results),
    }
    exact = True
    for part in arguments.parts or PARTS:
        exact &= checks[part]()
    print("exact" if exact else "NOT exact")
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
