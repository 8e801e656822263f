"""`seqpool scan FASTA... --motifs FILE` or `--model ARTIFACT`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from seqpool.cli.arguments import add_inputs, add_output, add_threads, chosen_format, given_inputs, positive_int
from seqpool.cli.quick_numba import start_numba
from seqpool.errors import UsageError

MOTIF_FORMATS = ("meme", "jaspar", "transfac", "homer")
FORMATS = ("tsv", "bed", "gff3", "jsonl", "parquet", *MOTIF_FORMATS)

_DESCRIPTION = """\
Find motifs in FASTA files: every window that scores at or above a threshold, with exact p- and q-values.

examples:
  seqpool scan data/demo_positives.fa.gz --motifs data/demo_motifs.jaspar --p-value 1e-5
  seqpool scan data/demo_positives.fa.gz --model runs/demo_motifs/model.safetensors --best

rules:
  - Letters: A C G T and the IUPAC codes in either case, U = T. Lower case is sequence; --soft-mask skip leaves windows
    with a lower-case letter out. Windows with N or another IUPAC code are not scored; they are counted and reported.
  - --ambiguous expect scores a window with N or another IUPAC code beside plain letters: each code scores its letters'
    mean under the background, and p is that of windows with the same codes in the same places.
  - Scores are log2 odds, columns normalised by their own sum, rounded once to 0.001 bit. A hit scores at or above the
    threshold; its p-value is exact for its score under the background and never 0.
  - The filters of a model, filter_1, filter_2, ..., score what a window adds up to before the bias, in the network's
    own units, rounded once to 0.001 of them; p- and q-values are as exact as for matrices.
  - q-values are Benjamini-Hochberg over all tested windows of a motif on all strands scanned.
  - Both strands are scanned; a palindrome's window is reported on both, or once with --palindromes once.
  - A sequence shorter than a motif has no hit of it. Motifs of the same name stay apart.
  - --format meme, jaspar, transfac or homer writes, for each motif or filter, counts of the letters that it matched.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `scan`."""
    parser.description = _DESCRIPTION
    add_inputs(parser, "FASTA", "plain, gzip, bgzip or zstd by content; - for standard input")
    motifs = parser.add_mutually_exclusive_group(required=True)
    motifs.add_argument(
        "--motifs",
        metavar="FILE",
        help="motif file (MEME, JASPAR, TRANSFAC, HOMER, HOCOMOCO, UniPROBE, CIS-BP and others, told by content), or "
        "a JASPAR release as jaspar:2024/CORE/vertebrates",
    )
    motifs.add_argument(
        "--model",
        metavar="ARTIFACT|NAME",
        help="the filters of a trained MotifDetector, on the strands it was trained on",
    )
    threshold = parser.add_mutually_exclusive_group()
    threshold.add_argument("--p-value", type=float, metavar="X", help="report hits with p <= X (default 1e-4)")
    threshold.add_argument("--q-value", type=float, metavar="X", help="report hits with q <= X")
    threshold.add_argument("--min-score", type=float, metavar="X", help="report hits with score >= X bits")
    threshold.add_argument("--threshold", choices=("motif",), help="each motif's own threshold (HOMER files)")
    parser.add_argument(
        "--background",
        default="uniform",
        metavar="uniform|nrdb|measured|FILE",
        help="default uniform; nrdb: FIMO's built-in; measured: from the input; FILE: MEME background file",
    )
    parser.add_argument(
        "--pseudocount", type=float, default=0.1, metavar="X", help="total per position, shared out by the background"
    )
    parser.add_argument("--strands", choices=("both", "forward"), help="default both (protein: forward)")
    parser.add_argument("--palindromes", choices=("both", "once"), default="both", help="default both")
    parser.add_argument("--soft-mask", choices=("keep", "skip"), default="keep", help="lower case; default keep")
    parser.add_argument(
        "--ambiguous", choices=("skip", "expect"), default="skip", help="windows with N or IUPAC codes; default skip"
    )
    parser.add_argument(
        "--regions", metavar="FILE", help="scan only these regions of the FASTA (BED or narrowPeak); genome coordinates"
    )
    parser.add_argument(
        "--size", type=positive_int, metavar="N", help="N letters around each region's summit or middle"
    )
    parser.add_argument("--names", metavar="FILE", help="a table of the names that one chromosome goes by, one a line")
    table = parser.add_mutually_exclusive_group()
    table.add_argument(
        "--best",
        action="store_true",
        help="one row per sequence and motif: its best window, p of the best of so many windows, q over the sequences",
    )
    table.add_argument(
        "--matrix", choices=("count", "best"), help="a table of sequences x motifs: numbers of hits, or best scores"
    )
    add_output(parser, FORMATS)
    add_threads(parser)


def run(arguments: argparse.Namespace) -> int:
    """Scan and write. Returns the exit code."""
    if arguments.own_process:
        start_numba()
    from seqpool.cli.progress import letters_bar
    from seqpool.io.output import open_binary_output, open_output
    from seqpool.io.regions import HitBedWriter, HitGffWriter
    from seqpool.io.tables import JsonLinesWriter, ParquetWriter, TableWriter, TsvWriter
    from seqpool.jobs.aligned_hits import AlignedHits
    from seqpool.jobs.scan import run_scan
    from seqpool.jobs.scan_motifs import read_scannable
    from seqpool.options.scan import ScanOptions

    inputs = given_inputs(arguments)
    options = ScanOptions(
        p_value=arguments.p_value,
        q_value=arguments.q_value,
        min_score=arguments.min_score,
        threshold=arguments.threshold,
        background=arguments.background,
        pseudocount=arguments.pseudocount,
        strands=arguments.strands,
        palindromes=arguments.palindromes,
        soft_mask=arguments.soft_mask,
        ambiguous=arguments.ambiguous,
        best=arguments.best,
        matrix=arguments.matrix,
        regions=arguments.regions,
        size=arguments.size,
        names=arguments.names,
        threads=arguments.threads,
    )
    motifs, options = read_scannable(arguments.motifs, arguments.model, options)
    kind = chosen_format(arguments, FORMATS)
    if arguments.matrix is not None and kind in ("bed", "gff3", *MOTIF_FORMATS):
        raise UsageError(f"--matrix is a table of sequences x motifs, which {kind} cannot hold.")

    def say(sentence: str) -> None:
        print(f"seqpool scan: {sentence}", file=sys.stderr)

    def warn(sentence: str) -> None:
        say(f"warning: {sentence}")

    opened: AbstractContextManager[Any] = (open_binary_output if kind == "parquet" else open_output)(arguments.output)
    with opened as stream, letters_bar(sys.stderr.isatty() and not arguments.quiet) as progress:
        aligned = AlignedHits(stream, kind, motifs, warn) if kind in MOTIF_FORMATS else None

        def open_writer(columns: Mapping[str, Any], facts: Mapping[str, str]) -> TableWriter:
            if aligned is not None:
                return aligned
            if kind == "bed":
                return HitBedWriter(stream, with_region=options.regions is not None)
            if kind == "gff3":
                return HitGffWriter(stream, facts)
            if kind == "jsonl":
                return JsonLinesWriter(stream, tuple(columns))
            if kind == "parquet":
                return ParquetWriter(stream, columns, facts)
            return TsvWriter(stream, tuple(columns))

        summary = run_scan(inputs, motifs, options, open_writer, warn=warn, progress=progress)
    for error in summary.bad:
        say(str(error))
    if not arguments.quiet:
        for name, fact in summary.facts.items():
            say(f"{name.replace('-', ' ')}: {fact}")
        say(f"hits: {summary.hits:,}")
    return 1 if summary.bad else 0
