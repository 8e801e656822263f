"""Numbers of leads in SCP-ECG, which DICOM and the MDC nomenclature took over."""

from __future__ import annotations

SCP_LEADS = {
    1: "I", 2: "II", 3: "V1", 4: "V2", 5: "V3", 6: "V4", 7: "V5", 8: "V6", 9: "V7", 10: "V2R", 11: "V3R", 12: "V4R",
    13: "V5R", 14: "V6R", 15: "V7R", 16: "X", 17: "Y", 18: "Z", 61: "III", 62: "aVR", 63: "aVL", 64: "aVF",
    66: "V8", 67: "V9", 68: "V8R", 69: "V9R",
}  # fmt: skip
"""ISO 11073-91064, table of lead identification codes: those that are voltages between electrodes of a usual ECG."""
