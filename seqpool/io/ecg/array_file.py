"""NumPy arrays (`.npy`): leads and samples without names; the rate must be stated, the unit may be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError
from seqpool.io.ecg.channels import Channel, assemble
from seqpool.io.ecg.leads import canonical_lead
from seqpool.io.ecg.messages import first_line
from seqpool.io.ecg.recording_file import RecordingFile
from seqpool.io.ecg.stated import Stated
from seqpool.io.ecg.text_table import UNIT_ASSUMED

MAGIC = b"\x93NUMPY"
MOST_LEADS = 256


def open_array(path: Path, source: str, stated: Stated) -> RecordingFile:
    """An array of one or two dimensions, read from disk as it is needed; the shorter one is the leads.

    Raises DataError for pickled objects, other dimensions or kinds of numbers, and without a stated rate.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # the header is a Python literal: a damaged one raises whatever the parser trips over
        raise DataError(f"{source}: not an array of numbers ({first_line(error)}).") from error
    if stated.rate_hz is None:
        raise DataError(f"{source}: an array has no sampling rate: state it with --rate-hz.")
    return open_samples(array, source, stated, rate_hz=stated.rate_hz, unit="", names=(), notes=[])


def open_samples(
    array: NDArray[np.generic],
    source: str,
    stated: Stated,
    *,
    rate_hz: float,
    unit: str,
    names: Sequence[str],
    notes: list[str],
) -> RecordingFile:
    """An array in memory or on disk as a recording; names: of its leads, where they are known."""
    if array.ndim not in (1, 2) or array.dtype.kind not in "fiu" or 0 in array.shape:
        raise DataError(
            f"{source}: an array of shape {array.shape} of {array.dtype} (expected leads and samples, of numbers)."
        )
    # the shape only: whoever slices `table` reads from disk what is needed
    by_lead = array.ndim == 1 or array.shape[0] <= array.shape[1]
    leads, samples = (1, array.shape[0]) if array.ndim == 1 else sorted(array.shape)
    if leads > MOST_LEADS:
        raise DataError(f"{source}: an array of shape {array.shape} has {leads} leads (expected at most {MOST_LEADS}).")

    def read(places: Sequence[int], start: int, stop: int) -> NDArray[np.float64]:
        if array.ndim == 1:
            piece = np.asarray(array[start:stop])[None]
        elif by_lead:
            piece = np.asarray(array[:, start:stop])
        else:
            piece = np.asarray(array[start:stop]).T
        values = np.full((len(places), stop - start), np.nan)
        part = piece[list(places)].astype(np.float64)
        part[~np.isfinite(part)] = np.nan
        values[:, : part.shape[1]] = part
        return values

    known = list(names) if len(names) == leads else [""] * leads
    if not unit and stated.unit is None:
        notes = [*notes, UNIT_ASSUMED]
    return assemble(
        [Channel(canonical_lead(name, place), unit or "mV", rate_hz, samples) for place, name in enumerate(known)],
        read,
        source,
        unit=stated.unit,
        notes=notes,
    )
