"""Samples that are missing: bridged before a filter sees them, and known afterwards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def bridged(samples: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """One lead (n,) with its missing samples on straight lines between their neighbours, and (n,) which were missing.

    At the ends the nearest sample stands in. A lead without any sample becomes zeros, all of them missing.
    """
    values = np.asarray(samples, dtype=np.float64)
    missing = ~np.isfinite(values)
    if not missing.any():
        return values, missing
    if missing.all():
        return np.zeros_like(values), missing
    places = np.arange(len(values))
    return np.interp(places, places[~missing], values[~missing]), missing
