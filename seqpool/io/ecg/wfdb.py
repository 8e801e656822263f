"""WFDB records (PhysioNet): a text header `.hea` and the signal files it names.

Source: the header(5) and signal(5) pages of the WFDB Applications Guide. Samples are decoded by the wfdb library; the
header's promises (lengths, checksums, names of files) are checked here, because the library takes them on trust.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError
from seqpool.io.ecg.channels import Channel, assemble
from seqpool.io.ecg.leads import canonical_lead, distinct
from seqpool.records import Recording

_RECORD_LINE = re.compile(
    r"(?P<name>[\w.+-]+)(?:/(?P<segments>\d+))?[ \t]+(?P<signals>\d+)"
    r"(?:[ \t]+(?P<rate>[^\s/]+)(?:/\S+)?(?:[ \t]+(?P<length>\S+))?.*)?"
)

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


@dataclass(frozen=True)
class _Piece:
    """A single-segment record: its signals, the frames it holds, its frame rate, and what had to be assumed."""

    channels: list[Channel]
    frames: int
    rate_hz: float
    start: datetime | None
    notes: list[str]


def wfdb_header(name: str) -> Path | None:
    """The header of a record given by its name, with or without an ending, None where there is no such file."""
    path = Path(name)
    for candidate in (path if path.suffix == ".hea" else None, path.with_name(path.name + ".hea")):
        if candidate is not None and candidate.is_file():
            return candidate
    sibling = path.with_suffix(".hea")
    return sibling if path.suffix and sibling.is_file() else None


def segment_names(header: Path) -> list[str]:
    """The segments that a multi-segment header names, none for any other file."""
    try:
        lines = _header_lines(header, str(header))
        fields = _record_line(lines[0], str(header))
    except DataError:
        return []
    return [line.split()[0] for line in lines[1:]] if fields["segments"] else []


def read_wfdb(header: Path, source: str, *, unit: str | None = None, ignore_checksum: bool = False) -> Recording:
    """A WFDB record, of one or several segments.

    source: what the record is called in messages and results. unit: stands in for the header's unit.
    ignore_checksum: a checksum that does not match becomes a note. A declared checksum of 0 is a placeholder and
    cannot be verified. Raises DataError where the header or a signal file cannot be what it says.
    """
    lines = _header_lines(header, source)
    fields = _record_line(lines[0], source)
    if fields["segments"]:
        return _read_segments(header, lines, source, unit, ignore_checksum)
    piece = _read_piece(header, lines, source, ignore_checksum)
    return assemble(piece.channels, source, unit=unit, start=piece.start, notes=piece.notes)


def _header_lines(header: Path, source: str) -> list[str]:
    """The header's lines without comments and blanks."""
    raw = header.read_bytes()
    if not raw.strip():
        raise DataError(f"{source}: the header {header.name} is empty.")
    if b"\0" in raw or len(raw) > 10_000_000:
        raise DataError(f"{source}: {header.name} is not a WFDB header, it holds binary data.")
    text = raw.decode("utf-8", errors="replace")
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise DataError(f"{source}: the header {header.name} holds only comments.")
    return lines


def _record_line(line: str, source: str) -> dict[str, str | None]:
    """The fields of a header's first line, checked."""
    match = _RECORD_LINE.fullmatch(line)
    if match is None:
        raise DataError(
            f"{source}: not a WFDB header, the first line is '{line[:60]}' (expected: name, signals, rate, samples)."
        )
    fields = match.groupdict()
    if fields["rate"] is not None:
        try:
            rate = float(fields["rate"])
        except ValueError:
            rate = math.nan
        if not (math.isfinite(rate) and rate > 0):
            raise DataError(
                f"{source}: the header gives a sampling rate of {fields['rate']} (expected more than 0 Hz)."
            )
    if fields["length"] is not None and not fields["length"].isdecimal():
        raise DataError(f"{source}: the header gives a length of '{fields['length']}' (expected a number of samples).")
    if int(fields["signals"] or 0) == 0:
        raise DataError(f"{source}: no voltage signal in the file (the header lists no signals).")
    return fields


def _read_piece(header: Path, lines: Sequence[str], source: str, ignore_checksum: bool) -> _Piece:
    """The signals of a single-segment record, in the units of its header."""
    fields = _record_line(lines[0], source)
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
        if name in (".", "..") or "/" in name or "\\" in name:
            raise DataError(f"{source}: the header names the signal file '{name}' outside its own folder: refused.")
    parsed = _parsed_header(header, source)
    _check_files(header, parsed, source, notes)
    for line, name in zip(lines[1:], parsed.sig_name, strict=True):
        gain = line.split()[2:3]
        if not gain or re.match(r"[+-]?0*\.?0*(?:[(/]|$)", gain[0]):
            notes.append(f"signal '{name or ''}' has no gain (uncalibrated), 200 per mV is the format's default")
    digital = _digital_signals(header, parsed, source)
    _verify_checksums(digital, parsed, source, ignore_checksum, notes)
    names = distinct([canonical_lead(name, place) for place, name in enumerate(parsed.sig_name)])
    rate_hz = float(parsed.fs)
    channels = []
    for place, values in enumerate(digital):
        per_frame = parsed.samps_per_frame[place]
        physical = (values.astype(np.float64) - parsed.baseline[place]) / parsed.adc_gain[place]
        missing = _MISSING.get(parsed.fmt[place])
        if missing is not None:
            physical[values == missing] = np.nan
        physical = _unskewed(physical, (parsed.skew[place] or 0) * per_frame)
        channels.append(Channel(names[place], parsed.units[place] or "mV", rate_hz * per_frame, physical))
    frames = len(digital[0]) // parsed.samps_per_frame[0]
    return _Piece(channels, frames, rate_hz, parsed.base_datetime, notes)


def _parsed_header(header: Path, source: str) -> Any:
    """The header as wfdb understands it."""
    from wfdb import rdheader

    try:
        parsed = rdheader(str(header.with_suffix("").resolve()))
    except Exception as error:  # the library raises whatever its parser trips over
        raise DataError(f"{source}: the header {header.name} cannot be understood ({_first_line(error)}).") from error
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


def _check_files(header: Path, parsed: Any, source: str, notes: list[str]) -> None:
    """Every signal file is there and holds what the header promises, before anything is allocated."""
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


def _compressed_frames(path: Path, source: str) -> int:
    """Samples per channel that a FLAC file says it holds."""
    import soundfile  # comes with wfdb, which decodes these files through it

    try:
        return int(soundfile.info(str(path)).frames)
    except Exception as error:  # soundfile's own errors derive from RuntimeError; a damaged file may raise others
        raise DataError(f"{source}: the signal file {path.name} is not FLAC ({_first_line(error)}).") from error


def _digital_signals(header: Path, parsed: Any, source: str) -> list[NDArray[np.int32]]:
    """The integers of each signal, whole frames, unshifted."""
    from wfdb import rdrecord

    # one sample per frame: nothing is smoothed, and wfdb 4.3's other path cannot hold format 61
    together = max(parsed.samps_per_frame) == 1
    try:
        record = rdrecord(
            str(header.with_suffix("").resolve()),
            physical=False,
            smooth_frames=together,
            ignore_skew=True,
            return_res=32,
        )
    except Exception as error:  # the library raises whatever its decoder trips over
        raise DataError(f"{source}: the signal files cannot be decoded ({_first_line(error)}).") from error
    signals = [np.asarray(values) for values in (record.d_signal.T if together else record.e_d_signal)]
    frames = {len(values) / count for values, count in zip(signals, parsed.samps_per_frame, strict=True)}
    if len(frames) != 1:
        raise DataError(f"{source}: the signals of the record have different lengths.")
    return signals


def _verify_checksums(
    digital: Sequence[NDArray[np.int32]], parsed: Any, source: str, ignore: bool, notes: list[str]
) -> None:
    """Compare the 16-bit sum of each signal with the header's, which the library does not."""
    for place, values in enumerate(digital):
        declared = parsed.checksum[place]
        if not declared:  # absent, or the placeholder 0
            continue
        found = int(values.sum(dtype=np.int64)) & 0xFFFF
        if found != declared & 0xFFFF:
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


def _unskewed(values: NDArray[np.float64], skew: int) -> NDArray[np.float64]:
    """A signal that was written `skew` samples late, put in its place; its end is unknown."""
    if skew <= 0:
        return values
    return np.concatenate([values[skew:], np.full(min(skew, len(values)), np.nan)])


def _read_segments(
    header: Path, lines: Sequence[str], source: str, unit: str | None, ignore_checksum: bool
) -> Recording:
    """A record made of segments, one after another; `~` stands for a gap, a first segment of length 0 for a layout."""
    fields = _record_line(lines[0], source)
    segments = [line.split() for line in lines[1:]]
    if len(segments) != int(fields["segments"] or 0) or any(
        len(words) < 2 or not words[1].isdecimal() for words in segments
    ):
        raise DataError(f"{source}: the header announces {fields['segments']} segments and describes others.")
    total = sum(int(words[1]) for words in segments)
    if fields["length"] is not None and int(fields["length"]) != total:
        raise DataError(f"{source}: the segments hold {total} samples and the header promises {fields['length']}.")
    master_rate = float(fields["rate"] or 250)
    parts: list[tuple[int, _Piece]] = []
    gaps: list[tuple[float, float]] = []
    declared: list[str] = []
    notes: list[str] = []
    at = 0
    for name, length in ((words[0], int(words[1])) for words in segments):
        if name == "~":
            gaps.append((at / master_rate, (at + length) / master_rate))
        else:
            if name == header.stem or Path(name).name != name:
                raise DataError(f"{source}: the header names '{name}' as a segment of itself or of another folder.")
            piece_header = header.with_name(name + ".hea")
            piece_source = f"{source}, segment {name}"
            if not piece_header.is_file():
                raise DataError(f"{source}: the header of segment {name} is missing.")
            piece_lines = _header_lines(piece_header, piece_source)
            if _record_line(piece_lines[0], piece_source)["segments"]:
                raise DataError(f"{source}: segment {name} is itself made of segments, which WFDB does not allow.")
            if length == 0:  # the layout: which signals may come, no samples
                parsed = _parsed_layout(piece_header, piece_source)
                declared = [canonical_lead(name, place) for place, name in enumerate(parsed.sig_name)]
            else:
                piece = _read_piece(piece_header, piece_lines, piece_source, ignore_checksum)
                if piece.frames != length or piece.rate_hz != master_rate:
                    raise DataError(
                        f"{source}: segment {name} holds {piece.frames} samples at {piece.rate_hz:g} Hz, the header "
                        f"promises {length} at {master_rate:g} Hz."
                    )
                parts.append((at, piece))
                notes += [f"segment {name}: {note}" for note in piece.notes]
        at += length
    channels = _joined(parts, total, master_rate)
    seen = {channel.name for channel in channels}
    never = [(name, "no segment holds it") for name in declared if name not in seen]
    start = _start_of(header, source)
    return assemble(channels, source, unit=unit, start=start, gaps_s=gaps, skipped=never, notes=notes)


def _joined(parts: Sequence[tuple[int, _Piece]], total: int, rate_hz: float) -> list[Channel]:
    """Signals of the same name, unit and rate laid end to end, NaN where a segment lacks them."""
    whole: dict[tuple[str, str, float], NDArray[np.float64]] = {}
    for at, piece in parts:
        for channel in piece.channels:
            per_frame = round(channel.rate_hz / rate_hz)
            key = (channel.name, channel.unit, channel.rate_hz)
            if key not in whole:
                whole[key] = np.full(total * per_frame, np.nan)
            whole[key][at * per_frame : at * per_frame + len(channel.values)] = channel.values
    return [Channel(name, unit, rate, values) for (name, unit, rate), values in whole.items()]


def _parsed_layout(header: Path, source: str) -> Any:
    from wfdb import rdheader

    try:
        return rdheader(str(header.with_suffix("").resolve()))
    except Exception as error:  # as above
        raise DataError(f"{source}: the layout cannot be understood ({_first_line(error)}).") from error


def _start_of(header: Path, source: str) -> datetime | None:
    """When the record began, where its header gives both date and time."""
    start: datetime | None = _parsed_layout(header, source).base_datetime
    return start


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:200]}" if text else type(error).__name__
