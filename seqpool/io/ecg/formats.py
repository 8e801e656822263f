"""Which format a file is in, by its content, and who opens it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from seqpool.io.ecg.recording_file import RecordingFile
from seqpool.io.ecg.stated import Stated

HEAD_BYTES = 4096

Opener = Callable[[Path, str, Stated], RecordingFile]


@dataclass(frozen=True)
class Format:
    """One format. name: for messages. recognises: from the first 4,096 bytes. home: `module:function` that opens it,
    imported when needed. endings: files so named are taken for recordings even where their content is unrecognisable,
    so that a damaged one is said and not passed over."""

    name: str
    recognises: Callable[[bytes], bool]
    home: str
    endings: tuple[str, ...] = ()

    @property
    def open(self) -> Opener:
        """(path, source, stated) -> the opened recording."""
        module, _, function = self.home.partition(":")
        opener: Opener = getattr(import_module(f"seqpool.io.ecg.{module}"), function)
        return opener


def _is_edf(head: bytes) -> bool:
    return head[:8] == b"0       " or head[:8] == b"\xffBIOSEMI"


FORMATS = (
    Format("EDF or BDF", _is_edf, "edf:open_edf", (".edf", ".bdf")),
)  # fmt: skip
"""Tried in this order; WFDB records, of several files, are found by name (`wfdb_header`)."""

NAMES = ", ".join(["WFDB", *(one.name for one in FORMATS)])


def format_of(path: Path) -> Format | None:
    """The format of a file by its content, else by its ending; None for any other file."""
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    for one in FORMATS:
        if one.recognises(head):
            return one
    for one in FORMATS:
        if path.suffix.lower() in one.endings:
            return one
    return None
