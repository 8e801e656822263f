"""SCP-ECG: sections of binary data; the rhythm as raw samples, first or second differences, plain or Huffman-coded.

Source: ISO 11073-91064:2009 (EN 1064, AAMI EC71). The files of Healforce devices use other sections under the same
name, and are refused.
"""

from __future__ import annotations

import binascii
import struct
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError
from seqpool.io.ecg.channels import Channel, assemble, from_arrays
from seqpool.io.ecg.lead_codes import SCP_LEADS
from seqpool.io.ecg.leads import canonical_lead, distinct
from seqpool.io.ecg.recording_file import RecordingFile
from seqpool.io.ecg.scp_huffman import DEFAULT_TABLE, Codes, decoded, read_tables
from seqpool.io.ecg.stated import Stated

MARK = b"SCPECG"
_SECTION_HEADER = 16
_POINTER = 10
_DEFAULT_TABLE_ID = 19999


def open_scp(path: Path, source: str, stated: Stated) -> RecordingFile:
    """The long-term rhythm (section 6).

    Raises DataError where the file is not standard or damaged, or uses bimodal compression or the subtraction of a
    reference beat, which no current device writes.
    """
    raw = path.read_bytes()
    if raw[16:22] != MARK:
        raise DataError(
            f"{source}: not standard SCP-ECG, its first section lacks the mark SCPECG (files of Healforce devices are "
            "of their own kind): export it in another format."
        )
    try:
        return _opened(raw, source, stated)
    except struct.error as error:
        raise DataError(f"{source}: the SCP-ECG file is damaged, a section ends early ({error}).") from error


def _opened(raw: bytes, source: str, stated: Stated) -> RecordingFile:
    notes: list[str] = []
    sections = _sections(raw, source, stated.ignore_checksum, notes)
    for number, what in ((3, "leads"), (6, "rhythm data")):
        if number not in sections:
            raise DataError(f"{source}: no voltage signal in the file (it has no section {number}, {what}).")
    leads, subtracted = _leads(sections[3], source)
    step_nv, interval_us, difference, bimodal = struct.unpack_from("<HHBB", sections[6])
    if bimodal or subtracted:
        how = "bimodal compression" if bimodal else "the subtraction of a reference beat"
        raise DataError(f"{source}: the rhythm is stored with {how}, which is not supported: export it without.")
    if not step_nv or not interval_us or difference > 2:
        raise DataError(
            f"{source}: a step of {step_nv} nV every {interval_us} us by difference {difference} cannot be."
        )
    tables = _tables(sections.get(2), source)
    lengths = struct.unpack_from(f"<{len(leads)}H", sections[6], 6)
    at = 6 + 2 * len(leads)
    values = []
    for (name, samples), length in zip(leads, lengths, strict=True):
        coded = sections[6][at : at + length]
        at += length
        if len(coded) < length:
            raise DataError(f"{source}: lead {name} is {length} bytes long and {len(coded)} are left.")
        values.append(_samples(coded, samples, tables, difference, f"{source}: lead {name}") * step_nv)
    rate_hz = 1e6 / interval_us
    names = distinct([name for name, _ in leads])
    return assemble(
        [Channel(name, "nV", rate_hz, len(one)) for name, one in zip(names, values, strict=True)],
        from_arrays(values),
        source,
        unit=stated.unit,
        start=_start(sections.get(1, b"")),
        notes=notes,
    )


def _sections(raw: bytes, source: str, ignore_checksum: bool, notes: list[str]) -> dict[int, bytes]:
    """The bodies of the sections by number, their checksums verified."""
    declared_size = struct.unpack_from("<I", raw, 2)[0]
    if declared_size > len(raw):
        raise DataError(f"{source}: the file is truncated, {len(raw)} of {declared_size} bytes.")
    pointers = struct.unpack_from("<I", raw, 10)[0]
    sections = {}
    for at in range(6 + _SECTION_HEADER, min(6 + pointers, len(raw) - _POINTER + 1), _POINTER):
        number, length, index = struct.unpack_from("<HII", raw, at)
        if length <= _SECTION_HEADER or number == 0:
            continue
        section = raw[index - 1 : index - 1 + length] if index else b""
        if len(section) < length:
            raise DataError(f"{source}: section {number} lies outside the file.")
        checksum, found = struct.unpack_from("<H", section)[0], binascii.crc_hqx(section[2:], 0xFFFF)
        if checksum not in (0, found) and number in (2, 3, 6):
            text = f"section {number} has checksum {found}, it says {checksum}"
            if not ignore_checksum:
                raise DataError(f"{source}: {text}: it is damaged (--ignore-checksum reads it all the same).")
            notes.append(text)
        sections[number] = section[_SECTION_HEADER:]
    return sections


def _leads(section: bytes, source: str) -> tuple[list[tuple[str, int]], bool]:
    """(name, samples) of each lead, and whether a reference beat was subtracted."""
    number, flags = struct.unpack_from("<BB", section)
    if not 1 <= number <= 85:
        raise DataError(f"{source}: {number} leads are announced (expected 1 to 85).")
    leads = []
    for place in range(number):
        first, last, code = struct.unpack_from("<IIB", section, 2 + 9 * place)
        if last < first:
            raise DataError(f"{source}: lead {place + 1} goes from sample {first} to {last}.")
        # the first sample is number 1; some writers begin at 0 and give the length as the last
        leads.append((canonical_lead(SCP_LEADS.get(code), place), last - max(first, 1) + 1))
    return leads, bool(flags & 1)


def _tables(section: bytes | None, source: str) -> list[Codes] | None:
    """Huffman tables of section 2; None where the samples are not Huffman-coded."""
    if section is None:
        return None
    number = struct.unpack_from("<H", section)[0]
    if number == _DEFAULT_TABLE_ID:
        return [DEFAULT_TABLE]
    try:
        return read_tables(section)
    except ValueError as error:
        raise DataError(f"{source}: section 2 is damaged, {error}.") from error


def _samples(coded: bytes, samples: int, tables: list[Codes] | None, difference: int, what: str) -> NDArray[np.float64]:
    """(samples,) of a lead in steps of the converter."""
    if tables is None:
        digits = np.frombuffer(coded[: len(coded) // 2 * 2], "<i2").astype(np.int64)[:samples]
    else:
        try:
            digits = decoded(coded, samples, tables)
        except ValueError as error:
            raise DataError(f"{what} is damaged, {error}.") from error
    if len(digits) < samples:
        raise DataError(f"{what} holds {len(digits)} samples, the file promises {samples}.")
    if difference == 1:
        digits = np.cumsum(digits)
    elif difference == 2 and samples > 2:  # the first two are samples, then d = x[i] - 2 x[i-1] + x[i-2]
        slopes = digits[1] - digits[0] + np.cumsum(digits[2:])
        digits = np.concatenate([digits[:2], digits[1] + np.cumsum(slopes)])
    return digits.astype(np.float64)


def _start(section: bytes) -> datetime | None:
    """Date (tag 25) and time (tag 26) of the acquisition; None where one is absent."""
    day: tuple[int, int, int] | None = None
    clock: tuple[int, int, int] | None = None
    at = 0
    while at + 3 <= len(section):
        tag, length = struct.unpack_from("<BH", section, at)
        value = section[at + 3 : at + 3 + length]
        if tag == 25 and len(value) == 4:
            day = struct.unpack("<HBB", value)
        elif tag == 26 and len(value) == 3:
            clock = struct.unpack("<BBB", value)
        elif tag == 255:
            break
        at += 3 + length
    if day is None or clock is None:
        return None
    try:
        return datetime(day[0], day[1], day[2], clock[0], clock[1], clock[2])
    except ValueError:
        return None
