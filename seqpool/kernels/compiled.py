"""How kernels are compiled: without the interpreter lock, kept on disk where there is a folder to keep them in."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core.runtime.nrt import rtsys

Function = TypeVar("Function", bound=Callable[..., Any])

_LOOKED_INTO = "0.68."
"""The versions of Numba whose inner workings `_load_without_compiler` was written for."""


@cache
def _sources() -> tuple[tuple[str, int, int], ...]:
    """Name, time of change and size of every kernel's source."""
    stats = [(path.name, path.stat()) for path in sorted(Path(__file__).parent.glob("*.py"))]
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


def compiled(function: Function) -> Function:
    """`function` compiled by Numba at its first call, releasing the interpreter lock while it runs.

    The machine code is kept in NUMBA_CACHE_DIR, beside the source or in the user's cache folder, whichever can be
    written; where none can, it is compiled again in every process. It is made anew when any kernel's source changed:
    Numba looks at the file of the function alone, though the code of functions in other files is built into it.
    """
    try:
        dispatcher = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # "no locator available": no folder can be written
        return cast(Function, numba.njit(nogil=True, error_model="numpy")(function))
    index = cast(Any, dispatcher)._cache._cache_file
    index._source_stamp = (index._source_stamp, _sources())
    if numba.__version__.startswith(_LOOKED_INTO):
        cast(Any, dispatcher)._cache.load_overload = partial(_load_without_compiler, cast(Any, dispatcher)._cache)
    return cast(Function, dispatcher)


def _load_without_compiler(kept: Any, signature: Any, target: Any) -> Any:
    """The machine code that is kept for a signature, or None.

    Numba first gets ready to compile, which takes a third of a second more; the code needs its memory manager alone.
    Where something has to be compiled after all, Numba gets ready then.
    """
    rtsys.initialize(target)
    with kept._guard_against_spurious_io_errors():
        return kept._load_overload(signature, target)
