"""A WFDB record of one segment: its signal files, decoded by the wfdb library, whole or in blocks.

Source: the signal(5) page of the WFDB Applications Guide. The header's promises (lengths, checksums, names of files)
are checked here, because the library takes them on trust.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError
from seqpool.io.ecg.channels import Channel
from seqpool.io.ecg.leads import canonical_lead, distinct
from seqpool.io.ecg.messages import first_line
from seqpool.io.ecg.recording_file import ReadChannels
from seqpool.io.ecg.wfdb_header import record_line

_MISSING = {
    "16": -(2**15), "61": -(2**15), "160": -(2**15), "516": -(2**15), "212": -(2**11), "310": -(2**9), "311": -(2**9),
    "80": -(2**7), "508": -(2**7), "24": -(2**23), "524": -(2**23), "32": -(2**31),
}  # fmt: skip
"""The code that stands for a missing sample in each storage format; format 8, of differences, has none."""

_BYTES = {
    "8": 1.0, "16": 2.0, "24": 3.0, "32": 4.0, "61": 2.0, "80": 1.0, "160": 2.0,
    "212": 1.5, "310": 4 / 3, "311": 4 / 3,
}  # fmt: skip
_COMPRESSED = ("508", "516", "524")

_KEPT_SAMPLES = 2**22
"""A record of at most so many samples, all signals together, is decoded once and kept (16 MB)."""

_VERIFIED_SAMPLES = 2**20
"""Samples decoded at a time to verify the checksums of a longer one."""

Digital = Callable[[int, int], list[NDArray[np.int32]]]
"""(first frame, last frame) -> the integers of each signal, unshifted."""


@dataclass(frozen=True)
class Piece:
    """A single-segment record: its signals, the frames it holds, its frame rate, and what had to be assumed."""

    channels: list[Channel]
    read: ReadChannels
    frames: int
    rate_hz: float
    start: datetime | None
    notes: list[str]


def open_piece(header: Path, lines: Sequence[str], source: str, *, ignore_checksum: bool, keep: bool) -> Piece:
    """The signals of a single-segment record, in the units of its header.

    keep: a short record may stay in memory once decoded. Raises DataError where the record is not what it says.
    """
    fields = record_line(lines[0], source)
    notes = []
    if fields["name"] != header.stem:
        notes.append(f"the header {header.name} calls the record '{fields['name']}'")
    if fields["rate"] is None:
        notes.append("the header gives no sampling rate, 250 Hz is the format's default")
    signals = int(fields["signals"] or 0)
    if len(lines) - 1 != signals:
        raise DataError(f"{source}: the header announces {signals} signals and describes {len(lines) - 1}.")
    for line in lines[1:]:
        name = line.split()[0]
        if name == "~":
            raise DataError(
                f"{source}: the header is the layout (~) of a record of several segments: it has no samples."
            )
        if name in (".", "..") or "/" in name or "\\" in name:
            raise DataError(f"{source}: the header names the signal file '{name}' outside its own folder: refused.")
    parsed = _checked_header(header, source)
    frames = _frames_on_disk(header, parsed, source, notes)
    for line, name in zip(lines[1:], parsed.sig_name, strict=True):
        gain = line.split()[2:3]
        if not gain or re.match(r"[+-]?0*\.?0*(?:[(/]|$)", gain[0]):
            notes.append(f"signal '{name or ''}' has no gain (uncalibrated), 200 per mV is the format's default")
    digital = _digital(header, parsed, frames, source, keep)
    _verify_checksums(digital, parsed, frames, source, ignore_checksum, notes)
    names = distinct([canonical_lead(name, place) for place, name in enumerate(parsed.sig_name)])
    rate_hz = float(parsed.fs)
    channels = [
        Channel(name, parsed.units[place] or "mV", rate_hz * per_frame, frames * per_frame)
        for place, (name, per_frame) in enumerate(zip(names, parsed.samps_per_frame, strict=True))
    ]
    return Piece(channels, _physical(digital, parsed, frames), frames, rate_hz, parsed.base_datetime, notes)


def parsed_header(header: Path, source: str) -> Any:
    """The header as wfdb understands it."""
    from wfdb import rdheader

    try:
        return rdheader(str(header.with_suffix("").resolve()))
    except Exception as error:  # the library raises whatever its parser trips over
        raise DataError(f"{source}: the header {header.name} cannot be understood ({first_line(error)}).") from error


def _checked_header(header: Path, source: str) -> Any:
    parsed = parsed_header(header, source)
    for place, format_name in enumerate(parsed.fmt):
        if format_name not in _BYTES and format_name not in _COMPRESSED:
            raise DataError(
                f"{source}: signal {place + 1} is in storage format {format_name}, which WFDB does not have "
                f"(expected one of {' '.join([*_BYTES, *_COMPRESSED])})."
            )
        gain = parsed.adc_gain[place]
        if not math.isfinite(gain) or parsed.samps_per_frame[place] < 1:
            raise DataError(f"{source}: signal {place + 1} has a gain of {gain} and {parsed.samps_per_frame[place]} "
                            "samples per frame, which cannot be.")  # fmt: skip
    return parsed


def _frames_on_disk(header: Path, parsed: Any, source: str, notes: list[str]) -> int:
    """Frames of the record, once every signal file is there and holds them: nothing has been allocated yet."""
    shortest = math.inf
    for name in dict.fromkeys(parsed.file_name):
        places = [place for place, other in enumerate(parsed.file_name) if other == name]
        path = header.with_name(name)
        if not path.is_file():
            raise DataError(f"{source}: the signal file {name}, which the header names, is missing.")
        per_frame = sum(parsed.samps_per_frame[place] for place in places)
        if parsed.fmt[places[0]] in _COMPRESSED:
            found = _compressed_frames(path, source) / max(parsed.samps_per_frame[place] for place in places)
        else:
            content = path.stat().st_size - (parsed.byte_offset[places[0]] or 0)
            # a format that packs samples may end in the middle of a group: a partial byte still counts as missing
            found = math.floor(max(content, 0) / _BYTES[parsed.fmt[places[0]]] + 1e-9) / per_frame
        shortest = min(shortest, found)
        if parsed.sig_len is None:
            if found < 1:
                raise DataError(f"{source}: the signal file {name} holds no samples.")
        elif found < parsed.sig_len:
            raise DataError(
                f"{source}: the signal file {name} is truncated, it holds {int(found)} samples per signal and the "
                f"header promises {parsed.sig_len}."
            )
        elif found >= parsed.sig_len + 3:  # some writers round up to a whole group of samples
            notes.append(
                f"the signal file {name} holds {int(found)} samples per signal, only the {parsed.sig_len} of the "
                "header are used"
            )
    return int(shortest) if parsed.sig_len is None else int(parsed.sig_len)


def _compressed_frames(path: Path, source: str) -> int:
    """Samples per channel that a FLAC file says it holds."""
    import soundfile  # comes with wfdb, which decodes these files through it

    try:
        return int(soundfile.info(str(path)).frames)
    except Exception as error:  # soundfile's own errors derive from RuntimeError; a damaged file may raise others
        raise DataError(f"{source}: the signal file {path.name} is not FLAC ({first_line(error)}).") from error


def _digital(header: Path, parsed: Any, frames: int, source: str, keep: bool) -> Digital:
    """The decoder of frames. Differences (format 8) and records of unstated length, which the library reads only from
    their start and to their end, are kept whole."""
    small = keep and frames * sum(parsed.samps_per_frame) <= _KEPT_SAMPLES
    if not (small or "8" in parsed.fmt or parsed.sig_len is None):
        return lambda first, last: _decoded(header, parsed, first, last, source)
    whole = _decoded(header, parsed, 0, frames, source)
    return lambda first, last: [
        values[first * per_frame : last * per_frame]
        for values, per_frame in zip(whole, parsed.samps_per_frame, strict=True)
    ]


def _decoded(header: Path, parsed: Any, first: int, last: int, source: str) -> list[NDArray[np.int32]]:
    from wfdb import rdrecord

    # one sample per frame: nothing is smoothed, and wfdb 4.3's other path cannot hold format 61
    together = max(parsed.samps_per_frame) == 1
    try:
        record = rdrecord(
            str(header.with_suffix("").resolve()),
            sampfrom=first,
            sampto=None if parsed.sig_len is None else last,
            physical=False,
            smooth_frames=together,
            ignore_skew=True,
            return_res=32,
        )
    except Exception as error:  # the library raises whatever its decoder trips over
        raise DataError(f"{source}: the signal files cannot be decoded ({first_line(error)}).") from error
    signals = [np.asarray(values) for values in (record.d_signal.T if together else record.e_d_signal)]
    if any(len(values) != (last - first) * n for values, n in zip(signals, parsed.samps_per_frame, strict=True)):
        raise DataError(f"{source}: the signals of the record have different lengths.")
    return signals


def _verify_checksums(digital: Digital, parsed: Any, frames: int, source: str, ignore: bool, notes: list[str]) -> None:
    """Compare the 16-bit sum of each signal with the header's, which the library does not.

    A checksum that is absent or 0, the placeholder of many writers, cannot be verified.
    """
    if not any(parsed.checksum):
        return
    sums = [0] * len(parsed.fmt)
    step = max(_VERIFIED_SAMPLES // sum(parsed.samps_per_frame), 1)
    for first in range(0, frames, step):
        for place, values in enumerate(digital(first, min(first + step, frames))):
            sums[place] += int(values.sum(dtype=values.dtype))  # what does not fit leaves the lower 16 bits right
    for place, declared in enumerate(parsed.checksum):
        found = sums[place] & 0xFFFF
        if declared and found != declared & 0xFFFF:
            text = (
                f"signal {place + 1} ({parsed.sig_name[place] or 'unnamed'}) has checksum {_signed(found)}, the header "
                f"says {_signed(declared & 0xFFFF)}"
            )
            if not ignore:
                raise DataError(f"{source}: {text}: the file is damaged (--ignore-checksum reads it all the same).")
            notes.append(text)


def _signed(word: int) -> int:
    """A 16-bit word as headers write it."""
    return word - 0x10000 if word >= 0x8000 else word


def _physical(digital: Digital, parsed: Any, frames: int) -> ReadChannels:
    """The reader of physical values: gain and baseline applied, missing codes NaN, skew undone (its end unknown)."""

    def read(places: Sequence[int], start: int, stop: int) -> NDArray[np.float64]:
        per_frame = parsed.samps_per_frame[places[0]]
        shifts = [max(parsed.skew[place] or 0, 0) * per_frame for place in places]
        first, last = start // per_frame, min(-(-(stop + max(shifts)) // per_frame), frames)
        raw = digital(first, max(last, first)) if last > first else [np.zeros(0, np.int32)] * len(parsed.fmt)
        values = np.full((len(places), stop - start), np.nan)
        for row, (place, shift) in enumerate(zip(places, shifts, strict=True)):
            offset = start + shift - first * per_frame
            codes = raw[place][offset : offset + stop - start]
            part = values[row, : len(codes)]
            part[:] = (codes.astype(np.float64) - parsed.baseline[place]) / parsed.adc_gain[place]
            missing = _MISSING.get(parsed.fmt[place])
            if missing is not None:
                part[codes == missing] = np.nan
        return values

    return read
