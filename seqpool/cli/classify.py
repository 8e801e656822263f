"""`seqpool classify RECORD...`."""

from __future__ import annotations

import argparse
import sys

from seqpool.cli.arguments import add_inputs, add_model, add_output, add_threads, chosen_model, given_inputs
from seqpool.cli.recording_options import add_recording_options
from seqpool.errors import SeqpoolError

FORMATS = ("tsv", "jsonl", "parquet")

TASKS = ("rhythm",)

_DESCRIPTION = """\
Classify ECG recordings with a trained model: one row per recording, or per window of it.
Without --model the model that comes with seqpool for the --task is used (`seqpool models` lists them).

example:
  seqpool fit --config configs/demo_ecg.yaml --run runs/demo_ecg
  seqpool classify data/ecg_demo --model runs/demo_ecg/model.safetensors

rules:
  - A RECORD is a file of any format (by its content), a WFDB name with or without ending, or a folder: all recordings
    in it and below, sorted; a RECORDS file is obeyed. `record` in the output is the name as given, without ending.
  - --model is a file, or where there is none of that name a model that comes with seqpool.
  - The lead is --lead, else the first of the model's list that the recording has, else its only lead, else an error.
  - Units come from the header. Amplitudes that no heart makes are refused with the suspected factor; --unit says what
    the numbers are. Checksums are verified; --ignore-checksum reads a damaged file all the same.
  - Everything about the preprocessing is in the model; a recording may have any sampling rate.
  - A recording that cannot be judged is one line on stderr and no row; the exit code is then 1.

Not a medical device.
"""


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text}")
    return value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `classify`."""
    parser.description = _DESCRIPTION
    add_inputs(parser, "RECORD", "a recording, or a folder of them")
    parser.add_argument("--task", choices=TASKS, default=TASKS[0], help=f"what is asked (default: {TASKS[0]})")
    add_model(parser, "of --task")
    add_recording_options(parser, "the lead to use, by a model that takes one")
    parser.add_argument("--windows", action="store_true", help="a row per window, with start_s and end_s")
    parser.add_argument(
        "--abstain-below", type=_share, metavar="X", help="no decision where the confidence is below X (0 to 1)"
    )
    add_output(parser, FORMATS)
    add_threads(parser)


def run(arguments: argparse.Namespace) -> int:
    """Classify and write. Returns the exit code."""
    inputs = given_inputs(arguments)

    import torch
    from tqdm import tqdm

    from seqpool.artifact import load_artifact
    from seqpool.cli.row_output import open_rows
    from seqpool.jobs.classify import classified, table_columns, table_rows
    from seqpool.jobs.recording_inputs import found_recordings

    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    bad = 0

    def say(sentence: str) -> None:
        tqdm.write(f"seqpool classify: {sentence}", file=sys.stderr)

    def on_error(error: SeqpoolError) -> None:
        nonlocal bad
        bad += 1
        say(str(error))

    def on_note(sentence: str) -> None:
        if not arguments.quiet:
            say(f"note: {sentence}")

    model = chosen_model(arguments.model, arguments.task)
    artifact = load_artifact(model)
    names = found_recordings(inputs, on_error)
    results = classified(
        tqdm(names, unit="rec", leave=False, disable=arguments.quiet or not sys.stderr.isatty()),
        artifact,
        lead=arguments.lead,
        unit=arguments.unit,
        rate_hz=arguments.rate_hz,
        ignore_checksum=arguments.ignore_checksum,
        on_error=on_error,
        on_note=on_note,
    )
    columns = table_columns(artifact, windows=arguments.windows)
    with open_rows(arguments, columns, {"model": str(model)}) as writer:
        for result in results:
            writer.write(table_rows(result, windows=arguments.windows, abstain_below=arguments.abstain_below))
    return 1 if bad else 0
