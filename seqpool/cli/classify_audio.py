"""`seqpool classify FILE...` with a model for audio."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from seqpool.cli.reporter import Reporter
from seqpool.errors import UsageError

if TYPE_CHECKING:
    from seqpool.artifact import Artifact

_OF_RECORDINGS = ("lead", "unit", "ignore_checksum")
"""Options that say how an ECG is read."""


def run_audio(
    arguments: argparse.Namespace, inputs: Sequence[str], model: Path, artifact: Artifact, reporter: Reporter
) -> int:
    """Classify clips and write. Returns the exit code."""
    from tqdm import tqdm

    from seqpool.cli.row_output import open_rows
    from seqpool.io.audio import read_audio
    from seqpool.io.finished_rows import FinishedRows
    from seqpool.jobs.audio_pictures import cell_pictures
    from seqpool.jobs.classify import table_columns
    from seqpool.jobs.classify_audio import classified_clips, clip_rows, found_clips
    from seqpool.plots.ecg_paper import Pages
    from seqpool.plots.spectrogram import draw_cells

    for name in _OF_RECORDINGS:
        if getattr(arguments, name):
            raise UsageError(f"--{name.replace('_', '-')} is for ECG recordings, and the model is for audio.")
    if arguments.task == "beats" or arguments.format == "wfdb":
        raise UsageError("--task beats and --format wfdb are for ECG recordings, and the model is for audio.")
    options = {name: getattr(arguments, name) for name in ("rate_hz", "windows", "abstain_below")}
    facts = {"model": hashlib.sha256(model.read_bytes()).hexdigest(), **options}
    columns = table_columns(artifact, windows=arguments.windows)
    found = found_clips(inputs, reporter.error)
    pages = None if arguments.plot is None else Pages(arguments.plot)
    with (
        pages or nullcontext(),
        FinishedRows(arguments.output, columns, facts, resume=arguments.resume) as finished,
        open_rows(arguments, columns, {"model": str(model)}) as writer,
    ):
        if len(finished):
            reporter.note(f"{len(finished)} clips were done by the run that was interrupted.")
        for name in tqdm(found, unit="clip", leave=False, disable=arguments.quiet or not sys.stderr.isatty()):
            rows = finished.get(name)
            if rows is None:
                answers = classified_clips(
                    [name], artifact, rate_hz=arguments.rate_hz, on_error=reporter.error, on_note=reporter.note
                )
                for result in answers:
                    rows = clip_rows(result, windows=arguments.windows, abstain_below=arguments.abstain_below)
                    finished.add(name, rows)
                    if pages is not None:
                        pictures = list(cell_pictures(read_audio(name, rate_hz=arguments.rate_hz), artifact))
                        pages.several = pages.several or len(found) * len(pictures) > 1
                        for picture in pictures:
                            pages.add(draw_cells(picture))
            if rows is not None:
                writer.write(rows)
    return 1 if reporter.bad else 0
