"""WFDB records (PhysioNet): a text header `.hea`, and the signal files or the segments that it names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError
from seqpool.io.ecg.channels import Channel, assemble
from seqpool.io.ecg.leads import canonical_lead
from seqpool.io.ecg.recording_file import ReadChannels, RecordingFile
from seqpool.io.ecg.stated import Stated
from seqpool.io.ecg.wfdb_header import header_lines, record_line
from seqpool.io.ecg.wfdb_piece import Piece, open_piece, parsed_header


def open_wfdb(header: Path, source: str, stated: Stated) -> RecordingFile:
    """A WFDB record, of one or several segments.

    source: what the record is called in messages and results.
    A declared checksum of 0 is a placeholder and cannot be verified. Raises DataError where the header or a signal
    file cannot be what it says.
    """
    lines = header_lines(header, source)
    fields = record_line(lines[0], source)
    if fields["segments"]:
        return _open_segments(header, lines, source, stated)
    piece = open_piece(header, lines, source, ignore_checksum=stated.ignore_checksum, keep=True)
    return assemble(piece.channels, piece.read, source, unit=stated.unit, start=piece.start, notes=piece.notes)


def _open_segments(header: Path, lines: Sequence[str], source: str, stated: Stated) -> RecordingFile:
    """A record made of segments, one after another; `~` stands for a gap, a first segment of length 0 for a layout."""
    fields = record_line(lines[0], source)
    segments = [line.split() for line in lines[1:]]
    if len(segments) != int(fields["segments"] or 0) or any(
        len(words) < 2 or not words[1].isdecimal() for words in segments
    ):
        raise DataError(f"{source}: the header announces {fields['segments']} segments and describes others.")
    total = sum(int(words[1]) for words in segments)
    if fields["length"] is not None and int(fields["length"]) != total:
        raise DataError(f"{source}: the segments hold {total} samples and the header promises {fields['length']}.")
    master_rate = float(fields["rate"] or 250)
    parts: list[tuple[int, Piece]] = []
    gaps: list[tuple[float, float]] = []
    declared: list[str] = []
    notes: list[str] = []
    at = 0
    for name, length in ((words[0], int(words[1])) for words in segments):
        if name == "~":
            gaps.append((at / master_rate, (at + length) / master_rate))
        elif length == 0:  # the layout: which signals may come, no samples
            layout = parsed_header(_segment_header(header, name, source), f"{source}, segment {name}")
            declared = [canonical_lead(one, place) for place, one in enumerate(layout.sig_name)]
        else:
            piece = _open_segment(header, name, source, stated)
            if piece.frames != length or piece.rate_hz != master_rate:
                raise DataError(
                    f"{source}: segment {name} holds {piece.frames} samples at {piece.rate_hz:g} Hz, the header "
                    f"promises {length} at {master_rate:g} Hz."
                )
            parts.append((at, piece))
            notes += [f"segment {name}: {note}" for note in piece.notes]
        at += length
    channels, read = _joined(parts, total, master_rate)
    seen = {channel.name for channel in channels}
    never = [(name, "no segment holds it") for name in declared if name not in seen]
    start = parsed_header(header, source).base_datetime
    return assemble(channels, read, source, unit=stated.unit, start=start, gaps_s=gaps, skipped=never, notes=notes)


def _segment_header(header: Path, name: str, source: str) -> Path:
    if name == header.stem or Path(name).name != name:
        raise DataError(f"{source}: the header names '{name}' as a segment of itself or of another folder.")
    path = header.with_name(name + ".hea")
    if not path.is_file():
        raise DataError(f"{source}: the header of segment {name} is missing.")
    return path


def _open_segment(header: Path, name: str, source: str, stated: Stated) -> Piece:
    path = _segment_header(header, name, source)
    called = f"{source}, segment {name}"
    lines = header_lines(path, called)
    if record_line(lines[0], called)["segments"]:
        raise DataError(f"{source}: segment {name} is itself made of segments, which WFDB does not allow.")
    return open_piece(path, lines, called, ignore_checksum=stated.ignore_checksum, keep=False)


def _joined(parts: Sequence[tuple[int, Piece]], total: int, rate_hz: float) -> tuple[list[Channel], ReadChannels]:
    """Signals of the same name, unit and rate laid end to end, NaN where a segment lacks them."""
    whole: dict[tuple[str, str, float], Channel] = {}
    for _, piece in parts:
        for one in piece.channels:
            samples = total * round(one.rate_hz / rate_hz)
            whole.setdefault((one.name, one.unit, one.rate_hz), Channel(one.name, one.unit, one.rate_hz, samples))
    keys = list(whole)

    def read(places: Sequence[int], start: int, stop: int) -> NDArray[np.float64]:
        values = np.full((len(places), stop - start), np.nan)
        per_frame = round(keys[places[0]][2] / rate_hz)
        for at, piece in parts:
            first = max(start, at * per_frame)
            last = min(stop, (at + piece.frames) * per_frame)
            if first >= last:
                continue
            held = {(one.name, one.unit, one.rate_hz): place for place, one in enumerate(piece.channels)}
            rows = [row for row, place in enumerate(places) if keys[place] in held]
            if rows:
                wanted = [held[keys[places[row]]] for row in rows]
                values[rows, first - start : last - start] = piece.read(
                    wanted, first - at * per_frame, last - at * per_frame
                )
        return values

    return list(whole.values()), read
