"""Annotation files of WFDB records (`.atr`, one per lead in LUDB), decoded by wfdb, and the AAMI class of a beat.

Sources: annot(5) of the WFDB Applications Guide; ANSI/AAMI EC57.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError

AAMI_CLASS = {
    **dict.fromkeys(("N", "L", "R", "e", "j", "n", "B"), "N"),
    **dict.fromkeys(("A", "a", "J", "S"), "S"),
    **dict.fromkeys(("V", "E", "r"), "V"),
    "F": "F",
    **dict.fromkeys(("/", "f", "Q", "?"), "Q"),
}
"""The AAMI class of each beat symbol. Atrial and nodal escape beats (e, j) are normal here, as in de Chazal 2004;
the reference tool `bxb` counts them, and n, as supraventricular. Every other symbol, flutter waves (`!`) too, is no
beat."""

_END = b"\0\0"
_LONGEST_ANNOTATION = 300
"""Bytes of an annotation with the longest text (255) and every field before it."""


@dataclass(frozen=True)
class Annotations:
    """Marks of a record, in order.

    sample: (marks,) int64, absolute in the record. symbol: of each. text: beside each, as rhythm notes have (`(AFIB`).
    notes: what was damaged or left out, one sentence each.
    """

    sample: NDArray[np.int64]
    symbol: tuple[str, ...]
    text: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.sample)

    def beats(self) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Samples (beats,) and AAMI classes of the beats."""
        places = [place for place, symbol in enumerate(self.symbol) if symbol in AAMI_CLASS]
        return self.sample[places], tuple(AAMI_CLASS[self.symbol[place]] for place in places)


def read_annotations(record: str | Path, annotator: str = "atr", *, samples: int | None = None) -> Annotations:
    """The annotation file `record.annotator`.

    samples: of the record; marks at or past its end are left out and counted in the notes. A file that ends early
    gives its whole marks. Raises DataError where there is no such file or it holds no annotation.
    """
    path = Path(f"{record}.{annotator}")
    if not path.is_file():
        raise DataError(f"{path}: no such annotation file.")
    raw = path.read_bytes()
    notes = []
    found = _decoded(path) if len(raw) % 2 == 0 and raw.endswith(_END) else None
    if found is None:
        notes.append(f"the annotation file {path.name} ends early, its whole annotations are used")
        found = _whole_part(raw, path)
    sample = np.asarray(found.sample, dtype=np.int64)
    symbols, texts = list(found.symbol), [text.rstrip("\0").strip() for text in found.aux_note]
    if samples is not None and (late := int((sample >= samples).sum())):
        notes.append(f"{late} annotations of {path.name} lie past the end of the record ({samples} samples), not used")
        kept = np.flatnonzero(sample < samples)
        sample, symbols, texts = sample[kept], [symbols[at] for at in kept], [texts[at] for at in kept]
    return Annotations(sample, tuple(symbols), tuple(texts), tuple(notes))


def _decoded(path: Path) -> Any:
    """wfdb's view of a file, None where it cannot be decoded to its end."""
    from wfdb import rdann

    try:
        return rdann(str(path.with_suffix("").resolve()), path.suffix[1:])
    except Exception:  # the library raises whatever its parser trips over
        return None


def _whole_part(raw: bytes, path: Path) -> Any:
    """The annotations before the break: the longest beginning that can be decoded once the end mark is put to it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"annotations{path.suffix}"
        longest = len(raw) // 2 * 2
        for length in range(longest, max(longest - _LONGEST_ANNOTATION, 0), -2):
            copy.write_bytes(raw[:length] + _END)
            found = _decoded(copy)
            if found is not None:
                return found
    raise DataError(f"{path}: the annotation file is damaged, it holds no whole annotation.")
