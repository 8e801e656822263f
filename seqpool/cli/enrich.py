"""`seqpool enrich FASTA... --motifs FILE` or `--model ARTIFACT`."""

from __future__ import annotations

import argparse
import sys
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from seqpool.cli.arguments import add_inputs, add_output, add_threads, chosen_format, given_inputs, positive_int
from seqpool.errors import DataError

FORMATS = ("tsv", "jsonl", "parquet")

_DESCRIPTION = """\
Which motifs do these sequences hold more often than others: one row per motif, alike motifs together.

examples:
  seqpool enrich data/demo_positives.fa.gz --motifs data/demo_motifs.jaspar
  seqpool enrich data/demo_positives.fa.gz --motifs data/demo_motifs.jaspar \\
    --background-sequences data/demo_negatives.fa.gz --match-gc
  seqpool enrich --regions data/demo_regions.bed --genome data/demo_genome.fa.gz --size 100 \\
    --motifs data/demo_motifs.jaspar --background-sequences genome --match-gc

columns: motif_id motif_alt_id p_value q_value target_hits target_total background_hits background_total fold
  mean_offset_bp cluster log10_p_value offset_sd_bp

rules:
  - A sequence counts once for a motif, when it has at least one hit; hits and letters are as in `seqpool scan`, with
    the same threshold in target and background. A sequence shorter than a motif has no hit and counts in the total.
  - p_value is Fisher's exact test, one-sided: at least so many target sequences with a hit. It is never 0: where it is
    below the smallest float, log10_p_value tells on. q_value is Benjamini-Hochberg over the motifs.
  - fold is the ratio of the shares of sequences with a hit (inf: none in the background; empty: none at all).
  - mean_offset_bp and offset_sd_bp: from the sequence's middle to that of its best hit, over target sequences with one.
  - cluster is the motif_id of the most enriched motif that a motif is like (correlation of the matrices at their best
    offset and strand at least 0.7); clusters come in the order of their best p_value, their motifs by p_value.
  - Background: shuffles of each target sequence that keep its pairs of neighbouring letters; random windows of the
    genome without N, of the target's lengths, beside its regions; or given sequences or regions. Of shuffles and
    windows there are at least 10,000 (or 10 million letters), at least one per target sequence.
  - --match-gc draws from given sequences as many as have, in bins of 0.02, the target's GC distribution (within 0.005
    on average).
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `enrich`."""
    parser.description = _DESCRIPTION
    add_inputs(parser, "FASTA", "the target: plain, gzip, bgzip or zstd by content; - for standard input")
    motifs = parser.add_mutually_exclusive_group(required=True)
    motifs.add_argument(
        "--motifs",
        metavar="FILE",
        help="motif file (MEME, JASPAR, TRANSFAC, HOMER and others, told by content), or a JASPAR release as "
        "jaspar:2024/CORE/vertebrates",
    )
    motifs.add_argument(
        "--model", metavar="ARTIFACT", help="the filters of a trained MotifDetector, on the strands it was trained on"
    )
    parser.add_argument(
        "--background-sequences",
        default="dinucleotide-shuffle",
        metavar="FASTA|BED|genome|dinucleotide-shuffle",
        help="what to compare with; default dinucleotide-shuffle",
    )
    parser.add_argument(
        "--match-gc", action="store_true", help="draw from the background so that its GC distribution is the target's"
    )
    parser.add_argument("--regions", metavar="FILE", help="the target: regions (BED or narrowPeak) of the --genome")
    parser.add_argument(
        "--genome",
        metavar="FASTA",
        action="append",
        default=[],
        help="the letters of regions and of --background-sequences genome; may be given several times",
    )
    parser.add_argument(
        "--size", type=positive_int, metavar="N", help="N letters around each region's summit or middle"
    )
    parser.add_argument("--names", metavar="FILE", help="a table of the names that one chromosome goes by, one a line")
    threshold = parser.add_mutually_exclusive_group()
    threshold.add_argument("--p-value", type=float, metavar="X", help="a hit has p <= X (default 1e-4)")
    threshold.add_argument("--min-score", type=float, metavar="X", help="a hit has score >= X bits")
    threshold.add_argument("--threshold", choices=("motif",), help="each motif's own threshold (HOMER files)")
    parser.add_argument(
        "--background",
        default="uniform",
        metavar="uniform|nrdb|measured|FILE",
        help="of letters, for scores and hits' p: default uniform; nrdb: FIMO's built-in; measured: from target and "
        "background together; FILE: MEME background file",
    )
    parser.add_argument(
        "--pseudocount", type=float, default=0.1, metavar="X", help="total per position, shared out by the background"
    )
    parser.add_argument("--strands", choices=("both", "forward"), help="default both (protein: forward)")
    parser.add_argument("--soft-mask", choices=("keep", "skip"), default="keep", help="lower case; default keep")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of shuffles and draws; default 0")
    add_output(parser, FORMATS)
    add_threads(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare and write. Returns the exit code."""
    from seqpool.cli.progress import letters_bar
    from seqpool.io.output import open_binary_output, open_output
    from seqpool.io.tables import JsonLinesWriter, ParquetWriter, TableWriter, TsvWriter
    from seqpool.jobs.enrich import ENRICH_COLUMNS, run_enrich
    from seqpool.jobs.scan_motifs import read_scannable
    from seqpool.options.enrich import EnrichOptions

    has_regions = arguments.regions is not None
    inputs = [] if has_regions and not (arguments.inputs or arguments.list_file) else given_inputs(arguments)
    options = EnrichOptions(
        p_value=arguments.p_value,
        min_score=arguments.min_score,
        threshold=arguments.threshold,
        background=arguments.background,
        pseudocount=arguments.pseudocount,
        strands=arguments.strands,
        soft_mask=arguments.soft_mask,
        regions=arguments.regions,
        genome=tuple(arguments.genome),
        size=arguments.size,
        names=arguments.names,
        background_sequences=arguments.background_sequences,
        match_gc=arguments.match_gc,
        seed=arguments.seed,
        threads=arguments.threads,
    )
    motifs, scanning = read_scannable(arguments.motifs, arguments.model, options.scan_options())
    options = replace(options, strands=scanning.strands)
    kind = chosen_format(arguments, FORMATS)

    def say(sentence: str) -> None:
        print(f"seqpool enrich: {sentence}", file=sys.stderr)

    bad = 0

    def on_error(error: DataError) -> None:
        nonlocal bad
        bad += 1
        say(str(error))

    def warn(sentence: str) -> None:
        say(f"warning: {sentence}")

    opened: AbstractContextManager[Any] = (open_binary_output if kind == "parquet" else open_output)(arguments.output)
    with opened as stream:
        with letters_bar(sys.stderr.isatty() and not arguments.quiet) as progress:
            summary = run_enrich(inputs, motifs, options, warn=warn, on_error=on_error, progress=progress)
        writer: TableWriter
        if kind == "parquet":
            writer = ParquetWriter(stream, ENRICH_COLUMNS, summary.facts)
        else:
            writer = (JsonLinesWriter if kind == "jsonl" else TsvWriter)(stream, tuple(ENRICH_COLUMNS))
        writer.write(summary.table.columns)
        writer.close()
    if not arguments.quiet:
        for name, fact in summary.facts.items():
            say(f"{name.replace('-', ' ')}: {fact}")
    return 1 if bad else 0
