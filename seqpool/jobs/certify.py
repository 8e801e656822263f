"""What a model's decisions withstand, proven: files in, one row per sequence or recording out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.artifact import Artifact, load_artifact
from seqpool.errors import UsageError
from seqpool.io.tables import Table, concatenated
from seqpool.jobs.certify_letters import Certified, certified_sequences
from seqpool.jobs.certify_recordings import certified_recordings
from seqpool.jobs.recording_inputs import OnError, OnNote, found_recordings, raised
from seqpool.nn.perturbations import Gain, Noise, Offset, Perturbation, Wander
from seqpool.options.certify import LETTER_KINDS, SIGNAL_KINDS, millivolts, share, wander
from seqpool.options.inputs import Letters
from seqpool.zoo.shipped import model_file

COLUMNS: dict[str, Any] = {
    "input": str, "decision": str, "radius": np.float64, "unit": str, "method": str, "attack_radius": np.float64,
}  # fmt: skip
"""attack_radius is NaN (empty) where no attack succeeded."""

_READ: dict[str, Callable[[Any], Any]] = {
    "noise": millivolts, "offset": millivolts, "gain": share, "wander": wander,
    "substitutions": int, "unknown": int, "trim": int,
}  # fmt: skip


def certify(
    inputs: str | Path | Iterable[str | Path],
    model: str | Path,
    *,
    lead: str | None = None,
    unit: str | None = None,
    rate_hz: float | None = None,
    ignore_checksum: bool = False,
    precision: str = "float32",
    on_error: OnError | None = None,
    **perturbation: Any,
) -> Table:
    """What `seqpool certify` prints, as columns.

    inputs: FASTA files, or recordings and folders of them, as the model takes them. model: an artifact or the name of a
    shipped model. perturbation: at most one of `noise="0.05mV"`, `offset="0.1mV"`, `gain=0.1`, `wander="0.2mV:0.5Hz"`,
    `substitutions=1`, `unknown=1`, `trim=1`; none: the largest radius of noise or substitutions. on_error: takes the
    error of an input that cannot be judged, which then has no row; None: it is raised.
    Raises UsageError for another perturbation, or where nothing can be proven of the model.
    """
    asked = {name: amount for name, amount in perturbation.items() if amount is not None}
    unknown = [name for name in asked if name not in _READ]
    if unknown or len(asked) > 1:
        raise UsageError(f"{', '.join(asked)} was asked for, expected at most one of {', '.join(_READ)}.")
    kind = next(iter(asked), None)
    try:
        amount: Any = None if kind is None else _READ[kind](asked[kind])
    except ValueError as error:
        raise UsageError(f"{kind}: {error}.") from error
    if kind in LETTER_KINDS and amount < 1:
        raise UsageError(f"{kind} is {amount}, expected at least 1.")
    given = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    rows = certified(
        [str(name) for name in given], load_artifact(model_file(str(model))), kind, amount, lead=lead, unit=unit,
        rate_hz=rate_hz, ignore_checksum=ignore_checksum, precision=precision, on_error=on_error or raised,
        on_note=lambda note: None,
    )  # fmt: skip
    return concatenated([table_rows(row) for row in rows], COLUMNS)


def certified(
    inputs: list[str],
    artifact: Artifact,
    kind: str | None,
    amount: Any,
    *,
    lead: str | None,
    unit: str | None,
    rate_hz: float | None,
    ignore_checksum: bool,
    precision: str,
    on_error: OnError,
    on_note: OnNote,
) -> Iterator[Certified]:
    """A row per input. kind: what happens, None: the largest radius is searched for; amount: as `_READ` gives it.

    Raises UsageError for what does not happen to such inputs, and where nothing can be proven of the model.
    """
    letters = isinstance(artifact.input, Letters)
    accepted = LETTER_KINDS if letters else SIGNAL_KINDS
    if kind is not None and kind not in accepted:
        what = "sequences" if letters else "recordings"
        raise UsageError(
            f"--{kind} is not for a model of {what}, expected one of {', '.join(f'--{name}' for name in accepted)}."
        )
    if not letters:
        return certified_recordings(
            found_recordings(inputs, on_error), artifact, _perturbation(kind, amount), kind is not None, lead=lead,
            double=precision == "float64", unit=unit, rate_hz=rate_hz, ignore_checksum=ignore_checksum,
            on_error=on_error, on_note=on_note,
        )  # fmt: skip
    if precision != "float32":
        raise UsageError("--precision is for recordings: letters are certified in the model's own type.")
    if artifact.facts.target == "regression":
        raise UsageError("the model predicts values and decides nothing: there is no decision to certify.")
    return certified_sequences(inputs, artifact, kind, amount or 1, on_error=on_error, on_note=on_note)


def _perturbation(kind: str | None, amount: Any) -> Perturbation:
    if kind == "wander":
        amplitude, below_hz = amount
        return Wander(amplitude, below_hz, 1.0)
    kinds: dict[str | None, type[Perturbation]] = {"offset": Offset, "gain": Gain}
    return kinds.get(kind, Noise)(1.0 if kind is None else amount)


def table_rows(row: Certified) -> dict[str, NDArray[Any]]:
    """One row of the table."""
    attack = np.nan if row.attack_radius is None else row.attack_radius
    return {
        "input": np.array([row.input], dtype=object),
        "decision": np.array([row.decision], dtype=object),
        "radius": np.array([float(f"{row.radius:.4g}") if row.unit != "letters" else row.radius]),
        "unit": np.array([row.unit], dtype=object),
        "method": np.array([row.method], dtype=object),
        "attack_radius": np.array([float(f"{attack:.4g}")]),
    }
