"""P, QRS and T waves in WFDB annotation files: `( p ) ( N ) ( t )`, a bracket where a wave begins and ends.

Source: the waveform boundary symbols of the WFDB Applications Guide (annotation codes), as LUDB, QTDB and ecgpuwave use
them. Which wave a bracket belongs to follows only from the peak beside it, so brackets are paired defensively.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqpool.io.ecg.annotation_writer import write_annotations
from seqpool.io.ecg.annotations import read_annotations
from seqpool.records import WAVES, Delineation

PEAKS = {"p": "P", "N": "QRS", "t": "T"}
"""Symbol of a peak and the wave it stands in."""

_SYMBOL_OF = {wave: symbol for symbol, wave in PEAKS.items()}


@dataclass(frozen=True)
class AnnotatedWaves:
    """The waves of one lead as somebody marked them.

    waves: in samples of the recording; a point without a mark is NaN. span: first and last mark; None: no mark.
    unclear: (first, last) samples of brackets that belong to no wave.
    """

    waves: Delineation
    span: tuple[int, int] | None
    unclear: tuple[tuple[int, int], ...]


@dataclass
class _Wave:
    wave: str
    onset: float
    peak: float
    offset: float = np.nan


def read_waves(record: str | Path, annotator: str) -> AnnotatedWaves:
    """The waves in the annotation file `record.annotator`. Raises DataError where it is missing or damaged."""
    found = read_annotations(record, annotator)
    return paired(found.sample, found.symbol)


def paired(samples: Sequence[int] | NDArray[np.int64], symbols: Sequence[str]) -> AnnotatedWaves:
    """Brackets paired with the peaks beside them.

    `(` belongs to the next peak, `)` to the peak before it. A bracket that is not beside a peak, and a pair without a
    peak, are unclear. Symbols other than brackets and the three peaks are not waves, and are passed over.
    """
    waves: list[_Wave] = []
    unclear: list[tuple[int, int]] = []
    opened: int | None = None
    current: _Wave | None = None
    marked: list[int] = []
    for sample, symbol in zip(np.asarray(samples).tolist(), symbols, strict=True):
        if symbol not in ("(", ")", *PEAKS):
            continue
        marked.append(sample)
        if symbol == "(":
            if opened is not None:
                unclear.append((opened, opened))
            opened, current = sample, None
        elif symbol == ")":
            if current is not None:
                current.offset = sample
            else:
                unclear.append((sample if opened is None else opened, sample))
            opened, current = None, None
        else:
            current = _Wave(PEAKS[symbol], np.nan if opened is None else opened, sample)
            waves.append(current)
            opened = None
    if opened is not None:
        unclear.append((opened, opened))
    return AnnotatedWaves(
        waves=Delineation(
            np.array([WAVES.index(one.wave) for one in waves], dtype=np.int8),
            np.array([one.onset for one in waves], dtype=np.float64),
            np.array([one.peak for one in waves], dtype=np.float64),
            np.array([one.offset for one in waves], dtype=np.float64),
        ),
        span=(min(marked), max(marked)) if marked else None,
        unclear=tuple(unclear),
    )


def write_waves(folder: Path, name: str, waves: Delineation, rate_hz: float) -> None:
    """Writes `folder/name.seqpool`, whole or not at all: `(`, peak, `)` of each wave, whole samples.

    The brackets' number is that of ecgpuwave: 0 P, 1 QRS, 2 T. Raises DataError without a wave, or where the file
    cannot be written.
    """
    marks: list[tuple[int, str, int]] = []
    for wave, *points in zip(waves.wave, waves.onset, waves.peak, waves.offset, strict=True):
        symbols = ("(", _SYMBOL_OF[WAVES[wave]], ")")
        marks += [
            (round(float(point)), symbol, 0 if symbol in PEAKS else int(wave))
            for point, symbol in zip(points, symbols, strict=True)
            if np.isfinite(point)
        ]
    marks.sort(key=lambda mark: mark[0])
    samples, numbers = (np.array([mark[field] for mark in marks], dtype=np.int64) for field in (0, 2))
    write_annotations(folder, name, samples, [symbol for _, symbol, _ in marks], numbers, rate_hz)
