"""EDF, EDF+ and BDF recordings: samples decoded by edfio, data records laid out in time, gaps kept.

Sources: Kemp et al. 1992 (EDF), Kemp and Olivier 2003 (EDF+), BioSemi's page on BDF. edfio reads whole files, warns
where a header is wrong and joins the parts of a discontinuous recording; here it gets the header and some data records
at a time, which keeps memory constant, and what the header promises is checked before.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError, MissingExtraError
from seqpool.io.ecg.channels import Channel, assemble
from seqpool.io.ecg.leads import canonical_lead, distinct, millivolts_per
from seqpool.io.ecg.messages import first_line
from seqpool.io.ecg.recording_file import ReadChannels, RecordingFile
from seqpool.io.ecg.stated import Stated

_FIXED_BYTES = 256
_LABEL_BYTES = 16
_BYTES_BEFORE_COUNTS = 216
_ONSET = re.compile(rb"([+-]\d+(?:\.\d*)?)(?:\x15[\d.]*)?\x14")

_LONGEST_GAPS_S = 86_400.0
"""Gaps may add up to a day, or to what was recorded where that is more: beyond it an onset is taken for damaged."""


@dataclass(frozen=True)
class _Layout:
    """What the header says of the bytes that follow it.

    counts: samples of each signal in a data record. annotations: places of the signals that hold text.
    records: whole data records in the file. sample_bytes: 2 (EDF) or 3 (BDF).
    """

    path: Path
    header: bytes
    sample_bytes: int
    discontinuous: bool
    duration_s: float
    counts: list[int]
    annotations: list[int]
    records: int
    notes: list[str]

    @property
    def record_bytes(self) -> int:
        return self.sample_bytes * sum(self.counts)


@dataclass(frozen=True)
class _Run:
    """Data records without a gap between them: the first, how many, and when they begin after the first of all."""

    first: int
    records: int
    onset_s: float


def open_edf(path: Path, source: str, stated: Stated) -> RecordingFile:
    """An EDF, EDF+C, EDF+D or BDF recording.

    The samples of a discontinuous one stand at their times, NaN in the gaps. Raises DataError where the header cannot
    be, no whole data record is left or records overlap in time, MissingExtraError without edfio.
    """
    layout = _layout(path, source)
    described = _decoded(layout, 0, min(1, layout.records), source)
    runs = _runs(layout, source)
    channels: list[Channel] = []
    skipped = []
    total_s = runs[-1].onset_s + runs[-1].records * layout.duration_s if runs else 0.0
    counts = [count for place, count in enumerate(layout.counts) if place not in layout.annotations]
    names = distinct([canonical_lead(signal.label, place) for place, signal in enumerate(described.signals)])
    for name, signal, count in zip(names, described.signals, counts, strict=True):
        unit = signal.physical_dimension
        rate_hz = count / layout.duration_s if count else 0.0
        if count == 0:
            skipped.append((name, "it has no samples"))
        elif millivolts_per(unit) is not None or stated.unit is not None:
            _check_ranges(signal, name, source)
        channels.append(Channel(name, unit if count else "", rate_hz, round(total_s * rate_hz)))
    if channels and not layout.records:
        raise DataError(f"{source}: no data follows the header (expected at least one data record).")
    gaps = [(before.onset_s + before.records * layout.duration_s, after.onset_s) for before, after in pairwise(runs)]
    return assemble(
        channels,
        _reader(layout, runs, counts, source),
        source,
        unit=stated.unit,
        start=_start(described),
        gaps_s=gaps,
        skipped=skipped,
        notes=layout.notes,
    )


def _layout(path: Path, source: str) -> _Layout:
    """The header's numbers, checked against one another and the file's size."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        fixed = stream.read(_FIXED_BYTES)
        if len(fixed) < _FIXED_BYTES:
            raise DataError(f"{source}: {len(fixed)} bytes are no EDF header (expected at least {_FIXED_BYTES}).")
        signals = _whole(fixed[252:256], "number of signals", source)
        if not 1 <= signals <= 9999:
            raise DataError(f"{source}: no voltage signal in the file (the header announces {signals} signals).")
        header_bytes = _FIXED_BYTES * (signals + 1)
        header = fixed + stream.read(header_bytes - _FIXED_BYTES)
    if len(header) < header_bytes or _whole(fixed[184:192], "length of the header", source) != header_bytes:
        raise DataError(f"{source}: the header of {signals} signals is not {header_bytes} bytes long.")
    is_bdf = fixed[0] == 0xFF
    labels = [header[at : at + _LABEL_BYTES].strip() for at in _places(_FIXED_BYTES, _LABEL_BYTES, signals)]
    at_counts = _FIXED_BYTES + _BYTES_BEFORE_COUNTS * signals
    counts = [_whole(header[at : at + 8], "samples per data record", source) for at in _places(at_counts, 8, signals)]
    annotations = [place for place, label in enumerate(labels) if label in (b"EDF Annotations", b"BDF Annotations")]
    duration_s = _number(fixed[244:252], "duration of a data record", source)
    if any(count < 0 for count in counts) or not sum(counts):
        raise DataError(f"{source}: the data records hold no samples.")
    if not duration_s > 0 and len(annotations) < signals:
        raise DataError(f"{source}: a data record lasts {duration_s:g} s (expected more than 0).")
    sample_bytes = 3 if is_bdf else 2
    found, rest = divmod(size - header_bytes, sample_bytes * sum(counts))
    promised = _whole(fixed[236:244], "number of data records", source)
    notes = []
    if promised < 1:
        notes.append(f"the header gives {promised} data records, the file holds {found}")
    elif promised > found:
        notes.append(f"the file is truncated, the header promises {promised} data records and {found} are whole")
    elif promised < found or rest:
        notes.append(f"the file holds more than the {promised} data records of the header, which are used")
        found = promised
    kind = fixed[192:236]
    return _Layout(
        path, header, sample_bytes, kind[:5] in (b"EDF+D", b"BDF+D"), duration_s, counts, annotations, found, notes
    )


def _places(first: int, width: int, number: int) -> range:
    return range(first, first + width * number, width)


def _number(field: bytes, what: str, source: str) -> float:
    try:
        value = float(field)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        shown = field.decode("latin-1").strip()
        raise DataError(f"{source}: the header gives '{shown}' as {what} (expected a number).")
    return value


def _whole(field: bytes, what: str, source: str) -> int:
    value = _number(field, what, source)
    if value != int(value):
        raise DataError(f"{source}: the header gives {value:g} as {what} (expected a whole number).")
    return int(value)


def _decoded(layout: _Layout, first: int, last: int, source: str) -> Any:
    """edfio's view of data records `first` up to `last`."""
    try:
        import edfio
    except ImportError as error:
        raise MissingExtraError("edfio", "edf", "an EDF or BDF recording") from error
    with layout.path.open("rb") as stream:
        stream.seek(len(layout.header) + first * layout.record_bytes)
        data = stream.read((last - first) * layout.record_bytes)
    header = layout.header[:236] + f"{last - first:<8}".encode() + layout.header[244:]
    read = edfio.read_bdf if layout.sample_bytes == 3 else edfio.read_edf
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what edfio warns of is checked and said above
            return read(header + data, header_encoding=_encoding(header))
    except Exception as error:  # the library raises whatever its parser trips over
        raise DataError(f"{source}: edfio cannot read the file ({first_line(error)}).") from error


def _encoding(header: bytes) -> str:
    """Headers should be ASCII; a micro sign comes in UTF-8 or Latin-1."""
    try:
        header.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _check_ranges(signal: Any, name: str, source: str) -> None:
    try:
        digital, physical = signal.digital_range, signal.physical_range
    except Exception as error:  # numbers that are none
        raise DataError(f"{source}: signal {name} has a damaged header ({first_line(error)}).") from error
    for what, limits in (("digital", digital), ("physical", physical)):
        if limits.min == limits.max or not (math.isfinite(limits.min) and math.isfinite(limits.max)):
            raise DataError(
                f"{source}: signal {name} has the {what} limits {limits.min:g} and {limits.max:g}, which give no scale."
            )


def _runs(layout: _Layout, source: str) -> list[_Run]:
    """The data records in runs without a gap; all in one unless the file says that it is discontinuous."""
    if not layout.records:
        return []
    if not layout.discontinuous or not layout.duration_s:
        return [_Run(0, layout.records, 0.0)]
    onsets = _onsets(layout, layout.records, source)
    most = max((count for place, count in enumerate(layout.counts) if place not in layout.annotations), default=1)
    tolerance_s = layout.duration_s / max(most, 1) / 2
    starts = [0]
    for record in range(1, layout.records):
        expected = onsets[starts[-1]] + (record - starts[-1]) * layout.duration_s
        if onsets[record] < expected - tolerance_s:
            raise DataError(
                f"{source}: data record {record + 1} begins at {onsets[record]:g} s, before the one before it ends."
            )
        if onsets[record] > expected + tolerance_s:
            starts.append(record)
    ends = [*starts[1:], layout.records]
    runs = [_Run(first, last - first, onsets[first] - onsets[0]) for first, last in zip(starts, ends, strict=True)]
    recorded_s = layout.records * layout.duration_s
    missing_s = runs[-1].onset_s + runs[-1].records * layout.duration_s - recorded_s
    if missing_s > max(_LONGEST_GAPS_S, recorded_s):
        raise DataError(
            f"{source}: gaps of {missing_s:g} s between {recorded_s:g} s of signal cannot be: "
            "an onset in the annotations is damaged."
        )
    return runs


def _onsets(layout: _Layout, records: int, source: str) -> list[float]:
    """Seconds at which the first data records begin, from the first annotation of each."""
    if not layout.annotations:
        raise DataError(f"{source}: the file is discontinuous (EDF+D) and has no annotations that say when.")
    place = layout.annotations[0]
    before = layout.sample_bytes * sum(layout.counts[:place])
    onsets = []
    with layout.path.open("rb") as stream:
        for record in range(records):
            stream.seek(len(layout.header) + record * layout.record_bytes + before)
            match = _ONSET.match(stream.read(layout.sample_bytes * layout.counts[place]))
            if match is None:
                raise DataError(
                    f"{source}: data record {record + 1} does not say when it begins where the header, of records of "
                    f"{layout.record_bytes} bytes, has it: the header or the file is damaged."
                )
            onsets.append(float(match[1]))
    return onsets


def _start(described: Any) -> datetime | None:
    """Date and time of the first sample, the onset of the first data record included; None where they are anonymous
    or damaged."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # two fields that differ: edfio takes that of EDF+
            start: datetime = described.startdatetime
    except Exception:  # edfio raises its own errors and ValueError: no time is known
        return None
    return start


def _reader(layout: _Layout, runs: Sequence[_Run], counts: Sequence[int], source: str) -> ReadChannels:
    """The reader of physical values at their times. counts: of the signals that are no annotations."""

    def read(places: Sequence[int], start: int, stop: int) -> NDArray[np.float64]:
        values = np.full((len(places), stop - start), np.nan)
        count = counts[places[0]]
        for run in runs:
            at = round(run.onset_s * count / layout.duration_s)
            first, last = max(start, at), min(stop, at + run.records * count)
            if first >= last:
                continue
            before = (first - at) // count
            decoded = _decoded(layout, run.first + before, run.first - (at - last) // count, source)
            offset = first - at - before * count
            for row, place in enumerate(places):
                part = decoded.signals[place].data[offset : offset + last - first]
                values[row, first - start : last - start] = part
        return values

    return read
