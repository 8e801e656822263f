"""`seqpool certify INPUT... --model ARTIFACT`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TypeVar

from seqpool.cli.arguments import add_inputs, add_output, add_threads, given_inputs, positive_int
from seqpool.cli.recording_options import add_recording_options
from seqpool.cli.reporter import Reporter
from seqpool.errors import UsageError
from seqpool.options.certify import LETTER_KINDS, SIGNAL_KINDS, millivolts, share, wander

FORMATS = ("tsv", "jsonl", "parquet")

_DESCRIPTION = """\
What a model's decisions withstand, proven: no noise up to the radius, or no change of so many letters, makes another
decision. One row per sequence of FASTA files or per recording.

example:
  seqpool fit --config configs/demo_motifs.yaml --run runs/demo_motifs
  seqpool certify data/demo_positives.fa.gz --model runs/demo_motifs/model.safetensors --substitutions 1

columns: input, decision, radius (proven; 0: nothing is), unit (mV, share, letters), method, attack_radius (the smallest
at which an attack was found to succeed; empty: none was). The truth lies between radius and attack_radius.

methods: exact (every change was looked at, so the next larger radius fails), windows (bounds of what changes do to the
windows of motif filters), interval (bounds layer by layer, rounding allowed for).

rules:
  - At most one of the options that say what happens. With one, radius is the one asked for, or 0. With none, the
    largest radius is searched for: of noise for recordings, of substitutions for sequences.
  - Signals: --noise on every sample, --offset on all samples of a lead alike, --gain of a lead from 1-G to 1+G,
    --wander A:F anything slower than F of at most A. What a model does to recordings first (filters, rate, amplitude)
    is allowed for, with bounds that are wide where there are filters: train with `normalise: none` and no filters for
    narrow ones.
  - A model with a module of which nothing is known is refused, and the module is named.
  - --plot FILE (.svg, .pdf, .png): the share of decisions proven, and withstanding the attack, against the radius.
  - An input that cannot be judged (missing samples, a record without letters) is one line on stderr and no row; the
    exit code is then 1.
"""

Value = TypeVar("Value")


def _checked(read: Callable[[str], Value]) -> Callable[[str], Value]:
    def parse(text: str) -> Value:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `certify`."""
    parser.description = _DESCRIPTION
    add_inputs(parser, "INPUT", "FASTA files, or recordings and folders of them, as the model takes them")
    parser.add_argument(
        "--model", metavar="ARTIFACT|NAME", required=True, help="a model that `seqpool fit` wrote, or a shipped one"
    )
    parser.add_argument("--noise", type=_checked(millivolts), metavar="E", help="on every sample, such as 0.05mV")
    parser.add_argument("--offset", type=_checked(millivolts), metavar="E", help="of a whole lead, such as 0.1mV")
    parser.add_argument("--gain", type=_checked(share), metavar="G", help="of a lead, a share such as 0.1")
    parser.add_argument("--wander", type=_checked(wander), metavar="A:F", help="of the baseline, such as 0.2mV:0.5Hz")
    parser.add_argument("--substitutions", type=positive_int, metavar="K", help="of any K letters by any others")
    parser.add_argument("--unknown", type=positive_int, metavar="K", help="any K letters replaced by N (X in protein)")
    parser.add_argument("--trim", type=positive_int, metavar="K", help="up to K letters lost at the ends together")
    add_recording_options(parser, "the lead to use, by a model that takes one")
    parser.add_argument(
        "--precision", choices=("float32", "float64"), default="float32", help="of bounds and decisions on signals"
    )
    parser.add_argument("--plot", metavar="FILE", help="draw the shares against the radius")
    add_output(parser, FORMATS)
    add_threads(parser)


def run(arguments: argparse.Namespace) -> int:
    """Certify and write. Returns the exit code."""
    inputs = given_inputs(arguments)
    asked = {name: getattr(arguments, name) for name in (*SIGNAL_KINDS, *LETTER_KINDS)}
    given = [name for name, amount in asked.items() if amount is not None]
    if len(given) > 1:
        raise UsageError(f"--{given[0]} and --{given[1]} were both given, expected at most one of them.")
    kind = given[0] if given else None

    import torch
    from tqdm import tqdm

    from seqpool.artifact import load_artifact
    from seqpool.cli.row_output import open_rows
    from seqpool.jobs.certify import COLUMNS, certified, table_rows
    from seqpool.plots.certainty import draw_certainty
    from seqpool.zoo.shipped import model_file

    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    reporter = Reporter("certify", quiet=arguments.quiet)
    artifact = load_artifact(model_file(arguments.model))
    proven: list[float] = []
    attacks: list[float] = []
    hidden = arguments.quiet or not sys.stderr.isatty()
    found = certified(
        inputs, artifact, kind, None if kind is None else asked[kind], lead=arguments.lead, unit=arguments.unit,
        rate_hz=arguments.rate_hz, ignore_checksum=arguments.ignore_checksum, precision=arguments.precision,
        on_error=reporter.error, on_note=reporter.note,
    )  # fmt: skip
    with open_rows(arguments, COLUMNS, {"model": str(arguments.model)}) as writer:
        for row in tqdm(found, unit="input", leave=False, disable=hidden, file=sys.stderr):
            writer.write(table_rows(row))
            unit = row.unit
            proven.append(row.radius)
            attacks.append(float("inf") if row.attack_radius is None else row.attack_radius)
    if arguments.plot is not None:
        if not proven:
            raise UsageError(f"--plot {arguments.plot}: no input could be judged, so there is nothing to draw.")
        draw_certainty(arguments.plot, proven, attacks, unit)
    return 1 if reporter.bad else 0
