"""`seqpool delineate RECORD...`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from seqpool.cli.arguments import (
    add_inputs,
    add_model,
    add_output,
    add_threads,
    chosen_format,
    chosen_model,
    given_inputs,
)
from seqpool.cli.recording_options import add_plot, add_recording_options
from seqpool.cli.reporter import Reporter
from seqpool.errors import UsageError

if TYPE_CHECKING:
    from seqpool.jobs.delineate import DelineatedRecording

FORMATS = ("tsv", "jsonl", "parquet", "wfdb")

_DESCRIPTION = """\
Find P, QRS and T waves in ECG recordings: a row for each wave with its onset, peak and offset.
Without --model the model of waves that comes with seqpool is used (`seqpool models` lists them).

example:
  seqpool delineate data/ecg_demo/e01
  seqpool delineate data/ecg_demo --intervals

rules:
  - A RECORD is a file of any format (by its content), a WFDB name with or without ending, or a folder: all recordings
    in it and below, sorted; a RECORDS file is obeyed. `record` in the output is the name as given, without ending.
  - The lead is --lead (a name, several joined by commas, or `all`), else the first of the model's list that the
    recording has, else its only lead, else an error. The model says which lead it was trained on.
  - Samples are the recording's own, from 0. `beat` counts complexes from 1: a T bears the number of the complex
    before it (0: none), a P that of the complex after it. An absent wave has no row.
  - Long recordings are judged in overlapping windows (10 s, every 5 s); each sample's answer is that of the window in
    whose middle half it lies.
  - --intervals: medians over beats, a row per lead and a row `median` over leads.
  - --format wfdb: annotation files NAME.seqpool in the folder --output, `( p )`, `( N )`, `( t )`.
  - --plot FILE (.svg, .pdf, .png): the recording as it was recorded on paper of 25 mm/s and 10 mm/mV with its waves;
    twelve leads 3 x 4 with a rhythm strip. A PDF holds all pages; of several pages or recordings the others are
    FILE-001.svg, FILE-002.svg, ... in order.
  - A recording that cannot be judged is one line on stderr and no row; the exit code is then 1.

Not a medical device.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `delineate`."""
    parser.description = _DESCRIPTION
    add_inputs(parser, "RECORD", "a recording, or a folder of them")
    add_model(parser, "of waves")
    add_recording_options(parser, "a lead, several joined by commas, or `all`")
    parser.add_argument("--intervals", action="store_true", help="rate, PR, QRS, QT and QTc of each lead, not waves")
    add_plot(parser)
    add_output(parser, FORMATS)
    add_threads(parser)


def run(arguments: argparse.Namespace) -> int:
    """Delineate and write. Returns the exit code."""
    inputs = given_inputs(arguments)
    wfdb = chosen_format(arguments, FORMATS) == "wfdb"
    if wfdb:
        _check_wfdb(arguments)

    import torch
    from tqdm import tqdm

    from seqpool.artifact import load_artifact
    from seqpool.cli.annotation_output import write_annotation_files
    from seqpool.cli.row_output import open_rows
    from seqpool.io.ecg.recordings import open_recording
    from seqpool.jobs.delineate import (
        INTERVAL_COLUMNS,
        WAVE_COLUMNS,
        delineated_recordings,
        drawn,
        interval_rows,
        leads_of_training,
        wave_rows,
        wave_signal,
    )
    from seqpool.jobs.pictures import draw_recording
    from seqpool.jobs.recording_inputs import found_recordings
    from seqpool.plots.ecg_paper import Pages

    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    reporter = Reporter("delineate", quiet=arguments.quiet)

    model = chosen_model(arguments.model, "waves")
    artifact = load_artifact(model)
    wave_signal(artifact)
    reporter.note(f"{leads_of_training(artifact)}.")
    names = found_recordings(inputs, reporter.error)
    reading = {name: getattr(arguments, name) for name in ("unit", "rate_hz", "ignore_checksum")}
    pages = None if arguments.plot is None else Pages(arguments.plot)

    def results() -> Iterator[DelineatedRecording]:
        with pages or nullcontext():
            for name in tqdm(names, unit="rec", leave=False, disable=arguments.quiet or not sys.stderr.isatty()):
                for result in delineated_recordings(
                    [name], artifact, lead=arguments.lead, **reading, on_error=reporter.error, on_note=reporter.note
                ):
                    if pages is not None:
                        pages.several = len(names) > 1
                        draw_recording(pages, open_recording(name, **reading), *drawn(result))
                    yield result

    if wfdb:
        write_annotation_files(Path(arguments.output), results(), _write_waves, reporter.error)
        return 1 if reporter.bad else 0
    rows_of, columns = (interval_rows, INTERVAL_COLUMNS) if arguments.intervals else (wave_rows, WAVE_COLUMNS)
    with open_rows(arguments, columns, {"model": str(model)}) as writer:
        for result in results():
            writer.write(rows_of(result))
    return 1 if reporter.bad else 0


def _check_wfdb(arguments: argparse.Namespace) -> None:
    """Raises UsageError for what annotation files cannot hold."""
    if arguments.output is None:
        raise UsageError("--format wfdb writes a file for each recording: name their folder with --output.")
    if arguments.intervals:
        raise UsageError("--intervals is a table and --format wfdb marks waves: leave one of them out.")
    if arguments.lead is not None and (arguments.lead == "all" or "," in arguments.lead):
        raise UsageError("--format wfdb marks one lead: name one with --lead.")


def _write_waves(folder: Path, name: str, result: DelineatedRecording) -> None:
    from seqpool.io.ecg.wave_annotations import write_waves

    write_waves(folder, name, result.leads[0].waves, result.rate_hz)
