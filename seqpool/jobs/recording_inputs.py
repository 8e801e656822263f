"""The recordings that a command's inputs stand for, and who is told of one that cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from seqpool.errors import DataError
from seqpool.io.ecg.recordings import find_recordings

OnError = Callable[[DataError], None]
OnNote = Callable[[str], None]


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
