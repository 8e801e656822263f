"""Beats cut out of a prepared lead, and moved until they lie best on what they are compared with."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Numbers = NDArray[np.float64]
Places = NDArray[np.int64]
Flags = NDArray[np.bool_]

FLAT = 1e-6
"""Energy below which a stretch has no shape; of a lead whose typical QRS complex has height 1."""

STAY = 0.25
"""What a shift by a second costs in correlation, so that a beat without a clear best place stays where it is."""


class BeatNumbers(Protocol):
    """Every number by which beats are described, as `seqpool.options.beat_inputs.BeatInputs` holds them."""

    @property
    def before_s(self) -> float: ...
    @property
    def after_s(self) -> float: ...
    @property
    def align_from_s(self) -> float: ...
    @property
    def align_to_s(self) -> float: ...
    @property
    def longest_shift_s(self) -> float: ...
    @property
    def regular_within(self) -> float: ...
    @property
    def least_correlation(self) -> float: ...
    @property
    def template_beats(self) -> int: ...
    @property
    def local_beats(self) -> int: ...
    @property
    def far_beats(self) -> int: ...
    @property
    def fibrillation_beats(self) -> int: ...
    @property
    def clusters(self) -> int: ...
    @property
    def neighbours(self) -> int: ...


def samples_of(numbers: BeatNumbers, rate_hz: float) -> tuple[int, int]:
    """Samples of a beat's window before its R peak, and from the peak on."""
    return round(numbers.before_s * rate_hz), round(numbers.after_s * rate_hz)


def stretch(numbers: BeatNumbers, rate_hz: float, start_s: float, end_s: float) -> slice:
    """The part of a beat's window from `start_s` to `end_s` after its R peak (negative: before it)."""
    zero = round(numbers.before_s * rate_hz)
    return slice(zero + round(start_s * rate_hz), zero + round(end_s * rate_hz))


def beat_windows(signal: Floats, places: Places, before: int, after: int) -> Floats:
    """(beats, before + after) the samples around each place; 0 where the signal has none.

    signal: (L,). places: (beats,) samples of it.
    """
    padded = np.pad(signal, before + after)
    starts = np.clip(places, -after, len(signal) + before) + after
    return np.ascontiguousarray(sliding_window_view(padded, before + after)[starts])


def correlation(beats: Floats, others: Floats) -> Numbers:
    """(beats,) Pearson correlation of each row with its row of `others` (or with the only one); 0 for a flat row."""
    own = beats - beats.mean(axis=-1, keepdims=True)
    other = others - others.mean(axis=-1, keepdims=True)
    energy = (own**2).sum(axis=-1) * (other**2).sum(axis=-1)
    found: Numbers = ((own * other).sum(axis=-1) / np.sqrt(np.maximum(energy, FLAT**2))).astype(np.float64)
    return found


def best_shifts(
    signal: Floats, places: Places, templates: Floats, numbers: BeatNumbers, rate_hz: float
) -> tuple[Places, Numbers]:
    """(beats,) by how many samples each beat is to be moved so that it lies best on its template, and their
    correlation there.

    templates: (beats, samples) windows as `beat_windows` cuts them. The stretch from `align_from_s` to `align_to_s` is
    compared, at shifts of up to `longest_shift_s`.
    """
    longest = round(numbers.longest_shift_s * rate_hz)
    part = stretch(numbers, rate_hz, numbers.align_from_s, numbers.align_to_s)
    width = part.stop - part.start
    pattern = templates[:, part] - templates[:, part].mean(axis=1, keepdims=True)
    pattern = pattern / np.sqrt(np.maximum((pattern**2).sum(axis=1, keepdims=True), FLAT))
    zero, steps = round(numbers.before_s * rate_hz), 2 * longest + 1
    wide = beat_windows(signal, places, zero - part.start + longest, part.stop - zero + longest)
    products = np.einsum("bsw,bw->bs", sliding_window_view(wide, width, axis=1), pattern)
    sums = np.cumsum(np.pad(wide, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
    squares = np.cumsum(np.pad(wide.astype(np.float64) ** 2, ((0, 0), (1, 0))), axis=1)
    total = sums[:, width:] - sums[:, :steps]
    energy = squares[:, width:] - squares[:, :steps] - total**2 / width
    shifts = np.arange(-longest, longest + 1)
    match = products / np.sqrt(np.maximum(energy, FLAT))
    best = (match - STAY / rate_hz * np.abs(shifts)).argmax(axis=1)
    return shifts[best], match[np.arange(len(match)), best].astype(np.float64)
