"""Numba without what it looks for and kernels do not need: half of the start of a short command."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, cast

_LOOKED_FOR = ("scipy", "scipy.linalg.cython_blas", "cffi")  # routines for matrices, declarations of C
_LOOKING = ("numba.np.arraymath", "numba.core.typing.cffi_utils")


def start_numba() -> None:
    """Load Numba for a command whose kernels do nothing but arithmetic. Does nothing once Numba is loaded."""
    modules = cast(dict[str, Any], sys.modules)
    if "numba" in modules:
        return
    hidden = [name for name in _LOOKED_FOR if name not in modules]
    for name in hidden:
        modules[name] = None  # Python's way to say that a module cannot be imported
    try:
        for name in _LOOKING:
            import_module(name)
        # extensions, which kernels use none of, are searched for in all installed packages
        cast(Any, import_module("numba.core.entrypoints"))._already_initialized = True
    finally:
        for name in hidden:
            del modules[name]
