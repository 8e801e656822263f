"""Rhythms in WFDB annotations: `+` marks whose text names the rhythm from there on, `[` and `]` around flutter.

Source: annotation codes of the WFDB Applications Guide; rhythm names of the MIT-BIH Arrhythmia Database Directory.
"""

from __future__ import annotations

from collections.abc import Iterator

from seqpool.io.ecg.annotations import Annotations

FLUTTER = "ventricular_flutter"

NAMES = {
    "N": "normal", "SBR": "sinus_bradycardia", "AFIB": "af", "AFL": "atrial_flutter",
    "SVTA": "supraventricular_tachycardia",
    "VT": "ventricular_tachycardia", "VFL": FLUTTER, "VFIB": "ventricular_fibrillation", "IVR": "idioventricular",
    "AB": "atrial_bigeminy", "B": "ventricular_bigeminy", "T": "ventricular_trigeminy", "NOD": "nodal", "P": "paced",
    "PREX": "pre_excitation", "BII": "heart_block_2", "ASYS": "asystole",
}  # fmt: skip
"""Rhythm by its note without the bracket; another note is a rhythm of its own name in small letters."""


def rhythms_of(marks: Annotations, samples: int) -> Iterator[tuple[str, int, int]]:
    """(rhythm, first sample, sample after the last) of each rhythm note, and of each `[` to `]`, in order of start.

    A rhythm lasts until the next note, the last one until the end of the record (`samples`).
    """
    noted: tuple[str, int] | None = None
    flutter: int | None = None
    found: list[tuple[str, int, int]] = []
    for sample, symbol, text in zip(marks.sample.tolist(), marks.symbol, marks.text, strict=True):
        if symbol == "+" and text.startswith("("):
            if noted is not None:
                found.append((noted[0], noted[1], sample))
            name = text[1:].strip()
            noted = NAMES.get(name, name.lower()), sample
        elif symbol == "[" and flutter is None:
            flutter = sample
        elif symbol == "]" and flutter is not None:
            found.append((FLUTTER, flutter, sample))
            flutter = None
    if noted is not None:
        found.append((noted[0], noted[1], samples))
    if flutter is not None:
        found.append((FLUTTER, flutter, samples))
    yield from sorted((one for one in found if one[2] > one[1]), key=lambda one: one[1])
