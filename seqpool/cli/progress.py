"""A progress bar in letters, for people at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def letters_bar(shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Gives a function that takes the letters done and the letters in all; it does nothing when not shown."""
    if not shown:
        yield lambda done, total: None
        return
    from tqdm import tqdm

    with tqdm(unit="bp", unit_scale=True, file=sys.stderr, leave=False) as bar:

        def update(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield update
