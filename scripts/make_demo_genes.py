"""Makes data/demo_contigs.fa.gz and data/demo_contigs.gff3 from nothing but a seed.

    python scripts/make_demo_genes.py [FOLDER]

Three contigs of random letters with genes on both strands: ATG, codons drawn with the usage of no organism in
particular (each amino acid has a favourite codon), a stop. Between genes lie 100 to 700 letters; a tRNA gene, of random
letters too, lies on each contig.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np

from seqpool.alphabet import DNA, Codes, GeneticCode
from seqpool.io.fasta import write_fasta_record
from seqpool.io.output import open_binary_output, open_output

SEED = 713
CONTIGS = ("contig1", "contig2", "contig3")
LENGTH = 30_000
GENE_CODONS = (80, 400)
GAP = (100, 700)
FAVOURITE = 4.0
"""How much likelier an amino acid's favourite codon is than each of its others."""

TRNA = 76


def codon_usage(random: np.random.Generator) -> np.ndarray:
    """(64,) probability of each sense codon."""
    meanings = GeneticCode(11).meanings
    amino_acids = random.dirichlet(np.full(20, 8.0))
    usage = np.zeros(64)
    for amino_acid, share in enumerate(amino_acids):
        codons = np.flatnonzero(meanings[:, amino_acid])
        weights = np.where(codons == random.choice(codons), FAVOURITE, 1.0)
        usage[codons] = share * weights / weights.sum()
    return usage


def letters_of(codons: np.ndarray) -> Codes:
    """Letter codes of plain codons."""
    return np.stack([codons // 16, codons // 4 % 4, codons % 4], axis=1).ravel().astype(np.uint8)


def contig(random: np.random.Generator, usage: np.ndarray) -> tuple[Codes, list[tuple[str, int, int, str]]]:
    """Letters, and (kind, start, end, strand) of the genes, 0-based half open."""
    letters = random.choice(4, LENGTH, p=[0.27, 0.23, 0.23, 0.27]).astype(np.uint8)
    genes: list[tuple[str, int, int, str]] = []
    start = int(random.integers(*GAP))
    while True:
        codons = random.choice(64, int(random.integers(*GENE_CODONS)), p=usage)
        gene = letters_of(np.concatenate([[14], codons, [random.choice([48, 50, 56])]]))  # ATG, stop
        if start + len(gene) > LENGTH - GAP[0]:
            return letters, genes
        strand = str(random.choice(["+", "-"]))
        letters[start : start + len(gene)] = gene if strand == "+" else DNA.reverse_complement(gene)
        genes.append(("CDS", start, start + len(gene), strand))
        start += len(gene) + int(random.integers(*GAP))
        if len(genes) == 5:
            genes.append(("tRNA", start, start + TRNA, "+"))
            start += TRNA + GAP[0]


def main() -> None:
    """Write both files."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / "data")
    random = np.random.default_rng(SEED)
    usage = codon_usage(random)
    fasta = ""
    rows = ["##gff-version 3\n"]
    for name in CONTIGS:
        letters, genes = contig(random, usage)
        fasta += write_fasta_record(name, DNA.decode(letters))
        rows.append(f"##sequence-region {name} 1 {LENGTH}\n")
        for number, (kind, start, end, strand) in enumerate(genes, start=1):
            phase = "0" if kind == "CDS" else "."
            rows.append(f"{name}\tdemo\t{kind}\t{start + 1}\t{end}\t.\t{strand}\t{phase}\tID={name}_{number}\n")
    with open_binary_output(folder / "demo_contigs.fa.gz") as stream:
        stream.write(gzip.compress(fasta.encode(), mtime=0))
    with open_output(folder / "demo_contigs.gff3") as text:
        text.writelines(rows)


if __name__ == "__main__":
    main()
