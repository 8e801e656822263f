"""`seqpool holter FILE...`."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

from seqpool.cli.arguments import add_inputs, add_threads, given_inputs
from seqpool.cli.recording_options import add_recording_options
from seqpool.cli.reporter import Reporter
from seqpool.errors import DataError, UsageError

_DESCRIPTION = """\
What a Holter report holds: analysable time; minimum, mean and maximum rate; ventricular and supraventricular beats,
couplets and runs; pauses; atrial fibrillation; a table by the hour; episodes; strips of the worst moments.

examples:
  seqpool holter data/ecg_demo/e01 --beats waves
  seqpool holter day.edf --output report

rules:
  - A FILE is a recording of any format and length, or a folder of them, as in `seqpool classify --help`.
  - --output DIR gets summary.tsv (a row per recording), hourly.tsv, episodes.tsv, and strips NAME-MOMENT.svg (without
    matplotlib, none, and a note). Without it the summary goes to stdout.
  - Beats and rhythm are found by the models that come with seqpool, or by --model.
  - --beats ANNOTATOR: beats from the WFDB annotation file FILE.ANNOTATOR, and the rhythm from its notes, where it has
    some.
  - Rates: slowest and fastest are those of 8 intervals in a row; the mean is that of all intervals. A couplet is two
    ectopic beats in a row, a run three or more, a pause an interval over 2 s. Fusion beats are counted apart.
  - Not analysable: gaps of the recording, the beats' lead missing or constant for 2 s, windows that the model of
    rhythms calls noise. Beats there do not count and no interval spans them.
  - A window is in fibrillation where the model says so and the intervals between its beats are irregular too.
  - Each window's rhythm stands for the time up to the middle of its overlap with the next. af_burden_percent is the
    share of the analysable time with a known rhythm.
  - Hours are counted from the start of the recording; `clock` is the time of day, where the file holds it.
  - A recording that cannot be judged is one line on stderr and no row; the exit code is then 1.

Not a medical device.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `holter`."""
    parser.description = _DESCRIPTION
    add_inputs(parser, "FILE", "a recording, or a folder of them")
    parser.add_argument("--beats", metavar="ANNOTATOR", help="beats from annotation files of this ending")
    parser.add_argument(
        "--model",
        metavar="ARTIFACT|NAME",
        action="append",
        default=[],
        help="a model of beats or of rhythms in place of the one that comes with seqpool; may be given for both",
    )
    add_recording_options(parser, "the lead to use")
    parser.add_argument("--output", metavar="DIR", help="a folder for tables and strips instead of stdout")
    parser.add_argument("--quiet", action="store_true", help="no progress and no notes on stderr")
    add_threads(parser)


def run(arguments: argparse.Namespace) -> int:
    """Report and write. Returns the exit code."""
    inputs = given_inputs(arguments)

    import torch
    from tqdm import tqdm

    from seqpool.io.output import open_output
    from seqpool.io.tables import TsvWriter
    from seqpool.jobs.holter import Reading, chosen_sources, holter_reports
    from seqpool.jobs.holter_strips import draw_strips
    from seqpool.jobs.holter_tables import (
        EPISODE_COLUMNS,
        HOURLY_COLUMNS,
        SUMMARY_COLUMNS,
        episode_rows,
        hourly_rows,
        summary_rows,
    )
    from seqpool.jobs.recording_inputs import found_recordings

    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    reporter = Reporter("holter", quiet=arguments.quiet)

    folder = None if arguments.output is None else Path(arguments.output)
    tables = {
        "summary.tsv": (SUMMARY_COLUMNS, summary_rows),
        "hourly.tsv": (HOURLY_COLUMNS, hourly_rows),
        "episodes.tsv": (EPISODE_COLUMNS, episode_rows),
    }
    draws = folder is not None and _can_draw(reporter.note)
    sources = chosen_sources(arguments.beats, arguments.model, reporter.note)
    reading = Reading(arguments.lead, arguments.unit, arguments.rate_hz, arguments.ignore_checksum)
    names = found_recordings(inputs, reporter.error)
    if folder is None:
        del tables["hourly.tsv"], tables["episodes.tsv"]
    else:
        _make(folder)
    drawn: dict[str, str] = {}
    with ExitStack() as stack:
        writers = {
            name: TsvWriter(stack.enter_context(open_output(None if folder is None else folder / name)), tuple(columns))
            for name, (columns, _) in tables.items()
        }
        bar = tqdm(names, unit="rec", leave=False, disable=arguments.quiet or not sys.stderr.isatty())
        for found in holter_reports(bar, sources, reading, on_error=reporter.error, on_note=reporter.note):
            for name, (_, rows_of) in tables.items():
                writers[name].write(rows_of(found))
            if not draws or folder is None:
                continue
            own = Path(found.opened.source).name
            if own in drawn:
                where = found.opened.source
                reporter.error(DataError(f"{where}: strips of this name are those of {drawn[own]}: not drawn."))
                continue
            drawn[own] = found.opened.source
            draw_strips(found, folder)
    return 1 if reporter.bad else 0


def _can_draw(on_note: object) -> bool:
    from importlib.util import find_spec

    if find_spec("matplotlib") is not None:
        return True
    assert callable(on_note)
    on_note("no strips are drawn: drawing needs matplotlib, which is not installed: pip install 'seqpool[plot]'.")
    return False


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--output {folder} cannot be a folder: {error.strerror}.") from error
