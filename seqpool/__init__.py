"""Convolve, then pool, with lengths, strands, frames and geometry exact."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Public names are loaded when first used, so that `import seqpool` costs neither torch nor Lightning.
_HOMES: dict[str, str] = {
    "certify": "seqpool.jobs.certify",
    "classify": "seqpool.jobs.classify",
    "delineate": "seqpool.jobs.delineate",
    "enrich": "seqpool.jobs.enrich",
    "find_coding": "seqpool.jobs.coding",
    "read_fasta": "seqpool.io.fasta",
    "read_motifs": "seqpool.motifs.formats",
    "read_recording": "seqpool.io.ecg.recordings",
    "scan": "seqpool.jobs.scan",
    "load": "seqpool.jobs.load",
    "predict": "seqpool.jobs.predict",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'seqpool' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
