"""Philips Sierra ECG XML (1.03, 1.04, 1.04.01): all leads in one Base64 block, usually compressed by XLI.

Source: the files and the schemas that sierra-ecg-tools collects.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError
from seqpool.io.ecg.channels import Channel, assemble, from_arrays
from seqpool.io.ecg.leads import LEADS, canonical_lead, distinct
from seqpool.io.ecg.recording_file import RecordingFile
from seqpool.io.ecg.stated import Stated
from seqpool.io.ecg.xli import decompress
from seqpool.io.ecg.xml_tree import number_of, read_xml, text_of

_STANDARD = LEADS[:12]


def open_philips(path: Path, source: str, stated: Stated) -> RecordingFile:
    """A resting ECG; its representative beats are left out."""
    root = read_xml(path, source)
    block = root.find(".//parsedwaveforms")
    if block is None or not (block.text or "").strip():
        raise DataError(f"{source}: no voltage signal in the file (it holds no parsedwaveforms).")
    facts = root.find(".//signalcharacteristics")
    rate_hz = _fact(block, facts, ("samplespersecond", "samplingrate"), source)
    step_uv = _fact(block, facts, ("resolution", "signalresolution"), source)
    number = int(_fact(block, facts, ("numberofleads", "numberchannelsvalid"), source))
    if not 1 <= number <= 32:
        raise DataError(f"{source}: {number} leads are announced (expected 1 to 32).")
    names = (block.get("leadlabels") or "").split() or list(_STANDARD)
    names = [canonical_lead(names[place] if place < len(names) else None, place) for place in range(number)]
    values = _signals(block, names, rate_hz, source)
    return assemble(
        [Channel(name, "uV", rate_hz, len(one)) for name, one in zip(distinct(names), values, strict=True)],
        from_arrays([one * step_uv for one in values]),
        source,
        unit=stated.unit,
        start=_start(root),
    )


def _fact(block: Element, facts: Element | None, names: Sequence[str], source: str) -> float:
    """A number from an attribute of the waveforms, else from the characteristics; each version names it otherwise."""
    texts = [block.get(name) or text_of(facts, name) for name in names]
    value = number_of(next((text for text in texts if text), ""), names[0], source)
    if not value > 0:
        raise DataError(f"{source}: the file gives {value:g} as {names[0]} (expected more than 0).")
    return value


def _signals(block: Element, names: Sequence[str], rate_hz: float, source: str) -> list[NDArray[np.float64]]:
    """(samples,) of each lead in steps of the converter, whole as the duration says."""
    encoding, bits = block.get("dataencoding", "Base64"), block.get("bitspersample") or block.get("nbitspersample")
    if encoding != "Base64" or bits not in (None, "16"):
        raise DataError(f"{source}: samples of {bits} bits in {encoding} (expected 16 bits in Base64).")
    try:
        raw = base64.b64decode("".join((block.text or "").split()), validate=True)
    except ValueError as error:  # binascii.Error is one
        raise DataError(f"{source}: the samples are not Base64 ({error}).") from error
    method = block.get("compression") or (block.get("compressmethod") if block.get("compressflag") == "True" else "")
    if method == "XLI":
        try:
            leads = _restored(decompress(raw, len(names)), names)
        except ValueError as error:
            raise DataError(f"{source}: the XLI compression is damaged, {error}.") from error
    elif method in ("", None, "None", "Uncompressed"):
        if len(raw) % (2 * len(names)):
            raise DataError(f"{source}: {len(raw)} bytes of samples do not fit {len(names)} leads of 16 bits.")
        leads = list(np.frombuffer(raw, "<i2").astype(np.float64).reshape(len(names), -1))
    else:
        raise DataError(f"{source}: the samples are compressed by '{method}' (expected XLI or none).")
    duration_ms = number_of(block.get("durationperchannel"), "durationperchannel", source)
    samples = round(duration_ms * rate_hz / 1000)
    if min(len(lead) for lead in leads) < samples:
        raise DataError(
            f"{source}: a lead holds {min(len(lead) for lead in leads)} samples, the file promises {samples}."
        )
    return [lead[:samples] for lead in leads]


def _restored(stored: list[NDArray[np.int64]], names: Sequence[str]) -> list[NDArray[np.float64]]:
    """Of a standard ECG, leads III, aVR, aVL and aVF are stored as what Einthoven's and Goldberger's sums miss."""
    samples = min(len(lead) for lead in stored)
    leads = [lead[:samples].astype(np.int64) for lead in stored]
    if tuple(names[:6]) == _STANDARD[:6]:
        one, two = leads[0], leads[1]
        leads[2] = two - one - leads[2]
        leads[3] = -leads[3] - _halved(one + two)
        leads[4] = _halved(one - leads[2]) - leads[4]
        leads[5] = _halved(two + leads[2]) - leads[5]
    return [lead.astype(np.float64) for lead in leads]


def _halved(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Half of each, rounded toward zero as the recorder does."""
    halves: NDArray[np.int64] = np.sign(values) * (np.abs(values) // 2)
    return halves


def _start(root: Element) -> datetime | None:
    found = root.find(".//dataacquisition")
    text = "" if found is None else f"{found.get('date')}T{found.get('time')}"
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
