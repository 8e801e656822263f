"""`seqpool coding FASTA...`."""

from __future__ import annotations

import argparse
import sys

from seqpool.cli.arguments import add_inputs, add_output, add_threads, chosen_model, given_inputs

FORMATS = ("gff3",)

_DESCRIPTION = """\
Find coding regions in genomes and contigs: strand, frame and score of each, as GFF3.

example:
  seqpool coding data/demo_contigs.fa.gz

rules:
  - Every codon of all six frames is scored by the model in its surroundings; the likeliest way through the sequence
    (no coding, or one frame at a time) gives the regions. Regions in two frames at once are not reported.
  - A region has no stop codon inside and holds the one that follows it. Its start is where coding begins to be likelier
    than not, which need not be a start codon. Introns and frame shifts divide a gene into regions.
  - --genetic-code N: NCBI's number; codons are read as those that mean the same in the model's own code.
  - Letters: A C G T and the IUPAC codes in either case, U = T; N counts as an average letter. A record with any other
    byte is one line on stderr and no row; the exit code is then 1.
  - Column 6 is the log-odds in bits that the region's codons code; column 8 is always 0, a region begins with a whole
    codon; `frame` counts from the strand's own 5' end of the sequence.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `coding`."""
    parser.description = _DESCRIPTION
    add_inputs(parser, "FASTA", "plain, gzip, bgzip or zstd by content; - for standard input")
    parser.add_argument(
        "--model", metavar="ARTIFACT", help="a model that `seqpool fit` wrote, or a shipped one (default dna-coding)"
    )
    parser.add_argument(
        "--genetic-code", type=int, metavar="N", help="NCBI's translation table of the sequences (default: the model's)"
    )
    add_output(parser, FORMATS)
    add_threads(parser)


def run(arguments: argparse.Namespace) -> int:
    """Scan and write. Returns the exit code."""
    inputs = given_inputs(arguments)
    model = chosen_model(arguments.model, "coding")

    import torch
    from tqdm import tqdm

    from seqpool.artifact import load_artifact
    from seqpool.cli.progress import letters_bar
    from seqpool.errors import SeqpoolError
    from seqpool.io.coding_gff import CodingGffWriter
    from seqpool.io.output import open_output
    from seqpool.jobs.coding import coding_network, scanned

    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    bad = 0

    def say(sentence: str) -> None:
        tqdm.write(f"seqpool coding: {sentence}", file=sys.stderr)

    def on_error(error: SeqpoolError) -> None:
        nonlocal bad
        bad += 1
        say(str(error))

    artifact = load_artifact(model)
    code = arguments.genetic_code or coding_network(artifact).options.genetic_code
    with (
        open_output(arguments.output) as stream,
        letters_bar(sys.stderr.isatty() and not arguments.quiet) as progress,
    ):
        sequences = scanned(
            inputs,
            artifact,
            genetic_code=arguments.genetic_code,
            on_error=on_error,
            on_warning=lambda text: say(f"warning: {text}"),
            progress=progress,
        )
        writer = CodingGffWriter(stream, {"model": str(model.name), "genetic-code": str(code)})
        for sequence in sequences:
            writer.begin(sequence.name, sequence.length)
            for region in sequence.regions:
                writer.write(region.start, region.end, region.strand, region.frame, region.score)
    if not arguments.quiet:
        say(f"regions: {writer.regions:,}")
    return 1 if bad else 0
