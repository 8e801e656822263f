"""How kernels are compiled: without the interpreter lock, kept on disk where there is a folder to keep them in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """`function` compiled by Numba at its first call, releasing the interpreter lock while it runs.

    The machine code is kept in NUMBA_CACHE_DIR, beside the source or in the user's cache folder, whichever can be
    written; where none can, it is compiled again in every process.
    """
    try:
        return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # "no locator available": no folder can be written
        return cast(Function, numba.njit(nogil=True, error_model="numpy")(function))
