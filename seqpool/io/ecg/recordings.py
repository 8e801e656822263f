"""Recordings by name: a file of any format, a WFDB name, a folder, or a folder with a RECORDS file."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from seqpool.errors import DataError, MissingExtraError
from seqpool.io.ecg.formats import NAMES, format_of
from seqpool.io.ecg.recording_file import RecordingFile
from seqpool.io.ecg.stated import Stated
from seqpool.io.ecg.wfdb import open_wfdb
from seqpool.io.ecg.wfdb_header import segment_names, wfdb_header
from seqpool.records import Recording

_WFDB_ENDINGS = (".dat", ".mat", ".atr")


def find_recordings(inputs: Sequence[str]) -> list[str]:
    """The names of the recordings that the inputs stand for, in order.

    A folder stands for all recordings in it and in the folders below, sorted; where it has a RECORDS file, for those
    that file lists (paths below the folder; one that ends in `/` is a folder). Any other input stands for itself,
    whether it exists or not: reading it says what is wrong. A recording that is named twice, as by `*` its header and
    its signal file are, counts once. Segments of a multi-segment record are not recordings.
    Raises DataError where a folder holds no recording.
    """
    found: dict[str, str] = {}
    for name in inputs:
        names = [name]
        if Path(name).is_dir():
            names = _in_folder(Path(name), ())
            if not names:
                raise DataError(f"{name}: no recording in this folder (expected files of {NAMES}, or a RECORDS file).")
        for one in names:
            header = _header_of(one)
            found.setdefault(one if header is None else str(header), one)
    return list(found.values())


def open_recording(
    name: str | Path, *, unit: str | None = None, rate_hz: float | None = None, ignore_checksum: bool = False
) -> RecordingFile:
    """One recording, its signal still on disk: a Holter is read in blocks of it, in constant memory.

    name: a recording's file or name, with or without ending; `source` of the result is it without ending.
    unit: `V`, `mV`, `uV`, `nV`, or a number of them such as `5uV`, in place of what the file says. rate_hz: for a file
    that carries no rate. ignore_checksum: read a damaged file all the same.
    Raises DataError where there is no such recording or it cannot be read.
    """
    stated = Stated(unit, rate_hz, ignore_checksum)
    source = record_name(name)
    header = _header_of(name)
    try:
        opened = _open_file(Path(name), source, stated) if header is None else open_wfdb(header, source, stated)
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror or error}.") from error
    except MissingExtraError as error:  # the other recordings of the call can still be read
        raise DataError(f"{name}: {error}") from error
    return opened


def read_recording(
    name: str | Path, *, unit: str | None = None, rate_hz: float | None = None, ignore_checksum: bool = False
) -> Recording:
    """One recording in millivolts, in memory: `open_recording`, and all of its signal."""
    opened = open_recording(name, unit=unit, rate_hz=rate_hz, ignore_checksum=ignore_checksum)
    try:
        return opened.recording()
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror or error}.") from error


def _open_file(path: Path, source: str, stated: Stated) -> RecordingFile:
    if path.is_dir():
        raise DataError(f"{path}: a folder, expected one recording.")
    if path.is_file():
        known = format_of(path)
        if known is not None:
            return known.open(path, source, stated)
        if path.suffix in _WFDB_ENDINGS:
            raise DataError(f"{path}: the WFDB header {path.with_suffix('.hea').name} beside it is missing.")
        raise DataError(f"{path}: not a recording of a known format (known: {NAMES}).")
    if path.with_name(path.name + ".dat").is_file():
        raise DataError(f"{path}: the WFDB header {path.name}.hea is missing beside {path.name}.dat.")
    ended = _files_of(path)
    if len(ended) == 1:
        return _open_file(ended[0], source, stated)
    if ended:
        raise DataError(
            f"{path}: several recordings have this name ({', '.join(one.name for one in ended)}): say which."
        )
    raise DataError(f"{path}: no such recording.")


def _files_of(path: Path) -> list[Path]:
    """The recordings that are called so but for their ending."""
    beside = sorted(path.parent.glob(f"{glob.escape(path.name)}.*")) if path.name else []
    return [one for one in beside if one.is_file() and format_of(one) is not None]


def _header_of(name: str | Path) -> Path | None:
    """The WFDB header that a name stands for; None for a file of another format, even one beside such a header."""
    header = wfdb_header(str(name))
    path = Path(name)
    if header is None or path == header or path.suffix in _WFDB_ENDINGS or not path.is_file():
        return header
    return header if format_of(path) is None else None


def record_name(name: str | Path) -> str:
    """A recording's name as given, without the ending."""
    text = str(name)
    path = Path(text)
    header = _header_of(text)
    ended = path.is_file() if header is None else header != path.with_name(path.name + ".hea")
    return text[: -len(path.suffix)] if ended and path.suffix else text


def _in_folder(folder: Path, above: tuple[Path, ...]) -> list[str]:
    """Names of the recordings in a folder and below. above: the real folders that led here, against endless links."""
    real = folder.resolve()
    if real in above:
        return []
    listed = folder / "RECORDS"
    if listed.is_file():
        return _listed(folder, listed, (*above, real))
    entries = sorted(folder.iterdir())
    headers = {entry for entry in entries if entry.suffix == ".hea" and entry.is_file()}
    segments = {name for header in headers for name in segment_names(header) if name != header.stem}
    found: list[str] = []
    for entry in entries:
        if entry.is_dir():
            found += _in_folder(entry, (*above, real))
        elif entry in headers:
            if entry.stem not in segments:
                found.append(str(entry.with_suffix("")))
        elif entry.suffix not in _WFDB_ENDINGS and entry.is_file() and format_of(entry, named=False) is not None:
            found.append(str(entry))
    return found


def _listed(folder: Path, listed: Path, above: tuple[Path, ...]) -> list[str]:
    """The recordings that a RECORDS file names."""
    found: list[str] = []
    for line in listed.read_text(encoding="utf-8", errors="replace").splitlines():
        name = line.strip()
        if not name:
            continue
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise DataError(f"{listed}: '{name}' lies outside the folder: refused.")
        if (folder / name).is_dir():
            found += _in_folder(folder / name, above)
        else:
            found.append(str(folder / name))
    return found
