"""`seqpool predict FASTA... --model ARTIFACT`."""

from __future__ import annotations

import argparse
import sys

from seqpool.cli.arguments import add_inputs, add_output, add_threads, given_inputs

FORMATS = ("tsv", "jsonl", "parquet")

_DESCRIPTION = """\
Predict with a trained model: one row per sequence of FASTA files.

example:
  seqpool fit --config configs/demo_motifs.yaml --run runs/demo_motifs
  seqpool predict data/demo_positives.fa.gz --model runs/demo_motifs/model.safetensors

columns: sequence, length, p_<class> for each class (y_<target> for a regression), decision; with --where also
start_<class> stop_<class> strand_<class> (1-based, closed) of the window that spoke most for the class.

rules:
  - Letters: the model's alphabet and its IUPAC codes in either case, U = T. A record with any other byte is one line
    on stderr and no row; the exit code is then 1.
  - A sequence shorter than the model's filters is judged as if unknown letters (N, X) followed.
  - Probabilities are calibrated and decisions made as the model file says (`seqpool describe`).
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `predict`."""
    parser.description = _DESCRIPTION
    add_inputs(parser, "FASTA", "plain, gzip, bgzip or zstd by content; - for standard input")
    parser.add_argument(
        "--model", metavar="ARTIFACT|NAME", required=True, help="a model that `seqpool fit` wrote, or a shipped one"
    )
    parser.add_argument("--where", action="store_true", help="per class the window that spoke most for it")
    add_output(parser, FORMATS)
    add_threads(parser)


def run(arguments: argparse.Namespace) -> int:
    """Predict and write. Returns the exit code."""
    inputs = given_inputs(arguments)

    import torch
    from tqdm import tqdm

    from seqpool.artifact import load_artifact
    from seqpool.cli.row_output import open_rows
    from seqpool.errors import SeqpoolError
    from seqpool.jobs.predict import predicted, table_columns, table_rows
    from seqpool.zoo.shipped import model_file

    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    bad = 0

    def say(sentence: str) -> None:
        tqdm.write(f"seqpool predict: {sentence}", file=sys.stderr)

    def on_error(error: SeqpoolError) -> None:
        nonlocal bad
        bad += 1
        say(str(error))

    artifact = load_artifact(model_file(arguments.model))
    results = predicted(
        inputs, artifact, where=arguments.where, on_error=on_error, on_warning=lambda text: say(f"warning: {text}")
    )
    columns = table_columns(artifact, where=arguments.where)
    hidden = arguments.quiet or not sys.stderr.isatty()
    with (
        open_rows(arguments, columns, {"model": str(arguments.model)}) as writer,
        tqdm(unit="seq", leave=False, disable=hidden, file=sys.stderr) as bar,
    ):
        for result in results:
            writer.write(table_rows(result))
            bar.update(len(result.names))
    return 1 if bad else 0
