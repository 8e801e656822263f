"""`seqpool classify RECORD...`."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqpool.cli.arguments import (
    add_inputs,
    add_model,
    add_output,
    add_threads,
    chosen_format,
    chosen_model,
    given_inputs,
)
from seqpool.cli.classify_tasks import TASKS, check_options, chosen_task, write_annotations_of
from seqpool.cli.recording_options import add_plot, add_recording_options
from seqpool.cli.reporter import Reporter

if TYPE_CHECKING:
    from seqpool.io.tables import Columns

FORMATS = ("tsv", "jsonl", "parquet", "wfdb")

_MAKE_THE_ROWS = ("task", "lead", "unit", "rate_hz", "ignore_checksum", "windows", "abstain_below")
"""Options that rows depend on; a run that was killed is resumed with the same ones only."""

_DESCRIPTION = """\
Classify ECG recordings with a trained model: one row per recording, or per window of it, or per heart beat.
With a model for audio: one row per sound file, or per window of it.
Without --model the model that comes with seqpool for the --task is used (`seqpool models` lists them).

example:
  seqpool classify data/ecg_demo

rules:
  - A RECORD is a file of any format (by its content), a WFDB name with or without ending, or a folder: all recordings
    in it and below, sorted; a RECORDS file is obeyed. `record` in the output is the name as given, without ending.
  - --model is a file, or where there is none of that name a model that comes with seqpool.
  - The lead is --lead, else the first of the model's list that the recording has, else its only lead, else an error.
  - Units come from the header. Amplitudes that no heart makes are refused with the suspected factor; --unit says what
    the numbers are. Checksums are verified; --ignore-checksum reads a damaged file all the same.
  - Everything about the preprocessing is in the model; a recording may have any sampling rate.
  - --task beats: a row per beat, `sample` from 0 in the recording's own samples, classes N S V F of AAMI EC57 (escape
    beats e and j are N; Q is never predicted). --abstain-below leaves `class` empty. --format wfdb: annotation files
    NAME.seqpool in the folder --output, Q where the class is left open.
  - --output FILE appears when all is done. Until then the rows of each finished recording are kept in FILE.unfinished,
    written as they come; --resume goes on with them after a kill (same model and options), and gives the same FILE.
  - --plot FILE (.svg, .pdf, .png): the recording as it was recorded on paper of 25 mm/s and 10 mm/mV with the answer of
    each window; twelve leads 3 x 4 with a rhythm strip. A PDF holds all pages; of several pages or recordings the
    others are FILE-001.svg, FILE-002.svg, ... in order.
  - A recording of any length is read in blocks; a Holter needs no more memory than a short one.
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
    add_plot(parser)
    parser.add_argument("--resume", action="store_true", help="go on where a run with the same --output was killed")
    add_output(parser, FORMATS)
    add_threads(parser)


def run(arguments: argparse.Namespace) -> int:
    """Classify and write. Returns the exit code."""
    inputs = given_inputs(arguments)
    wfdb = chosen_format(arguments, FORMATS) == "wfdb"
    check_options(arguments, wfdb=wfdb)

    import torch
    from tqdm import tqdm

    from seqpool.artifact import load_artifact
    from seqpool.cli.annotation_output import write_annotation_files
    from seqpool.cli.row_output import open_rows
    from seqpool.io.ecg.recordings import open_recording
    from seqpool.io.finished_rows import FinishedRows
    from seqpool.jobs.pictures import draw_recording
    from seqpool.jobs.recording_inputs import found_recordings
    from seqpool.plots.ecg_paper import Pages

    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    reporter = Reporter("classify", quiet=arguments.quiet)

    model = chosen_model(arguments.model, arguments.task)
    artifact = load_artifact(model)
    if artifact.facts.job == "audio":
        from seqpool.cli.classify_audio import run_audio

        return run_audio(arguments, inputs, model, artifact, reporter)
    task = chosen_task(arguments, artifact)
    reading = {name: getattr(arguments, name) for name in ("unit", "rate_hz", "ignore_checksum")}
    pages = None if arguments.plot is None else Pages(arguments.plot)
    found = found_recordings(inputs, reporter.error)
    names = tqdm(found, unit="rec", leave=False, disable=arguments.quiet or not sys.stderr.isatty())

    def answered(name: str) -> Iterator[Any]:
        """What the model says of a recording, drawn where that is asked; nothing where it cannot be judged."""
        for result in task.answers(
            [name], artifact, lead=arguments.lead, **reading, on_error=reporter.error, on_note=reporter.note
        ):
            if pages is not None:
                pages.several = len(found) > 1
                draw_recording(pages, open_recording(name, **reading), *task.drawn(result))
            yield result

    if wfdb:
        with pages or nullcontext():
            results = (result for name in names for result in answered(name))
            write = partial(write_annotations_of, abstain_below=arguments.abstain_below)
            write_annotation_files(Path(arguments.output), results, write, reporter.error)
        return 1 if reporter.bad else 0
    options = {name: getattr(arguments, name) for name in _MAKE_THE_ROWS}
    run_facts = {"model": hashlib.sha256(model.read_bytes()).hexdigest(), **options}
    with (
        pages or nullcontext(),
        FinishedRows(arguments.output, task.columns, run_facts, resume=arguments.resume) as finished,
        open_rows(arguments, task.columns, {"model": str(model)}) as writer,
    ):
        if len(finished):
            reporter.note(f"{len(finished)} recordings were done by the run that was interrupted.")
        for name in names:
            rows: Columns | None = finished.get(name)
            if rows is None:
                for result in answered(name):
                    rows = task.rows(result)
                    finished.add(name, rows)
            if rows is not None:
                writer.write(task.written(rows))
    return 1 if reporter.bad else 0
