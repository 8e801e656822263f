"""`seqpool describe CONFIG|ARTIFACT...`."""

from __future__ import annotations

import argparse
import sys

from seqpool.cli.arguments import add_inputs, given_inputs

_DESCRIPTION = """\
Print what a config or a model is: network layer by layer with receptive field and stride, input, training data,
figures with their protocol, thresholds.

examples:
  seqpool describe configs/demo_motifs.yaml
  seqpool describe runs/demo_motifs/model.safetensors --format json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `describe`."""
    parser.description = _DESCRIPTION
    add_inputs(parser, "CONFIG|ARTIFACT", "a YAML config, or a model.safetensors")
    parser.add_argument("--output", metavar="FILE", help="write here instead of stdout (whole or not at all)")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="json: a model's whole description")


def run(arguments: argparse.Namespace) -> int:
    """Describe and write. Returns the exit code."""
    inputs = given_inputs(arguments)

    from seqpool.errors import DataError
    from seqpool.io.output import open_output
    from seqpool.jobs.describe import describe, facts_as_json

    bad = 0
    with open_output(arguments.output) as stream:
        for number, name in enumerate(inputs):
            try:
                lines = [facts_as_json(name)] if arguments.format == "json" else list(describe(name))
            except DataError as error:
                print(f"seqpool describe: {error}", file=sys.stderr)
                bad += 1
                continue
            stream.write("\n" * (number > 0) + "\n".join(lines) + "\n")
    return 1 if bad else 0
