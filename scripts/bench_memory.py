"""Measure the memory of `seqpool scan`: the peak of a process that reads ten times the letters, with few hits or many.

Each row is one command in a process of its own, on random DNA as one record and as several; its peak resident memory is
what the operating system says of it at its end.

    python scripts/bench_memory.py [--letters 4600000] [--threads 1]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

MOTIFS = {
    "rare": (">rare\n" + "\n".join("9 0 0 0" for _ in range(24)) + "\n", "1e-13"),
    "common": (">common\n" + "\n".join("9 3 2 1" for _ in range(8)) + "\n", "0.11"),
}


def write_genome(path: Path, letters: int, records: int) -> None:
    """Random DNA, with the rare motif once."""
    generator = np.random.default_rng(0)
    with path.open("w") as stream:
        for record in range(records):
            stream.write(f">record{record}\n" + ("A" * 24 + "\n" if record == 0 else ""))
            left = letters // records
            while left > 0:
                codes = generator.integers(0, 4, min(left, 600_000))
                text = np.frombuffer(b"ACGT", dtype=np.uint8)[codes].tobytes().decode()
                stream.write("".join(f"{text[i : i + 60]}\n" for i in range(0, len(text), 60)))
                left -= len(codes)


def peak(genome: Path, motif: Path, p_value: str, threads: int) -> tuple[float, str]:
    """(MB, hits) of one scan."""
    command = [sys.executable, "-m", "seqpool", "scan", str(genome), "--motifs", str(motif), "--p-value", p_value]
    command += ["--threads", str(threads), "--output", os.devnull]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed:\n{said}")
    return usage.ru_maxrss / 1024, said.rsplit("hits: ", 1)[1].strip()


def main() -> None:
    """Measure all rows, and print one line with the largest ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--letters", type=int, default=4_600_000, help="of the shorter sequence")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        genomes = {}
        for records in (1, 10):
            for times in (1, 10):
                path = Path(folder) / f"{records}_{times}.fa"
                write_genome(path, times * arguments.letters, records)
                genomes[records, times] = path
        for name, (text, p_value) in MOTIFS.items():
            motif = Path(folder) / f"{name}.pfm"
            motif.write_text(text)
            for records in (1, 10):
                short, few = peak(genomes[records, 1], motif, p_value, arguments.threads)
                long, many = peak(genomes[records, 10], motif, p_value, arguments.threads)
                ratios.append(long / short)
                print(
                    f"{name:<7} {records:>2} record(s)  {short:6.1f} MB with {few:>10} hits   "
                    f"{long:6.1f} MB with {many:>10} hits   {long / short:.3f}x",
                    flush=True,
                )
    print(f"memory of ten times the letters: at most {max(ratios):.3f}x")


if __name__ == "__main__":
    main()
