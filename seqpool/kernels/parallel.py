"""Threads for kernels that release the interpreter lock.

Numba's own parallel loops are not used: its `workqueue` layer aborts the process when two Python threads enter at
once, and its OpenMP layer spins against torch's. Work is cut into the same pieces whatever the number of threads, so
results do not depend on it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="seqpool-kernel")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # the child of a fork has none of the threads


def run_pieces(piece: Callable[[int], object], count: int, threads: int) -> None:
    """Call `piece(0)` ... `piece(count - 1)`, each once, on up to `threads` threads (this one among them).

    Pieces must write to places of their own. An exception of a piece is raised here.
    """
    if threads <= 1 or count <= 1:
        for number in range(count):
            piece(number)
        return
    numbers = itertools.count()

    def work() -> None:
        while (number := next(numbers)) < count:
            piece(number)

    workers = min(threads, count) - 1
    helpers = [_pool(workers).submit(work) for _ in range(workers)]
    try:
        work()
    finally:
        for helper in helpers:
            helper.result()
