"""Byte streams of plain, gzip, bgzip and zstd files, told apart by their first bytes and not by their names."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from seqpool.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def _gunzipped(stream: BinaryIO) -> BinaryIO:
    try:
        from isal import igzip  # several times faster than zlib
    except ImportError:
        return cast(BinaryIO, gzip.GzipFile(fileobj=stream, mode="rb"))
    opened: Callable[..., BinaryIO] = igzip.open
    return opened(stream, "rb")


def _zstd_error() -> type[Exception]:
    if sys.version_info >= (3, 14):
        from compression.zstd import ZstdError
    else:
        from backports.zstd import ZstdError
    return cast(type[Exception], ZstdError)


def _unzstd(stream: BinaryIO) -> BinaryIO:
    if sys.version_info >= (3, 14):
        from compression.zstd import ZstdFile
    else:
        from backports.zstd import ZstdFile
    return cast(BinaryIO, ZstdFile(stream, mode="rb"))


def shown_name(path: str) -> str:
    """The name of an input in messages: `-` is standard input."""
    return "standard input" if path == "-" else path


@contextmanager
def open_decompressed(path: str) -> Iterator[BinaryIO]:
    """Open a file (`-`: standard input) as the bytes that it holds, decompressed by its content.

    Raises DataError when the file cannot be opened or, while it is read, when compressed data are damaged.
    """
    name = shown_name(path)
    try:
        # closed below, unless it is standard input
        raw: BinaryIO = sys.stdin.buffer if path == "-" else open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror}.") from error
    damaged: tuple[type[Exception], ...] = (EOFError, gzip.BadGzipFile, zlib.error)
    try:
        buffered = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, raw))
        magic = buffered.peek(4)[:4]
        if magic.startswith(GZIP_MAGIC):
            yield _gunzipped(buffered)
        elif magic == ZSTD_MAGIC:
            damaged += (_zstd_error(),)
            yield _unzstd(buffered)
        else:
            yield buffered
    except damaged as error:
        raise DataError(f"{name} is damaged: {error} (is the file complete?).") from error
    finally:
        if path != "-":
            raw.close()
