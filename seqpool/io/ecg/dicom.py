"""DICOM waveforms, decoded by pydicom: the longest multiplex group of an ECG object.

Source: DICOM PS3.3 C.10.9 (waveform module), PS3.16 context groups 3001 and 3003 (leads).
"""

from __future__ import annotations

import re
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from seqpool.errors import DataError, MissingExtraError
from seqpool.io.ecg.channels import Channel, assemble, from_arrays
from seqpool.io.ecg.lead_codes import SCP_LEADS
from seqpool.io.ecg.leads import canonical_lead, distinct
from seqpool.io.ecg.messages import first_line
from seqpool.io.ecg.recording_file import RecordingFile
from seqpool.io.ecg.stated import Stated

_CODE = re.compile(r"(?:5\.6\.3-9-|2:|MDC_ECG_LEAD_)(\w+)")


def open_dicom(path: Path, source: str, stated: Stated) -> RecordingFile:
    """The multiplex group that lasts longest (the rhythm; a median beat is shorter), the others are `skipped`.

    Raises DataError for a damaged file and one without waveforms, MissingExtraError without pydicom.
    """
    try:
        import pydicom
    except ImportError as error:
        raise MissingExtraError("pydicom", "dicom", "a DICOM recording") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of elements that are no waveform
            dataset = pydicom.dcmread(path)
            groups = list(getattr(dataset, "WaveformSequence", []))
            lengths = [float(one.NumberOfWaveformSamples) / float(one.SamplingFrequency) for one in groups]
    except Exception as error:  # the library raises whatever its parser trips over
        raise DataError(f"{source}: the DICOM file is damaged ({first_line(error)}).") from error
    if not groups:
        raise DataError(f"{source}: no voltage signal in the file (the DICOM object holds no waveform).")
    longest = max(range(len(groups)), key=lambda place: lengths[place])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = np.asarray(dataset.waveform_array(longest), dtype=np.float64)
            definitions = list(groups[longest].ChannelDefinitionSequence)
            named = [(_name(one, place), _unit(one)) for place, one in enumerate(definitions)]
            skewed = any(float(getattr(one, "ChannelSampleSkew", 0) or 0) for one in definitions)
    except Exception as error:  # as above: decoding a damaged group
        raise DataError(f"{source}: the waveform cannot be decoded ({first_line(error)}).") from error
    rate_hz = float(groups[longest].SamplingFrequency)
    names = distinct([name for name, _ in named])
    return assemble(
        [Channel(name, unit, rate_hz, len(values)) for name, (_, unit) in zip(names, named, strict=True)],
        from_arrays(list(values.T)),
        source,
        unit=stated.unit,
        start=_start(dataset),
        skipped=[
            (f"the group {getattr(one, 'MultiplexGroupLabel', place + 1)}", "a longer one is read")
            for place, one in enumerate(groups)
            if place != longest
        ],
        notes=["the channels' sample skew, below one sample, is not undone"] if skewed else [],
    )


def _name(definition: Any, place: int) -> str:
    """A channel's lead, by its code (SCP-ECG or MDC), else by what the code means, else by its label."""
    sources = list(getattr(definition, "ChannelSourceSequence", []))
    code = _CODE.fullmatch(str(getattr(sources[0], "CodeValue", ""))) if sources else None
    if code is not None:
        known = SCP_LEADS.get(int(code[1])) if code[1].isdecimal() else code[1]
        if known is not None:
            return canonical_lead(known, place)
    meaning = str(getattr(sources[0], "CodeMeaning", "")) if sources else ""
    label = str(getattr(definition, "ChannelLabel", "") or "")
    return canonical_lead(re.sub(r"\s*\(.*\)", "", meaning) or label, place)


def _unit(definition: Any) -> str:
    units = list(getattr(definition, "ChannelSensitivityUnitsSequence", []))
    return str(getattr(units[0], "CodeValue", "")) if units else ""


def _start(dataset: Any) -> datetime | None:
    text = str(getattr(dataset, "AcquisitionDateTime", "") or "")
    digits, _, fraction = text.partition(".")
    try:
        begun = datetime.strptime(digits[:14], "%Y%m%d%H%M%S")
    except ValueError:
        return None
    number = re.match(r"\d{1,6}", fraction)
    return begun.replace(microsecond=int(number[0].ljust(6, "0")) if number else 0)
