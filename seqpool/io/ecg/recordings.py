"""Recordings by name: a file of any format, a WFDB name, a folder, or a folder with a RECORDS file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqpool.errors import DataError
from seqpool.io.ecg.wfdb import read_wfdb, segment_names, wfdb_header
from seqpool.records import Recording


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
                raise DataError(f"{name}: no recording in this folder (expected WFDB headers *.hea or a RECORDS file).")
        for one in names:
            found.setdefault(record_name(one), one)
    return list(found.values())


def read_recording(name: str | Path, *, unit: str | None = None, ignore_checksum: bool = False) -> Recording:
    """One recording in millivolts.

    name: a file, or a WFDB record's name with or without ending; `source` of the result is it without ending.
    unit: `V`, `mV`, `uV` or `nV`, in place of what the file says. ignore_checksum: read a damaged WFDB record.
    Raises DataError where there is no such recording or it cannot be read.
    """
    header = wfdb_header(str(name))
    if header is not None:
        return read_wfdb(header, record_name(name), unit=unit, ignore_checksum=ignore_checksum)
    path = Path(name)
    if path.is_dir():
        raise DataError(f"{name}: a folder, expected one recording.")
    if path.is_file():
        if path.suffix in (".dat", ".mat", ".atr"):
            raise DataError(f"{name}: the WFDB header {path.with_suffix('.hea').name} beside it is missing.")
        raise DataError(f"{name}: not a recording of a known format (known: WFDB).")
    if path.with_name(path.name + ".dat").is_file():
        raise DataError(f"{name}: the WFDB header {path.name}.hea is missing beside {path.name}.dat.")
    raise DataError(f"{name}: no such recording.")


def record_name(name: str | Path) -> str:
    """A recording's name as given, without the ending."""
    text = str(name)
    header = wfdb_header(text)
    if header is not None and header != Path(text + ".hea"):
        return text[: -len(Path(text).suffix)]
    return text


def _in_folder(folder: Path, above: tuple[Path, ...]) -> list[str]:
    """Names of the recordings in a folder and below. above: the real folders that led here, against endless links."""
    real = folder.resolve()
    if real in above:
        return []
    listed = folder / "RECORDS"
    if listed.is_file():
        return _listed(folder, listed, (*above, real))
    entries = sorted(folder.iterdir())
    headers = [entry for entry in entries if entry.suffix == ".hea" and entry.is_file()]
    segments = {name for header in headers for name in segment_names(header) if name != header.stem}
    found: list[str] = []
    for entry in entries:
        if entry.is_dir():
            found += _in_folder(entry, (*above, real))
        elif entry in headers and entry.stem not in segments:
            found.append(str(entry.with_suffix("")))
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
