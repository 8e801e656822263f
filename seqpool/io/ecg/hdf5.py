"""HDF5 files with one data set of samples; rate, unit and leads from the attributes beside it, else as stated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seqpool.errors import DataError, MissingExtraError
from seqpool.io.ecg.array_file import open_samples
from seqpool.io.ecg.messages import first_line
from seqpool.io.ecg.recording_file import RecordingFile
from seqpool.io.ecg.stated import Stated

MAGIC = b"\x89HDF\r\n\x1a\n"

_RATE_NAMES = ("rate_hz", "fs", "sampling_rate", "sample_rate", "sampling_frequency", "sampling_rate_hz")
_UNIT_NAMES = ("unit", "units")
_LEAD_NAMES = ("leads", "lead_names", "sig_name", "channels", "channel_names")


def open_hdf5(path: Path, source: str, stated: Stated) -> RecordingFile:
    """The file's only data set of one or two dimensions and numbers, the shorter one the leads.

    Attributes of the data set, of its group and of the file are asked for `rate_hz`, `unit` and `leads` (and their
    usual other names). Raises DataError where several sets could be meant or no rate is known, MissingExtraError
    without h5py.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("h5py", "hdf5", "an HDF5 recording") from error
    found: list[Any] = []
    try:
        with h5py.File(path, "r") as file:
            file.visititems(lambda name, item: found.append(name) if _holds_samples(item, h5py.Dataset) else None)
            if len(found) != 1:
                listed = ", ".join(sorted(found)[:5]) or "none"
                raise DataError(f"{source}: expected one data set of samples, found {len(found)} ({listed}).")
            chosen = file[found[0]]
            places = (chosen.attrs, chosen.parent.attrs, file.attrs)
            rate = _attribute(places, _RATE_NAMES)
            unit = _attribute(places, _UNIT_NAMES)
            leads = _attribute(places, _LEAD_NAMES)
            array = np.asarray(chosen)
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:  # h5py's words for damage
        raise DataError(f"{source}: the HDF5 file is damaged ({first_line(error)}).") from error
    rate_hz = _number(rate, source) if rate is not None else stated.rate_hz
    if rate_hz is None:
        raise DataError(f"{source}: no attribute gives the sampling rate (rate_hz): state it with --rate-hz.")
    return open_samples(
        array,
        source,
        stated,
        rate_hz=rate_hz,
        unit=_text(unit),
        names=[_text(name) for name in np.atleast_1d(leads)] if leads is not None else (),
        notes=[],
    )


def _holds_samples(item: Any, data_set: Any) -> bool:
    if not isinstance(item, data_set):
        return False
    return item.ndim in (1, 2) and item.dtype.kind in "fiu" and max(item.shape) > 1


def _attribute(places: tuple[Any, ...], names: tuple[str, ...]) -> Any:
    return next((place[name] for place in places for name in names if name in place), None)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return "" if value is None else str(value)


def _number(value: Any, source: str) -> float:
    try:
        number = float(np.asarray(value).reshape(()))
    except (ValueError, TypeError):
        number = float("nan")
    if not 0 < number < float("inf"):
        raise DataError(f"{source}: the attribute of the sampling rate is '{value}' (expected a number above 0).")
    return number
