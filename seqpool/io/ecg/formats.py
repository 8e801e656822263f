"""Which format a file is in, by its content, and who opens it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from seqpool.io.ecg.recording_file import RecordingFile
from seqpool.io.ecg.stated import Stated
from seqpool.io.ecg.text_table import looks_like_samples

HEAD_BYTES = 4096

Opener = Callable[[Path, str, Stated], RecordingFile]


@dataclass(frozen=True)
class Format:
    """One format. name: for messages. recognises: from the first 4,096 bytes. home: `module:function` that opens it,
    imported when needed. endings: files so named are taken for recordings even where their content is unrecognisable,
    so that a damaged one is said and not passed over. named_endings: likewise, but only where the user names the file:
    in a folder they are as often tables of labels."""

    name: str
    recognises: Callable[[bytes], bool]
    home: str
    endings: tuple[str, ...] = ()
    named_endings: tuple[str, ...] = ()

    @property
    def open(self) -> Opener:
        """(path, source, stated) -> the opened recording."""
        module, _, function = self.home.partition(":")
        opener: Opener = getattr(import_module(f"seqpool.io.ecg.{module}"), function)
        return opener


def _is_edf(head: bytes) -> bool:
    return head[:8] == b"0       " or head[:8] == b"\xffBIOSEMI"


def _is_xml(root: bytes) -> Callable[[bytes], bool]:
    """For XML whose root element is so named, in any encoding that writes its letters once."""

    def recognises(head: bytes) -> bool:
        text = head.replace(b"\0", b"")  # UTF-16 is ASCII with zeros between
        start = text.removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff").lstrip()
        return start.startswith(b"<") and re.search(rb"<(\w+:)?" + root + rb"[\s>/]", text) is not None

    return recognises


def _is_dicom(head: bytes) -> bool:
    return head[128:132] == b"DICM"


def _is_scp(head: bytes) -> bool:
    return head[16:22] == b"SCPECG"


FORMATS = (
    Format("EDF or BDF", _is_edf, "edf:open_edf", (".edf", ".bdf")),
    Format("DICOM", _is_dicom, "dicom:open_dicom", (".dcm",)),
    Format("SCP-ECG", _is_scp, "scp:open_scp", (".scp",)),
    Format("ISHNE", lambda head: head[:8] == b"ISHNE1.0", "ishne:open_ishne"),
    Format("NPY", lambda head: head[:6] == b"\x93NUMPY", "array_file:open_array", (".npy",)),
    Format("HDF5", lambda head: head[:8] == b"\x89HDF\r\n\x1a\n", "hdf5:open_hdf5", (".h5", ".hdf5")),
    Format("HL7 aECG", _is_xml(b"AnnotatedECG"), "hl7_aecg:open_hl7_aecg"),
    Format("Philips XML", _is_xml(b"restingecgdata"), "philips:open_philips"),
    Format("GE MUSE XML", _is_xml(b"RestingECG"), "ge_muse:open_ge_muse"),
    Format("CSV or TSV", looks_like_samples, "text_table:open_table", named_endings=(".csv", ".tsv")),
)  # fmt: skip
"""Tried in this order; WFDB records, of several files, are found by name (`wfdb_header`)."""

NAMES = ", ".join(["WFDB", *(one.name for one in FORMATS)])


def format_of(path: Path, *, named: bool = True) -> Format | None:
    """The format of a file by its content, else by its ending; None for any other file.

    named: by the user, and not found in a folder.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    for one in FORMATS:
        if one.recognises(head):
            return one
    for one in FORMATS:
        if path.suffix.lower() in (one.endings + one.named_endings if named else one.endings):
            return one
    return None
