"""What `seqpool classify` does for each --task: how recordings are answered, and what rows and pictures that gives."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqpool.errors import UsageError

if TYPE_CHECKING:
    from seqpool.artifact import Artifact
    from seqpool.io.tables import Columns
    from seqpool.jobs.beats import RecordingBeats
    from seqpool.plots.ecg_paper import Marks

TASKS = ("rhythm", "beats")


@dataclass(frozen=True)
class Task:
    """A task with the options of a command.

    columns: name to dtype. answers: (names, artifact, options of reading and reporting) -> results, one by one.
    rows: of a result. written: rows, fresh or kept by a run that was killed, as they go to the table. drawn: marks by
    lead and the title of a result's picture.
    """

    columns: Mapping[str, Any]
    answers: Callable[..., Iterator[Any]]
    rows: Callable[[Any], Columns]
    written: Callable[[Columns], Columns]
    drawn: Callable[[Any], tuple[dict[str, Marks], str]]


def chosen_task(arguments: argparse.Namespace, artifact: Artifact) -> Task:
    """The task of `--task`."""
    below = arguments.abstain_below
    if arguments.task == "beats":
        from seqpool.jobs import beats

        return Task(
            columns=beats.BEAT_COLUMNS,
            answers=beats.beats_of_recordings,
            rows=lambda result: beats.beat_rows(result, below),
            written=beats.with_exact_times,
            drawn=lambda result: beats.drawn(result, below),
        )
    from seqpool.jobs import classify

    return Task(
        columns=classify.table_columns(artifact, windows=arguments.windows),
        answers=classify.classified,
        rows=lambda result: classify.table_rows(result, windows=arguments.windows, abstain_below=below),
        written=lambda rows: rows,
        drawn=lambda result: classify.drawn(result, below),
    )


def check_options(arguments: argparse.Namespace, *, wfdb: bool) -> None:
    """Raises UsageError for options that do not go with each other."""
    if arguments.task == "beats" and arguments.windows:
        raise UsageError("--windows is for --task rhythm: beats have a row each.")
    if arguments.plot is not None and arguments.resume:
        raise UsageError("--plot draws every recording and --resume skips those that are done: leave one of them out.")
    if not wfdb:
        return
    if arguments.task != "beats":
        raise UsageError("--format wfdb marks beats: it goes with --task beats.")
    if arguments.output is None:
        raise UsageError("--format wfdb writes a file for each recording: name their folder with --output.")
    if arguments.resume:
        raise UsageError("--resume goes on with a table, and --format wfdb writes a file for each recording.")


def write_annotations_of(folder: Path, name: str, beats: RecordingBeats, abstain_below: float | None) -> None:
    """The annotation file of one recording's beats."""
    from seqpool.jobs.beats import write_beats

    write_beats(folder, name, beats, abstain_below)
