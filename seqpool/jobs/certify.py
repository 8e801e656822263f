"""The table of `seqpool certify`, and what it needs from either kind of model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqpool.jobs.certify_letters import Certified

COLUMNS: dict[str, Any] = {
    "input": str, "decision": str, "radius": np.float64, "unit": str, "method": str, "attack_radius": np.float64,
}  # fmt: skip
"""attack_radius is NaN (empty) where no attack succeeded."""


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
