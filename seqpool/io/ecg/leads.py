"""Names of leads and units, as files write them and as we do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6", "MLII")
"""Canonical lead names: the twelve of a standard ECG, and the modified lead II of Holter recorders."""

_CANONICAL = {name.lower(): name for name in LEADS}

MILLIVOLTS = {
    "v": 1e3, "mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "nv": 1e-6,
    "volt": 1e3, "millivolt": 1.0, "microvolt": 1e-3, "nanovolt": 1e-6,
    "volts": 1e3, "millivolts": 1.0, "microvolts": 1e-3, "nanovolts": 1e-6,
}  # fmt: skip
"""Millivolts in one of each voltage unit (written without case; micro has two code points)."""

_QUANTITY = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(\D+)")

UNSTATED_UNITS = frozenset({"", "nu", "adu", "count", "counts", "n/a"})
"""What headers write where they know no unit."""


def canonical_lead(name: str | None, position: int) -> str:
    """The name we use for a lead: matched without case, the prefix `ECG ` of EDF and `Lead ` of a known one dropped.

    name: as the file has it, None or blank where it has none. position: 0-based place among the file's signals.
    Unknown names stay as written; a lead without a name is called by its place, from `1`.
    """
    text = " ".join((name or "").split())
    if text[:4].lower() == "ecg ":
        text = text[4:]
    if text[:5].lower() == "lead " and text[5:].lower() in _CANONICAL:
        text = text[5:]
    return _CANONICAL.get(text.lower(), text or str(position + 1))


def distinct(names: Sequence[str]) -> list[str]:
    """The names with the second and later bearers of a name numbered: `ECG`, `ECG (2)`, ..."""
    seen: Counter[str] = Counter()
    result = []
    for name in names:
        seen[name] += 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result


def millivolts_per(unit: str) -> float | None:
    """Millivolts in one `unit`, or in a number of them (`5uV`), None where it is no voltage."""
    text = unit.strip().lower()
    number = _QUANTITY.fullmatch(text)
    if number is None:
        return MILLIVOLTS.get(text)
    factor = MILLIVOLTS.get(number[2].strip())
    return None if factor is None or float(number[1]) == 0 else float(number[1]) * factor
