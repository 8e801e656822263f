"""Makes the small inputs of data/ from nothing but a seed.

    python scripts/make_demo_data.py [FOLDER]

A genome of six chromosomes of random letters; in each window of 250 letters lies one region of 100, half of them with
a CTCF site drawn from its JASPAR matrix (positives), half without (negatives). Sites of Spi1 lie in a third of both,
so that they tell nothing about the class.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np

from seqpool.alphabet import DNA, Codes
from seqpool.io.fasta import write_fasta_record

SEED = 20240
CHROMOSOMES = [f"chr{number}" for number in range(1, 7)]
CHROMOSOME_LENGTH = 50_000
SLOT = 250
REGION = 100
LETTER_SHARES = (0.28, 0.22, 0.22, 0.28)

# JASPAR 2024 CORE, counts of A, C, G, T
MATRICES = {
    ("MA0139.2", "CTCF"): (
        (281, 56, 8, 744, 40, 107, 851, 5, 333, 54, 12, 56, 104, 372, 82),
        (49, 800, 903, 13, 528, 433, 11, 0, 3, 12, 0, 8, 733, 13, 482),
        (449, 21, 0, 65, 334, 48, 32, 903, 566, 504, 890, 775, 5, 507, 307),
        (134, 36, 2, 91, 11, 324, 18, 3, 9, 341, 8, 71, 67, 17, 37),
    ),
    ("MA0080.7", "Spi1"): (
        (66531, 82280, 81461, 8636, 89952, 4077, 2028, 102012, 99529, 7616, 16997, 9972, 23194),
        (6863, 5758, 2330, 12201, 2594, 550, 831, 1095, 958, 7067, 3716, 6075, 11577),
        (22807, 10614, 10220, 79986, 9636, 99360, 101383, 1063, 1822, 89140, 5128, 83385, 57669),
        (8997, 6546, 11187, 4375, 3016, 1211, 956, 1028, 2889, 1375, 79357, 5766, 12758),
    ),
    ("MA0004.1", "Arnt"): (
        (4, 19, 0, 0, 0, 0),
        (16, 0, 20, 0, 0, 0),
        (0, 1, 0, 20, 0, 20),
        (0, 0, 0, 0, 20, 0),
    ),
}


def write_gzip(path: Path, text: str) -> None:
    """Compressed without a time stamp or a name, so that the bytes depend on the text only."""
    with path.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as stream:
        stream.write(text.encode())


def motif_text() -> str:
    """The matrices as a JASPAR file."""
    lines = []
    for (identifier, name), rows in MATRICES.items():
        lines.append(f">{identifier}\t{name}")
        lines += [
            f"{letter}  [ {' '.join(f'{count:6d}' for count in row)} ]"
            for letter, row in zip("ACGT", rows, strict=True)
        ]
    return "\n".join(lines) + "\n"


def plant(
    sequence: Codes, identifier: str, first: int, last: int, generator: np.random.Generator
) -> tuple[int, int, str]:
    """Write one site, drawn from a matrix, at a random place of sequence[first:last]. Returns start, end, strand."""
    rows = next(rows for (name, _), rows in MATRICES.items() if name == identifier)
    columns = np.array(rows, dtype=float).T
    site = np.array([generator.choice(4, p=column / column.sum()) for column in columns], dtype=np.uint8)
    strand = "+" if generator.random() < 0.5 else "-"
    start = int(generator.integers(first, last - len(site) + 1))
    sequence[start : start + len(site)] = site if strand == "+" else DNA.reverse_complement(site)
    return start, start + len(site), strand


def make_sequences(folder: Path) -> None:
    """demo_genome.fa.gz, demo_positives.fa.gz, demo_negatives.fa.gz, demo_regions.bed, demo_sites.bed, demo_motifs."""
    generator = np.random.default_rng(SEED)
    slots = CHROMOSOME_LENGTH // SLOT
    genome: dict[str, Codes] = {}
    regions: dict[bool, list[tuple[str, int]]] = {True: [], False: []}
    sites: list[tuple[str, int, int, str, str]] = []
    for chromosome in CHROMOSOMES:
        letters = generator.choice(4, CHROMOSOME_LENGTH, p=LETTER_SHARES).astype(np.uint8)
        for slot, positive in enumerate(generator.permutation(np.arange(slots) % 2 == 0).tolist()):
            start = slot * SLOT + (SLOT - REGION) // 2
            middle = start + REGION // 2
            regions[positive].append((chromosome, start))
            found = []
            if positive:
                found.append(("MA0139.2", *plant(letters, "MA0139.2", start + 10, middle, generator)))
            if generator.random() < 1 / 3:
                found.append(("MA0080.7", *plant(letters, "MA0080.7", middle, start + REGION - 10, generator)))
            sites += [(chromosome, *site[1:3], site[0], site[3]) for site in found]
        genome[chromosome] = letters
    write_gzip(
        folder / "demo_genome.fa.gz",
        "".join(write_fasta_record(name, DNA.decode(letters)) for name, letters in genome.items()),
    )
    for positive, name in ((True, "positives"), (False, "negatives")):
        write_gzip(
            folder / f"demo_{name}.fa.gz",
            "".join(
                write_fasta_record(
                    f"{chromosome}:{start}-{start + REGION}",
                    DNA.decode(genome[chromosome][start : start + REGION]),
                    REGION,
                )
                for chromosome, start in regions[positive]
            ),
        )
    (folder / "demo_regions.bed").write_text(
        "".join(f"{chromosome}\t{start}\t{start + REGION}\n" for chromosome, start in regions[True])
    )
    (folder / "demo_sites.bed").write_text(
        "".join(f"{chrom}\t{start}\t{end}\t{name}\t0\t{strand}\n" for chrom, start, end, name, strand in sites)
    )
    (folder / "demo_motifs.jaspar").write_text(motif_text())


def main() -> None:
    """Write every input."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "data"
    folder.mkdir(parents=True, exist_ok=True)
    make_sequences(folder)


if __name__ == "__main__":
    main()
