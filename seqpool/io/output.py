"""Results go to stdout or, whole or not at all, to a file."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, TextIO, cast

from seqpool.errors import DataError


def _unwritable(name: str, error: OSError) -> DataError:
    return DataError(f"{name} cannot be written: {error.strerror or error}.")


def _silence_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush does not fail a second time."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _standard_output(binary: bool) -> Iterator[IO[Any]]:
    stream: IO[Any] = sys.stdout.buffer if binary else sys.stdout
    try:
        yield stream
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is not None:  # an input's failure, not ours
            raise
        _silence_stdout()
        raise _unwritable("standard output", error) from error


@contextmanager
def _file(path: str, binary: bool) -> Iterator[IO[Any]]:
    final = Path(os.path.realpath(path))
    # a device or a named pipe is written as it is: there is nothing to rename
    special = final.exists() and not stat.S_ISREG(final.stat().st_mode)
    aside = final if special else final.with_name(f".{final.name}.{secrets.token_hex(4)}.part")
    mode = ("w" if special else "x") + ("b" if binary else "")
    text: dict[str, Any] = {} if binary else {"encoding": "utf-8", "newline": "\n"}
    try:
        stream = open(aside, mode, **text)  # noqa: SIM115
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        try:
            yield stream
            stream.close()
            if not special:
                if final.exists():
                    os.chmod(aside, stat.S_IMODE(final.stat().st_mode))
                os.replace(aside, final)
        except OSError as error:
            if error.filename not in (None, str(aside)):
                raise
            raise _unwritable(path, error) from error
    except BaseException:
        with contextlib.suppress(OSError):  # the failure being raised is the one to report
            stream.close()
        if not special:
            aside.unlink(missing_ok=True)
        raise


@contextmanager
def open_output(path: str | os.PathLike[str] | None) -> Iterator[TextIO]:
    """Open text output: stdout for None, else a file that appears only when everything was written.

    Lines end in `\\n` on every system, the encoding is UTF-8. Raises DataError when the output cannot be written; a
    closed pipe stays a BrokenPipeError.
    """
    opened = _standard_output(False) if path is None else _file(os.fspath(path), False)
    with opened as stream:
        yield cast(TextIO, stream)


@contextmanager
def open_binary_output(path: str | os.PathLike[str] | None) -> Iterator[BinaryIO]:
    """As `open_output`, for bytes."""
    opened = _standard_output(True) if path is None else _file(os.fspath(path), True)
    with opened as stream:
        yield cast(BinaryIO, stream)
