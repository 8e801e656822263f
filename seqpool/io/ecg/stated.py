"""What the user says of a recording, in place of the file or beside it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stated:
    """unit: of the samples (`V`, `mV`, `uV`, `nV`, or a number of them such as `5uV` for one step of a converter), in
    place of what the file says; it also silences the check of the amplitude.
    rate_hz: samples per second, for files that carry no rate.
    ignore_checksum: a checksum that does not match is a note instead of an error.
    """

    unit: str | None = None
    rate_hz: float | None = None
    ignore_checksum: bool = False


NOTHING_STATED = Stated()
