"""The recordings that a command's inputs stand for, opened one by one, and who is told of one that cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from seqpool.errors import DataError, UsageError
from seqpool.io.ecg.leads import millivolts_per
from seqpool.io.ecg.recording_file import RecordingFile
from seqpool.io.ecg.recordings import find_recordings, open_recording

OnError = Callable[[DataError], None]
OnNote = Callable[[str], None]
Result = TypeVar("Result")


def found_recordings(inputs: Iterable[str], on_error: OnError) -> list[str]:
    """The recordings that the inputs stand for; a folder without any is given to `on_error`."""
    names: list[str] = []
    for name in inputs:
        try:
            names += find_recordings([name])
        except DataError as error:
            on_error(error)
    return find_recordings(names)


def raised(error: DataError) -> None:
    """The `on_error` of a caller who gave none."""
    raise error


def of_each_recording(
    names: Iterable[str],
    answer: Callable[[RecordingFile], tuple[Result, Sequence[str]]],
    *,
    unit: str | None,
    rate_hz: float | None,
    ignore_checksum: bool,
    on_error: OnError,
    on_note: OnNote,
) -> Iterator[Result]:
    """What `answer` gives of each recording, in order; its notes on what was missing or assumed go to `on_note`.

    unit, rate_hz, ignore_checksum: as in `seqpool.io.ecg.recordings.open_recording`. A recording that cannot be read or
    answered is given to `on_error` and has no answer. Raises UsageError for a unit that is no voltage.
    """
    if unit is not None and millivolts_per(unit) is None:
        raise UsageError(f"unit {unit!r} is no voltage (accepted: V, mV, uV, nV, or a number of them such as 5uV).")
    for name in names:
        try:
            opened = open_recording(name, unit=unit, rate_hz=rate_hz, ignore_checksum=ignore_checksum)
            result, notes = answer(opened)
        except DataError as error:
            on_error(error)
            continue
        except OSError as error:
            on_error(DataError(f"{name}: cannot be read: {error.strerror or error}."))
            continue
        for note in notes:
            on_note(f"{opened.source}: {note}.")
        yield result
