"""ISHNE Holter: a header of 522 bytes, a block of text, then 16-bit samples of all leads in turn.

Source: Badilini 1998, The ISHNE Holter standard output file format.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError
from seqpool.io.ecg.channels import Channel, assemble
from seqpool.io.ecg.leads import canonical_lead, distinct
from seqpool.io.ecg.recording_file import ReadChannels, RecordingFile
from seqpool.io.ecg.stated import Stated

MAGIC = b"ISHNE1.0"
_HEADER_BYTES = 522
_MOST_LEADS = 12
_MISSING = -32768
_LEADS = {
    2: "X", 3: "Y", 4: "Z", 5: "I", 6: "II", 7: "III", 8: "aVR", 9: "aVL", 10: "aVF", 11: "V1", 12: "V2", 13: "V3",
    14: "V4", 15: "V5", 16: "V6", 17: "ES", 18: "AS", 19: "AI",
}  # fmt: skip


def open_ishne(path: Path, source: str, stated: Stated) -> RecordingFile:
    """A Holter recording, its samples still on disk.

    Raises DataError where the header cannot be, its checksum is wrong or samples are missing at the end.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        header = stream.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES:
            raise DataError(f"{source}: {len(header)} bytes are no ISHNE header (expected {_HEADER_BYTES}).")
        checksum, text_bytes, samples, _, offset = struct.unpack_from("<H4i", header, 8)
        if not _HEADER_BYTES <= offset <= size or not 0 <= text_bytes <= size:
            raise DataError(f"{source}: the samples begin at byte {offset} of a file of {size}.")
        covered = header[10:] + stream.read(offset - _HEADER_BYTES)
    notes = _checked(checksum, covered, source, stated.ignore_checksum)
    leads, rate_hz = struct.unpack_from("<h", header, 156)[0], struct.unpack_from("<h", header, 272)[0]
    if not 1 <= leads <= _MOST_LEADS or rate_hz < 1:
        raise DataError(f"{source}: the header gives {leads} leads (expected 1 to 12) at {rate_hz} Hz.")
    held = (size - offset) // (2 * leads)
    if samples not in (held, held * leads):  # some writers count the samples of all leads together
        if held < samples:
            raise DataError(
                f"{source}: the file is truncated, it holds {held} samples per lead and the header promises {samples}."
            )
        notes.append(f"the file holds {held} samples per lead, only the {samples} of the header are used")
        held = samples
    codes = struct.unpack_from(f"<{leads}h", header, 158)
    steps_nv = struct.unpack_from(f"<{leads}h", header, 206)
    if min(steps_nv) <= 0:
        raise DataError(f"{source}: the header gives a resolution of {min(steps_nv)} nV (expected more than 0).")
    names = distinct([canonical_lead(_LEADS.get(code), place) for place, code in enumerate(codes)])
    return assemble(
        [Channel(name, "nV", float(rate_hz), held) for name in names],
        _reader(path, offset, leads, steps_nv, held),
        source,
        unit=stated.unit,
        start=_start(header),
        notes=notes,
    )


def _checked(declared: int, covered: bytes, source: str, ignore: bool) -> list[str]:
    """Compares the header's CRC-CCITT; 0 is a placeholder that cannot be verified."""
    found = binascii.crc_hqx(covered, 0xFFFF)
    if declared in (0, found):
        return []
    text = f"the header has checksum {found}, it says {declared}"
    if not ignore:
        raise DataError(f"{source}: {text}: it is damaged (--ignore-checksum reads it all the same).")
    return [text]


def _start(header: bytes) -> datetime | None:
    """The day of the recording and its start time; None where they are no date."""
    day, month, year = struct.unpack_from("<3h", header, 138)
    hour, minute, second = struct.unpack_from("<3h", header, 150)
    try:
        return datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None


def _reader(path: Path, offset: int, leads: int, steps_nv: Sequence[int], samples: int) -> ReadChannels:
    def read(places: Sequence[int], start: int, stop: int) -> NDArray[np.float64]:
        stop_held = min(stop, samples)
        raw = np.fromfile(path, "<i2", count=(stop_held - start) * leads, offset=offset + 2 * leads * start)
        digits = raw.reshape(-1, leads)
        values = np.full((len(places), stop - start), np.nan)
        for row, place in enumerate(places):
            part = digits[:, place].astype(np.float64) * steps_nv[place]
            part[digits[:, place] == _MISSING] = np.nan
            values[row, : len(part)] = part
        return values

    return read
