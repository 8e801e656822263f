"""A folder of annotation files, one for each recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, TypeVar

from seqpool.errors import DataError, UsageError
from seqpool.io.ecg.annotation_writer import ANNOTATOR


class OfRecording(Protocol):
    """What a verb says of one recording."""

    @property
    def record(self) -> str: ...


Result = TypeVar("Result", bound=OfRecording)


def write_annotation_files(
    folder: Path,
    results: Iterable[Result],
    write: Callable[[Path, str, Result], None],
    on_error: Callable[[DataError], None],
) -> None:
    """Has `write` (folder, name, result) make a file for each result.

    A result that cannot be written, or whose recording has the name of one before it, is given to `on_error`.
    Raises UsageError where the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--output {folder} cannot be a folder: {error.strerror}.") from error
    written: dict[str, str] = {}
    for result in results:
        name = Path(result.record).name
        try:
            if name in written:
                raise DataError(
                    f"{result.record}: {name}.{ANNOTATOR} is written for {written[name]} already, use another --output."
                )
            write(folder, name, result)
        except DataError as error:
            on_error(error)
            continue
        written[name] = result.record
