"""What an artifact says of its model: the JSON in its header, read without torch and without the weights.

Reading is strict: an unknown version or a missing field is one sentence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from seqpool import __version__
from seqpool.errors import DataError, SeqpoolError
from seqpool.options.check import record
from seqpool.options.training import TARGETS

FORMAT_VERSION = 1

METADATA_KEY = "seqpool"


@dataclass(frozen=True)
class Facts:
    """What the file says of the model.

    job: one of `sequence recording beats waves coding audio image`.
    network: `{class_path, init_args}`. input: `{kind, ...}` with every number of the preprocessing.
    target: binary, multiclass, multilabel, regression, waves or coding. classes: class names, or the targets' names
    of a regression.
    length: of every input where the network takes only one. parameters: number of trained weights.
    offset, scale: of each regression target: value = offset + scale * output.
    temperature: logits are divided by it. thresholds: per class; one for a binary target; empty for multi-class.
    geometry: receptive field and stride in positions. data: name, files, split rule. metrics: with protocol and part.
    """

    job: str
    network: dict[str, Any]
    input: dict[str, Any]
    target: str
    classes: list[str]
    length: int | None
    parameters: int
    offset: list[float]
    scale: list[float]
    temperature: float
    thresholds: list[float]
    geometry: dict[str, Any]
    data: dict[str, Any]
    metrics: dict[str, Any]
    seed: int
    licence: str
    format_version: int = FORMAT_VERSION
    package_version: str = field(default_factory=lambda: __version__)

    @property
    def outputs(self) -> int:
        """Logits or values per input."""
        return 1 if self.target == "binary" else len(self.classes)


def read_facts(path: str | Path) -> Facts:
    """The description in an artifact, checked. Raises DataError for a file that is damaged or of another kind."""
    name = str(path)
    try:
        with safe_open(name, framework="np") as opened:
            return _facts(name, opened.metadata() or {})
    except FileNotFoundError as error:
        raise DataError(f"model {name} does not exist.") from error
    except (SafetensorError, OSError) as error:
        raise DataError(f"{name} is not an artifact of seqpool, or is damaged: {error}.") from error


def _facts(name: str, metadata: Mapping[str, str]) -> Facts:
    if METADATA_KEY not in metadata:
        raise DataError(
            f"{name} is a safetensors file without seqpool's description: it was not written by seqpool fit."
        )
    try:
        values = json.loads(metadata[METADATA_KEY])
    except ValueError as error:
        raise DataError(f"{name}: its description is not JSON: {error}.") from error
    if not isinstance(values, dict) or "format_version" not in values:
        raise DataError(f"{name}: its description names no format version.")
    if values["format_version"] != FORMAT_VERSION:
        raise DataError(
            f"{name} is of format version {values['format_version']}, this seqpool ({__version__}) reads "
            f"{FORMAT_VERSION}: it was written by seqpool {values.get('package_version', 'of another version')}."
        )
    names = {one.name for one in fields(Facts)}
    for missing in sorted(names - values.keys()):
        raise DataError(f"{name}: its description lacks {missing}.")
    try:
        facts: Facts = record(Facts, {key: value for key, value in values.items() if key in names})
    except SeqpoolError as error:
        raise DataError(f"{name}: its description is wrong: {error}") from error
    if facts.target not in TARGETS:
        raise DataError(f"{name}: target {facts.target!r} is none of {', '.join(TARGETS)}.")
    if facts.temperature <= 0 or not facts.classes:
        raise DataError(f"{name}: its description is wrong: temperature or classes.")
    return facts
