"""Numba without its search for matrix routines, which takes as long as everything else at the start of a command."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, cast

_ROUTINES = "scipy.linalg.cython_blas"


def start_numba() -> None:
    """Load Numba for a command whose kernels multiply no matrices: SciPy's linear algebra is not imported for it."""
    modules = cast(dict[str, Any], sys.modules)
    if _ROUTINES in modules:
        return
    modules[_ROUTINES] = None  # Python's way to say that a module cannot be imported
    try:
        import_module("numba.np.arraymath")
    finally:
        del modules[_ROUTINES]
