"""GE MUSE XML: samples as Base64 of 16-bit integers, one element per lead.

Source: the files themselves (`RestingECG` of MUSE 7 to 9); GE's `restecg.dtd` is not public.
"""

from __future__ import annotations

import base64
import zlib
from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from seqpool.errors import DataError
from seqpool.io.ecg.channels import Channel, assemble, from_arrays
from seqpool.io.ecg.leads import canonical_lead, distinct
from seqpool.io.ecg.recording_file import RecordingFile
from seqpool.io.ecg.stated import Stated
from seqpool.io.ecg.xml_tree import number_of, read_xml, text_of


def open_ge_muse(path: Path, source: str, stated: Stated) -> RecordingFile:
    """The longest waveform (the rhythm; the median beat is shorter). MUSE stores eight leads; the others follow."""
    root = read_xml(path, source)
    waveforms = [found for found in root.iter("Waveform") if found.find("LeadData") is not None]
    if not waveforms:
        raise DataError(f"{source}: no voltage signal in the file (it holds no Waveform with LeadData).")
    chosen = max(waveforms, key=lambda one: _declared_samples(one, source))
    exponent = text_of(chosen, "SampleExponent") or "0"
    rate_hz = number_of(text_of(chosen, "SampleBase"), "SampleBase", source) * 10 ** number_of(
        exponent, "SampleExponent", source
    )
    leads = chosen.findall("LeadData")
    notes: list[str] = []
    values = [_values(lead, source, stated.ignore_checksum, notes) for lead in leads]
    names = distinct([canonical_lead(text_of(lead, "LeadID"), place) for place, lead in enumerate(leads)])
    return assemble(
        [
            Channel(name, text_of(lead, "LeadAmplitudeUnits"), rate_hz, len(one))
            for name, lead, one in zip(names, leads, values, strict=True)
        ],
        from_arrays(values),
        source,
        unit=stated.unit,
        start=_start(root),
        skipped=[
            (f"the waveform {text_of(one, 'WaveformType') or 'without a type'}", "a longer one is read")
            for one in waveforms
            if one is not chosen
        ],
        notes=notes,
    )


def _declared_samples(waveform: Element, source: str) -> float:
    counts = [text_of(lead, "LeadSampleCountTotal") or "0" for lead in waveform.findall("LeadData")]
    return max(number_of(count, "LeadSampleCountTotal", source) for count in counts)


def _values(lead: Element, source: str, ignore_checksum: bool, notes: list[str]) -> NDArray[np.float64]:
    """(samples,) in the lead's unit. Raises DataError for a wrong length, size or checksum."""
    name = text_of(lead, "LeadID") or "unnamed"
    size = text_of(lead, "LeadSampleSize") or "2"
    if size != "2":
        raise DataError(f"{source}: lead {name} has samples of {size} bytes (expected 2).")
    try:
        raw = base64.b64decode(text_of(lead, "WaveFormData"))
    except ValueError as error:  # binascii.Error is one
        raise DataError(f"{source}: lead {name} is not Base64 ({error}).") from error
    promised = number_of(text_of(lead, "LeadSampleCountTotal"), f"LeadSampleCountTotal of {name}", source)
    if len(raw) != 2 * promised:
        raise DataError(f"{source}: lead {name} holds {len(raw) / 2:g} samples, the file promises {promised:g}.")
    checksum = text_of(lead, "LeadDataCRC32")
    if checksum not in ("", "0") and number_of(checksum, f"checksum of {name}", source) != zlib.crc32(raw):
        text = f"lead {name} has checksum {zlib.crc32(raw)}, the file says {checksum}"
        if not ignore_checksum:
            raise DataError(f"{source}: {text}: it is damaged (--ignore-checksum reads it all the same).")
        notes.append(text)
    step = number_of(text_of(lead, "LeadAmplitudeUnitsPerBit"), f"LeadAmplitudeUnitsPerBit of {name}", source)
    return np.frombuffer(raw, "<i2").astype(np.float64) * step


def _start(root: Element) -> datetime | None:
    """Date and time of the acquisition, month first as MUSE writes them; None where they are absent or damaged."""
    demographics = root.find("TestDemographics")
    text = f"{text_of(demographics, 'AcquisitionDate')} {text_of(demographics, 'AcquisitionTime')}"
    try:
        return datetime.strptime(text, "%m-%d-%Y %H:%M:%S")
    except ValueError:
        return None
