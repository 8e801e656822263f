"""HL7 annotated ECG: XML with the samples as decimal numbers.

Source: HL7 V3 Annotated ECG implementation guide (Brown and Badilini 2005).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError
from seqpool.io.ecg.channels import Channel, assemble, from_arrays
from seqpool.io.ecg.leads import canonical_lead, distinct, millivolts_per
from seqpool.io.ecg.recording_file import RecordingFile
from seqpool.io.ecg.stated import Stated
from seqpool.io.ecg.xml_tree import number_of, read_xml

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
_LEAD_CODE = "MDC_ECG_LEAD_"


def open_hl7_aecg(path: Path, source: str, stated: Stated) -> RecordingFile:
    """The longest set of sequences that share a time axis; derived series, as average beats, only where no other is."""
    root = read_xml(path, source)
    derived = {id(found) for one in root.iter("derivedSeries") for found in one.iter("sequenceSet")}
    groups = []
    for found in root.iter("sequenceSet"):
        rate_hz, begun, signals = _sequences(found, source)
        if signals:
            samples = max(len(values) for _, _, values in signals)
            groups.append((id(found) not in derived, samples / rate_hz, rate_hz, begun, signals))
    if not groups:
        raise DataError(f"{source}: no voltage signal in the file (the annotated ECG holds no sequence of a lead).")
    chosen = max(groups, key=lambda group: group[:2])
    _, _, rate_hz, begun, signals = chosen
    names = distinct([canonical_lead(name, place) for place, (name, _, _) in enumerate(signals)])
    return assemble(
        [Channel(name, unit, rate_hz, len(values)) for name, (_, unit, values) in zip(names, signals, strict=True)],
        from_arrays([values for _, _, values in signals]),
        source,
        unit=stated.unit,
        start=begun or _series_start(root),
        skipped=[
            (f"{len(signals)} signals of {seconds:.3g} s", "a longer group is read")
            for _, seconds, _, _, signals in (group for group in groups if group is not chosen)
        ],
    )


def _sequences(
    group: Element, source: str
) -> tuple[float, datetime | None, list[tuple[str, str, NDArray[np.float64]]]]:
    """Rate, start and (name, unit, values) of each lead of one sequenceSet."""
    rate_hz, begun = 0.0, None
    signals = []
    for sequence in group.iter("sequence"):
        code, value = sequence.find("code"), sequence.find("value")
        if code is None or value is None:
            continue
        name = code.get("code", "")
        increment, digits = value.find("increment"), value.find("digits")
        if increment is not None:
            rate_hz = _rate(increment, source)
            head = value.find("head")
            begun = _time(head.get("value", "")) if head is not None and name == "TIME_ABSOLUTE" else None
        elif digits is not None:
            signals.append((name.removeprefix(_LEAD_CODE), *_values(value, digits, name, source)))
    if signals and not rate_hz:
        raise DataError(f"{source}: the leads have no time sequence, so no sampling rate.")
    return rate_hz, begun, signals


def _rate(increment: Element, source: str) -> float:
    """Samples per second; increments are rounded in files, so a rate within 1e-4 of a whole number is that number."""
    unit = increment.get("unit", "s")
    step_s = number_of(increment.get("value"), "time between samples", source) * _SECONDS.get(unit, 0.0)
    if not step_s > 0:
        raise DataError(
            f"{source}: a time of '{increment.get('value')} {unit}' between samples (expected more than 0 s)."
        )
    rate_hz = 1 / step_s
    return float(round(rate_hz)) if abs(rate_hz - round(rate_hz)) < 1e-4 * rate_hz else rate_hz


def _values(value: Element, digits: Element, name: str, source: str) -> tuple[str, NDArray[np.float64]]:
    """Unit and values of a lead: origin + scale * digits."""
    try:
        numbers = np.array((digits.text or "").split(), dtype=np.float64)
    except ValueError as error:
        raise DataError(f"{source}: {name} holds something that is no number ({error}).") from error
    scale, origin = value.find("scale"), value.find("origin")
    unit = "" if scale is None else scale.get("unit", "")
    step = 1.0 if scale is None else number_of(scale.get("value"), f"scale of {name}", source)
    shift = 0.0 if origin is None else number_of(origin.get("value"), f"origin of {name}", source)
    if origin is not None and shift and origin.get("unit", unit) != unit:
        factors = millivolts_per(origin.get("unit", "")), millivolts_per(unit)
        if factors[0] is None or factors[1] is None:
            raise DataError(f"{source}: {name} has its origin in '{origin.get('unit')}' and its scale in '{unit}'.")
        shift *= factors[0] / factors[1]
    return unit, shift + step * numbers


def _series_start(root: Element) -> datetime | None:
    for path in (".//series/effectiveTime/low", "effectiveTime/low", "effectiveTime/center"):
        found = root.find(path)
        if found is not None:
            return _time(found.get("value", ""))
    return None


def _time(text: str) -> datetime | None:
    """An HL7 time stamp: digits from the year on, a fraction and a zone possible (left out)."""
    digits, _, fraction = text.partition(".")
    fraction = fraction[:6].ljust(6, "0") if fraction[:1].isdecimal() else "0"
    try:
        begun = datetime.strptime(digits[:14], "%Y%m%d%H%M%S")
        return begun.replace(microsecond=int(fraction))
    except ValueError:
        return None
